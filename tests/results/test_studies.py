"""Studies of zeng2022: held-out settings, the start of training, and gains over other methods."""

import numpy as np
import pandas as pd
import pytest

from mmhash_nb.datasets import load
from mmhash_nb.results.protocols import zeng2022
from mmhash_nb.results.studies import settings
from mmhash_nb.results.studies import zeng2022 as zeng

SMALL = {"text_hidden": 16, "trainable": "none", "epochs": 1}


@pytest.fixture(scope="module")
def pairs():
    return load("scenes", n=200)


def test_settings_are_compared_on_held_out_training_samples(pairs, monkeypatch):
    asked = []

    class Done:
        def __init__(self, score):
            self.metrics = {"joint-joint": {"mAP": score}}

    def run(paper, method, part, bits, seed, options):
        asked.append((paper, method, part, bits, seed, dict(options)))
        return Done(0.1 * (seed + 1) + (method == "concat"))

    monkeypatch.setattr(settings, "run", run)
    candidates = {"mah": [{"epochs": 1}, {"epochs": 2}], "concat": [{"epochs": 3}]}
    table = settings.by_settings("zeng2022", pairs, 16, (0, 2), candidates)
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


def test_candidates_are_the_protocols_options_at_both_rates():
    protocol = zeng2022("scenes")
    found = zeng.candidates(protocol)
    assert set(found) == {m for m in protocol.options if not m.startswith("mah_")}
    assert found["dth"] == [{**protocol.options["dth"], "learning_rate": r} for r in (1e-3, 3e-3)]
    (tags,) = zeng.candidates(zeng2022("mirflickr25k")).values()
    assert tags == [{"learning_rate": 1e-4, "epochs": epochs} for epochs in (10, 20)]


def test_all_nine_forms_keep_the_other_options():
    found = zeng.forms({"epochs": 3})
    assert len({(f["kernel"], f["attention"]) for f in found}) == 9
    assert all(f["epochs"] == 3 for f in found)


def test_the_printed_form_lets_next_to_nothing_through(pairs):
    table = zeng.start_of_training(pairs.take(pairs.train[:40]), 8, SMALL)
    assert table.loc["none, none"].eq(1).all() and len(table) == 9
    # Even attention divides by the number of channels (88, 128) and of units (16, 512).
    assert table.loc["none, printed", "image"] == pytest.approx(1 / 128, rel=0.5)
    assert table.loc["none, printed", "text"] == pytest.approx(1 / (16 * 512), rel=0.1)
    assert table.loc["residual, rescaled"].between(0.7, 1.4).all()
    assert (table.loc["printed, printed"] < 1e-4).all()


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
    one = settings.gains(records, "a", "mah", ["concat", "gmu"])
    assert one.to_dict() == {"mah − concat": "+5.0 (-5.0 to +15.0)"}
    every = settings.gains(records, None, "mah", ["concat"])
    assert every["mah − concat"] == "+16.7 (-5.0 to +40.0)"
