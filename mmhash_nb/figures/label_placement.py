"""Names beside points, each with a line to its point and nearest to that one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from mmhash_nb.figures.style import INK
from mmhash_nb.hashers.names_in_print import in_print

_RING = 4  # radius of a ring in points (1/72 inch)
_SIZE = 6.5
#: where a name may stand beside its point, in points, the best place first
_AROUND = [(1, 0), (1, 1), (1, -1), (0, 1), (0, -1), (-1, 0), (-1, 1), (-1, -1)]
_BETWEEN = [(1, 0.5), (1, -0.5), (-1, 0.5), (-1, -0.5)]
_AWAY = (7, 10, 14, 18, 22, 27, 32, 38, 44)
_OFFSETS = [(x * away, y * away) for away in _AWAY for x, y in (*_AROUND, *_BETWEEN)]


def name_points(
    axes: Axes, points: Mapping[str, tuple[float, float]], names: Sequence[str], line: Path
) -> None:
    """Ring points and write their names beside them, each where it has the least faults.

    The axes must be laid out, so that positions of points are known. `points` are all that are
    drawn; `names` leave `line`, which goes through them, free where they can.
    """
    axes.plot(
        *np.array([points[name] for name in names]).T, linestyle="", marker="o",
        markersize=2 * _RING, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=0.7,
        gid="named",
    )  # fmt: skip
    pixels = axes.figure.dpi / 72
    to_pixels = axes.transData.transform
    ground = _Ground(
        axes.get_window_extent(),
        [Bbox([at - _RING * pixels, at + _RING * pixels]) for at in to_pixels([*points.values()])],
        to_pixels([points[name] for name in names]),
        axes.transData.transform_path(line),
    )
    for name, point in zip(names, ground.named, strict=True):
        text = axes.text(*points[name], in_print(name), fontsize=_SIZE)
        letters = text.get_window_extent()
        text.remove()
        candidates = [_Place.beside(point, offset, letters, pixels) for offset in _OFFSETS]
        best = min(candidates, key=ground.faults)
        ground.taken.append(best)
        # The line goes from the edge of the letters to the ring; one from within would end under
        # them, or in the ring.
        text = axes.annotate(
            in_print(name), points[name], best.offset, textcoords="offset points", fontsize=_SIZE,
            ha=best.side, va="center", path_effects=[withStroke(linewidth=2, foreground="white")],
            arrowprops={
                **{"arrowstyle": "-", "linewidth": 0.7, "color": INK, "relpos": best.start},
                **{"patchA": None, "shrinkA": 0, "shrinkB": _RING},
            },
        )  # fmt: skip
        text.set_in_layout(False)


@dataclass(frozen=True)
class _Place:
    """Where a name may stand."""

    point: np.ndarray  # what it names, in pixels
    offset: tuple[float, float]  # from that, in points (1/72 inch)
    side: Literal["left", "center", "right"]  # of the letters that is there
    start: tuple[float, float]  # of its line to the point, as fractions of the letters' box
    box: Bbox  # of the letters, in pixels
    line: Path  # in pixels

    @classmethod
    def beside(
        cls, point: np.ndarray, offset: tuple[float, float], letters: Bbox, pixels: float
    ) -> "_Place":
        x, y = offset
        side: Literal["left", "center", "right"]
        side, left = ("left", 0.0) if x > 0 else ("right", 1.0) if x < 0 else ("center", 0.5)
        start = (left, 0.5) if x else (left, 0.0 if y > 0 else 1.0)
        size = np.array([letters.width, letters.height])
        low = point + pixels * np.array(offset) - size * (left, 0.5)
        line = Path(np.stack([low + size * start, point]))
        return cls(point, offset, side, start, Bbox(np.stack([low, low + size])), line)


@dataclass
class _Ground:
    """What names must not lie on, in pixels."""

    inside: Bbox
    points: list[Bbox]
    named: np.ndarray
    front: Path
    taken: list[_Place] = field(default_factory=list)

    def faults(self, place: _Place) -> tuple[float, ...]:
        """The faults of a place, the worst kind first: outside, on a name or its line, nearer to
        another named point than to the one it names, on a point, on the line through the points."""
        box = place.box.padded(1)
        out = not (self.inside.contains(box.x0, box.y0) and self.inside.contains(box.x1, box.y1))
        names = box.count_overlaps([other.box for other in self.taken])
        lines = sum(_crosses(other.line, box) for other in self.taken)
        lines += sum(_crosses(place.line, other.box) for other in self.taken)
        nearest = np.clip(self.named, box.min, box.max)
        away = np.hypot(*(nearest - self.named).T)
        mistaken = bool(away.min() < away[(self.named == place.point).all(axis=1)].min())
        others = [some for some in self.points if not some.contains(*place.point)]
        on = box.count_overlaps(self.points) + sum(_crosses(place.line, some) for some in others)
        return (out, names + lines, mistaken, on, _crosses(self.front, box))


def _crosses(line: Path, box: Bbox) -> bool:
    return bool(line.intersects_bbox(box, filled=False))
