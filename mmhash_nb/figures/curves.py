"""Curves and bars over measured numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mmhash_nb.experiments.intervals import interval
from mmhash_nb.figures.method_looks import lines, looks
from mmhash_nb.figures.style import INK, Picture, themed
from mmhash_nb.hashers.names_in_print import in_print


@themed()
def training_curves(losses: Mapping[str, Sequence[float]]) -> Figure:
    """The training loss of each method by epoch, one panel a method: losses are not comparable.

    Args:
        losses: for each method, the mean loss of each epoch.
    """
    if not losses:
        raise ValueError("training curves need the losses of at least one method.")
    figure, panels = panel_grid(len(losses), (2.4, 1.9), (0.3, 0.2))
    look = looks(losses)
    for axes, (method, values) in zip(panels, losses.items(), strict=True):
        epochs = np.arange(1, len(values) + 1)
        marker = "o" if len(values) <= 30 else None
        axes.plot(epochs, values, color=look[method]["color"], marker=marker, markersize=3)
        axes.set_title(in_print(method), weight="bold")
        axes.set(xlabel="epoch", ylabel="mean loss")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return figure


@themed()
def map_by_bits(
    values: Mapping[str, Mapping[int, Sequence[float]]],
    metric: str = "mAP",
    title: str = "",
    failed: pd.DataFrame | None = None,
) -> Figure:
    """A score by code length: mean over seeds with its 95 % t-interval, and each seed as a point.

    Failed runs are crosses, and not in the means. At most eight methods are coloured. Of a single
    length, methods are rows, the best first.

    Args:
        values: for each method and code length, the scores of the seeds (fractions 0..1).
        metric: the score's name.
        title: such as the dataset and task.
        failed: rows with `method, bits, value` of those scores that are of failed runs.
    """
    rows = [
        (method, bits, score)
        for method, by_bits in values.items()
        for bits, scores in by_bits.items()
        for score in scores
    ]
    if not rows:
        raise ValueError("a score by code length needs at least one score.")
    marked = failed if failed is not None else pd.DataFrame(columns=["method", "bits", "value"])
    names = set(zip(marked["method"], marked["bits"], marked["value"], strict=True))
    table = pd.DataFrame(rows, columns=["method", "bits", "score"])
    table["failed"] = [row in names for row in rows]
    lengths = sorted(table["bits"].unique())
    sound = table[~table["failed"]]
    means = sound.groupby(["method", "bits"])["score"].mean().groupby("method").last()
    order = [name for name in values if name in set(table["method"])]
    if len(lengths) == 1:
        order.sort(key=lambda name: -means.get(name, 0.0))
        figure, axes = one_axes(4.0, 0.8 + 0.24 * len(order))
        styles = {name: {**look, "label": "_"} for name, look in looks(order).items()}
        for row, method in enumerate(order):
            _points(axes, table[table["method"] == method], {lengths[0]: row}, styles[method], True)
        axes.set_yticks(range(len(order)), [in_print(name) for name in order])
        axes.set(xlabel=metric, xlim=(0, None), ylim=(len(order) - 0.5, -0.5))
        axes.grid(False, axis="y")
    else:
        # Code lengths stand at equal steps: 8, 16, 32, 64 would crowd on a linear axis.
        steps = {bits: step for step, bits in enumerate(lengths)}
        figure, axes = one_axes(5.2, 3.4)
        styles = lines({name: float(means.get(name, 0.0)) for name in order})
        for method in order:
            _points(axes, table[table["method"] == method], steps, styles[method], False)
        axes.set_xticks(range(len(lengths)), [str(bits) for bits in lengths])
        axes.set(xlabel="code length (bits)", ylabel=metric, ylim=(0, None))
    if table["failed"].any():
        axes.plot([], [], "x", color=INK, label="failed run, not in the mean")
    axes.set_title(title, weight="bold")
    if axes.get_legend_handles_labels()[1]:
        legend_beside(axes)
    return figure


def _points(
    axes: Axes, table: pd.DataFrame, places: Mapping[int, int], style: dict[str, Any], rows: bool
) -> None:
    """A method's means with intervals, its seeds and its failed runs; `rows`: scores go right."""
    sound, fails = table[~table["failed"]], table[table["failed"]]
    colour = style["color"]

    def turned(at: Any, scores: Any) -> tuple[Any, Any]:
        return (scores, at) if rows else (at, scores)

    by_length = [(places[bits], part["score"].to_numpy()) for bits, part in sound.groupby("bits")]
    mean = np.array([scores.mean() for _, scores in by_length])
    ends = np.array([t_interval(scores) for _, scores in by_length]).reshape(-1, 2).T
    bars: dict[str, Any] = {"xerr" if rows else "yerr": [mean - ends[0], ends[1] - mean]}
    at = np.array([place for place, _ in by_length])
    axes.errorbar(*turned(at, mean), capsize=3, **bars, **style)  # type: ignore[misc]
    # Seeds stand beside the mean, too light to be taken for it.
    seeds = sound["bits"].map(places).to_numpy() + (0.25 if rows else 0.05)
    axes.scatter(
        *turned(seeds, sound["score"]), s=5, linewidth=0, alpha=0.5, zorder=1.5, color=colour
    )
    axes.plot(*turned(fails["bits"].map(places), fails["score"]), "x", color=colour, markersize=7)


