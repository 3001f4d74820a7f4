"""Anchor graph hashing: eigenfunctions and thresholds against the dense n×n graph."""

import numpy as np
import pytest
from scipy import optimize

from mmhash_nb.hashers.agh import (
    AnchorGraphHashing,
    anchor_similarities,
    eigenfunctions,
    second_thresholds,
)


def graph(seed=0, n=80, n_anchors=12, neighbours=3, bandwidth=2.0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 4)).astype(np.float32)
    anchors = rng.standard_normal((n_anchors, 4)).astype(np.float32)
    return x, anchors, anchor_similarities(x, anchors, neighbours, bandwidth)


def adjacency(z):
    z = z.toarray()
    degree = z.sum(axis=0)
    return z[:, degree > 0] @ np.diag(1 / degree[degree > 0]) @ z[:, degree > 0].T


def test_similarities_are_gaussian_over_the_nearest_anchors():
    x, anchors, z = graph()
    for i in range(len(x)):
        squared = [sum((float(a) - float(b)) ** 2 for a, b in zip(x[i], c, strict=True))
                   for c in anchors]  # fmt: skip
        expected = np.zeros(len(anchors))
        for k in sorted(range(len(anchors)), key=squared.__getitem__)[:3]:
            expected[k] = np.exp(-squared[k] / 2.0)
        np.testing.assert_allclose(z.toarray()[i], expected / expected.sum(), atol=1e-5)


def test_a_sample_far_from_all_anchors_has_a_row():
    _, anchors, _ = graph()
    z = anchor_similarities(np.full((1, 4), 1e4, np.float32), anchors, 3, 1e-3).toarray()
    assert np.isfinite(z).all() and z.sum() == pytest.approx(1)


def test_eigenfunctions_are_eigenvectors_of_the_dense_graph():
    _, _, z = graph()
    a = adjacency(z)
    np.testing.assert_allclose(a.sum(axis=1), 1, atol=1e-12)
    y = z @ eigenfunctions(z, 6)
    values = np.linalg.eigvalsh(a)[::-1]
    assert values[0] == pytest.approx(1) and values[1] < 1 - 1e-6
    np.testing.assert_allclose(a @ y, y * values[1:7], atol=1e-8)
    np.testing.assert_allclose(y.T @ y, len(y) * np.eye(6), atol=1e-7)
    np.testing.assert_allclose(y.sum(axis=0), 0, atol=1e-8)


def test_components_are_told_apart():
    """Two components have two eigenvalues 1; only the constant vector may go."""
    rng = np.random.default_rng(1)
    side = (np.arange(60) % 3 == 0).astype(int)  # 40 and 20 samples
    x = (rng.standard_normal((60, 3)) + 100 * side[:, None]).astype(np.float32)
    anchors = np.concatenate([x[side == 0][:4], x[side == 1][:4]])
    z = anchor_similarities(x, anchors, 2, 1.0)
    y = (z @ eigenfunctions(z, 1))[:, 0]
    assert abs(np.corrcoef(y, side)[0, 1]) == pytest.approx(1)
    assert abs(y.max() + y.min()) > 0.1
    # No edge joins the two sides, so each side is split at its mean.
    np.testing.assert_allclose(second_thresholds(z, y), [y.max(), y.min()], atol=1e-6)


def test_an_anchor_without_samples_has_no_part():
    x, anchors, z = graph()
    further = np.concatenate([anchors, np.full((1, 4), 1e3, np.float32)])
    with_idle = anchor_similarities(x, further, 3, 2.0)
    w = eigenfunctions(with_idle, 4)
    assert not w[-1].any()
    np.testing.assert_allclose(
        np.abs(with_idle @ w), np.abs(z @ eigenfunctions(z, 4)), atol=1e-7
    )  # up to the sign of each


