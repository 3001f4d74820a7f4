"""Losses of deep cross-modal hashing over pairs and bits: DCMH, PRDH and DVSH.

Each is a mean or a sum of means, so that it does not grow with the batch. The texts of PRDH and
DVSH were not at hand: their formulas are from notes of readers, and DCMH's from memory.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from mmhash_nb.losses.pairwise import pairwise_likelihood


def dcmh_loss(f: Tensor, g: Tensor, similar: Tensor) -> Tensor:
    """Deep cross-modal hashing (Jiang and Li 2017): the likelihood of the similarities.

    The mean over all B·M pairs of log(1 + e^θ) − sθ with θ = ½ f_i·g_j. It is the loss between the
    modalities of PRDH (Yang et al. 2017), too, and with two times the same modality that within.

    The whole objective of DCMH on n pairs with the codes B is Σ [log(1 + e^θ) − sθ] +
    γ (‖B − F‖² + ‖B − G‖²) + η (‖F1‖² + ‖G1‖²), F1 being the sums over samples. Divided by n² it is
    `dcmh_loss(F, G)` + γ K/n (`quantisation_loss(F, B)` + `quantisation_loss(G, B)`)
    + η K (`bit_balance_loss(F)` + `bit_balance_loss(G)`).

    Args:
        f: values `[B, K]` of one modality, not squashed.
        g: values `[M, K]` of the other.
        similar: `bool [B, M]`.

    Returns:
        A scalar.
    """
    return pairwise_likelihood(0.5 * (f @ g.T), similar)


def quantisation_loss(values: Tensor, codes: Tensor) -> Tensor:
    """The mean over samples and bits of the squared difference between values and codes.

    n K times it is ‖B − F‖² of DCMH and PRDH. ½ K times it is the squared loss of a modality in
    DVSH (Cao et al. 2016), (1 / 2n) Σ ‖u_i − h_i‖², in which the fused values h take the place of
    the codes.

    Args:
        values: `[n, K]`.
        codes: `[n, K]`.

    Returns:
        A scalar.
    """
    return (values - codes).square().mean()


def bit_balance_loss(values: Tensor) -> Tensor:
    """The mean over bits of the squared mean over samples, 0 where each bit is half −1 and half 1.

    n² K times it is ‖F1‖² of DCMH.

    Args:
        values: `[n, K]`.

    Returns:
        A scalar.
    """
    return values.mean(0).square().mean()


def bit_decorrelation_loss(values: Tensor) -> Tensor:
    """PRDH (Yang et al. 2017): the sum over pairs of bits k < l of their squared covariance.

    It is ½ (‖C‖² − ‖diag C‖²) with C_kl the mean over samples of (v_k − μ_k)(v_l − μ_l), which is
    the DeCov loss of Cogswell et al. (2016).

    Args:
        values: `[n, K]`.

    Returns:
        A scalar.
    """
    centred = values - values.mean(0)
    covariance = centred.T @ centred / len(values)
    # Not the difference as printed, which rounding can make negative.
    return covariance.triu(1).square().sum()


def cosine_max_margin_loss(h: Tensor, similar: Tensor, margin: float = 0.5) -> Tensor:
    """DVSH (Cao et al. 2016): the mean over pairs i ≠ j of max(0, margin − s cos(h_i, h_j)).

    s is 1 for a similar pair and −1 for a dissimilar one; both kinds weigh the same. The paper
    prints the sum over the pairs of S. The whole objective adds λ times `bitwise_max_margin_loss`
    and β times the squared loss of each modality, for which see `quantisation_loss`.

    Args:
        h: fused values `[B, K]` of at least two samples. A zero vector has the cosine 0 to all.
        similar: `bool [B, B]`.
        margin: the cosine beyond which a similar pair costs nothing, the paper's μ_c.

    Returns:
        A scalar.
    """
    norms = h.norm(dim=1, keepdim=True)
    # Where the norm is zero, a floor would make the cosine zero but its gradient huge.
    unit = h / torch.where(norms > 0, norms, 1)
    others = ~torch.eye(len(h), dtype=torch.bool, device=h.device)
    cosines = (unit @ unit.T)[others]
    return F.relu(margin - torch.where(similar[others], cosines, -cosines)).mean()


def bitwise_max_margin_loss(h: Tensor, margin: float = 0.5) -> Tensor:
    """DVSH (Cao et al. 2016): the mean over samples and bits of max(0, margin − |h|).

    It draws values away from 0 until their sign is clear, and lets outliers be, as a squared
    distance to the codes does not. The paper prints the sum.

    Args:
        h: fused values `[B, K]`.
        margin: the size beyond which a value costs nothing, the paper's μ_b.

    Returns:
        A scalar.
    """
    return F.relu(margin - h.abs()).mean()
