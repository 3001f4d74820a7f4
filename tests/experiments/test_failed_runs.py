"""Failed runs: found where they are, and not by luck."""

import numpy as np
import pandas as pd
from record_cases import made

from mmhash_nb.experiments.failed_runs import at_chance, failed, without
from mmhash_nb.experiments.records import read


def records(values, task="image-text", **more):
    return made("here", values, task, **more)


DCMH = {
    ("dcmh", 16): [0.66, 0.64, 0.71],
    ("dcmh", 32): [0.76, 0.78, 0.80],
    ("dcmh", 64): [0.839, 0.381, 0.816],
}


def test_dcmh_on_flipkart_is_found():
    found = failed(read("zhang2018"))
    there = found[(found.dataset == "flipkart") & (found.method == "dcmh")]
    assert set(zip(there.bits, there.seed, strict=True)) == {(64, 1)}
    row = there[there.task == "text-image"].iloc[0]
    assert row.why == "far below its siblings"
    assert (round(row.value, 3), round(row.siblings, 3)) == (0.381, 0.828)


def test_a_run_far_from_its_siblings_is_named_with_them():
    (row,) = failed(records(DCMH)).itertuples()
    assert (row.method, row.bits, row.seed, row.value) == ("dcmh", 64, 1, 0.381)
    assert row.siblings == (0.839 + 0.816) / 2 and row.why == "far below its siblings"
    above = {**DCMH, ("dcmh", 64): [0.839, 0.381, 0.375]}
    assert failed(records(above)).why.tolist() == ["far above its siblings"]


def test_a_method_that_varies_at_every_length_has_no_failed_run():
    noisy = {("prdh", 16): [0.2, 0.6, 0.5], ("prdh", 32): [0.7, 0.3, 0.5]}
    assert failed(records({**noisy, ("prdh", 64): DCMH["dcmh", 64]})).empty


def test_other_metrics_of_a_failed_run_go_and_other_directions_stay():
    both = pd.concat([records(DCMH), records(DCMH, metric="mAP@100")])
    fine = records({key: [0.5, 0.51, 0.52] for key in DCMH}, "text-image")
    left = without(pd.concat([both, fine]))
    gone = left[left.value.isna()]
    assert len(left) == 27 and set(gone.metric) == {"mAP", "mAP@100"}
    assert set(gone.task) == {"image-text"} and set(gone.seed) == {1} and set(gone.bits) == {64}


def test_a_run_at_chance_failed_where_a_sibling_learned():
    chance = records({("random", 48): [0.1, 0.1]})
    learned = records({"a": [0.105, 0.16, 0.13]})
    (row,) = failed(pd.concat([chance, learned])).itertuples()
    assert (row.seed, row.why) == (0, "at chance")
    never = pd.concat([chance, records({"a": [0.105, 0.1, 0.09]})])
    assert failed(never).empty and at_chance(never).method.tolist() == ["a"]
    assert at_chance(pd.concat([chance, learned])).empty
    assert failed(learned).empty and at_chance(learned).empty  # without `random`


def test_luck_makes_no_failed_runs():
    """Methods whose noise differs as in `results/`: one false alarm in 450 runs at most."""
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(10):
        deviation = 0.006 * np.exp(1.2 * rng.normal(size=20))
        values = {
            (f"m{i}", bits): list(0.5 + deviation[i] * rng.normal(size=3))
            for i in range(20)
            for bits in (16, 32, 64)
        }
        alarms += len(failed(records({k: np.clip(v, 0, 1).tolist() for k, v in values.items()})))
    assert alarms <= 4  # of 1,800