@pytest.mark.parametrize("seed", range(4))
def test_second_thresholds_minimise_the_laplacian_form(seed):
    _, _, z = graph(seed)
    laplacian = np.eye(z.shape[0]) - adjacency(z)
    for y in (z @ eigenfunctions(z, 3)).T:
        above = y >= 0

        def second_bit(b, y=y, above=above):
            return np.where(above, y - b[0], b[1] - y)

        found = np.array(second_thresholds(z, y))
        assert second_bit(found).sum() == pytest.approx(0, abs=1e-9)
        best = optimize.minimize(
            lambda b, bit=second_bit: bit(b) @ laplacian @ bit(b),
            [0.0, 0.0],
            method="SLSQP",
            constraints={"type": "eq", "fun": lambda b, bit=second_bit: bit(b).sum()},
            options={"ftol": 1e-12},
        )
        h = second_bit(found)
        assert h @ laplacian @ h <= best.fun + 1e-8
        np.testing.assert_allclose(found, best.x, atol=1e-3)


def fitted(n_bits, layers, n=120, **options):
    x, _, _ = graph(3, n=n)
    method = AnchorGraphHashing(n_bits, layers=layers, **{"anchors": 30, **options})
    labels = np.ones((n, 1), dtype=bool)  # ignored
    return x, method, method.fit_view(x, labels, np.random.default_rng(0))


@pytest.mark.parametrize("n_bits", [6, 7])
def test_the_second_layer_splits_each_side_of_the_first(n_bits):
    x, method, state = fitted(n_bits, layers=2)
    functions = -(-n_bits // 2)
    signs = method.project_view(x, state) >= 0
    assert signs.shape == (len(x), n_bits)
    z = anchor_similarities(x, state["anchors"], 3, state["bandwidth"][0])
    y = z @ state["weights"]
    assert y.shape == (len(x), functions)
    for k in range(functions):
        assert np.array_equal(signs[:, k], y[:, k] >= 0)
    for k in range(n_bits - functions):
        above, below = state["thresholds"][k]
        for i in range(len(x)):
            value = y[i, k]
            expected = value >= above if value >= 0 else value <= below
            assert signs[i, functions + k] == expected


def test_one_layer_is_the_sign_of_the_eigenfunctions_also_over_blocks(monkeypatch):
    x, method, state = fitted(5, layers=1)
    whole = method.project_view(x, state)
    z = anchor_similarities(x, state["anchors"], 3, state["bandwidth"][0])
    np.testing.assert_allclose(whole, z @ state["weights"])
    monkeypatch.setattr("mmhash_nb.hashers.base.BLOCK", 50)
    np.testing.assert_allclose(method.project_view(x, state), whole, atol=1e-5)


def test_the_bandwidth_is_the_squared_mean_distance_to_the_last_neighbour():
    x, _, state = fitted(4, layers=1)
    distances = np.linalg.norm(x[:, None] - state["anchors"][None], axis=2)
    expected = np.sort(distances, axis=1)[:, 2].mean() ** 2
    assert state["bandwidth"][0] == pytest.approx(expected, 1e-5)


@pytest.mark.filterwarnings("ignore:Number of distinct clusters")
@pytest.mark.parametrize("n_anchors", [6, 9])
def test_repeated_samples_do_not_divide_by_zero(n_anchors):
    x = np.repeat(np.eye(6, 8, dtype=np.float32), 10, axis=0)
    method = AnchorGraphHashing(3, anchors=n_anchors, neighbours=1)
    state = method.fit_view(x, np.ones((60, 1), dtype=bool), np.random.default_rng(0))
    codes = method.project_view(x, state) >= 0
    assert len(state["anchors"]) == 6
    assert all((codes[10 * i : 10 * i + 10] == codes[10 * i]).all() for i in range(6))


@pytest.mark.parametrize(
    ("n_bits", "options", "sentence"),
    [
        (4, {"anchors": 121}, "anchors is 121, but there are only 120 training samples"),
        (4, {"neighbours": 31}, "neighbours is 31, but there are only 30 anchors"),
        (30, {}, "that n_bits needs is 30, but there are only 29 in the anchor graph"),
        (59, {"layers": 2}, "that n_bits needs is 30, but there are only 29 in the anchor graph"),
    ],
)
def test_what_cannot_be_is_refused(n_bits, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        fitted(n_bits, **{"layers": 1, **options})
