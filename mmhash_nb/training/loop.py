"""The one training loop: mini-batches, an optimiser, checkpoints, resume."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmhash_nb.training import checkpoints
from mmhash_nb.training.devices import Precision
from mmhash_nb.training.memory import step_within_memory
from mmhash_nb.training.objective import Objective
from mmhash_nb.training.optimisers import Optimiser
from mmhash_nb.training.prefetch import in_batches
from mmhash_nb.training.progress import Progress
from mmhash_nb.training.steps import Steps

#: between two checkpoints, at least
CHECKPOINT_SECONDS = 3.0


@dataclass(frozen=True)
class Plateau:
    """When a training ends early: `patience` epochs have not lowered the best mean loss enough.

    Args:
        tolerance: the fraction by which they must lower it.
        patience: epochs.
    """

    tolerance: float
    patience: int = 5

    def reached(self, history: list[float]) -> bool:
        """Whether the losses of the epochs so far have stopped falling."""
        if len(history) <= self.patience:
            return False
        best_before = min(history[: -self.patience])
        bound = best_before - self.tolerance * abs(best_before)
        return min(history[-self.patience :]) > bound


def train(
    objective: Objective,
    n_samples: int,
    *,
    epochs: int,
    batch_size: int,
    optimiser: Optimiser,
    plateau: Plateau | None = None,
    precision: Precision = "float32",
    seed: int = 0,
    device: torch.device | None = None,
    checkpoint: Path | None = None,
    label: str = "training",
) -> list[float]:
    """Minimise a loss over mini-batches of `n_samples` samples; return its mean in each epoch.

    Everything random in an epoch comes from `seed` and the epoch's number, so a run that resumes
    from its checkpoint takes the same steps as one that was never interrupted.

    Args:
        objective: the loss and the module whose parameters are learned, in place.
        epochs: passes over the samples, at most.
        batch_size: samples in a mini-batch, at most, and two at least; see `n_batches`.
        optimiser: settings of Adam, SGD or L-BFGS, see `training.optimisers`; an adversary of the
            objective has an optimiser of the same settings.
        plateau: ends the training early; None runs all epochs.
        precision: of the loss; see `devices.autocast`.
        seed: of the order of samples and of whatever the loss draws.
        device: where the loss works; the module must be there already. CPU by default.
        checkpoint: a folder; the state after an epoch is written there whole every few seconds.
        label: names the training in progress lines and errors.

    Raises:
        ValueError: fewer than two samples, or an adversary without Adam.
        FloatingPointError: where the loss is no longer finite.
        RuntimeError: out of GPU memory, with the batch size that fits.
    """
    check_samples(n_samples)
    device = device or torch.device("cpu")
    steps = Steps(objective, optimiser, device, precision)
    path = None if checkpoint is None else checkpoint / "training.safetensors"
    history: list[float] = []
    if path and path.is_file():
        history = checkpoints.resume(path, objective, steps.optimisers)
    batches, saved = n_batches(n_samples, batch_size), time.monotonic()
    bar = Progress(label, epochs, len(history))
    for epoch in range(len(history), epochs):
        if plateau is not None and plateau.reached(history):
            break
        for stepping in steps.optimisers:
            optimiser.start_epoch(stepping, epoch)
        if objective.on_epoch(epoch):
            break
        losses: list[Tensor] = []
        with _epoch_order(n_samples, seed, epoch, device) as order:
            sizes = [len(part) for part in order.tensor_split(batches)]
            for batch in in_batches(order, sizes, device, objective.ahead):
                number = epoch * batches + len(losses) + 1
                losses.append(step_within_memory(steps, batch, number, label))
        # Read once an epoch: to read each would have a GPU wait for the next step's kernels.
        history.append(float(np.mean(torch.stack(losses).tolist())))
        if not np.isfinite(history[-1]):
            raise FloatingPointError(
                f"{label}: the loss is {history[-1]} in epoch {epoch + 1}: lower learning_rate="
                f"{optimiser.learning_rate:g}."
            )
        bar.step(history[-1])
        if path and time.monotonic() - saved > CHECKPOINT_SECONDS:
            checkpoints.save(path, objective, steps.optimisers, history)
            saved = time.monotonic()
    bar.close()
    return history


@contextmanager
def _epoch_order(n: int, seed: int, epoch: int, device: torch.device) -> Iterator[Tensor]:
    """The order of the samples in an epoch; while it is used, PyTorch draws the epoch's numbers."""
    rng = np.random.default_rng([seed, epoch])
    order = torch.from_numpy(rng.permutation(n))
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(int(rng.integers(2**62)))
        yield order


def n_batches(n_samples: int, batch_size: int) -> int:
    """Mini-batches in an epoch of `train`, whose sizes differ by one at most.

    As many as `batch_size` samples in each ask for, but never one of a single sample: batches of
    two take a third where the samples are odd in number. Equal sizes, because the step of Adam on
    a last batch of a few samples is as long as any other and was seen to undo what an epoch learnt.
    """
    return min(-(-n_samples // batch_size), n_samples // 2)


def check_samples(n_samples: int) -> None:
    """Refuse a training on a single sample, by a ValueError."""
    if n_samples < 2:
        raise ValueError(f"training needs at least 2 samples, but there is {n_samples}.")
