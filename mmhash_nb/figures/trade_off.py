"""Quality against what it costs: a point a method, the best of each price joined."""

from collections.abc import Collection, Mapping

import numpy as np
from matplotlib.cbook import pts_to_poststep
from matplotlib.figure import Figure
from matplotlib.path import Path

from mmhash_nb.figures.label_placement import name_points
from mmhash_nb.figures.method_looks import looks
from mmhash_nb.figures.style import INK, Picture, over_queries, themed
from mmhash_nb.pairs import Pairs


@themed()
def trade_off(
    pairs: Pairs,
    points: Mapping[str, Mapping[str, tuple[float, float]]],
    family: Mapping[str, str],
    named: Collection[str],
    chance: Mapping[str, float],
) -> Figure:
    """mAP against seconds of training (logarithmic), a panel for each task.

    A family has a colour and a marker. A line joins the front: methods than which no faster one is
    as good. They have a ring and their names, and so have those in `named`.

    Args:
        pairs: the dataset, over whose queries mAP is a mean.
        points: for each panel's title, method → (seconds, mAP).
        family: of each method.
        named: methods to name besides the front.
        chance: for each title, mAP of random codes, drawn as a dashed line.

    Raises:
        ValueError: where a panel has no method, or seconds are not positive.
    """
    if not points or not all(points.values()):
        raise ValueError("quality against time needs at least one method in each panel.")
    families = list(dict.fromkeys(family[method] for of in points.values() for method in of))
    look = looks(families)
    figure = Picture(0.9 + 3.4 * len(points), 3.9, layout="constrained")
    panels = figure.subplots(1, len(points), squeeze=False, sharex=True, sharey=True)[0]
    for axes, (title, of) in zip(panels, points.items(), strict=True):
        for method, (seconds, _) in of.items():
            if not seconds > 0:
                raise ValueError(f"seconds of {method} must be positive, but are {seconds}.")
        for kind in families:
            some = np.array([of[method] for method in of if family[method] == kind])
            x, y = some.reshape(-1, 2).T
            edge = {"markeredgecolor": "white", "markeredgewidth": 0.5}
            axes.plot(x, y, linestyle="", markersize=5, label=kind, **edge, **look[kind])
        line = np.array([of[method] for method in front(of)])
        axes.step(*line.T, where="post", color=INK, linewidth=0.8, zorder=1, gid="front")
        axes.axhline(chance[title], color=INK, linewidth=0.8, linestyle="--")
        axes.set(xscale="log", xlabel="seconds of training")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.set_title(title, weight="bold")
    over = over_queries(len(pairs.query), pairs.without_relevant).replace("\n", " ")
    panels[0].set_ylabel(f"mAP (dashed: chance), {over}", fontsize=7)
    panels[0].set_ylim(0.9 * min(chance.values()), None)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside upper center",
        ncols=len(families), fontsize=7,
    )  # fmt: skip
    figure.draw_without_rendering()  # positions of points are known from here on
    for axes, of in zip(panels, points.values(), strict=True):
        names = dict.fromkeys([*front(of), *(m for m in of if m in named)])
        line = pts_to_poststep(*np.array([of[method] for method in front(of)]).T)
        name_points(axes, of, list(names), Path(line.T))
    return figure


def front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """The methods than which no other is at most as slow and at least as good, fastest first."""
    best: list[str] = []
    for method in sorted(points, key=lambda name: (points[name][0], -points[name][1])):
        if not best or points[method][1] > points[best[-1]][1]:
            best.append(method)
    return best
