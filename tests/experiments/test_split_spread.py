"""Scores over splits and over seeds: which run each row is of, and the standard deviations."""

import dataclasses
from statistics import stdev

import numpy as np
import pandas as pd
import pytest

from mmhash_nb.experiments.runs import run
from mmhash_nb.experiments.split_spread import by_split, spread


def test_splits_have_one_seed_and_seeds_one_split(two_views, monkeypatch, tmp_path):
    monkeypatch.setenv("MMHASH_RUNS", str(tmp_path))

    def load(split):
        query = np.random.default_rng(split).permutation(len(two_views))[: len(two_views.query)]
        rest = np.setdiff1d(np.arange(len(two_views)), query)
        return dataclasses.replace(two_views, query=np.sort(query), database=rest, train=rest)

    options = {"scm": {}, "cmfh": {}}
    table = by_split("zhang2018", load, options, 8, draws=(3, 4, 7))
    some = table[(table.method == "cmfh") & (table.task == "image-text")]
    for what, number in [("split", 4), ("split", 7), ("seed", 4), ("seed", 7), ("seed", 3)]:
        pairs, seed = load(number if what == "split" else 3), number if what == "seed" else 3
        expected = run("zhang2018", "cmfh", pairs, 8, seed, {}).metrics["image-text"]["mAP"]
        found = some[(some.varies == what) & (some.draw == number)]
        assert found.mAP.tolist() == [pytest.approx(expected)]
    assert set(table.queries) == {len(two_views.query)} and set(table.method) == {"scm", "cmfh"}
    shown = spread(table, ["image-text"])
    assert list(shown.index.get_level_values("task")) == ["image-text"] * 2
    # SCM learns the same whatever its seed, and another split moves it.
    scm = shown.loc[("scm", "image-text", 8)]
    assert scm["SD over seeds"] == 0 < scm["SD over splits"]
    values = some[some.varies == "split"].mAP
    row = shown.loc[("cmfh", "image-text", 8)]
    assert row["SD over splits"] == pytest.approx(100 * stdev(values))
    assert row["mean"] == pytest.approx(100 * values.mean()) and row.draws == 3


def test_the_spread_of_a_hand_made_table():
    rows = [("a", "image-text", 8, what, i, value) for what, values in
            {"split": (0.1, 0.2, 0.3), "seed": (0.1, 0.1, 0.1)}.items()
            for i, value in enumerate(values)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["method", "task", "bits", "varies", "draw", "mAP"])
    shown = spread(table).iloc[0]
    assert shown.tolist() == pytest.approx([20, 10, 0, 3])
