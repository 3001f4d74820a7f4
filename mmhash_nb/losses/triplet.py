"""The triplet ranking loss (Zeng et al. 2022) without listing the triplets."""

import torch
from torch import Tensor
from torch.nn import functional as F


def triplet_ranking_loss(x: Tensor, similarity: Tensor, margin: float) -> Tensor:
    """Mean of max(0, margin + ‖x_i − x_j‖ − ‖x_i − x_k‖) over all triplets: zeng2022, Eq. 9.

    A triplet (i, j, k) has three different samples, of which i is more similar to j than to k. The
    paper prints the sum; the mean does not grow with the batch. The norms are not squared.

    The loss is linear in the distances between the points where a triplet starts or ceases to
    count. So it is known from how many active triplets each distance is in, and that takes
    O(B² log B) time to sort the distances, O(B²) for each distinct similarity, and O(B²) memory.

    Args:
        x: values `[B, K]`.
        similarity: `int64 [B, B]`, such as the number of labels that two samples share.
        margin: by how much j must be nearer than k for the triplet to cost nothing.

    Returns:
        A scalar; 0 with a gradient of 0 where there is no triplet.
    """
    n = len(x)
    others = ~torch.eye(n, dtype=torch.bool, device=x.device)
    # From differences, not from products: where points coincide, the distance is exactly zero, and
    # cdist's gradient there is zero too.
    distances = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    distances, order = distances[others].view(n, n - 1).sort(dim=1)
    levels = similarity[others].view(n, n - 1).gather(1, order)
    nearer, farther, triplets = _count_active(distances.detach(), levels, margin)
    active = nearer.sum().to(x.dtype)
    weights = (nearer - farther).to(x.dtype)
    return (margin * active + (weights * distances).sum()) / triplets.clamp(min=1)


def _count_active(
    distances: Tensor, levels: Tensor, margin: float
) -> tuple[Tensor, Tensor, Tensor]:
    """In how many active triplets each pair is: those with margin + d_ij − d_ik > 0.

    Args:
        distances: `[B, B − 1]` from each sample to all others, ascending.
        levels: `int64 [B, B − 1]`, the similarities of the same pairs.

    Returns:
        `int64 [B, B − 1]` active triplets with the pair as (i, j), the same with the pair as
        (i, k), and the number of all triplets, active or not.
    """
    # The first `reach` samples of a row are nearer than d_ij + margin. Both counts are taken from
    # it, so that rounding cannot make a triplet active for one of its pairs only.
    reach = torch.searchsorted(distances, distances + margin)
    nearer, farther = torch.zeros_like(reach), torch.zeros_like(reach)
    triplets = reach.new_zeros(())
    for level in levels.unique():
        here = levels == level
        lower = F.pad((levels < level).cumsum(1), (1, 0))  # [B, B], among the first 0 … B − 1
        nearer += here * lower.gather(1, reach)
        higher = (levels > level).long()
        ended = torch.zeros_like(lower).scatter_add_(1, reach, higher).cumsum(1)[:, :-1]
        farther += here * (higher.sum(1, keepdim=True) - ended)
        triplets += (here * lower[:, -1:]).sum()
    return nearer, farther, triplets
