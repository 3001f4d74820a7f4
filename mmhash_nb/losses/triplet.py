"""Triplet ranking losses (zhang2018, zeng2022) without listing the triplets."""

from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

Reduction = Literal["sum", "mean"]


class TripletCosts(NamedTuple):
    """What the triplets of a batch cost, max(0, margin + d_ij − d_ik) each.

    Attributes:
        sum: of the costs, a scalar; 0 with a gradient of 0 where there is no triplet.
        triplets: how many there are, whether they cost something or not, `int64`.
    """

    sum: Tensor
    triplets: Tensor

    @property
    def mean(self) -> Tensor:
        """The cost per triplet, which does not grow with the batch."""
        return self.sum / self.triplets.clamp(min=1)

    def reduced(self, reduction: Reduction) -> Tensor:
        """The sum, which the papers print, or the mean."""
        return self.sum if reduction == "sum" else self.mean


def triplet_costs(x: Tensor, similarity: Tensor, margin: float) -> TripletCosts:
    """Costs max(0, margin + ‖x_i − x_j‖ − ‖x_i − x_k‖) of all triplets: zeng2022, Eq. 9.

    A triplet (i, j, k) has three different samples, of which i is more similar to j than to k. The
    norms are not squared.

    It takes O(B² log B) time to sort the distances, O(B²) for each distinct similarity, and O(B²)
    memory.

    Args:
        x: values `[B, K]`.
        similarity: `int64 [B, B]`, such as the number of labels that two samples share.
        margin: by how much j must be nearer than k for the triplet to cost nothing.
    """
    n = len(x)
    others = ~torch.eye(n, dtype=torch.bool, device=x.device)
    distances = _distances(x, x)[others].view(n, n - 1)
    return _costs(distances, similarity[others].view(n, n - 1), margin)


def triplet_ranking_loss(
    x: Tensor, similarity: Tensor, margin: float, reduction: Reduction = "mean"
) -> Tensor:
    """Sum or mean of `triplet_costs`, a scalar; zeng2022 prints the sum (Eq. 9)."""
    return triplet_costs(x, similarity, margin).reduced(reduction)


def cross_triplet_costs(
    queries: Tensor, database: Tensor, similarity: Tensor, margin: float
) -> TripletCosts:
    """Costs max(0, margin + ‖q_i − d_j‖ − ‖q_i − d_k‖) of all triplets: zhang2018, Eq. 5.

    A triplet (i, j, k) has a query and two points of the database, of which the query is more
    similar to j than to k. The two sets are different ones, such as the images and the texts of a
    batch, so that the partner of a query, j = i, is a candidate like any other. For F(I → I) and
    F(T → T) of Eq. 4 use `triplet_costs`, in which no sample is compared with itself. Norms and
    costs in time and memory are as there, with B M pairs.

    Args:
        queries, database: values `[B, K]` and `[M, K]`.
        similarity: `int64 [B, M]`: 1 where the two share a label and 0 elsewhere (zhang2018), or
            graded.
        margin: by how much j must be nearer than k for the triplet to cost nothing, the paper's ε.

    Raises:
        ValueError: where `similarity` has another shape.
    """
    pairs = (len(queries), len(database))
    if similarity.shape != pairs:
        raise ValueError(
            f"similarity has the shape {list(similarity.shape)}, but there are {pairs[0]} queries "
            f"and {pairs[1]} points in the database: give it the shape {list(pairs)}."
        )
    return _costs(_distances(queries, database), similarity, margin)


def cross_triplet_ranking_loss(
    queries: Tensor,
    database: Tensor,
    similarity: Tensor,
    margin: float,
    reduction: Reduction = "mean",
) -> Tensor:
    """Sum or mean of `cross_triplet_costs`, a scalar; zhang2018 prints the sum (Eq. 5)."""
    return cross_triplet_costs(queries, database, similarity, margin).reduced(reduction)


def squared_triplet_ranking_loss(
    queries: Tensor, database: Tensor, similarity: Tensor, margin: float
) -> Tensor:
    """Mean of max(0, margin + ‖q_i − d_j‖² − ‖q_i − d_k‖²) over all triplets, as in DNH.

    As `cross_triplet_ranking_loss`, but for the squares: between codes of 0 and 1 a squared
    distance is the number of bits that differ.
    """
    return _costs(_distances(queries, database).square(), similarity, margin).mean


def _distances(a: Tensor, b: Tensor) -> Tensor:
    # From differences, not from products: where points coincide, the distance is exactly zero, and
    # cdist's gradient there is zero too.
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def _costs(distances: Tensor, similarity: Tensor, margin: float) -> TripletCosts:
    """The costs max(0, margin + d_ij − d_ik) of all i, j, k with s_ij > s_ik.

    Their sum is linear in the distances between the points where a triplet starts or ceases to
    count. So it is known from how many active triplets each distance is in.
    """
    distances, order = distances.sort(dim=1)
    levels = similarity.gather(1, order)
    nearer, farther, triplets = _count_active(distances.detach(), levels, margin)
    active = nearer.sum().to(distances.dtype)
    weights = (nearer - farther).to(distances.dtype)
    return TripletCosts(margin * active + (weights * distances).sum(), triplets)


def _count_active(
    distances: Tensor, levels: Tensor, margin: float
) -> tuple[Tensor, Tensor, Tensor]:
    """In how many active triplets each pair is: those with margin + d_ij − d_ik > 0.

    Args:
        distances: `[B, M]` from each query to the M points it is compared with, ascending.
        levels: `int64 [B, M]`, the similarities of the same pairs.

    Returns:
        `int64 [B, M]` active triplets with the pair as (i, j), the same with the pair as (i, k),
        and the number of all triplets, active or not.
    """
    # The first `reach` points of a row are nearer than d_ij + margin. Both counts are taken from
    # it, so that rounding cannot make a triplet active for one of its pairs only.
    reach = torch.searchsorted(distances, distances + margin)
    nearer, farther = torch.zeros_like(reach), torch.zeros_like(reach)
    triplets = reach.new_zeros(())
    for level in levels.unique():
        here = levels == level
        lower = F.pad((levels < level).cumsum(1), (1, 0))  # [B, M + 1], among the first 0 … M
        nearer += here * lower.gather(1, reach)
        higher = (levels > level).long()
        ended = torch.zeros_like(lower).scatter_add_(1, reach, higher).cumsum(1)[:, :-1]
        farther += here * (higher.sum(1, keepdim=True) - ended)
        triplets += (here * lower[:, -1:]).sum()
    return nearer, farther, triplets
