"""The claims of a paper by dataset, each with its comparisons counted."""

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mmhash_nb.figures.style import INK, RIGHT, WRONG, Picture, axes_in_inches, themed

#: The counted outcomes with their colours and hatches, from left to right.
_OUTCOMES = {
    "above": (RIGHT, ""),
    "undecided": ("#cccccc", ""),
    "below": (WRONG, ""),
    "not_run": ("white", "////"),
}
_WORDS, _LETTERS, _LINE, _CELL, _HEAD = 3.6, 62, 0.13, 1.35, 0.75


@themed()
def claim_counts(verdicts: pd.DataFrame) -> Figure:
    """Claims × datasets: in each cell how many comparisons are above, undecided and below.

    A bar has a part for each outcome, as long as its share; the numbers and the verdict that
    follows from them stand under it. What was not run at all is a dash. The picture's text
    alternative has the same in words.

    Args:
        verdicts: rows as `papers.verdicts.verdicts` gives them, of one dataset or several.

    Raises:
        ValueError: where there is no row.
    """
    if verdicts.empty:
        raise ValueError("a picture of claims needs at least one verdict.")
    datasets = list(dict.fromkeys(verdicts.dataset))
    claims = {claim: wrap(claim, _LETTERS) for claim in dict.fromkeys(verdicts.claim)}
    heights = [max(len(lines), 3) * _LINE + 0.1 for lines in claims.values()]
    width = _WORDS + _CELL * len(datasets) + 0.1
    figure = Picture(width, _HEAD + sum(heights) + 0.05)
    axes = axes_in_inches(figure, 0, 0, width, _HEAD + sum(heights) + 0.05)
    for place, (outcome, (colour, hatch)) in enumerate(_OUTCOMES.items()):
        left = 0.1 + 1.0 * place
        axes.add_patch(Rectangle((left, 0.1), 0.16, 0.11, fc=colour, ec=INK, lw=0.5, hatch=hatch))
        axes.text(left + 0.22, 0.155, outcome.replace("_", " "), fontsize=7, va="center")
    for column, dataset in enumerate(datasets):
        middle = _WORDS + (column + 0.5) * _CELL
        axes.text(middle, _HEAD - 0.14, dataset, fontsize=8, weight="bold", ha="center")
    top = _HEAD
    for (claim, lines), height in zip(claims.items(), heights, strict=True):
        axes.plot([0.05, width - 0.05], [top, top], color="#dddddd", linewidth=0.6)
        axes.text(0.08, top + 0.06, "\n".join(lines), fontsize=7, va="top")
        for row in verdicts[verdicts.claim == claim].itertuples():
            _cell(axes, row, _WORDS + datasets.index(row.dataset) * _CELL, top)
        top += height
    figure.alt = "\n".join(_told(verdicts))
    return figure


def _cell(axes: Any, row: Any, left: float, top: float) -> None:
    """A bar of the counts, the numbers, and the verdict."""
    middle = left + _CELL / 2
    if row.verdict == "not run":
        axes.text(middle, top + 0.2, "–", fontsize=8, ha="center", va="center")
        return
    counts = {outcome: getattr(row, outcome) for outcome in _OUTCOMES}
    x, full = left + 0.1, _CELL - 0.2
    for outcome, n in counts.items():
        colour, hatch = _OUTCOMES[outcome]
        part = full * n / sum(counts.values())
        if n:
            box = Rectangle((x, top + 0.06), part, 0.11, fc=colour, ec=INK, lw=0.5, hatch=hatch)
            axes.add_patch(box).set_gid(outcome)
        x += part
    numbers = f"{row.above} / {row.undecided} / {row.below}"
    numbers += f" / {row.not_run}" if row.not_run else ""
    axes.text(middle, top + 0.25, numbers, fontsize=7, ha="center", va="center")
    axes.text(middle, top + 0.38, row.verdict, fontsize=7, ha="center", va="center")


def _told(verdicts: pd.DataFrame) -> Iterator[str]:
    yield "Claims by dataset, with the comparisons above, undecided and below."
    for row in verdicts.itertuples():
        counts = f"{row.above} above, {row.undecided} undecided, {row.below} below"
        counts += f", {row.not_run} not run" if row.not_run else ""
        yield f"{row.dataset}: {row.claim}: {row.verdict} ({counts})."
