"""Which orderings survive, on made-up tables and records."""

import numpy as np
import pandas as pd
import pytest
from record_cases import made
from scipy import stats

from mmhash_nb import papers
from mmhash_nb.papers import orderings as module
from mmhash_nb.papers.orderings import ACROSS, COLUMNS, distinct, judged, orderings, totals
from mmhash_nb.papers.printed import COLUMNS as PRINTED


def records(values, task="image-text", metric="mAP"):
    """Values by method and code length, one a seed."""
    return made("here", values, task, metric=metric, paper="side")


@pytest.fixture
def printed(monkeypatch):
    """Put a table in the place of a paper's."""

    def put(rows):
        table = pd.DataFrame(rows, columns=list(PRINTED)).astype({"bits": "Int64"})
        monkeypatch.setattr(module, "tables", lambda paper: table)

    return put


def cells(values, table=1, task="image-text", bits=(16, 64)):
    return [
        (table, name, "theirs", task, length, "mAP", value)
        for name, of in values.items()
        for length, value in zip(bits, of, strict=True)
    ]


NOISE = np.array([-0.01, 0.0, 0.01])


def test_pairs_agree_disagree_or_stay_undecided(printed):
    printed(cells({"a": (0.9, 0.7), "b": (0.6, 0.6), "c": (0.5, 0.5), "d": (0.2, 0.2)}))
    # a over b as printed; c far above both; d as good as b; at two lengths of ours.
    means = {"a": 0.5, "b": 0.3, "c": 0.8, "d": 0.3}
    noise = dict(zip("abcd", np.array([NOISE, NOISE[::-1], NOISE, NOISE / 2]), strict=True))
    ours = records({(m, k): mean + noise[m] for m, mean in means.items() for k in (8, 12)})
    (row,) = orderings("p", ours, "here").itertuples(index=False)
    # agree: a-b, a-d; disagree: a-c, b-c; undecided: b-d. c-d: printed c over d, ours too.
    assert row[:-1] == ("p", 1, "image-text", 4, 6, 3, 2, 1)
    expected = stats.kendalltau([0.8, 0.6, 0.5, 0.2], [0.5, 0.3, 0.8, 0.3]).statistic
    assert row.tau == pytest.approx(expected)


def test_ours_is_the_mean_over_lengths_by_seed(printed):
    printed(cells({"a": (0.5, 0.5), "b": (0.4, 0.4)}))
    # At 8 bits a is below, at 12 above by more; seeds move both lengths against each other.
    ours = records(
        {
            **{("a", 8): [0.2, 0.3, 0.4], ("a", 12): [0.8, 0.7, 0.6]},
            **{("b", 8): [0.4, 0.4, 0.4], ("b", 12): [0.4, 0.4, 0.4]},
        }
    )
    assert orderings("p", ours, "here").agree.tolist() == [1]
    assert orderings("p", ours[ours.bits == 8], "here").undecided.tolist() == [1]
    assert orderings("p", ours[ours.seed == 0], "here").undecided.tolist() == [1]


def test_only_columns_that_both_have_count(printed):
    some = cells({"a": (0.5, 0.1), "b": (0.4, np.nan), "c": (0.2, 0.2)})
    printed(some)
    ours = records({("a", 8): 0.5 + NOISE, ("b", 8): 0.4 + NOISE, ("c", 8): 0.3 + NOISE})
    (row,) = orderings("p", ours, "here").itertuples()
    assert (row.pairs, row.agree) == (3, 3) and row.tau == 1
    printed(some[:2] + cells({"b": (0.4,), "c": (0.4,)}, bits=(16,)))
    assert orderings("p", ours, "here").pairs.tolist() == [2]  # b and c are printed equal


def test_a_method_without_codes_stands_at_every_length_and_for_every_seed(printed):
    printed([*cells({"a": (0.3, 0.5)}), (1, "raw", "theirs", "image-text", pd.NA, "mAP", 0.35)])
    ours = records({("a", 8): 0.5 + NOISE, ("raw", 8): [0.2]})
    (row,) = orderings("p", ours, "here").itertuples()
    assert (row.agree, row.tau) == (1, 1)
    assert orderings("p", ours[ours.method == "a"], "here").empty


def test_one_seed_of_a_random_method_does_not_stand_for_the_others(printed):
    printed(cells({"cvh": (0.5, 0.5), "ksh": (0.4, 0.4), "cca": (0.3, 0.3)}))
    ours = records({("cvh", 8): [0.6], ("ksh", 8): 0.2 + NOISE, ("cca", 8): [0.1]})
    (row,) = orderings("p", ours, "here").itertuples()
    # Of cvh one seed is done, so its pair with ksh is of one seed; cca has nothing random in it.
    assert (row.agree, row.undecided) == (1, 2)


def test_seeds_that_miss_a_length_do_not_count(printed):
    printed(cells({"a": (0.5, 0.5), "b": (0.4, 0.4)}))
    ours = records(
        {("a", 8): [0.5, 0.6, 0.7, 0.0], ("a", 12): [0.5, 0.6, 0.7]}
        | {("b", k): [0.4, 0.5, 0.6, 0.9] for k in (8, 12)}
    )
    assert orderings("p", ours, "here").agree.tolist() == [1]


