"""CCA against scikit-learn's iteration, SciPy's generalised eigenproblem, and the data itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from sklearn.cross_decomposition import CCA as IterativeCCA

from mmhash_nb.hashers.canonical import fit_cca


def two_views(seed=0, n=300, dx=6, dy=4, shared=3):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, shared))
    x = common @ rng.normal(size=(shared, dx)) + rng.normal(size=(n, dx)) + 5
    y = common @ rng.normal(size=(shared, dy)) + rng.normal(size=(n, dy)) - 2
    return x, y


def projections(fitted, x, y):
    return (x - fitted.x_mean) @ fitted.x_weights, (y - fitted.y_mean) @ fitted.y_weights


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), dx=st.integers(1, 7), dy=st.integers(1, 7))
def test_canonical_correlations_are_those_of_the_projections(seed, dx, dy):
    x, y = two_views(seed, dx=dx, dy=dy)
    k = min(dx, dy)
    fitted = fit_cca(x, y, k, ridge=1e-10)
    u, v = projections(fitted, x, y)
    n = len(x)
    np.testing.assert_allclose(u.T @ u / n, np.eye(k), atol=1e-6)
    np.testing.assert_allclose(v.T @ v / n, np.eye(k), atol=1e-6)
    np.testing.assert_allclose(u.T @ v / n, np.diag(fitted.correlations), atol=1e-6)
    assert (np.diff(fitted.correlations) <= 1e-12).all()


def test_agrees_with_scikit_learn():
    x, y = two_views()
    ours = projections(fit_cca(x, y, 3, ridge=1e-10), x, y)
    theirs = IterativeCCA(3, max_iter=5000, tol=1e-12).fit_transform(x, y)
    for mine, other in zip(ours, theirs, strict=True):
        for c in range(3):
            assert abs(np.corrcoef(mine[:, c], other[:, c])[0, 1]) == pytest.approx(1, abs=1e-6)


def test_ridge_solves_the_regularised_generalised_eigenproblem():
    x, y = two_views()
    ridge = 0.3
    fitted = fit_cca(x, y, 4, ridge)
    cx, cy = x - x.mean(0), y - y.mean(0)
    n = len(x)
    cxx, cyy, cxy = cx.T @ cx / n, cy.T @ cy / n, cx.T @ cy / n
    cxx += ridge * np.trace(cxx) / 6 * np.eye(6)
    cyy += ridge * np.trace(cyy) / 4 * np.eye(4)
    values, vectors = linalg.eigh(cxy @ np.linalg.inv(cyy) @ cxy.T, cxx)
    np.testing.assert_allclose(fitted.correlations**2, values[::-1][:4], atol=1e-10)
    cosine = np.abs((fitted.x_weights * (cxx @ vectors[:, ::-1][:, :4])).sum(axis=0))
    np.testing.assert_allclose(cosine, 1, atol=1e-8)


def test_fewer_components_are_the_first_ones():
    x, y = two_views()
    some, all_ = fit_cca(x, y, 2), fit_cca(x, y, 4)
    np.testing.assert_array_equal(some.x_weights, all_.x_weights[:, :2])
    np.testing.assert_array_equal(some.y_weights, all_.y_weights[:, :2])
    assert some.correlations.shape == (2,)


def test_rows_that_sum_to_one_are_no_obstacle():
    rng = np.random.default_rng(0)
    x = rng.dirichlet(np.ones(8), size=200).astype(np.float32)
    y = (x[:, :5] + 0.01 * rng.normal(size=(200, 5))).astype(np.float32)
    fitted = fit_cca(x, y / y.sum(axis=1, keepdims=True), 5)
    assert np.isfinite(fitted.x_weights).all() and np.isfinite(fitted.y_weights).all()
    assert fitted.correlations[0] > 0.95
    assert fitted.correlations[-1] < 0.01  # the direction in which the view is constant


def test_bad_input_is_told_in_a_sentence():
    x, y = two_views()
    with pytest.raises(ValueError, match=r"components is 5, but there are only 4 features"):
        fit_cca(x, y, 5)
    with pytest.raises(ValueError, match="all samples of one view are equal"):
        fit_cca(x, np.ones_like(y), 2)
