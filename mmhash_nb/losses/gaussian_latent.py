"""Losses of a Gaussian latent variable whose signs are to be given codes (liong2017, §3)."""

import torch
from torch import Tensor
from torch.nn import functional as F


def bit_likelihood_loss(z: Tensor, codes: Tensor) -> Tensor:
    """The mean over samples of −log p(b|z) = Σ_k log(1 + e^{−b z}), of a logistic bit.

    `z` are real values, and `codes` −1 or 1, `[B, K]` each. liong2017 prints log p(b|z) =
    log(1 + e^{bz}) (Eq. 13), which is above 0 and so no probability's logarithm; see
    `printed_likelihood_loss`.
    """
    return F.softplus(-codes * z).sum(dim=1).mean()


def printed_likelihood_loss(z: Tensor, codes: Tensor) -> Tensor:
    """Eq. 14 of liong2017 as printed: the mean over samples of Σ_k −log(1 + e^{bz}).

    It is not bounded below: it falls like −bz as a bit's value grows on its right side. Its
    gradient, of size 1 / (1 + e^{−bz}), is largest at bits that are right and vanishes at bits that
    are far on the wrong side. Only α > 0 times `gaussian_kl_loss`, which grows with the square,
    gives it a minimum. Arguments are those of `bit_likelihood_loss`.
    """
    return -F.softplus(codes * z).sum(dim=1).mean()


def gaussian_kl_loss(mean: Tensor, log_variance: Tensor) -> Tensor:
    """The mean over samples of KL(N(μ, σ² I) ‖ N(0, I)) = −½ Σ_k (1 + log σ² − μ² − σ²).

    Eq. 12 of liong2017 prints it without the minus; Eq. 14 has the sign right. `mean` is μ and
    `log_variance` log σ², `[B, K]` each. It is 0 where every μ is 0 and every σ is 1, else above 0.
    """
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(dim=1).mean()


def sample_gaussian(mean: Tensor, log_variance: Tensor) -> Tensor:
    """A sample z = μ + σ ⊙ ε `[B, K]`, ε ~ N(0, I), through which gradients pass (Eq. 10).

    Arguments are those of `gaussian_kl_loss`.
    """
    noise = torch.randn(mean.shape, dtype=mean.dtype)  # on the CPU: the same with a GPU as without
    return mean + (0.5 * log_variance).exp() * noise.to(mean.device)
