"""A part of a module that learns against the rest of it."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Adversary:
    """A part of the module whose weights are learned in turn with all others.

    After every `every` steps on the other weights comes one step of Adam on the adversary's, on
    the same batch. In a step of either the weights of the other are fixed.

    Args:
        module: a part of the module that is trained.
        loss: what the adversary minimises, from sample indices (`int64 [B]`) to a scalar.
        every: steps on the other weights to one of the adversary, at least 1.
    """

    module: nn.Module
    loss: Callable[[Tensor], Tensor]
    every: int
