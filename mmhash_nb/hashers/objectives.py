"""What a deep hashing method minimises: the network's values and the labels of a batch, to a loss.

Every objective works on values whose signs are the codes.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from mmhash_nb import losses

#: HashNet's β at the last epoch; it grows to it from 1 geometrically
_LAST_BETA = 10.0


class Objective(Protocol):
    """A loss of values `u`, `float32 [B, K]`, of the training samples `batch`, `int64 [B]`."""

    def __call__(self, u: Tensor, batch: Tensor) -> Tensor:
        """The loss, a scalar."""

    def on_epoch(self, epoch: int) -> None:
        """Told the number of each epoch, from 0, before it."""


class _Batchwise:
    """What the objectives share: the labels of all training samples, `float32 [n, C]`."""

    def __init__(self, labels: Tensor, n_bits: int, seed: int, epochs: int, margin: float | None):
        self.labels, self.n_bits, self.seed, self.epochs = labels.float(), n_bits, seed, epochs
        self.margin = margin

    def on_epoch(self, epoch: int) -> None:
        """Nothing changes from epoch to epoch."""

    def shared(self, batch: Tensor) -> Tensor:
        """How many labels each pair of the batch shares, `float32 [B, B]`."""
        return self.labels[batch] @ self.labels[batch].T


class TripletRanking(_Batchwise):
    """The triplet ranking loss (zeng2022, Eq. 9) on tanh(u), similarity by shared labels.

    The margin is not printed; it defaults to 1, where codes that differ in a bit are 2 apart.
    """

    def __call__(self, u: Tensor, batch: Tensor) -> Tensor:
        margin = 1.0 if self.margin is None else self.margin
        return losses.triplet_ranking_loss(u.tanh(), self.shared(batch).long(), margin)


class DPSH(_Batchwise):
    """Deep pairwise-supervised hashing (Li et al. 2016): the likelihood of u·u', quantised."""

    def __call__(self, u: Tensor, batch: Tensor) -> Tensor:
        return losses.dpsh_loss(u, self.shared(batch) > 0)


class DSH(_Batchwise):
    """Deep supervised hashing (Liu et al. 2016): contrastive in squared distance, margin 2K."""

    def __call__(self, u: Tensor, batch: Tensor) -> Tensor:
        return losses.dsh_loss(u, self.shared(batch) > 0, self.margin)


class HashNet(_Batchwise):
    """HashNet (Cao et al. 2017): class-balanced likelihood on tanh(βu), β growing by continuation.

    β grows geometrically from 1 in the first epoch to 10 in the last.
    """

    beta = 1.0

    def on_epoch(self, epoch: int) -> None:
        """Set β for the epoch."""
        self.beta = _LAST_BETA ** (epoch / max(1, self.epochs - 1))

    def __call__(self, u: Tensor, batch: Tensor) -> Tensor:
        return losses.hashnet_loss((self.beta * u).tanh(), self.shared(batch) > 0)


class CSQ(_Batchwise):
    """Central similarity quantisation (Yuan et al. 2020): tanh(u) towards its labels' centre."""

    def __init__(self, labels: Tensor, n_bits: int, seed: int, epochs: int, margin: float | None):
        super().__init__(labels, n_bits, seed, epochs, margin)
        centres = losses.hash_centres(labels.shape[1], n_bits, seed)
        targets = losses.csq_targets(labels.bool().cpu().numpy(), centres, seed)
        self.targets = torch.as_tensor(targets, dtype=torch.float32, device=labels.device)

    def __call__(self, u: Tensor, batch: Tensor) -> Tensor:
        return losses.csq_loss(u.tanh(), self.targets[batch])


OBJECTIVES: dict[str, Callable[..., Objective]] = {
    "triplet": TripletRanking,
    "dpsh": DPSH,
    "dsh": DSH,
    "hashnet": HashNet,
    "csq": CSQ,
}
