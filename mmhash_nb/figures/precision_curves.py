"""Precision curves of codes: by recall, by Hamming radius, and by how many items are looked at."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mmhash_nb import metrics
from mmhash_nb.experiments import evaluation
from mmhash_nb.figures.curves import legend_beside, one_axes
from mmhash_nb.figures.method_looks import lines
from mmhash_nb.figures.nearest import Codes, MethodCodes, side_codes, side_name, sides, task_name
from mmhash_nb.figures.style import Picture, marks, over_queries, themed
from mmhash_nb.pairs import Pairs
from mmhash_nb.ranking import RankProfile

RECALL_LEVELS = np.linspace(0.05, 1, 20)
#: method -> (its codes of all samples by modality, the task it is judged in)
TaskCodes = Mapping[str, tuple[Codes, str]]
#: line styles of the tasks; joint codes are solid
_STYLES: dict[str, str | tuple] = {
    **{"joint-joint": "-", "image-image": "--", "text-text": ":", "image-text": "-."},
    "text-image": (0, (3, 1, 1, 1, 1, 1)),
}


@themed()
def precision_recall(
    pairs: Pairs,
    codes: MethodCodes,
    tasks: Sequence[str] = ("text-image", "image-text"),
) -> Figure:
    """Precision at levels of recall by Hamming ranking, averaged over queries (masci2014, Fig. 3).

    A panel for each task, a colour and marker for each method, at most eight coloured.

    Args:
        codes: for each method and modality, codes of all samples.
        tasks: such as `text-image`.
    """
    if pairs.query.size == 0 or not codes or not tasks:
        raise ValueError("precision–recall curves need a query, a method and a task.")
    figure = Picture(1.6 + 2.7 * len(tasks), 3.2, layout="constrained")
    panels = figure.subplots(1, len(tasks), squeeze=False, sharey=True)[0]
    curves = {
        method: {
            task: metrics.precision_recall_ranked(profile_of(pairs, of, task), RECALL_LEVELS)
            for task in tasks
        }
        for method, of in codes.items()
    }
    styles = lines({method: np.mean([*by_task.values()]) for method, by_task in curves.items()})
    for axes, task in zip(panels, tasks, strict=True):
        for place, (method, by_task) in enumerate(curves.items()):
            # Each method's marks a little further on than the last's, where curves lie close.
            mark = (place % 5, 5)
            axes.plot(RECALL_LEVELS, by_task[task], markevery=mark, **styles[method])
        axes.set(xlabel="recall", xlim=(0, 1))
        axes.set_title(task_name(pairs, task), weight="bold")
    # Once all panels, which share it, are drawn.
    panels[0].set(ylabel=_mean_precision(pairs), ylim=(0, None))
    legend_beside(panels[-1])
    return figure


@themed()
def lookup_precision_recall(pairs: Pairs, codes: TaskCodes) -> Figure:
    """Precision and recall of hash lookup, a point for each Hamming radius (zeng2022, Fig. 6).

    From left to right the radius grows from 0 to K bits. A query that finds nothing within a radius
    counts with precision 0 there, so that curves of long codes start low.

    Args:
        codes: for each method its codes of all samples by modality, and its task: joint codes may
            stand beside those of one modality.
    """
    figure, axes = _one_task_each(pairs, codes, metrics.precision_recall)
    axes.set(xlabel="recall", ylabel=_mean_precision(pairs), xlim=(0, 1), ylim=(0, None))
    return figure


@themed()
def precision_at_top(pairs: Pairs, codes: TaskCodes, numbers: Sequence[int]) -> Figure:
    """Precision among the first items of the ranking, by their number (zeng2022, Figs. 7 and 8).

    Expected over the order of items at equal distance, averaged over queries.

    Args:
        codes: as for `lookup_precision_recall`.
        numbers: how many items are looked at, such as 100, 200, …, 1000.

    Raises:
        ValueError: where there is no query, method or number, or a number is no cut-off of the
            database.
    """
    if len(numbers) == 0:
        raise ValueError("precision at the top needs at least one number of items.")

    def curve(profile: RankProfile) -> tuple[np.ndarray, np.ndarray]:
        precision = [metrics.precision_at(profile, n).mean() for n in numbers]
        return np.asarray(numbers), np.array(precision)

    figure, axes = _one_task_each(pairs, codes, curve)
    axes.set(xlabel="number of top returned items", ylabel=_mean_precision(pairs))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return figure


def profile_of(pairs: Pairs, codes: Codes, task: str) -> RankProfile:
    """How the queries rank the database in a task, by codes of all samples."""
    there = {side: side_codes(pairs, codes, side) for side in sides(task)}
    return evaluation.profile(there, pairs, *sides(task))


def _mean_precision(pairs: Pairs) -> str:
    """The label of an axis: over how many queries its precision is a mean."""
    return "precision, " + over_queries(len(pairs.query), pairs.without_relevant)


def _one_task_each(
    pairs: Pairs,
    codes: TaskCodes,
    curve: Callable[[RankProfile], tuple[np.ndarray, np.ndarray]],
) -> tuple[Figure, Axes]:
    """A curve of each method in its task, at most eight coloured; joint codes are solid."""
    if pairs.query.size == 0 or not codes:
        raise ValueError("precision curves need a query and a method.")
    figure, axes = one_axes(5.2, max(3.4, 0.6 + 0.19 * len(codes)))
    curves = {method: curve(profile_of(pairs, *of)) for method, of in codes.items()}
    styles = lines({method: y.mean() for method, (_, y) in curves.items()})
    for place, (method, (x, y)) in enumerate(curves.items()):
        task, style = codes[method][1], styles[method]
        query_side, database_side = sides(task)
        same = query_side == database_side
        way = side_name(pairs, query_side) if same else task_name(pairs, task)
        style |= {**marks(len(x), place, len(codes)), "linestyle": _STYLES[task]}
        if style["marker"]:
            style["label"] += f", {way}"
        axes.plot(x, y, **style)
    legend_beside(axes, handlelength=3.5)
    return figure, axes
