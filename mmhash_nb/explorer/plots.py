"""Plots on a canvas: how far all items lie from a query, and precision and recall by radius."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageColor, ImageDraw

from mmhash_nb.explorer.canvas import Canvas, Mark, dashed
from mmhash_nb.figures.items import Box
from mmhash_nb.figures.style import DPI, INK, RIGHT, WRONG
from mmhash_nb.metrics import precision_recall
from mmhash_nb.ranking import RankProfile

_FINER = 3  # lines are drawn this much larger, then scaled down, which smooths them
_GRID, _EDGE = "#dddddd", "#888888"
_DOTS, _DASHES = (1.5, 2.5), (5.0, 2.5)  # points on and off
_FADED = 46  # of 255, how much an area covers what is under it
Range = tuple[float, float]


class Plot:
    """Axes with ticks, a grid and a legend above; what is drawn is on the canvas after `finish`.

    `box` is the area inside the axes, in inches; `whole` asks for whole numbers as ticks of x.
    """

    def __init__(
        self, canvas: Canvas, box: Box, x: Range, y: Range, names: tuple[str, str], whole: bool
    ) -> None:
        self._canvas, self._box, self._x, self._y = canvas, box, x, y
        left, top, width, height = box
        size = (round(width * DPI) * _FINER, round(height * DPI) * _FINER)
        self._layer = Image.new("RGB", size, "white")
        self._pen = ImageDraw.Draw(self._layer, "RGBA")
        self._legend = left
        for value in _ticks(x, 6, whole):
            at = left + (value - x[0]) / (x[1] - x[0]) * width
            canvas.write(f"{value:g}", (at - 0.25, top + height + 0.03, 0.5, 0.15), lines=1)
            self._stroke([(value, y[0]), (value, y[1])], _GRID, 0.6)
        for value in _ticks(y, 5):
            at = top + (y[1] - value) / (y[1] - y[0]) * height
            place = (left - 0.45, at - 0.075, 0.41, 0.15)
            canvas.write(f"{value:g}", place, lines=1, align="right")
            self._stroke([(x[0], value), (x[1], value)], _GRID, 0.6)
        canvas.write(names[0], (left, top + height + 0.17, width, 0.17), size=7, lines=1)
        canvas.write(names[1], (left - 0.45, top - 0.36, 1.5, 0.17), size=7, lines=1, align="left")

    def line(
        self,
        x: Sequence[float] | np.ndarray,
        y: Sequence[float] | np.ndarray,
        colour: str,
        name: str,
        *,
        width: float = 1.5,
        dashes: tuple[float, float] | None = None,
        legend: str = "",
    ) -> None:
        """A line through points, `width` and `dashes` in points; with an entry in the legend."""
        points = list(zip(map(float, x), map(float, y), strict=True))
        self._stroke(points, colour, width, dashes)
        self._canvas.marks.append(Mark(name, self._box, np.array(points), colour))
        if legend:
            self._explain(legend, colour, width, dashes)

    def area(self, x: np.ndarray, y: np.ndarray, colour: str) -> None:
        """Fill what lies under a line, faintly."""
        corners = [(x[0], self._y[0]), *zip(x, y, strict=True), (x[-1], self._y[0])]
        faded = (*ImageColor.getrgb(colour)[:3], _FADED)
        self._pen.polygon([self._pixels(*corner) for corner in corners], fill=faded)

    def ring(self, x: float, y: float, colour: str, name: str, legend: str) -> None:
        """A circle around a point."""
        across, down = self._pixels(x, y)
        reach, wide = 4.5 * _FINER * DPI / 72, round(1.2 * _FINER * DPI / 72)
        corners = (across - reach, down - reach, across + reach, down + reach)
        self._pen.ellipse(corners, outline=colour, width=wide)
        self._canvas.marks.append(Mark(name, self._box, np.array([[x, y]]), colour))
        self._explain(legend, colour, 0)

    def finish(self) -> None:
        """Put what was drawn on the canvas."""
        left, top, width, height = (round(side * DPI) for side in self._box)
        self._canvas.image.paste(self._layer.reduce(_FINER), (left, top))
        edges = (left - 1, top - 1, left + width, top + height)
        self._canvas.pen.rectangle(edges, outline=_EDGE)

    def _explain(
        self, words: str, colour: str, width: float, dashes: tuple[float, float] | None = None
    ) -> None:
        """The next entry of the legend: a line or a ring, and words."""
        top = self._box[1] - 0.17
        pen, middle = self._canvas.pen, (top + 0.075) * DPI
        start, end = self._legend * DPI, (self._legend + 0.2) * DPI
        if width:
            line = [(start, middle), (end, middle)]
            scaled = [length * DPI / 72 for length in dashes or (100, 0)]
            for ends in dashed(line, scaled[0], scaled[1]):
                pen.line(ends, fill=colour, width=max(1, round(width * DPI / 72)))
        else:
            pen.ellipse((end - 13, middle - 5, end - 3, middle + 5), outline=colour)
        place = (self._legend + 0.24, top, 2.0, 0.15)
        self._canvas.write(words, place, lines=1, align="left")
        self._legend += 0.24 + self._canvas.texts[-1].box[2] + 0.1

    def _pixels(self, x: float, y: float) -> tuple[float, float]:
        width, height = self._layer.size
        across = (x - self._x[0]) / (self._x[1] - self._x[0])
        down = (self._y[1] - y) / (self._y[1] - self._y[0])
        return across * width, down * height

    def _stroke(
        self,
        points: Sequence[tuple[float, float]],
        colour: str,
        width: float,
        dashes: tuple[float, float] | None = None,
    ) -> None:
        scale = _FINER * DPI / 72
        pixels = [self._pixels(*point) for point in points]
        wide = max(1, round(width * scale))
        if dashes is None:
            self._pen.line(pixels, fill=colour, width=wide, joint="curve")
            return
        for ends in dashed(pixels, dashes[0] * scale, dashes[1] * scale):
            self._pen.line(ends, fill=colour, width=wide)


def plot_distances(
    canvas: Canvas, box: Box, relevant: np.ndarray | None, other: np.ndarray, radius: int
) -> None:
    """Which share of relevant and other items lies at each Hamming distance.

    `relevant` and `other` count the items at each distance, `int [K + 1]`; where labels are
    unknown, they are None and all items. A dotted line marks the radius.
    """
    series: list[tuple[str, np.ndarray, str, tuple[float, float] | None]]
    if relevant is None:
        series = [("all items", other, INK, None)]
    else:
        series = [("other", other, WRONG, _DASHES), ("relevant", relevant, RIGHT, None)]
    seen = np.append(np.flatnonzero(sum(counts for _, counts, *_ in series)), radius)
    shares = [counts / max(counts.sum(), 1) for _, counts, *_ in series]
    x, y = (seen.min() - 1.0, seen.max() + 1.0), (0.0, 1.06 * max(map(np.max, shares)))
    plot = Plot(canvas, box, x, y, ("Hamming distance", "share of items"), whole=True)
    for share, (name, counts, colour, dashes) in zip(shares, series, strict=True):
        edges = np.arange(len(share) + 1).repeat(2)[1:-1] - 0.5
        heights = share.repeat(2)
        plot.area(edges, heights, colour)
        plot.line(
            edges, heights, colour, name, dashes=dashes, legend=f"{name} ({counts.sum():,})"
        )  # fmt: skip
    middle = (radius + 0.5, radius + 0.5)
    plot.line(middle, y, INK, "radius", width=1, dashes=_DOTS, legend=f"radius {radius}")
    plot.finish()


def plot_lookup(
    canvas: Canvas, box: Box, relevant: np.ndarray, other: np.ndarray, radius: int
) -> None:
    """Precision and recall of hash lookup by Hamming radius, the chosen one in a ring.

    `relevant` and `other` count the items at each distance, `int [K + 1]`.
    """
    profile = RankProfile(np.stack([other, relevant], axis=1)[None])
    recall, precision = precision_recall(profile)
    names = ("recall", "precision")
    plot = Plot(canvas, box, (-0.03, 1.03), (-0.03, 1.05), names, whole=False)
    plot.line(recall, precision, RIGHT, "lookup", width=1.2, legend="lookup, by radius")
    plot.ring(recall[radius], precision[radius], INK, "chosen radius", f"radius {radius}")
    plot.finish()


def _ticks(within: Range, most: int, whole: bool = False) -> list[float]:
    ticks = MaxNLocator(most, integer=whole).tick_values(*within)
    return [float(tick) + 0.0 for tick in ticks if within[0] <= tick <= within[1]]
