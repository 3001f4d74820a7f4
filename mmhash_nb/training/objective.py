"""What a training minimises."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from mmhash_nb.training.adversary import Adversary
from mmhash_nb.training.prefetch import Ahead


class Objective(nn.Module, ABC):
    """A loss, with the network it is of and whatever else changes while that is trained.

    All of it is a module, so that a checkpoint holds it; the parameters of the module are learned.
    """

    #: who learns against the rest of the module
    adversary: Adversary | None = None
    #: told of a batch while the one before is worked on; see `prefetch.HostSamples`
    ahead: Ahead | None = None

    @abstractmethod
    def loss(self, batch: Tensor) -> Tensor:
        """The loss of the training samples `batch`, `int64 [B]`: a scalar."""

    def reported(self, loss: Tensor) -> Tensor:
        """What the history of a training has for the `loss` of the last batch: by default that.

        An objective whose loss cannot be read, as a sum that depends on the batch, gives another.
        """
        return loss

    def on_epoch(self, epoch: int) -> bool | None:
        """Called before each epoch with its number, from 0; True ends the training before it."""
        return None