def t_interval(scores: Sequence[float]) -> tuple[float, float]:
    """The 95 % t-interval of the mean; of one score, the score itself."""
    mean, low, high = interval(np.asarray(scores))
    return (low, high) if len(scores) > 1 else (mean, mean)


@themed()
def tie_bars(scores: Mapping[str, tuple[float, float, float]], title: str = "") -> Figure:
    """How much the order among equal distances alone moves a score: worst, expected and best.

    Args:
        scores: for each method, mAP in the worst order, in expectation, in the best order.
        title: such as the dataset, task and code length.

    Raises:
        ValueError: where the three do not come in that order.
    """
    if not scores:
        raise ValueError("bars of ties need the scores of at least one method.")
    for method, (worst, expected, best) in scores.items():
        if not worst <= expected <= best:
            raise ValueError(
                f"scores of {method} must be worst ≤ expected ≤ best, "
                f"but are {worst}, {expected}, {best}."
            )
    figure, axes = one_axes(5.2, 0.9 + 0.34 * len(scores))
    names = ("worst order", "expected", "best order")
    y = np.arange(len(scores))
    palette = sns.color_palette("colorblind")
    for j, (name, hatch) in enumerate(zip(names, ("///", "", "..."), strict=True)):
        widths = [three[j] for three in scores.values()]
        bars = axes.barh(
            y + (j - 1) * 0.27, widths, 0.25, color=palette[(3, 0, 2)[j]], label=name,
            hatch=hatch, edgecolor="white", linewidth=0,
        )  # fmt: skip
        axes.bar_label(bars, fmt="%.3f", padding=2, fontsize=6)
    axes.set_yticks(y, [in_print(name) for name in scores])
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    top = max(best for _, _, best in scores.values())
    axes.set(xlabel="mAP", xlim=(0, 1.12 * top if top > 0 else 1))
    axes.set_title(title, weight="bold")
    legend_beside(axes)
    return figure


def panel_grid(
    n: int, size: tuple[float, float], border: tuple[float, float]
) -> tuple[Picture, list[Axes]]:
    """A figure of `n` panels, three to a row; sizes of a panel and of the border in inches."""
    columns = min(3, n)
    rows = -(-n // columns)
    width, height = border[0] + size[0] * columns, border[1] + size[1] * rows
    figure = Picture(width, height, layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels[n:]:
        axes.remove()
    return figure, panels[:n]


def one_axes(width: float, height: float) -> tuple[Picture, Axes]:
    """A figure of one axes, with room for a legend beside it."""
    figure = Picture(width + 1.6, height, layout="constrained")
    return figure, figure.subplots()


def legend_beside(axes: Axes, handlelength: float = 2.0) -> None:
    """The legend right of the axes; a longer handle shows line styles better."""
    axes.legend(
        loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0, fontsize=7,
        handlelength=handlelength,
    )  # fmt: skip
