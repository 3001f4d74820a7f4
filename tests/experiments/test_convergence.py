"""Whether trainings have converged: the fall of their losses at the end."""

from types import SimpleNamespace

import numpy as np
import pytest

from mmhash_nb.experiments import convergence


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


def test_a_table_counts_the_seeds_whose_loss_still_falls():
    curves = {0: [2.0, 1.0], 1: [1.0, 1.0], 2: [1.0, 0.96]}
    runs = [
        SimpleNamespace(key=("dcmh", 16, seed), method=lambda loss=loss: method(loss=loss))
        for seed, loss in curves.items()
    ]
    runs.append(SimpleNamespace(key=("scm", 16, 0), method=lambda: method(weight=[1.0])))
    table = convergence.table(runs)
    assert list(table.index) == [("dcmh", 16)]
    row = table.iloc[0]
    assert row[["epochs", "seeds", "still falling"]].tolist() == [2, 3, 1]
    assert row["fall in %"] == pytest.approx((50 + 0 + 4) / 3)
    assert not convergence.still_falls(5.0) and convergence.still_falls(5.1)
