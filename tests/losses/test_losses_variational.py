"""The variational losses: against loops and integrals, and what the printed one does."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from mmhash_nb.losses.gaussian_latent import (
    bit_likelihood_loss,
    gaussian_kl_loss,
    printed_likelihood_loss,
    sample_gaussian,
)


def values(n=5, k=3, seed=0):
    draw = torch.Generator().manual_seed(seed)
    z = 3 * torch.randn(n, k, generator=draw, dtype=torch.float64)
    codes = torch.where(torch.rand(n, k, generator=draw) < 0.5, -1.0, 1.0).double()
    return z, codes


def test_the_likelihood_is_that_of_logistic_bits():
    z, codes = values()
    total = 0.0
    for row, bits in zip(z.tolist(), codes.tolist(), strict=True):
        for x, b in zip(row, bits, strict=True):
            probability = 1 / (1 + math.exp(-x))  # of the bit 1
            total -= math.log(probability if b > 0 else 1 - probability)
    assert bit_likelihood_loss(z, codes).item() == pytest.approx(total / 5, rel=1e-12)


def test_the_printed_likelihood_is_equation_14():
    z, codes = values()
    total = sum(
        -math.log(1 + math.exp(b * x)) for x, b in zip(z.ravel(), codes.ravel(), strict=True)
    )
    assert printed_likelihood_loss(z, codes).item() == pytest.approx(total / 5, rel=1e-12)


def test_large_values_stay_finite():
    z = torch.tensor([[1e4, -1e4]])
    codes = torch.tensor([[-1.0, -1.0]])
    assert bit_likelihood_loss(z, codes).item() == pytest.approx(1e4)
    assert printed_likelihood_loss(z, codes).item() == pytest.approx(-1e4)


def test_the_divergence_is_the_integral_over_the_densities():
    means, deviations = [[0.3, -1.2], [0.0, 2.0]], [[0.5, 1.0], [1.7, 0.2]]
    total = 0.0
    for row in zip(means, deviations, strict=True):
        for mean, deviation in zip(*row, strict=True):
            q, p = stats.norm(mean, deviation), stats.norm(0, 1)
            at = lambda x, q=q, p=p: q.pdf(x) * (q.logpdf(x) - p.logpdf(x))  # noqa: E731
            total += integrate.quad(at, mean - 12 * deviation, mean + 12 * deviation)[0]
    found = gaussian_kl_loss(torch.tensor(means), 2 * torch.tensor(deviations).log())
    assert found.item() == pytest.approx(total / 2, rel=1e-5)


def test_the_divergence_is_zero_at_the_prior_alone():
    zero = torch.zeros(2, 4)
    assert gaussian_kl_loss(zero, zero).item() == 0
    for mean, log_variance in ((0.1, 0.0), (0.0, 0.1), (0.0, -0.1)):
        assert gaussian_kl_loss(zero + mean, zero + log_variance).item() > 0


def test_samples_have_the_mean_and_deviation_and_pass_gradients():
    torch.manual_seed(0)
    mean = torch.tensor([[0.5, -2.0]]).requires_grad_()
    log_variance = torch.tensor([[0.0, math.log(9.0)]]).requires_grad_()
    z = sample_gaussian(mean.expand(200_000, 2), log_variance.expand(200_000, 2))
    assert torch.allclose(z.mean(0), mean, atol=0.03)
    assert torch.allclose(z.std(0), torch.tensor([1.0, 3.0]), rtol=0.01)
    z[:1].sum().backward()
    epsilon = ((z[:1] - mean) / (0.5 * log_variance).exp()).detach()
    assert torch.equal(mean.grad, torch.ones(1, 2))
    # d(σ ε) / d(log σ²) = σ ε / 2
    torch.testing.assert_close(log_variance.grad, 0.5 * torch.tensor([[1.0, 3.0]]) * epsilon)


def descend(likelihood, alpha, steps, bit=1.0):
    """Gradient descent on μ and log σ² of one bit; what the loss and the two come to."""
    # Quantiles of the noise, all of one weight: the mean over them is the expectation.
    noise = torch.from_numpy(stats.norm.ppf((np.arange(500) + 0.5) / 500))[:, None]
    mean = torch.tensor([[0.0]], dtype=torch.float64, requires_grad=True)
    log_variance = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        z = mean + (0.5 * log_variance).exp() * noise
        loss = likelihood(z, torch.tensor([[bit]])) + alpha * gaussian_kl_loss(mean, log_variance)
        gradients = torch.autograd.grad(loss, (mean, log_variance))
        with torch.no_grad():
            mean -= 0.5 * gradients[0]
            log_variance -= 0.5 * gradients[1]
    return loss.item(), mean.item(), (0.5 * log_variance).exp().item()


def test_without_the_divergence_the_printed_loss_falls_without_end():
    falls = [descend(printed_likelihood_loss, 0.0, steps)[:2] for steps in (10, 20, 30)]
    (a, mean_a), (b, mean_b), (c, mean_c) = falls
    assert c - b < b - a < 0 < mean_a < mean_b < mean_c
    codes = values()[1]
    for scale in (10.0, 1000.0):
        assert printed_likelihood_loss(scale * codes, codes).item() <= -3 * scale
        assert bit_likelihood_loss(scale * codes, codes).item() >= 0


@pytest.mark.parametrize("bit", [-1.0, 1.0])
def test_with_the_divergence_both_losses_have_a_minimum_and_the_printed_one_a_wider_gaussian(bit):
    """A convex likelihood makes the latent surer than the prior, the printed concave one less."""
    _, mean, deviation = descend(bit_likelihood_loss, 0.5, 80, bit)
    assert 0.5 < bit * mean < 0.8 and 0.7 < deviation < 0.9
    loss, mean, deviation = descend(printed_likelihood_loss, 0.5, 80, bit)
    assert 1.4 < bit * mean < 1.9 and 1.05 < deviation < 1.6
    assert loss == pytest.approx(descend(printed_likelihood_loss, 0.5, 160, bit)[0], abs=1e-6)


def test_the_printed_loss_hardly_corrects_bits_that_are_wrong():
    z = torch.tensor([[-6.0, 6.0]], requires_grad=True)
    ones = torch.ones(1, 2)
    (gradient,) = torch.autograd.grad(printed_likelihood_loss(z, ones), z)
    assert abs(gradient[0, 0]) < 0.01 < 0.99 < abs(gradient[0, 1])
    (gradient,) = torch.autograd.grad(bit_likelihood_loss(z, ones), z)
    assert abs(gradient[0, 1]) < 0.01 < 0.99 < abs(gradient[0, 0])
