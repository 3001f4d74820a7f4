"""Whether trainings have converged: the fall of their losses at the end."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmhash_nb.experiments import convergence, records


def method(**state):
    return SimpleNamespace(state={key: np.array(value) for key, value in state.items()})


def test_the_fall_is_that_of_the_last_tenth():
    loss = np.linspace(2.0, 1.0, 21)  # two epochs are a tenth: from 1.1 to 1
    assert convergence.fall(loss) == pytest.approx(100 * 0.1 / 1.1)
    assert convergence.fall(np.array([4.0, 2.0, 1.0])) == pytest.approx(50)  # one epoch at least
    assert convergence.fall(np.array([-1.0, -2.0])) == pytest.approx(100)  # a loss below zero falls
    assert convergence.fall(np.array([1.0, 2.0])) == pytest.approx(-100)
    assert np.isnan(convergence.fall(np.array([1.0]))) and convergence.fall(np.zeros(5)) == 0


def test_of_several_trainings_the_one_that_fell_most_counts():
    two = np.stack([np.linspace(2, 1, 11), np.ones(11)], axis=1)  # a network for each modality
    found = convergence.last_tenth(method(loss=two, weight=[3.0]))
    assert found == {
        **{"epochs": 11, "loss": pytest.approx(1.0)},
        **{"fall in %": pytest.approx(100 * 0.1 / 1.1)},
    }
    apart = {"image.loss": np.ones(5), "text.loss": np.array([2.0, 1.0])}
    assert convergence.last_tenth(method(**apart))["epochs"] == 2
    assert convergence.last_tenth(method(weight=[3.0])) == {}


def run(name, bits, seed, epochs=2, fall=0.0, **state):
    curve = [1.0] * (epochs - 1) + [1 - fall / 100]
    return SimpleNamespace(
        key=(name, bits, seed),
        method=lambda: method(**(state or {"loss": curve})),
        record={
            "seconds_fit": 1.0 + seed,
            "splits": {"train": 100},
            "configuration": {"options": {"batch_size": 30}},
        },
    )


RUNS = [
    *(run("dcmh", 16, seed, fall=fall) for seed, fall in ((0, 50.0), (1, 0.0), (2, 4.9))),
    run("dcmh", 32, 0, epochs=5, fall=5.1),
    run("scm", 16, 0, weight=[1.0]),
]


def test_a_table_counts_the_seeds_whose_loss_still_falls():
    table = convergence.table(RUNS)
    assert list(table.index) == [("dcmh", 16), ("dcmh", 32)]
    row = table.loc[("dcmh", 16)]
    assert row[["seconds", "epochs", "steps"]].tolist() == [2, 2, 8]  # four batches an epoch
    assert row[["seeds", "still falling"]].tolist() == [3, 1]
    assert row["fall in %"] == pytest.approx(54.9 / 3)
    assert table.loc[("dcmh", 32)][["steps", "seeds", "still falling"]].tolist() == [20, 1, 1]


def test_methods_are_listed_with_their_steps_and_how_many_trainings_still_fall():
    table = convergence.by_method(RUNS)
    assert table.loc["dcmh"].tolist() == ["1.8", "3", "11", "15.0", "2 of 4"]
    assert table.loc["scm"].tolist() == ["1.0", "", "", "", ""]


def test_what_was_recorded_is_said_by_dataset(tmp_path, monkeypatch):
    (tmp_path / "results").mkdir()
    convergence.table(RUNS).to_csv(tmp_path / "results" / "study_p_wiki_convergence.csv")
    monkeypatch.setattr(records, "project_root", lambda: tmp_path)
    assert convergence.recorded("p") == (
        "wiki: 2 of 4 trainings, of 8 to 20 steps, still fell by more than 5 % in their last "
        "tenth: dcmh 2 of 4."
    )
    assert "do not say" in convergence.recorded("q")
