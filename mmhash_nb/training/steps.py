"""One step of training on a mini-batch, and the adversary's after it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mmhash_nb.training.devices import Precision, autocast
from mmhash_nb.training.objective import Objective
from mmhash_nb.training.optimisers import Adam, Optimiser


class Steps:
    """Steps on the weights of an objective and of its adversary, each with an optimiser.

    Args:
        objective: its module is learned in place.
        settings: of the optimiser; the adversary has one of the same settings.
        device: where the loss works. precision: of the loss; see `autocast`.

    Raises:
        ValueError: there is an adversary, but the optimiser is not Adam.
    """

    def __init__(
        self,
        objective: Objective,
        settings: Optimiser,
        device: torch.device,
        precision: Precision = "float32",
    ) -> None:
        adversary = objective.adversary
        if adversary is not None and not isinstance(settings, Adam):
            raise ValueError("an adversary is trained by Adam: use that optimiser.")
        self.objective, self.device, self.precision = objective, device, precision
        self.theirs = [] if adversary is None else _learned(adversary.module)
        self.ours = [p for p in _learned(objective) if not any(p is q for q in self.theirs)]
        self.optimisers = [
            settings.over(weights) for weights in (self.ours, self.theirs) if weights
        ]

    def __call__(self, batch: Tensor, number: int) -> Tensor:
        """The step of that number, and the adversary's where it has its turn; the loss before.

        The loss is that which the objective reports.
        """
        adversary = self.objective.adversary
        with fixed(self.theirs):
            loss = self._step(self.optimisers[0], self.objective.loss, batch)
        value = self.objective.reported(loss)
        if adversary is not None and number % adversary.every == 0:
            with fixed(self.ours):
                self._step(self.optimisers[1], adversary.loss, batch)
        return value

    def _step(
        self, optimiser: torch.optim.Optimizer, loss: Callable[[Tensor], Tensor], batch: Tensor
    ) -> Tensor:
        def closure() -> Tensor:
            optimiser.zero_grad()
            with autocast(self.precision, self.device):
                value = loss(batch)
            value.backward()
            return value

        value: Tensor = optimiser.step(closure)  # type: ignore[assignment, arg-type]
        return value.detach()


@contextmanager
def fixed(weights: Sequence[nn.Parameter]) -> Iterator[None]:
    """Gradients flow through these weights but not into them."""
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


def _learned(module: nn.Module) -> list[nn.Parameter]:
    return [p for p in module.parameters() if p.requires_grad]
