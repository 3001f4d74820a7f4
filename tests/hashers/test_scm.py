"""SCM: low-rank forms against n×n loops, both solvers against generic ones, then as a method."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from mmhash_nb import hashers
from mmhash_nb.hashers import scm

RIDGE = 1e-3
NAMES = ["scm", "scm_orth"]


def sample(seed=0, n=40, dx=6, dy=5, classes=4):
    """Two centred views that tell of several labels each."""
    rng = np.random.default_rng(seed)
    labels = rng.random((n, classes)) < 0.4
    labels[np.arange(n), rng.integers(classes, size=n)] = True
    sides = [labels @ rng.normal(size=(classes, d)) + rng.normal(size=(n, d)) for d in (dx, dy)]
    x, y = (side - side.mean(axis=0) for side in sides)
    return x, y, labels


def naive_similarity(labels):
    """2 cos − 1 of every pair of label rows, by loops."""
    n = len(labels)
    s = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            a, b = labels[i].astype(float), labels[j].astype(float)
            s[i, j] = 2 * (a @ b) / (np.sqrt(a @ a) * np.sqrt(b @ b)) - 1
    return s


def regularised(x):
    c = x.T @ x / len(x)
    return c + RIDGE * np.diag(c).mean() * np.eye(len(c))


def generic_pairs(cross, cxx, cyy):
    """All pairs (wx, wy) of C Cyy⁻¹ C' w = λ² Cxx w, largest λ first, and λ."""
    values, wx = linalg.eigh(cross @ np.linalg.inv(cyy) @ cross.T, cxx)
    values, wx = np.sqrt(np.maximum(values[::-1], 0)), wx[:, ::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return wx, np.linalg.inv(cyy) @ cross.T @ wx / values, values


@pytest.mark.parametrize("seed", [0, 1])
def test_similarity_is_that_of_the_loops(seed):
    _, _, labels = sample(seed)
    a, b = scm.similarity_factors(labels)
    assert a.shape == b.shape == (40, 5)
    s = naive_similarity(labels)
    np.testing.assert_allclose(a @ b.T, s, atol=1e-12)
    assert s.min() == -1 and np.allclose(np.diag(s), 1)


def test_whitened_coordinates(rng):
    x, _, _ = sample()
    view = scm.Whitened(x, RIDGE)
    u = np.linalg.qr(rng.normal(size=(6, 4)))[0]
    w = view.directions(u)
    np.testing.assert_allclose(x @ w, view.white @ u, atol=1e-10)
    np.testing.assert_allclose(w.T @ regularised(x) @ w, np.eye(4), atol=1e-10)
    np.testing.assert_allclose(view.directions(u[:, 0]), w[:, 0], atol=1e-12)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), p=st.integers(1, 6), q=st.integers(1, 6), r=st.integers(1, 8))
def test_leading_pair_is_that_of_the_singular_values(seed, p, q, r):
    rng = np.random.default_rng(seed)
    left, right = rng.normal(size=(p, r)), rng.normal(size=(q, r))
    matrix = left @ right.T
    u, v = scm.leading_pair(left, right)
    assert u.shape == (p,) and v.shape == (q,)
    assert u @ u == pytest.approx(1) and v @ v == pytest.approx(1)
    assert u @ matrix @ v == pytest.approx(np.linalg.svd(matrix)[1][0], rel=1e-9)


