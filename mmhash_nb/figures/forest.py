"""How far methods lie behind the best one, with intervals."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mmhash_nb.figures.style import INK, RIGHT, WRONG, Picture, themed


@themed()
def forest(comparisons: Mapping[str, pd.DataFrame]) -> Figure:
    """Differences to the best method in points of mAP, a panel for each task, lowest last.

    Bars are 95 % intervals, each by itself. Methods that differ after correction for all pairs
    have a filled circle, those not told from the best then an open diamond and their name in bold.

    Args:
        comparisons: for each panel's title, what `experiments.significance.against_best` gives.

    Raises:
        ValueError: where there is no comparison.
    """
    if not comparisons:
        raise ValueError("a forest plot needs at least one comparison.")
    most = max(len(table) for table in comparisons.values())
    figure = Picture(0.6 + 3.3 * len(comparisons), 1.3 + 0.19 * most, layout="constrained")
    panels = figure.subplots(1, len(comparisons), squeeze=False)[0]
    for axes, (title, table) in zip(panels, comparisons.items(), strict=True):
        y = np.arange(len(table))
        for differs, colour, marker in ((True, RIGHT, "o"), (False, WRONG, "D")):
            some = table.differs.to_numpy() == differs
            points = 100 * table[["low", "difference", "high"]].to_numpy()[some].T
            axes.errorbar(
                points[1], y[some], xerr=[points[1] - points[0], points[2] - points[1]],
                fmt=marker, color=colour, mfc=colour if differs else "white", markersize=4,
                linewidth=1.2, capsize=2,
            )  # fmt: skip
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(y, list(table.method), fontsize=7)
        for label, differs in zip(axes.get_yticklabels(), table.differs, strict=True):
            label.set_weight("normal" if differs else "bold")
        axes.set_ylim(most - 0.4, -0.6)  # rows of the same height in all panels
        axes.grid(False, axis="y")
        axes.set_xlabel(f"points of mAP behind {table.best.iloc[0]}")
        axes.set_title(title, weight="bold")
    marks = [
        Line2D([], [], color=RIGHT, marker="o", markersize=4, label="differs, corrected"),
        Line2D(
            [], [], color=WRONG, marker="D", mfc="white", markersize=4,
            label="not told from the best, corrected for all pairs",
        ),
    ]  # fmt: skip
    figure.legend(handles=marks, loc="outside upper center", ncols=2, fontsize=7)
    return figure
