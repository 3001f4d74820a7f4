"""How far methods lie behind the best one, with intervals."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mmhash_nb.experiments.records import COUNTS
from mmhash_nb.figures.style import INK, RIGHT, WRONG, Picture, over_queries, themed
from mmhash_nb.hashers.names_in_print import in_print

#: Colour, marker and fill of what becomes of a method.
_LOOKS = {
    "surely behind": (RIGHT, "o", RIGHT),
    "within a point": (INK, "o", "white"),
    "unresolved": (WRONG, "D", "white"),
}


@themed()
def forest(comparisons: Mapping[str, pd.DataFrame]) -> Figure:
    """Differences to the best method in points of mAP, a panel for each task, lowest last.

    Bars are intervals corrected for the number of methods. Those surely behind have a filled
    circle, those within a point an open circle, unresolved ones an open diamond; the names of the
    last two are bold. Below a panel is over how many queries its differences are means.

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
        for outcome, (colour, marker, fill) in _LOOKS.items():
            some = table.outcome.to_numpy() == outcome
            points = 100 * table[["low", "difference", "high"]].to_numpy()[some].T
            axes.errorbar(
                points[1], y[some], xerr=[points[1] - points[0], points[2] - points[1]],
                fmt=marker, color=colour, mfc=fill, markersize=4, linewidth=1.2, capsize=2,
            )  # fmt: skip
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(y, [in_print(method) for method in table.method], fontsize=7)
        for label, outcome in zip(axes.get_yticklabels(), table.outcome, strict=True):
            label.set_weight("normal" if outcome == "surely behind" else "bold")
        axes.set_ylim(most - 0.4, -0.6)  # rows of the same height in all panels
        axes.grid(False, axis="y")
        queries, none = map(int, table[COUNTS].iloc[0])
        over = over_queries(queries, none, "mAP at most")
        axes.set_xlabel(f"points of mAP behind {in_print(table.best.iloc[0])}\n{over}")
        axes.set_title(title, weight="bold")
    marks = [
        Line2D([], [], color=colour, marker=marker, mfc=fill, markersize=4, label=outcome)
        for outcome, (colour, marker, fill) in _LOOKS.items()
    ]
    figure.legend(handles=marks, loc="outside upper center", ncols=3, fontsize=7)
    figure.alt = "\n".join(
        f"{title}: {in_print(row.method)} {100 * row.difference:+.1f} points "
        f"from {in_print(row.best)} "
        f"[{100 * row.low:+.1f}, {100 * row.high:+.1f}], {row.outcome}."
        for title, table in comparisons.items()
        for row in table.itertuples()
    )
    return figure
