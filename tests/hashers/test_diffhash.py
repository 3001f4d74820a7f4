"""DiffHash: covariances and thresholds against loops over all pairs."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from mmhash_nb.hashers.diffhash import DiffHash, best_threshold, pair_covariances
from mmhash_nb.hashers.label_groups import LabelGroups


def sample(seed, n=14, d=5, multi=False):
    rng = np.random.default_rng(seed)
    labels = np.eye(3, dtype=bool)[rng.permutation(np.arange(n) % 3)]
    if multi:
        labels |= rng.random(labels.shape) < 0.2
        labels[:2] = [[True, False, False], [False, False, True]]
    return rng.standard_normal((n, d)).astype(np.float32), labels


def pairs_of(labels):
    """All unordered pairs, and whether they share a label."""
    for i, j in combinations(range(len(labels)), 2):
        yield i, j, bool((labels[i] & labels[j]).any())


@pytest.mark.parametrize("multi", [False, True])
def test_covariances_are_means_over_all_pairs(multi):
    x, labels = sample(1, multi=multi)
    sums = {kind: [np.zeros((5, 5)), 0] for kind in (True, False)}
    for i, j, similar in pairs_of(labels):
        difference = x[i].astype(float) - x[j]
        sums[similar][0] += np.outer(difference, difference)
        sums[similar][1] += 1
    positive, negative = pair_covariances(x, LabelGroups.from_labels(labels))
    np.testing.assert_allclose(positive, sums[True][0] / sums[True][1], atol=1e-9)
    np.testing.assert_allclose(negative, sums[False][0] / sums[False][1], atol=1e-9)


def objective(bit, labels, alpha):
    """Eq. 2 for one bit, over 4: cut pairs differ by 2."""
    cut = {True: [], False: []}
    for i, j, similar in pairs_of(labels):
        cut[similar].append(bit[i] != bit[j])
    return np.mean(cut[True]) - alpha * np.mean(cut[False])


@settings(max_examples=80)
@given(
    st.integers(0, 10_000),
    st.booleans(),
    st.sampled_from([0.3, 1.0, 3.0]),
    st.integers(0, 3),
)
def test_the_threshold_is_the_global_minimum(seed, multi, alpha, decimals):
    x, labels = sample(seed, n=9, multi=multi)
    values = np.round(x[:, 0], decimals)  # few decimals: ties
    threshold = best_threshold(values, LabelGroups.from_labels(labels), alpha)
    distinct = np.unique(values)
    splits = [objective(values >= v, labels, alpha) for v in distinct[1:]]
    found = objective(values >= threshold, labels, alpha)
    if splits:
        assert found == pytest.approx(min(splits), abs=1e-12)
        assert distinct[0] < threshold < distinct[-1]
    else:
        assert threshold == distinct[0]


def test_directions_are_the_smallest_eigenvectors():
    x, labels = sample(2, n=60)
    method = DiffHash(3, alpha=0.7)
    state = method.fit_view(x, labels, np.random.default_rng(0))
    positive, negative = pair_covariances(x, LabelGroups.from_labels(labels))
    matrix = positive - 0.7 * negative
    p = state["directions"].astype(float)
    np.testing.assert_allclose(p.T @ p, np.eye(3), atol=1e-5)
    quotients = np.diag(p.T @ matrix @ p)
    np.testing.assert_allclose(quotients, np.linalg.eigvalsh(matrix)[:3], atol=1e-5)

    # No unit direction has less: minimise the Rayleigh quotient from several starts.
    def rayleigh(w):
        return w @ matrix @ w / (w @ w)

    starts = np.random.default_rng(0).standard_normal((5, 5))
    least = min(optimize.minimize(rayleigh, w).fun for w in starts)
    assert quotients[0] == pytest.approx(least, abs=1e-5)


def test_bits_are_projections_against_thresholds():
    x, labels = sample(3, n=60)
    method = DiffHash(2)
    state = method.fit_view(x, labels, np.random.default_rng(0))
    bits = method.project_view(x, state) >= 0
    groups = LabelGroups.from_labels(labels)
    for k in range(2):
        projection = x @ state["directions"][:, k]
        threshold = best_threshold(projection, groups, 1.0)
        assert np.array_equal(bits[:, k], projection >= threshold)
        assert 0 < bits[:, k].sum() < len(x)
