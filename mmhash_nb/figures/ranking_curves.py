"""How well the first items of a ranking share many labels: NDCG and ACG (liong2017, Figs. 2, 3)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mmhash_nb import metrics
from mmhash_nb.figures.method_looks import lines
from mmhash_nb.figures.nearest import sides
from mmhash_nb.figures.style import Picture, marks, over_queries, themed
from mmhash_nb.ranking import RankProfile

_TOP, _POINTS = 500, 25


@themed()
def ranking_curves(
    profiles: Mapping[str, Mapping[str, RankProfile]], numbers: Sequence[int] = ()
) -> Figure:
    """NDCG@p and ACG@p over the number p of items looked at (liong2017, Eqs. 16 and 17).

    A row for each metric, a column for each task. Both are expected over the order of items at
    equal distance and averaged over queries. Where every item has one label, ACG@p is precision.
    At most eight are coloured; the legend has them in the order in which the first panel's curves
    end.

    Below is over how many queries means are, by the first profile.

    Args:
        profiles: for each method, how queries rank the database in each task, such as `image-text`
            and `text-image`; the first method's tasks are shown.
        numbers: the p, ascending; by default 25 of them, up to 500 or the size of the database.

    Raises:
        ValueError: where there is no method or task, a method lacks a task of the first, or a
            number is no cut-off of the database.
    """
    tasks = list(next(iter(profiles.values()), ()))
    if not tasks:
        raise ValueError("ranking curves need the rank profile of at least one method and task.")
    for method, of in profiles.items():
        for task in tasks:
            if task not in of:
                there = ", ".join(of) or "none"
                raise ValueError(f"{method} has no rank profile of {task}, but of {there}.")
    figure = Picture(1.9 + 2.6 * len(tasks), 4.6, layout="constrained")
    panels = figure.subplots(2, len(tasks), squeeze=False, sharex="col", sharey="row")
    curves = {
        method: {task: _curves(of[task], numbers) for task in tasks}
        for method, of in profiles.items()
    }
    styles = lines({method: float(of[tasks[0]][1].mean()) for method, of in curves.items()})
    for column, task in enumerate(tasks):
        for place, (method, of_method) in enumerate(curves.items()):
            at, *by_metric = of_method[task]
            style = {"linewidth": 1.2, "markersize": 4, **styles[method]}
            style |= marks(len(at), place, len(curves))
            for axes, curve in zip(panels[:, column], by_metric, strict=True):
                axes.plot(at, curve, **style)
        panels[0, column].set_title(" → ".join(sides(task)), weight="bold")
        panels[1, column].set_xlabel("number p of top returned items")
        panels[1, column].xaxis.set_major_locator(MaxNLocator(6, integer=True))
    panels[0, 0].set_ylabel("NDCG@p")
    panels[1, 0].set_ylabel("ACG@p (shared labels)")
    first = next(iter(profiles.values()))[tasks[0]]
    none = int((first.relevant.sum(axis=1) == 0).sum())
    figure.supxlabel(over_queries(len(first), none, "NDCG at most"), fontsize=7)
    drawn = [x for x in panels[0, 0].get_lines() if not str(x.get_label()).startswith("_")]
    drawn.sort(key=lambda line: -line.get_ydata()[-1])
    figure.legend(handles=drawn, loc="outside right upper", fontsize=7, handlelength=3)
    return figure


def _curves(profile: RankProfile, numbers: Sequence[int]) -> np.ndarray:
    """The p of the curves, NDCG@p and ACG@p, `[3, P]`."""
    # Each p costs a pass over the profile, and a curve this smooth shows no more of them.
    last = min(_TOP, int(profile.items.sum(axis=1).min()))
    at = list(numbers) or np.unique(np.linspace(1, last, _POINTS).round().astype(int))
    return np.array(
        [(p, metrics.ndcg(profile, p).mean(), metrics.acg(profile, p).mean()) for p in at]
    ).T
