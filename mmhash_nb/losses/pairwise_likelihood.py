"""The likelihood of the similarities of pairs: DPSH, HashNet and DCMH.

Each loss is a mean over pairs. DCMH's formulas are from memory: its text was not available.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from mmhash_nb.losses.full_precision import in_float32


def pairwise_likelihood(theta: Tensor, similar: Tensor, weights: Tensor | None = None) -> Tensor:
    """The negative log-likelihood of the similarities of pairs, given the log-odds θ of each.

    The mean over all pairs of w (log(1 + e^θ) − sθ), finite for a θ of any size. All three are of
    one shape, whichever it is: θ, `similar` (`bool`) and the weights, 1 by default.
    """
    return F.binary_cross_entropy_with_logits(theta, similar.to(theta.dtype), weights)


@in_float32
def dpsh_loss(u: Tensor, similar: Tensor, quantisation: float = 0.1) -> Tensor:
    """Deep pairwise-supervised hashing (Li et al. 2016), on a batch.

    The mean over all pairs i ≠ j of log(1 + e^θ) − sθ with θ = ½ u_i·u_j, the negative
    log-likelihood of the similarities s, plus `quantisation` times the mean over samples and bits
    of (u − sgn u)², with sgn 0 = 1. The paper sums both; means do not change with the batch.

    Args:
        u: values `[B, K]`, not squashed.
        similar: `bool [B, B]`.
        quantisation: weight of the distance to the codes, the paper's η.
    """
    others = ~torch.eye(len(u), dtype=torch.bool, device=u.device)
    theta = 0.5 * (u @ u.T)[others]
    likelihood = pairwise_likelihood(theta, similar[others])
    return likelihood + quantisation * (u - torch.where(u >= 0, 1, -1)).square().mean()


@in_float32
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
    """
    alpha = 10 / h.shape[1] if alpha is None else alpha
    others = ~torch.eye(len(h), dtype=torch.bool, device=h.device)
    logits, s = alpha * (h @ h.T)[others], similar[others]
    weights = len(s) / torch.where(s, s.sum(), (~s).sum()).to(logits.dtype)
    return pairwise_likelihood(logits, s, weights)


@in_float32
def dcmh_loss(f: Tensor, g: Tensor, similar: Tensor) -> Tensor:
    """Deep cross-modal hashing (Jiang and Li 2017): the likelihood of the similarities.

    The mean over all B·M pairs of log(1 + e^θ) − sθ with θ = ½ f_i·g_j. It is the loss between the
    modalities of PRDH (Yang et al. 2017), too, and with two times the same modality that within.

    The whole objective of DCMH on n pairs with the codes B is Σ [log(1 + e^θ) − sθ] +
    γ (‖B − F‖² + ‖B − G‖²) + η (‖F1‖² + ‖G1‖²), F1 being the sums over samples. Divided by n² it is
    `dcmh_loss(F, G)` + γ K/n (`quantisation_loss(F, B)` + `quantisation_loss(G, B)`)
    + η K (`bit_balance_loss(F)` + `bit_balance_loss(G)`).

    Args:
        f, g: values `[B, K]` of one modality and `[M, K]` of the other, not squashed.
        similar: `bool [B, M]`.
    """
    return pairwise_likelihood(0.5 * (f @ g.T), similar)
