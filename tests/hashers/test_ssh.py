"""SSH: stumps against brute force, boosting against its loss."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhash_nb.hashers.label_groups import LabelGroups
from mmhash_nb.hashers.ssh import SSH, best_stump, rank_features
from mmhash_nb.pairs import Pairs


def brute_force_errors(x, pairs, signed_weight):
    """The weighted error of every feature and every split between distinct values."""
    errors = {}
    label = np.sign(signed_weight)
    for k in range(x.shape[1]):
        distinct = np.unique(x[:, k])
        for r, (low, high) in enumerate(pairwise(distinct)):
            bit = np.where(x[:, k] >= (low + high) / 2, 1, -1)
            wrong = bit[pairs[0]] * bit[pairs[1]] != label
            errors[k, r] = np.abs(signed_weight)[wrong].sum()
    return errors


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.integers(0, 2))
def test_the_stump_has_the_least_error_of_all(seed, decimals):
    rng = np.random.default_rng(seed)
    x = np.round(rng.standard_normal((8, 3)), decimals).astype(np.float32)
    pairs = rng.integers(8, size=(2, 20))
    signed_weight = rng.random(20) * rng.choice([-1, 1], 20)
    values, ranks, n_values = rank_features(x)
    errors = brute_force_errors(x, pairs, signed_weight)
    used = np.zeros(values.shape, dtype=bool)
    taken = []
    for _ in range(min(4, len(errors))):
        k, r = best_stump(ranks, n_values, pairs, signed_weight, used)
        left = [error for split, error in errors.items() if split not in taken]
        assert (k, r) not in taken
        assert errors[k, r] == pytest.approx(min(left), abs=1e-12)
        used[k, r] = True
        taken.append((k, r))


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_ranks_give_the_values_back(seed):
    x = np.round(np.random.default_rng(seed).standard_normal((9, 4)), 1).astype(np.float32)
    values, ranks, n_values = rank_features(x)
    for k in range(4):
        assert np.array_equal(values[k, ranks[k]], x[:, k])
        assert np.array_equal(values[k, : n_values[k]], np.unique(x[:, k]))


def noisy(n=120, d=6):
    rng = np.random.default_rng(5)
    labels = np.eye(3, dtype=bool)[np.arange(n) % 3]
    x = labels @ rng.standard_normal((3, d)) + rng.standard_normal((n, d))
    return x.astype(np.float32), labels


def test_boosting_lowers_the_exponential_loss_by_each_bits_factor():
    x, labels = noisy()
    half = 400
    method = SSH(8, pairs=2 * half)
    state = method.fit_view(x, labels, np.random.default_rng(7))
    bits = np.where(method.project_view(x, state) >= 0, 1, -1)

    # The same pairs, since the pairs are the first thing the method draws.
    groups, rng = LabelGroups.from_labels(labels), np.random.default_rng(7)
    pairs = np.concatenate([groups.draw_pairs(s, half, rng) for s in (True, False)], axis=1)
    label = np.repeat([1, -1], half)
    agreement = bits[pairs[0]] * bits[pairs[1]] * label[:, None]  # [pairs, n_bits]
    score = np.zeros(2 * half)
    loss = 1.0
    for k, error in enumerate(state["error"]):
        weight = np.exp(-score)
        assert weight[agreement[:, k] < 0].sum() / weight.sum() == pytest.approx(error, abs=1e-9)
        assert error < 0.5
        score += 0.5 * np.log((1 - error) / error) * agreement[:, k]
        now = np.exp(-score).mean()
        assert now == pytest.approx(loss * 2 * np.sqrt(error * (1 - error)), rel=1e-9)
        loss = now


def test_a_bit_reads_one_feature():
    x, labels = noisy()
    method = SSH(4, pairs=200)
    state = method.fit_view(x, labels, np.random.default_rng(0))
    projected = method.project_view(x, state)
    for k, (feature, threshold) in enumerate(
        zip(state["features"], state["thresholds"], strict=True)
    ):
        assert np.array_equal(projected[:, k] >= 0, x[:, feature] >= threshold)


def test_perfect_and_useless_features_both_give_distinct_bits():
    n = 40
    labels = np.eye(2, dtype=bool)[np.arange(n) % 2]
    x = np.stack([labels[:, 0] + 0.0, np.arange(n) // 2 % 4], axis=1).astype(np.float32)
    state = SSH(4, pairs=100).fit_view(x, labels, np.random.default_rng(0))
    chosen = list(zip(state["features"], state["thresholds"], strict=True))
    assert chosen[0] == (0, 0.5)
    assert state["error"][0] == pytest.approx(0.005)  # half a pair of 100, not zero
    assert len(set(chosen)) == 4


def test_more_bits_than_thresholds_are_refused():
    labels = np.eye(2, dtype=bool)[np.arange(10) % 2]
    x = np.stack([np.arange(10) % 3, np.zeros(10)], axis=1).astype(np.float32)
    with pytest.raises(ValueError, match="n_bits is 3, but there are only 2 thresholds between"):
        SSH(3).fit_view(x, labels, np.random.default_rng(0))


def test_each_view_draws_from_a_stream_of_its_own():
    """Two views that are the same learn from other pairs."""
    x, labels = noisy()
    every = np.arange(len(x))
    names = [f"class {c}" for c in range(labels.shape[1])]
    twice = Pairs(x, x, labels, names, query=every[:0], database=every, train=every)
    state = SSH(8, pairs=200).fit(twice).state
    assert np.array_equal(state["image.mean"], state["text.mean"])
    assert not np.array_equal(state["image.error"], state["text.error"])
    assert not np.array_equal(state["image.thresholds"], state["text.thresholds"])