def test_orthogonal_directions_solve_the_generalised_eigenproblem():
    x, y, labels = sample(3)
    cross = x.T @ naive_similarity(labels) @ y
    cxx, cyy = regularised(x), regularised(y)
    wx, wy = scm.orthogonal_directions(
        scm.Whitened(x, RIDGE), scm.Whitened(y, RIDGE), labels, n_bits=3
    )
    other_x, other_y, values = generic_pairs(cross, cxx, cyy)
    np.testing.assert_allclose(wx.T @ cxx @ wx, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(wy.T @ cyy @ wy, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(wx.T @ cross @ wy, np.diag(values[:3]), atol=1e-8 * values[0])
    for ours, other, c in ((wx, other_x, cxx), (wy, other_y, cyy)):
        np.testing.assert_allclose(np.abs(np.diag(ours.T @ c @ other[:, :3])), 1, atol=1e-7)


def test_no_other_orthogonal_directions_do_better(rng):
    x, y, labels = sample(4)
    cross = x.T @ naive_similarity(labels) @ y
    views = scm.Whitened(x, RIDGE), scm.Whitened(y, RIDGE)
    wx, wy = scm.orthogonal_directions(*views, labels, n_bits=2)
    best = np.trace(wx.T @ cross @ wy)
    for step in (0.01, 0.1, 1.0):
        for _ in range(50):
            sides = []
            for w, x_or_y in ((wx, x), (wy, y)):
                c = regularised(x_or_y)
                moved = w + step * rng.normal(size=w.shape) / np.sqrt(np.diag(c))[:, None]
                # Back to W'CW = I by the symmetric square root.
                sides.append(moved @ np.real(linalg.inv(linalg.sqrtm(moved.T @ c @ moved))))
            assert np.trace(sides[0].T @ cross @ sides[1]) < best


@pytest.mark.parametrize(("seed", "bits"), [(5, 4), (6, 9)])
def test_each_sequential_bit_is_the_best_for_its_residual(seed, bits):
    x, y, labels = sample(seed)
    cxx, cyy = regularised(x), regularised(y)
    views = scm.Whitened(x, RIDGE), scm.Whitened(y, RIDGE)
    wx, wy = scm.sequential_directions(*views, labels, bits)
    assert wx.shape == (6, bits) and wy.shape == (5, bits)
    residual = bits * naive_similarity(labels)
    for k in range(bits):
        cross = x.T @ residual @ y
        other_x, other_y, values = generic_pairs(cross, cxx, cyy)
        assert wx[:, k] @ cross @ wy[:, k] == pytest.approx(values[0], rel=1e-9)
        assert abs(wx[:, k] @ cxx @ other_x[:, 0]) == pytest.approx(1, abs=1e-7)
        assert abs(wy[:, k] @ cyy @ other_y[:, 0]) == pytest.approx(1, abs=1e-7)
        hx, hy = np.sign(x @ wx[:, k]), np.sign(y @ wy[:, k])
        for i in range(len(x)):
            residual[i] -= hx[i] * hy


@pytest.mark.parametrize("name", NAMES)
def test_the_objective_is_that_of_the_codes(name, noisy_views):
    method = hashers.create(name, 7).fit(noisy_views)
    train = noisy_views.take(noisy_views.train)
    hx, hy = (
        method.encode(train, modality).signs().astype(float) for modality in ("image", "text")
    )
    residual = 7 * naive_similarity(train.labels)
    expected = [np.square(residual).sum()]
    for k in range(7):
        residual = residual - np.outer(hx[:, k], hy[:, k])
        expected.append(np.square(residual).sum())
    np.testing.assert_allclose(method.state["objective"], expected, rtol=1e-10)
    assert expected[-1] < 0.95 * expected[0]


@pytest.mark.parametrize("name", NAMES)
def test_fit_gives_the_solvers_directions(name, noisy_views):
    method = hashers.create(name, 3, ridge=0.05).fit(noisy_views)
    train = noisy_views.take(noisy_views.train)
    views = [scm.Whitened(method.view(train, modality), 0.05) for modality in ("image", "text")]
    solve = {"scm": scm.sequential_directions, "scm_orth": scm.orthogonal_directions}[name]
    for modality, expected in zip(("image", "text"), solve(*views, train.labels, 3), strict=True):
        np.testing.assert_allclose(method.state[f"{modality}.directions"], expected, rtol=1e-10)


def test_the_first_bits_of_the_two_solvers_agree(noisy_views):
    one, other = (hashers.create(name, 3).fit(noisy_views) for name in NAMES)
    first, best = (
        np.concatenate([m.encode(noisy_views, view).signs()[:, 0] for view in ("image", "text")])
        for m in (one, other)
    )
    assert np.array_equal(first, best) or np.array_equal(first, -best)
