"""What the errata say of liong2017's equations, shown by numbers."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from mmhash_nb import papers
from mmhash_nb.losses.gaussian_latent import bit_likelihood_loss, printed_likelihood_loss
from mmhash_nb.papers.checks import MeanBetter

NOTES = papers.errata("liong2017").set_index("where").interpretation


def divergence(mean, std):
    return 0.5 * (mean**2 + std**2 - 1 - np.log(std**2))


def test_equation_12_is_the_divergence_with_its_sign_turned():
    rng = np.random.default_rng(0)
    for mean, std in zip(rng.normal(size=20), rng.uniform(0.1, 3, 20), strict=True):
        printed = 0.5 * (1 + np.log(std**2) - mean**2 - std**2)
        normal = torch.distributions.Normal(torch.tensor(mean), torch.tensor(std))
        prior = torch.distributions.Normal(0.0, 1.0)
        right = torch.distributions.kl_divergence(normal, prior).item()
        assert printed <= 0 <= right
        assert divergence(mean, std) == pytest.approx(right) == pytest.approx(-printed)


def test_equation_13_is_no_likelihood_and_the_reading_is_one():
    z = np.linspace(-8, 8, 33)
    printed = [np.exp(np.log1p(np.exp(b * z))) for b in (-1, 1)]
    assert all((p > 1).all() for p in printed)
    reading = [np.exp(-np.log1p(np.exp(-b * z))) for b in (-1, 1)]
    assert sum(reading) == pytest.approx(np.ones_like(z))


def test_equation_14_without_the_divergence_falls_forever_and_spares_the_wrong_bits():
    z = torch.tensor([[-5.0, 5.0]], requires_grad=True)
    codes = torch.ones(1, 2)

    def slope(loss):
        return torch.autograd.grad(loss(z, codes), z)[0][0].numpy()

    printed, reading = slope(printed_likelihood_loss), slope(bit_likelihood_loss)
    assert printed == pytest.approx([-0.00669, -0.99331], abs=1e-4)
    assert reading == pytest.approx([-0.99331, -0.00669], abs=1e-4)
    assert -np.logaddexp(0, 1e6) == pytest.approx(-1e6)


@pytest.mark.parametrize(
    ("likelihood", "mean", "std"),
    [
        (lambda bz: -np.logaddexp(0, bz), 1.55, 1.18),
        (lambda bz: np.logaddexp(0, -bz), 0.70, 0.85),
        # With only one of the two signs turned back, codes of the wrong sign would be learned.
        (lambda bz: np.logaddexp(0, bz), -0.70, 0.85),
        (lambda bz: -np.logaddexp(0, -bz), -1.55, 1.18),
    ],
)
def test_the_minimum_of_equation_14(likelihood, mean, std):
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()

    def expected(p):
        sigma = np.exp(p[1])
        return weights @ likelihood(p[0] + sigma * nodes) + 0.5 * divergence(p[0], sigma)

    best = minimize(expected, [0.1, 0.0], method="Nelder-Mead", options={"xatol": 1e-6})
    assert (best.x[0], np.exp(best.x[1])) == pytest.approx((mean, std), abs=0.006)
    note = NOTES["Eq. 14, divergence"]
    assert "bµ = 1.55 and σ = 1.18" in note and "0.70 and 0.85" in note


@pytest.mark.parametrize("signed", [False, True])
def test_equation_4_with_labels_of_0_and_1_is_solved_by_no_classifier(signed):
    rng = np.random.default_rng(1)
    n, classes, bits = 8, 2, 3
    labels = np.eye(classes)[np.arange(n) % classes]
    codes = np.where(labels @ rng.normal(size=(classes, bits)) >= 0, 1.0, -1.0)
    y = 2 * labels - 1 if signed else labels
    assert len(np.unique(codes, axis=0)) == classes

    def objective(flat):
        return (flat[: bits * classes] ** 2).sum() + flat[bits * classes :].sum()

    def slack(flat):  # of each constraint, at least 0 where it is kept
        m, xi = flat[: bits * classes].reshape(bits, classes), flat[bits * classes :]
        return np.concatenate([(y * (codes @ m) - 1 + xi[:, None]).ravel(), xi])

    start = np.concatenate([rng.normal(size=bits * classes), np.full(n, 9.0)])
    best = minimize(objective, start, method="SLSQP", constraints=[{"type": "ineq", "fun": slack}])
    m = best.x[: bits * classes]
    assert best.success
    if signed:
        assert np.abs(m).max() > 0.1 and best.fun < n - 0.5
    else:
        assert np.abs(m).max() < 1e-3 and best.fun == pytest.approx(n, abs=1e-3)


def test_the_minimiser_of_equation_5_has_twice_the_printed_factor():
    rng = np.random.default_rng(2)
    bits, weight = 6, 0.2
    every = 2.0 * ((np.arange(2**bits)[:, None] >> np.arange(bits)) & 1) - 1
    differ = 0
    for _ in range(200):
        own, h = rng.normal(size=bits) / 4, np.tanh(rng.normal(size=bits))
        best = every[np.argmin(-every @ own + weight * ((every - h) ** 2).sum(axis=1))]
        assert np.array_equal(best, np.sign(own + 2 * weight * h))
        differ += not np.array_equal(best, np.sign(own + weight * h))
    assert differ > 0


def test_the_erratum_on_unified_codes_says_how_the_claim_is_read():
    (check,) = (c.check for c in papers.claims("liong2017") if "unified codes" in c.text)
    note = NOTES["Section 2"]
    assert isinstance(check, MeanBetter) and "mean" in note and "each pair" not in note
