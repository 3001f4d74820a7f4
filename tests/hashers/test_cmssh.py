"""CM-SSH: each step of a boosting round against a plain loop, then the method as a whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from retrieval import clusters, scores

from mmhash_nb import hashers
from mmhash_nb.hashers import cmssh
from mmhash_nb.hashers.base import centre_unit
from mmhash_nb.pairs import Pairs


def some_pairs(rng, n, m):
    return rng.integers(n, size=m), rng.integers(n, size=m), rng.normal(size=m)


def test_directions_maximise_positive_minus_negative_covariance():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(9, 4)), rng.normal(size=(9, 3))
    i, j, weight = some_pairs(rng, 9, 60)  # repeated pairs add up
    p, q = cmssh.leading_directions(x, y, i, j, weight)
    difference = np.zeros((4, 3))
    for k in range(60):
        difference += weight[k] * np.outer(x[i[k]], y[j[k]])
    assert np.linalg.norm(p) == pytest.approx(1) and np.linalg.norm(q) == pytest.approx(1)
    best = np.linalg.svd(difference, compute_uv=False)[0]
    assert p @ difference @ q == pytest.approx(best)
    objective = sum(w * (x[a] @ p) * (y[b] @ q) for a, b, w in zip(i, j, weight, strict=True))
    assert objective == pytest.approx(best)


def gain(u, v, i, j, weight, a, b):
    sign_u, sign_v = np.where(u + a >= 0, 1, -1), np.where(v + b >= 0, 1, -1)
    return sum(w * sign_u[c] * sign_v[d] for c, d, w in zip(i, j, weight, strict=True))


@settings(max_examples=60)
@given(seed=st.integers(0, 100_000), n=st.integers(2, 9), repeat=st.booleans())
def test_thresholds_are_the_best_of_all(seed, n, repeat):
    rng = np.random.default_rng(seed)
    u, v = rng.normal(size=(2, n))
    if repeat:  # equal projections fall on one side together
        u = np.round(u)
    i, j, weight = some_pairs(rng, n, 30)
    a, b = cmssh.best_thresholds(u, v, i, j, weight)
    halves = [
        (np.unique(z)[1:] + np.unique(z)[:-1]) / 2 if len(np.unique(z)) > 1 else z[:1]
        for z in (u, v)
    ]
    brute = max(gain(u, v, i, j, weight, -s, -t) for s in halves[0] for t in halves[1])
    assert gain(u, v, i, j, weight, a, b) == pytest.approx(brute, abs=1e-9)


def test_thresholds_on_a_grid_are_the_best_of_the_grid(monkeypatch):
    monkeypatch.setattr(cmssh, "THRESHOLDS", 5)
    rng = np.random.default_rng(3)
    u, v = rng.normal(size=(2, 40))
    i, j, weight = some_pairs(rng, 40, 300)
    a, b = cmssh.best_thresholds(u, v, i, j, weight)
    cuts = [((z[1:] + z[:-1]) / 2)[[0, 10, 19, 28, 38]] for z in (np.sort(u), np.sort(v))]
    brute = max(gain(u, v, i, j, weight, -s, -t) for s in cuts[0] for t in cuts[1])
    assert gain(u, v, i, j, weight, a, b) == pytest.approx(brute)


@pytest.mark.parametrize("extra_labels", [False, True])
def test_drawn_pairs_are_half_similar_and_labelled_right(extra_labels):
    labels = clusters(extra_labels=extra_labels).labels
    i, j, similar = cmssh.draw_pairs(labels, 2000, np.random.default_rng(0))
    assert len(i) == len(j) == len(similar) == 2000 and similar.sum() == 1000
    naive = [
        bool(set(np.flatnonzero(labels[a])) & set(np.flatnonzero(labels[b])))
        for a, b in zip(i, j, strict=True)
    ]
    assert similar.tolist() == naive
    assert len(np.unique(i)) > 300 and len(np.unique(j)) > 300


def test_all_pairs_are_taken_where_they_are_few():
    labels = np.array([[1, 0], [0, 1], [1, 1]], dtype=bool)
    i, j, similar = cmssh.draw_pairs(labels, 9, np.random.default_rng(0))
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == [
        (a, b) for a in range(3) for b in range(3)
    ]
    assert similar.tolist() == [True, False, True, False, True, True, True, True, True]


def test_rare_similar_pairs_do_not_stop_the_draw():
    labels = np.eye(300, dtype=bool)  # each sample is similar to itself alone
    i, j, similar = cmssh.draw_pairs(labels, 1000, np.random.default_rng(0))
    assert 0 < similar.sum() <= 500 and (~similar).sum() == 500
    assert (i[similar] == j[similar]).all()


def replay(pairs, method):
    """Exponential loss over all pairs after each bit, and its errors, by the definition."""
    train = pairs.take(pairs.train)
    sides = {}
    for modality in ("image", "text"):
        x = centre_unit(train.features(modality), train.features(modality).mean(axis=0))
        projected = x @ method.state[f"{modality}.directions"]
        sides[modality] = np.where(projected + method.state[f"{modality}.offsets"] >= 0, 1, -1)
    n = len(train)
    sign = np.where((train.labels.astype(int) @ train.labels.T.astype(int)) > 0, 1, -1)
    start = np.where(sign > 0, 0.5 / (sign > 0).sum(), 0.5 / (sign < 0).sum())
    margin, losses, errors = np.zeros((n, n)), [start.sum()], []
    for bit in range(method.n_bits):
        weak = np.outer(sides["image"][:, bit], sides["text"][:, bit])
        weight = start * np.exp(-margin)
        errors.append(weight[weak != sign].sum() / weight.sum())
        margin += 0.5 * np.log((1 - errors[-1]) / errors[-1]) * sign * weak
        losses.append((start * np.exp(-margin)).sum())
    return np.array(losses), np.array(errors)


@pytest.mark.parametrize("extra_labels", [False, True])
def test_boosting_follows_adaboost_and_its_bound_falls(extra_labels):
    pairs = clusters(n=80, noise=0.8, extra_labels=extra_labels)
    method = hashers.create("cmssh", 12, pairs=10_000).fit(pairs)  # 60² pairs: all are taken
    losses, errors = replay(pairs, method)
    np.testing.assert_allclose(method.state["error"], errors, rtol=1e-6)
    assert (errors < 0.5).all() and (np.diff(losses) < 0).all()
    bound = np.cumprod(2 * np.sqrt(errors * (1 - errors)))
    np.testing.assert_allclose(losses[1:], bound, rtol=1e-6)


def test_codes_longer_than_the_features_do_not_repeat():
    pairs = clusters(noise=0.8, dx=10, dy=4)
    method = hashers.create("cmssh", 32).fit(pairs)
    signs = np.concatenate([method.encode(pairs, m).signs() for m in method.modalities])
    assert len(np.unique(signs * signs[0], axis=1).T) == 32  # a bit and its complement are one


def test_two_classes_that_one_bit_divides():
    pairs = clusters(n=60, classes=2, noise=0.01)
    method = hashers.create("cmssh", 4, pairs=10_000).fit(pairs)
    assert method.state["error"][0] == pytest.approx(0.5 / 45**2)
    assert min(scores(method, pairs)) > 0.999


def test_bad_input_is_told_in_a_sentence(monkeypatch):
    pairs = clusters(n=40)
    one = np.ones((40, 1), dtype=bool)
    same = Pairs(pairs.images, pairs.texts, one, ["all"], pairs.query, pairs.database, pairs.train)
    with pytest.raises(ValueError, match=r"of 900 pairs of training samples all share a label"):
        hashers.create("cmssh", 4).fit(same)
    monkeypatch.setattr(cmssh, "MAX_BLOCKS", 1)
    with pytest.raises(ValueError, match=r"of 1 pairs of training samples none share a label"):
        cmssh.draw_pairs(np.eye(3000, dtype=bool), 2, np.random.default_rng(0))