def test_pairs_are_listed_as_printed_and_counted_once(printed):
    first = cells({"a": (0.5, 0.5), "b": (0.4, 0.4), "c": (0.3, 0.3)})
    again = cells({"a": (0.6, 0.6), "b": (0.5, 0.5)}, table=2)
    turned = cells({"b": (0.3, 0.3), "c": (0.4, 0.4)}, table=3)
    printed([*first, *again, *turned])
    ours = records({("a", 8): 0.6 + NOISE, ("b", 8): 0.4 + NOISE, ("c", 8): 0.8 + NOISE})
    rows = judged("p", ours, "here")
    assert rows[["table", "above", "below", "verdict"]].to_numpy().tolist() == [
        *([1, "a", "b", "agree"], [1, "a", "c", "disagree"], [1, "b", "c", "disagree"]),
        *([2, "a", "b", "agree"], [3, "c", "b", "agree"]),
    ]
    two = pd.concat([rows.assign(paper="q"), rows[rows.table == 3]])
    table = distinct(two)
    assert table.loc["q"].tolist() == [3, 1, 1, 0, 1]  # b and c stand both ways
    assert table.loc["p"].tolist() == [1, 1, 0, 0, 0] and list(table.index) == ["q", "p"]


def test_tau_is_averaged_by_pairs_within_each_paper():
    made = pd.DataFrame(
        [
            ("p", 1, "t", 4, 6, 5, 1, 0, 0.5),
            ("p", 2, "t", 2, 2, 1, 1, 0, -0.5),
            ("q", 1, "t", 2, 1, 1, 0, 0, 1.0),
        ],
        columns=list(COLUMNS),
    )
    assert totals(made).loc["p"].tolist() == [8, 6, 2, 0, pytest.approx(0.25)]
    assert totals(made).loc["q"].tolist() == [1, 1, 0, 0, 1]


def test_directions_are_apart_averages_left_out_and_own_tasks_together(printed):
    both = [*cells({"a": (0.5, 0.5), "b": (0.4, 0.4)})]
    other = cells({"a": (0.4, 0.4), "b": (0.5, 0.5)}, task="text-image")
    mean = cells({"a": (0.4, 0.4), "b": (0.5, 0.5)}, task="average")
    own = cells({"a": (0.9, 0.9)}, table=2, task="joint-joint")
    own += cells({"b": (0.7, 0.7)}, table=2, task="image-image")
    printed([*both, *other, *mean, *own])
    values = {("a", 8): 0.6 + NOISE, ("b", 8): 0.3 + NOISE}
    tasks = ("image-text", "text-image", "joint-joint", "image-image")
    ours = pd.concat([records(values, task) for task in tasks])
    rows = orderings("p", ours, "here")
    assert list(rows.columns) == list(COLUMNS)
    assert rows[["table", "task", "agree", "disagree", "tau"]].to_numpy().tolist() == [
        [1, "image-text", 1, 0, 1.0],
        [1, "text-image", 0, 1, -1.0],
        [2, ACROSS, 1, 0, 1.0],
    ]
    sums = totals(rows).loc["p"]
    assert sums.tolist() == [3, 2, 1, 0, pytest.approx(1 / 3)]


def test_where_no_column_has_all_methods_there_is_no_tau_and_it_does_not_count(printed):
    pair, other = {"a": (0.5,), "b": (0.4,)}, {"b": (0.4,), "c": (0.3,)}
    apart = cells(pair, table=3, bits=(16,)) + cells(other, table=3, bits=(64,))
    printed([*cells({"a": (0.5, 0.5), "b": (0.4, 0.4)}), *apart])
    ours = records({("a", 8): 0.5 + NOISE, ("b", 8): 0.3 + NOISE, ("c", 8): 0.4 + NOISE})
    rows = orderings("p", ours, "here").set_index("table")
    assert rows.loc[3, ["methods", "pairs", "agree", "disagree"]].tolist() == [3, 2, 1, 1]
    assert np.isnan(rows.tau[3]) and totals(rows).tau.tolist() == [1]


def test_other_datasets_and_metrics_do_not_count(printed):
    printed(cells({"a": (0.5, 0.5), "b": (0.4, 0.4)}))
    ours = records({("a", 8): 0.6 + NOISE, ("b", 8): 0.3 + NOISE})
    assert orderings("p", ours, "elsewhere").empty
    assert orderings("p", ours, "here", "mAP@100").empty


@pytest.mark.parametrize(
    ("paper", "number"),
    [
        ("masci2014", 3),
        ("masci2014", 5),
        ("masci2014", 6),
        ("liong2017", 1),
        ("zhang2018", 1),
        ("zeng2022", 1),
    ],
)
def test_a_paper_agrees_with_itself(paper, number):
    """The means of its own table, as if they were ours."""
    table = papers.tables(paper)
    table = table[(table.table == number) & (table.task != "average")]
    means = table.groupby(["task", "method"]).value.mean()
    ours = [
        made("here", {method: (mean, mean) for (_, method), mean in some.items()}, task, 16)
        for task, some in means.groupby(level="task")
    ]
    found = orderings(paper, pd.concat(ours), "here")
    found = found[found.table == number]
    assert len(found) == (1 if paper == "zeng2022" else table.task.nunique())
    n = table.method.nunique()
    assert (found.agree == found.pairs).all() and (found.pairs >= n * (n - 1) / 2 - 1).all()
    assert (found.tau > 0.98).all()
