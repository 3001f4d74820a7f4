"""CCA hashing against an independent generalised eigenproblem, then as a method."""

import numpy as np
import pytest
from scipy import linalg

from mmhash_nb import hashers

K = 6


def covariances(method, pairs, ridge):
    """Cxx, Cyy (with `ridge` times their mean diagonal) and Cxy of the training samples."""
    x, y = (method.view(pairs.take(pairs.train), m) for m in ("image", "text"))
    n = len(x)
    cxx, cyy = x.T @ x / n, y.T @ y / n
    cxx += ridge * np.diag(cxx).mean() * np.eye(len(cxx))
    cyy += ridge * np.diag(cyy).mean() * np.eye(len(cyy))
    return cxx, cyy, x.T @ y / n


@pytest.mark.parametrize("ridge", [1e-4, 0.3])
def test_directions_solve_the_generalised_eigenproblem(noisy_views, ridge):
    method = hashers.create("cca_hash", K, ridge=ridge).fit(noisy_views)
    cxx, cyy, cxy = covariances(method, noisy_views, ridge)
    values, vectors = linalg.eigh(cxy @ np.linalg.inv(cyy) @ cxy.T, cxx)
    values, vectors = values[::-1][:K], vectors[:, ::-1][:, :K]
    wx, wy = method.state["image.directions"], method.state["text.directions"]
    np.testing.assert_allclose(method.state["correlations"] ** 2, values, atol=1e-9)
    # eigh gives vectors of unit length in Cxx, as ours: parallel means a product of ±1.
    np.testing.assert_allclose(np.abs(np.diag(wx.T @ cxx @ vectors)), 1, atol=1e-8)
    np.testing.assert_allclose(wx.T @ cxx @ wx, np.eye(K), atol=1e-8)
    np.testing.assert_allclose(wy.T @ cyy @ wy, np.eye(K), atol=1e-8)
    # The bits of the two views pair up, with the same sign.
    np.testing.assert_allclose(wx.T @ cxy @ wy, np.diag(np.sqrt(values)), atol=1e-8)
