"""Adam, SGD and bursts of L-BFGS: their settings, and the optimisers of PyTorch made from them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

#: L-BFGS iterations on one mini-batch (masci2014, §3.3)
BURST = 5
#: how much of its last step SGD adds to the next (liong2017, §4.1)
MOMENTUM = 0.9


@dataclass(frozen=True, kw_only=True)
class Optimiser(ABC):
    """Settings of an optimiser.

    Args:
        learning_rate: size of its steps, or of the first step of a line search.
        weight_decay: L2 penalty of the weights.
    """

    learning_rate: float = 1e-3
    weight_decay: float = 0.0

    @abstractmethod
    def over(self, weights: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        """An optimiser of `weights`, which steps by `step(closure)`."""

    def start_epoch(self, optimiser: torch.optim.Optimizer, epoch: int) -> None:
        """Set the learning rates of what `over` made for an epoch, counted from 0."""
        return


@dataclass(frozen=True, kw_only=True)
class GradientDescent(Optimiser):
    """What Adam and SGD share.

    Args:
        decay_every: divide all learning rates by ten after every so many epochs; None keeps them.
        rates: parts of the module and the learning rate of each, where it differs.
    """

    decay_every: int | None = None
    rates: Sequence[tuple[nn.Module, float]] = ()

    def start_epoch(self, optimiser: torch.optim.Optimizer, epoch: int) -> None:
        if self.decay_every is not None:
            for group in optimiser.param_groups:
                group["lr"] = group["first"] * 0.1 ** (epoch // self.decay_every)

    def settings(self, weights: Sequence[nn.Parameter]) -> dict[str, Any]:
        """The weights by their learning rate, which each group notes as its `first`."""
        rates = {id(weight): rate for part, rate in self.rates for weight in part.parameters()}
        by_rate: dict[float, list[nn.Parameter]] = {}
        for weight in weights:
            by_rate.setdefault(rates.get(id(weight), self.learning_rate), []).append(weight)
        groups = [{"params": of, "lr": rate, "first": rate} for rate, of in by_rate.items()]
        # Fused: one pass over the weights, which for wide layers takes a tenth of the time.
        return {"params": groups, "weight_decay": self.weight_decay, "fused": True}


@dataclass(frozen=True, kw_only=True)
class Adam(GradientDescent):
    """Adam.

    Args:
        beta1: how much of the mean gradient is carried from step to step.
    """

    beta1: float = 0.9

    def over(self, weights: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(**self.settings(weights), betas=(self.beta1, 0.999))


@dataclass(frozen=True, kw_only=True)
class SGD(GradientDescent):
    """Stochastic gradient descent with momentum 0.9."""

    def over(self, weights: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(**self.settings(weights), momentum=MOMENTUM)


@dataclass(frozen=True, kw_only=True)
class LBFGS(Optimiser):
    """Five iterations of L-BFGS on each mini-batch, started afresh (masci2014, §3.3).

    The L2 penalty is added to the loss.
    """

    def over(self, weights: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        return _Bursts(weights, self.learning_rate, self.weight_decay)


class _Bursts(torch.optim.LBFGS):
    def __init__(
        self, weights: Sequence[nn.Parameter], learning_rate: float, weight_decay: float
    ) -> None:
        super().__init__(
            weights,
            lr=learning_rate,
            max_iter=BURST,
            max_eval=25 * BURST,  # PyTorch's default of 6 in all ends most bursts before their time
            history_size=BURST,
            line_search_fn="strong_wolfe",
        )
        self.weights, self.weight_decay = weights, weight_decay

    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        """Five iterations on one mini-batch; the loss before them."""

        def decayed() -> Tensor:
            value = closure()
            if self.weight_decay:
                squares = sum(weight.square().sum() for weight in self.weights)
                penalty = 0.5 * self.weight_decay * squares
                assert isinstance(penalty, Tensor)
                penalty.backward()
                value = value + penalty
            return value

        value = super().step(decayed)
        self.state.clear()  # nothing is carried from a burst to the next, nor into a checkpoint
        return value
