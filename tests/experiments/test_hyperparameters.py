"""Search over settings on held-out samples, and gains and means in short."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mmhash_nb.datasets import load
from mmhash_nb.experiments import hyperparameters, summaries


@pytest.fixture(scope="module")
def pairs():
    return load("scenes", n=200)


def test_settings_are_compared_on_held_out_training_samples(pairs, monkeypatch):
    asked = []

    def run(paper, method, part, bits, seed, options):
        asked.append((paper, method, part, bits, seed, dict(options)))
        score = 0.1 * (seed + 1) + (method == "concat")
        return SimpleNamespace(metrics={"joint-joint": {"mAP": score}})

    monkeypatch.setattr(hyperparameters, "run", run)
    candidates = {"mah": [{"epochs": 1}, {"epochs": 2}], "concat": [{"epochs": 3}]}
    table = hyperparameters.search("zeng2022", pairs, 16, (0, 2), candidates)
    part = asked[0][2]
    assert len(part) == len(pairs.train)
    assert np.array_equal(part.labels, pairs.labels[pairs.train])
    assert [(a[1], a[4], a[5]["epochs"]) for a in asked] == [
        *(("mah", 0, 1), ("mah", 2, 1), ("mah", 0, 2), ("mah", 2, 2)),
        *(("concat", 0, 3), ("concat", 2, 3)),
    ]
    assert table.method.tolist() == ["mah", "mah", "concat"]
    assert table.epochs.tolist() == [1, 2, 3] and set(table.dataset) == {"scenes"}
    assert table["mAP"].tolist() == pytest.approx([0.2, 0.2, 1.2])


def test_settings_with_which_a_training_diverges_have_no_map(pairs, monkeypatch):
    def run(paper, method, part, bits, seed, options):
        if options["learning_rate"] > 1 and seed == 1:
            raise FloatingPointError("the loss is nan in epoch 2")
        return SimpleNamespace(metrics={"joint-joint": {"mAP": 0.5}})

    monkeypatch.setattr(hyperparameters, "run", run)
    candidates = {"mah": [{"learning_rate": 2.0}, {"learning_rate": 0.5}]}
    table = hyperparameters.search("zeng2022", pairs, 16, (0, 1), candidates)
    assert np.isnan(table["mAP"][0]) and table.learning_rate[table["mAP"].idxmax()] == 0.5


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


def test_settings_take_the_mean_of_the_directions_asked_for(pairs, monkeypatch):
    tasks = {"image-image": 0.9, "image-text": 0.2, "text-image": 0.4}
    done = SimpleNamespace(metrics={task: {"mAP": score} for task, score in tasks.items()})
    monkeypatch.setattr(hyperparameters, "run", lambda *arguments: done)
    crossed = ("image-text", "text-image")
    ours = [
        hyperparameters.search("p", pairs, 16, (0,), {"m": [{}]}, tasks=t) for t in (crossed, ())
    ]
    assert [float(table["mAP"].iloc[0]) for table in ours] == pytest.approx([0.3, 0.9])


def test_gains_are_of_the_direction_asked_for():
    both = [("text-image", 0.5, 0.2), ("image-text", 0.4, 0.3)]
    records = rows(
        *[("aadah", "a", task, 16, 0, ours) for task, ours, _ in both],
        *[("prdh", "a", task, 16, 0, theirs) for task, _, theirs in both],
    )
    found = summaries.gains(records, "a", "aadah", ["prdh"], "text-image")
    assert found["aadah − prdh"] == "+30.0 (+30.0 to +30.0)"
