"""HashNet: deep learning to hash by continuation (Cao, Long, Wang and Yu, ICCV 2017)."""

from typing import Literal

from torch import Tensor

from mmhash_nb.hashers.deep_objective import SingleCodeObjective
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.single_code import ImageHasher
from mmhash_nb.losses.pairwise_likelihood import hashnet_loss

#: β at the last epoch; it grows to it from 1 geometrically
LAST_BETA = 10.0


class Continuation(SingleCodeObjective):
    """Class-balanced likelihood on tanh(βu), β growing by continuation.

    β grows geometrically from 1 in the first epoch to 10 in the last.
    """

    beta = 1.0

    def on_epoch(self, epoch: int) -> None:
        """Set β for the epoch."""
        self.beta = LAST_BETA ** (epoch / max(1, self.options.epochs - 1))

    def of_values(self, u: Tensor, batch: Tensor) -> Tensor:
        return hashnet_loss((self.beta * u).tanh(), self.similar(batch))


class HashNet(ImageHasher):
    """HashNet for images, on the network of zeng2022 (§VI-C)."""

    objective_class = Continuation

    class Options(ImageHasher.Options):
        objective: Literal["hashnet"] = option("hashnet", "the loss, `hashnet_loss`")
