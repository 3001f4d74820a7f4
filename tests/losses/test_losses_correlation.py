"""Losses of CAH against NumPy's correlations, least squares and the limits they must have."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_cases import normal

from mmhash_nb.losses.correlation import (
    feature_correlation_loss,
    reconstruction_loss,
    semantic_correlation_loss,
)


def some_pairs(n, m, seed=0):
    """Which pairs are similar, some and not all."""
    similar = torch.rand(n, m, generator=torch.Generator().manual_seed(seed)) < 0.3
    similar[0, 0], similar[-1, -1] = True, False
    return similar


@settings(max_examples=30)
@given(n=st.integers(2, 9), bits=st.integers(1, 5), seed=st.integers(0, 10_000))
def test_feature_correlation_is_the_mean_of_each_bits(n, bits, seed):
    x, y = normal(n, bits, seed=seed), normal(n, bits, seed=seed + 1)
    each = [np.corrcoef(x[:, k], y[:, k])[0, 1] for k in range(bits)]
    assert feature_correlation_loss(x, y).item() == pytest.approx(1 - np.mean(each), abs=1e-12)


@settings(max_examples=30)
@given(
    n=st.integers(2, 6), m=st.integers(1, 6), bits=st.integers(1, 5), seed=st.integers(0, 10_000)
)
def test_semantic_correlation_is_that_of_all_pairs(n, m, bits, seed):
    x, y, similar = normal(n, bits, seed=seed), normal(m, bits, seed=seed + 1), some_pairs(n, m)
    products = [float(x[i] @ y[j]) for i in range(n) for j in range(m)]
    signs = [1 if similar[i, j] else -1 for i in range(n) for j in range(m)]
    expected = 1 - np.corrcoef(products, signs)[0, 1]
    assert semantic_correlation_loss(x, y, similar).item() == pytest.approx(expected, abs=1e-12)


def test_semantic_correlation_is_the_fit_by_least_squares():
    """min over a and b of Σ (a x·y + b − s)² is (1 − ρ²) Σ (s − s̄)²."""
    x, y, similar = normal(7, 3), normal(5, 3, seed=1), some_pairs(7, 5)
    products = (x @ y.T).flatten().numpy()
    signs = np.where(similar.flatten(), 1.0, -1.0)
    residual = np.linalg.lstsq(np.stack([products, np.ones(35)], 1), signs, rcond=None)[1][0]
    rho = 1 - semantic_correlation_loss(x, y, similar).item()
    assert (1 - rho**2) * np.square(signs - signs.mean()).sum() == pytest.approx(residual)


def test_gradients_agree_with_finite_differences():
    x, y = normal(5, 3).requires_grad_(), normal(5, 3, seed=1).requires_grad_()
    similar = some_pairs(5, 5)
    assert torch.autograd.gradcheck(feature_correlation_loss, (x, y))
    assert torch.autograd.gradcheck(lambda a, b: semantic_correlation_loss(a, b, similar), (x, y))
    assert torch.autograd.gradcheck(reconstruction_loss, (x, y))


def test_what_feature_correlation_does_not_see():
    x, y = normal(8, 3), normal(8, 3, seed=1)
    before = feature_correlation_loss(x, y)
    scale, shift = torch.tensor([0.1, 2, 30]).double(), torch.tensor([5.0, -1, 0]).double()
    torch.testing.assert_close(feature_correlation_loss(scale * x + shift, y), before)
    torch.testing.assert_close(feature_correlation_loss(y, x), before)
    torch.testing.assert_close(feature_correlation_loss(-x, -y), before)
    torch.testing.assert_close(feature_correlation_loss(-x, y), 2 - before)
    order = torch.randperm(8, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(feature_correlation_loss(x[order], y[order]), before)
    assert feature_correlation_loss(x[order], x) > 0.5  # pairs matter


def test_the_limits_of_both_correlations():
    codes = torch.tensor([[1.0, 1], [1, 1], [-1, 1], [-1, -1]])
    assert feature_correlation_loss(codes, codes).item() == pytest.approx(0, abs=1e-6)
    assert feature_correlation_loss(codes, -codes).item() == pytest.approx(2)
    classes = torch.tensor([[1.0], [1], [-1]])
    similar = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]]).bool()
    assert semantic_correlation_loss(classes, classes, similar).item() == pytest.approx(0, abs=1e-6)
    opposed = semantic_correlation_loss(classes, classes, ~similar)
    assert opposed.item() == pytest.approx(2)


def test_what_is_constant_is_uncorrelated_and_passes_no_gradient():
    x = torch.ones(4, 2, requires_grad=True)
    y = torch.tensor([[1.0, 0], [0, 1], [1, 1], [0, 3]], requires_grad=True)
    for similar in (torch.ones(4, 4), torch.zeros(4, 4)):
        loss = semantic_correlation_loss(y, y, similar.bool())
        (gradient,) = torch.autograd.grad(loss, y)
        assert loss.item() == 1 and not gradient.any()
    loss = feature_correlation_loss(x, y)
    loss.backward()
    assert loss.item() == 1
    # A constant bit is moved along y − ȳ, by a finite step; the other is not moved by a constant.
    assert torch.isfinite(x.grad).all() and not y.grad.any()


@settings(max_examples=20)
@given(n=st.integers(2, 6), d=st.integers(1, 5), seed=st.integers(0, 10_000))
def test_reconstruction_is_the_variance_left(n, d, seed):
    given, rebuilt = normal(n, d, seed=seed), normal(n, d, seed=seed + 1)
    error = sum(float((rebuilt[i] - given[i]).square().sum()) for i in range(n))
    variance = sum(float((given[i] - given.mean(0)).square().sum()) for i in range(n))
    loss = reconstruction_loss(rebuilt, given)
    assert loss.item() == pytest.approx(error / variance)
    torch.testing.assert_close(reconstruction_loss(40 * rebuilt - 3, 40 * given - 3), loss)
    twice = reconstruction_loss(rebuilt.repeat(3, 2), given.repeat(3, 2))
    torch.testing.assert_close(twice, loss)
    mean = given.mean(0).expand(n, d)
    assert reconstruction_loss(mean, given).item() == pytest.approx(1)
    assert reconstruction_loss(given, given).item() == 0


def test_reconstruction_of_equal_samples_is_the_squared_error():
    given = torch.full((3, 2), 5.0)
    assert reconstruction_loss(given + 1, given).item() == 6
