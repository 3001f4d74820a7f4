"""Contrastive losses: masci2014's, and that of DSH in squared distance."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def contrastive_loss(
    a: Tensor, b: Tensor, similar: Tensor, margin: float, balanced: bool = True
) -> Tensor:
    """Contrastive loss over all N·M pairs.

    A similar pair costs ½‖a−b‖², a dissimilar one ½ max(0, margin − ‖a−b‖)²: masci2014,
    Eq. 5 (both arguments from one network) and Eq. 6 (from two).

    Args:
        a: embeddings `[N, m]`; b: embeddings `[M, m]`.
        similar: `bool [N, M]`, the pairs in P; all others are in N.
        margin: Euclidean distance beyond which a dissimilar pair costs nothing.
        balanced: take the mean over P plus the mean over N, the expectations of Eq. 1; otherwise
            the mean over all pairs, in which the many dissimilar pairs outweigh the similar ones.
    """
    pull = similar.to(a.dtype)  # [N, M], the weight of each pair
    push = 1 - pull
    if balanced:
        pull, push = pull / pull.sum().clamp(min=1), push / push.sum().clamp(min=1)
    else:
        pull, push = pull / pull.numel(), push / push.numel()
    value: Tensor = _Contrastive.apply(a, b, pull, push, margin)
    return value


class _Contrastive(torch.autograd.Function):
    """Σ pull ½d² + Σ push ½ max(0, margin − d)², with its gradient in closed form.

    The gradient is Σ_j g_ij (a_i − b_j) with g = pull − push max(0, margin − d) / d. Written out it
    takes two matrix products where autograd walks back through a dozen [N, M] arrays.
    """

    @staticmethod
    def forward(
        ctx: Any, a: Tensor, b: Tensor, pull: Tensor, push: Tensor, margin: float
    ) -> Tensor:
        squares = a.square().sum(1)[:, None] + b.square().sum(1)
        squares = squares.addmm(a, b.T, alpha=-2)
        # Rounding can leave a tiny negative. Where a dissimilar pair coincides, d has no gradient;
        # the floor keeps g finite there, and a_i − b_j = 0 makes the pair's share zero.
        distances = squares.clamp_(min=1e-12).sqrt()
        missing = (margin - distances).clamp_(min=0)
        short = push * missing
        ctx.save_for_backward(a, b, pull - short / distances)
        return 0.5 * (pull.flatten() @ squares.flatten() + short.flatten() @ missing.flatten())

    @staticmethod
    def backward(ctx: Any, *outer: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        a, b, g = ctx.saved_tensors
        grad_a = g.sum(1)[:, None] * a - g @ b
        grad_b = g.sum(0)[:, None] * b - g.T @ a
        return outer[0] * grad_a, outer[0] * grad_b, None, None, None


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
