"""Tables of notebooks: titles, names in print, and the best of each column bold."""

import numpy as np
import pandas as pd
import pytest

from mmhash_nb.experiments.titled_tables import titled

SCORES = pd.DataFrame(
    {"mAP": [41.52, 40.0, np.nan], "by seed": ["3.0 ± 0.2", "−1 ± 9", "12.5"], "none": ["–"] * 3},
    index=pd.Index(["mah_no_an", "dnh_c", "mine"], name="method"),
)


def bold(table):
    return {
        (table.frame.index[row], table.frame.columns[column]): table.frame.iat[row, column]
        for row, column in table.best
    }


def test_the_highest_of_each_column_is_bold_and_methods_have_names_in_print():
    table = titled(SCORES, "mAP in per cent <b>")
    assert list(table.frame.index) == ["MAH without attention", "DNH-C", "mine"]
    assert list(table.frame) == ["mAP", "by seed"], "a column of dashes is left out"
    assert bold(table) == {("MAH without attention", "mAP"): "41.5", ("mine", "by seed"): "12.5"}
    html = table._repr_html_()
    assert html.count("<b>") == 3 and "<b>41.5</b>" in html and "&lt;b&gt;</b></caption>" in html
    assert repr(table).startswith("mAP in per cent <b>\n\n") and "*41.5" in repr(table)
    assert "–" in repr(table) and "nan" not in repr(table)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"bold": ["mAP"]}, {"41.5"}),
        ({"bold": []}, set()),
        ({"bold": [], "lowest": ["mAP"]}, {"40.0"}),
        ({"lowest": ["by seed"]}, {"41.5", "−1 ± 9"}),
        ({"digits": 0}, {"42", "12.5"}),
    ],
)
def test_which_columns_have_a_best(how, expected):
    assert set(bold(titled(SCORES, "t", **how)).values()) == expected


def test_equal_numbers_are_both_bold_and_cells_are_escaped():
    table = titled(pd.DataFrame({"a": ["1.0", "1.0 <", "0.9"]}), "t")
    assert table.best == {(0, 0), (1, 0)} and "<b>1.0 &lt;</b>" in table._repr_html_()


def test_the_best_within_each_value_of_a_level_and_of_columns_with_levels():
    index = pd.MultiIndex.from_product([["wiki", "cifar10"], ["scm", "cca"]])
    frame = pd.DataFrame({("mAP", 16): [1.0, 2.0, 4.0, 3.0], ("n", 16): [5, 6, 7, 8]}, index)
    frame.index.names = ["dataset", "method"]
    table = titled(frame, "t", within="dataset", bold=["mAP"])
    assert set(bold(table)) == {
        (("wiki", "CCA (no codes)"), ("mAP", 16)),
        (("cifar10", "SCM"), ("mAP", 16)),
    }


def test_random_codes_are_bold_beside_another_method_alone():
    rows = [("mah", "joint"), ("random", "joint"), ("random", "text")]
    index = pd.MultiIndex.from_tuples(rows, names=["method", "task"])
    frame = pd.DataFrame({"mAP": [0.1, 0.2, 0.3], "top": [np.nan, 0.2, 0.3]}, index)
    assert titled(frame, "t", within="task").best == {(1, 0)}
    assert titled(frame.reset_index(), "t", within=None, bold=["mAP"]).best == {(2, 2)}
    only = frame.drop("mah").reset_index()
    assert titled(only, "t", bold=["mAP"]).best == set()


def test_names_in_print_where_methods_are_columns_or_a_column():
    across = titled(SCORES[["mAP"]].T, "t", bold=[])
    assert list(across.frame) == ["MAH without attention", "DNH-C"]
    assert list(titled(SCORES.reset_index(), "t").frame.method)[:2] == list(across.frame)
