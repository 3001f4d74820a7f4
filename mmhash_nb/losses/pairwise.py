"""Losses of deep hashing over the pairs of a batch: DPSH, DSH and HashNet.

Each loss is a mean over pairs of different samples, so a batch has at least two.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def pairwise_likelihood(theta: Tensor, similar: Tensor, weights: Tensor | None = None) -> Tensor:
    """The negative log-likelihood of the similarities of pairs, given the log-odds θ of each.

    The mean over all pairs of w (log(1 + e^θ) − sθ), finite for a θ of any size.

    Args:
        theta: of any shape.
        similar: `bool`, of the same shape.
        weights: of the same shape; 1 by default.

    Returns:
        A scalar.
    """
    return F.binary_cross_entropy_with_logits(theta, similar.to(theta.dtype), weights)


def dpsh_loss(u: Tensor, similar: Tensor, quantisation: float = 0.1) -> Tensor:
    """Deep pairwise-supervised hashing (Li et al. 2016), on a batch.

    The mean over all pairs i ≠ j of log(1 + e^θ) − sθ with θ = ½ u_i·u_j, the negative
    log-likelihood of the similarities s, plus `quantisation` times the mean over samples and bits
    of (u − sgn u)², with sgn 0 = 1. The paper sums both; means do not change with the batch.

    Args:
        u: values `[B, K]`, not squashed.
        similar: `bool [B, B]`.
        quantisation: weight of the distance to the codes, the paper's η.

    Returns:
        A scalar.
    """
    others = ~torch.eye(len(u), dtype=torch.bool, device=u.device)
    theta = 0.5 * (u @ u.T)[others]
    likelihood = pairwise_likelihood(theta, similar[others])
    return likelihood + quantisation * (u - torch.where(u >= 0, 1, -1)).square().mean()


def dsh_loss(
    u: Tensor, similar: Tensor, margin: float | None = None, regularisation: float = 0.01
) -> Tensor:
    """Deep supervised hashing (Liu et al. 2016).

    The mean over all pairs i < j of ½ d² where similar and ½ max(0, margin − d²) where not, with
    d = ‖u_i − u_j‖, plus `regularisation` times the mean over the same pairs of
    ‖|u_i| − 1‖₁ + ‖|u_j| − 1‖₁. As each sample is in as many pairs, the latter is twice the mean
    over samples.

    Args:
        u: values `[B, K]`, not squashed.
        similar: `bool [B, B]`, symmetric.
        margin: squared distance beyond which a dissimilar pair costs nothing; by default the
            paper's 2K, which codes have that differ in half of their bits.
        regularisation: weight of the distance to the codes, the paper's α.

    Returns:
        A scalar.
    """
    margin = 2.0 * u.shape[1] if margin is None else margin
    i, j = torch.triu_indices(len(u), len(u), offset=1, device=u.device)
    squares = torch.pdist(u).square()  # in the order of i, j
    pairs = 0.5 * torch.where(similar[i, j], squares, F.relu(margin - squares))
    return pairs.mean() + regularisation * 2 * (u.abs() - 1).abs().sum(1).mean()


def hashnet_loss(h: Tensor, similar: Tensor, alpha: float | None = None) -> Tensor:
    """HashNet (Cao et al. 2017): a likelihood in which both kinds of pairs weigh the same.

    The mean over all pairs i ≠ j of w (log(1 + e^(α h_i·h_j)) − s α h_i·h_j), where w is |S| / |S₁|
    for the |S₁| similar ones of all |S| pairs and |S| / |S₀| for the dissimilar ones, counted in
    the batch. Where all pairs are of one kind, w = 1. The paper's further factor for the share of
    common labels is left out: s is 0 or 1.

    Args:
        h: values `[B, K]` in [−1, 1]: tanh(βu), with the β that the continuation has reached.
        similar: `bool [B, B]`.
        alpha: slope of the sigmoid; by default 10 / K, as in the authors' code.

    Returns:
        A scalar.
    """
    alpha = 10 / h.shape[1] if alpha is None else alpha
    others = ~torch.eye(len(h), dtype=torch.bool, device=h.device)
    logits, s = alpha * (h @ h.T)[others], similar[others]
    weights = len(s) / torch.where(s, s.sum(), (~s).sum()).to(logits.dtype)
    return pairwise_likelihood(logits, s, weights)
