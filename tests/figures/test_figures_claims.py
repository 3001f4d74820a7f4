"""The picture of claims: its counts, verdicts and words."""

import pandas as pd
import pytest
from figure_cases import check_layout
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from mmhash_nb import figures
from mmhash_nb.papers.verdicts import verdicts


def rows():
    columns = ["claim", "dataset", "above", "undecided", "below", "not_run", "verdict"]
    long = "A claim in so many words that it takes two lines or more of the picture to write them"
    return pd.DataFrame(
        [
            ("short", "here", 26, 15, 1, 0, "mostly holds"),
            ("short", "there", 0, 0, 0, 4, "not run"),
            (long, "here", 0, 5, 1, 2, "undecided"),
        ],
        columns=columns,
    )


def test_each_cell_has_its_counts_in_numbers_lengths_and_words() -> None:
    figure = figures.claim_counts(rows())
    (axes,) = figure.axes
    words = {text.get_text() for text in axes.findobj(Text)}
    assert {"26 / 15 / 1", "mostly holds", "0 / 5 / 1 / 2", "undecided", "–"} <= words
    widths = {"above": [], "undecided": [], "below": [], "not_run": []}
    for box in axes.findobj(Rectangle):
        if box.get_gid() in widths:
            widths[box.get_gid()].append(box.get_width())
    (above,), (open_, one), (below, broken), (missing,) = widths.values()
    assert above / below == pytest.approx(26) and open_ / below == pytest.approx(15)
    assert one / broken == pytest.approx(5) and missing / broken == pytest.approx(2)
    assert "here: short: mostly holds (26 above, 15 undecided, 1 below)." in figure.alt
    assert "there: short: not run (0 above, 0 undecided, 0 below, 4 not run)." in figure.alt
    check_layout(figure)


def test_the_verdicts_of_a_paper_can_be_drawn() -> None:
    table = verdicts("zhang2018", dataset="flipkart")
    figure = figures.claim_counts(table)
    assert figure.alt.count("\n") == len(table)
    check_layout(figure)
    with pytest.raises(ValueError, match="at least one verdict"):
        figures.claim_counts(table[:0])
