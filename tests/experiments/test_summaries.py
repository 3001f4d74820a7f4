"""Gains and means in short."""

import pandas as pd
import pytest
from record_cases import made

from mmhash_nb.experiments import summaries
from mmhash_nb.experiments.records import checked


def rows(*values):
    columns = ["method", "dataset", "task", "bits", "seed", "value"]
    return pd.DataFrame(values, columns=columns).assign(metric="mAP")


def test_gains_are_paired_by_seed_and_length():
    records = rows(
        *[("mah", "a", "joint-joint", 16, s, v) for s, v in ((0, 0.5), (1, 0.7))],
        *[("concat", "a", "joint-joint", 16, s, v) for s, v in ((0, 0.4), (1, 0.5), (2, 0.9))],
        *[("mah", "a", "joint-joint", 32, 0, 0.6), ("concat", "a", "joint-joint", 32, 0, 0.65)],
        *[("mah", "b", "joint-joint", 16, 0, 0.9), ("concat", "b", "joint-joint", 16, 0, 0.5)],
    )
    one = summaries.gains(records, "a", "mah", ["concat", "gmu"])
    assert one.to_dict() == {"mah − concat": "+5.0 (-5.0 to +15.0)"}
    every = summaries.gains(records, None, "mah", ["concat"])
    assert every["mah − concat"] == "+16.7 (-5.0 to +40.0)"


def test_gains_are_of_one_direction():
    both = [("text-image", 0.5, 0.2), ("image-text", 0.4, 0.3)]
    records = rows(
        *[("aadah", "a", task, 16, 0, ours) for task, ours, _ in both],
        *[("prdh", "a", task, 16, 0, theirs) for task, _, theirs in both],
    )
    found = summaries.gains(records, "a", "aadah", ["prdh"], "text-image")
    assert found["aadah − prdh"] == "+30.0 (+30.0 to +30.0)"


def test_it_is_said_over_how_many_queries_means_are_and_what_is_possible():
    whole = made("a", {"scm": [0.5]}).assign(queries=1200, without_relevant=0)
    tail = made("b", {"scm": [0.3]}).assign(queries=20, without_relevant=13)
    older = checked(made("c", {"scm": [0.3]}))
    assert summaries.over_queries(pd.concat([whole, tail, older])).splitlines() == [
        "a: means are over 1,200 queries; each of them has something to find: 1 is possible.",
        "b: means are over 20 queries; 13 of them have nothing to find: at most 0.350 is possible.",
        "c: these records do not say over how many queries means are.",
    ]
    assert "do not say" in summaries.over_queries(made("c", {"scm": [0.3]}))  # a study of before


@pytest.mark.parametrize("count", [-1, 1.5, "many"])
def test_a_count_of_queries_that_is_none_is_refused(count):
    with pytest.raises(ValueError, match="as queries in row 1"):
        checked(made("a", {"scm": [0.5]}).assign(queries=count, without_relevant=0))
