"""Contrastive losses: masci2014's, and that of DSH in squared distance."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def contrastive_loss(
    a: Tensor, b: Tensor, similar: Tensor, margin: float, balanced: bool = False
) -> Tensor:
    """Contrastive loss over all N·M pairs.

    A similar pair costs ½‖a−b‖², a dissimilar one ½ max(0, margin − ‖a−b‖)²: masci2014,
    Eq. 5 (both arguments from one network) and Eq. 6 (from two).

    Args:
        a: embeddings `[N, m]`; b: embeddings `[M, m]`.
        similar: `bool [N, M]`, the pairs in P; all others are in N.
        margin: Euclidean distance beyond which a dissimilar pair costs nothing.
        balanced: take the mean over P plus the mean over N, the expectations of Eq. 1; otherwise
            the mean over all pairs, the sums of Eq. 5 divided by N·M, in which the many dissimilar
            pairs outweigh the similar ones.
    """
    n_pairs = torch.tensor(similar.numel(), dtype=a.dtype, device=a.device)
    n_similar = similar.sum(dtype=a.dtype) if balanced else n_pairs
    n_dissimilar = (n_pairs - n_similar).clamp(min=1) if balanced else n_pairs
    weights = 1 / n_similar.clamp(min=1), 1 / n_dissimilar
    value: Tensor = _Contrastive.apply(a, b, similar, *weights, margin)
    return value


class _Contrastive(torch.autograd.Function):
    """pull Σ_P ½d² + push Σ_N ½ max(0, margin − d)², with its gradient in closed form.

    The gradient is Σ_j g_ij (a_i − b_j) with g = pull in P and −push max(0, margin − d) / d in N.
    Written out it takes two matrix products where autograd walks back through a dozen [N, M]
    arrays.
    """

    @staticmethod
    def forward(
        ctx: Any, a: Tensor, b: Tensor, similar: Tensor, pull: Tensor, push: Tensor, margin: float
    ) -> Tensor:
        norms = a.square().sum(1)[:, None] + b.square().sum(1)
        squares = torch.addmm(norms, a, b.T, alpha=-2).clamp_(min=1e-12)
        # The difference of large norms is known to their rounding only. A dissimilar pair that is
        # closer would have g, which divides by d, far too large: that rounding is its least d.
        distances = torch.maximum(squares, norms.mul_(torch.finfo(a.dtype).eps)).sqrt_()
        missing = (margin - distances).clamp_(min=0).masked_fill_(similar, 0)
        value = pull * squares.masked_fill_(~similar, 0).sum() + push * missing.square().sum()
        ctx.save_for_backward(a, b, torch.where(similar, pull, missing.div_(distances) * -push))
        return 0.5 * value

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, Tensor, None, None, None, None]:
        a, b, g = ctx.saved_tensors
        grad_a = g.sum(1)[:, None] * a - g @ b
        grad_b = g.sum(0)[:, None] * b - g.T @ a
        return outer[0] * grad_a, outer[0] * grad_b, None, None, None, None


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
    """
    margin = 2.0 * u.shape[1] if margin is None else margin
    i, j = torch.triu_indices(len(u), len(u), offset=1, device=u.device)
    squares = torch.pdist(u).square()  # in the order of i, j
    pairs = 0.5 * torch.where(similar[i, j], squares, F.relu(margin - squares))
    return pairs.mean() + regularisation * 2 * (u.abs() - 1).abs().sum(1).mean()
