"""Signs of collapse, against plain loops, and their table."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from record_cases import made

from mmhash_nb.codes import HashCodes
from mmhash_nb.experiments import collapse
from mmhash_nb.experiments.collapse import SIGNS, signs
from mmhash_nb.experiments.summaries import collapse as table


def codes_of(bits):
    return {side: HashCodes.from_bits(bits) for side in ("image", "text")}


def test_distinct_codes_and_balance_are_those_of_the_database(noisy_views, rng):
    bits = rng.random((len(noisy_views), 6)) < [0.5, 0.3, 0.2, 0.9, 1.0, 0.0]
    found = signs(codes_of(bits), noisy_views, "image", "text")
    assert tuple(found) == SIGNS
    there = bits[noisy_views.database]
    assert found["distinct"] == len({tuple(row) for row in there}) / len(there)
    by_bit = [2 * min(one.mean(), 1 - one.mean()) for one in there.T]
    assert found["balance"] == pytest.approx(np.mean(by_bit))
    same = signs(codes_of(np.ones((len(noisy_views), 6), dtype=bool)), noisy_views, "image", "text")
    assert (same["distinct"], same["balance"]) == (1 / len(there), 0)


def test_what_was_learned_by_heart_shows_in_the_training_set_alone(noisy_views, rng, monkeypatch):
    monkeypatch.setattr(collapse, "QUERIES", 10)
    labels = noisy_views.labels
    codes = np.where(labels, 1.0, -1.0).repeat(4, axis=1)
    blind = np.where(rng.random(codes.shape) < 0.5, 1.0, -1.0)
    blind[noisy_views.train] = codes[noisy_views.train]
    found = signs({"image": HashCodes.from_signs(blind)}, noisy_views, "image", "image")
    assert found["train mAP"] == pytest.approx(1)
    blind[noisy_views.train] = -blind[noisy_views.train]  # order within the training set stays
    again = signs({"image": HashCodes.from_signs(blind)}, noisy_views, "image", "image")
    assert again == found | {"distinct": again["distinct"], "balance": again["balance"]}


def test_of_a_handful_of_training_samples_there_is_no_score(noisy_views):
    few = dataclasses.replace(noisy_views, train=noisy_views.train[:4])
    bits = np.zeros((len(few), 6), dtype=bool)
    assert "train mAP" not in signs(codes_of(bits), few, "image", "text")


def test_older_records_show_a_dash():
    records = pd.concat([made("here", {"a": [0.5, 0.7]}), made("here", {"b": [0.2]})])
    more = [
        made("here", {"b": [v]}, metric=m) for v, m in zip((0.9, 0.01, 0.8), SIGNS, strict=True)
    ]
    shown = table(pd.concat([records, *more]), "here", 48)
    assert shown.loc[("a", "image-text")].tolist() == ["60.0", "–", "–", "–"]
    assert shown.loc[("b", "image-text")].tolist() == ["20.0", "80.0", "90.0", "1.0"]


def test_a_failed_run_is_in_no_mean_and_has_a_row_with_its_seed():
    values = {("dcmh", 48): [0.839, 0.381, 0.816], ("dcmh", 32): [0.76, 0.78, 0.80]}
    few = made("here", {"dcmh": [0.5, 0.01, 0.3]}, metric="distinct")
    shown = table(pd.concat([made("here", values), few]), "here", 48)["distinct codes"]
    assert shown["dcmh", "image-text"] == "40.0"
    assert shown["dcmh, failed seed 1", "image-text"] == "1.0"
    assert len(shown) == 2
