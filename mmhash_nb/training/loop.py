"""The one training loop: mini-batches, Adam, SGD or L-BFGS bursts, checkpoints, resume."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from mmhash_nb.training.checkpoints import keep, resume
from mmhash_nb.training.prefetch import Ahead, in_batches

Precision = Literal["auto", "float32", "bfloat16"]
_QUIET_SECONDS = 3.0
#: L-BFGS iterations on one mini-batch (masci2014, §3.3)
BURST = 5
#: how much of its last step SGD adds to the next (liong2017, §4.1)
MOMENTUM = 0.9


@dataclass(frozen=True)
class Opponent:
    """A second player, whose weights are learned in turn with those of the first.

    After every `every` steps of the first player comes one step of Adam on the opponent's weights,
    on the same batch. In either's steps the weights of the other are fixed.

    Args:
        parameters: a part of the module that is trained; all its other weights are the first
            player's.
        loss: what the opponent minimises, from sample indices (`int64 [B]`) to a scalar.
        every: steps of the first player to one of the opponent.
    """

    parameters: nn.Module
    loss: Callable[[Tensor], Tensor]
    every: int


def resolve_device(device: str) -> torch.device:
    """`auto` is CUDA where there is one, else the CPU.

    Raises:
        RuntimeError: where CUDA is asked for and absent.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    chosen = torch.device(device)
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise RuntimeError(
            "device='cuda' was asked for, but PyTorch sees no CUDA device here: use 'cpu'."
        )
    return chosen


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """The context in which a network computes at a precision; its weights stay float32.

    Args:
        precision: `float32`; `bfloat16`, mixed precision; or `auto`, which is mixed on a GPU that
            computes in bfloat16 and float32 elsewhere.
    """
    mixed = precision == "bfloat16"
    if precision == "auto" and device.type == "cuda":
        mixed = torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.autocast(device.type, torch.bfloat16, enabled=mixed)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run PyTorch's CPU work in one thread, for networks of thousands of weights.

    Their matrices are too small to share out, and where cores are busy the threads wait for one
    another at every step: trainings were seen to take ten times as long.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def train(
    parameters: nn.Module,
    loss: Callable[[Tensor], Tensor],
    n_samples: int,
    *,
    epochs: int,
    batch_size: int,
    optimiser: Literal["adam", "sgd", "lbfgs"] = "adam",
    learning_rate: float = 1e-3,
    rates: Sequence[tuple[nn.Module, float]] = (),
    weight_decay: float = 0.0,
    decay_every: int | None = None,
    beta1: float = 0.9,
    opponent: Opponent | None = None,
    tolerance: float | None = None,
    patience: int = 5,
    precision: Precision = "float32",
    on_epoch: Callable[[int], bool | None] | None = None,
    ahead: Ahead | None = None,
    seed: int = 0,
    device: torch.device | None = None,
    checkpoint: Path | None = None,
    label: str = "training",
) -> list[float]:
    """Minimise `loss` over mini-batches of `n_samples` samples; return the mean loss of each epoch.

    Everything random in an epoch comes from `seed` and the epoch's number, so a run that resumes
    from its checkpoint takes the same steps as one that was never interrupted.

    Args:
        parameters: the module whose parameters are learned, in place.
        loss: from sample indices (`int64 [B]` on `device`) to a scalar.
        epochs: passes over the samples, at most.
        batch_size: samples in a mini-batch, at most; see `n_batches`.
        optimiser: `adam`; `sgd`, with momentum 0.9; or `lbfgs`: five L-BFGS iterations on each
            mini-batch, started afresh (masci2014, §3.3).
        learning_rate: step of Adam and SGD, or the first step of L-BFGS's line search.
        rates: parts of the module that learn at a rate of their own, not with L-BFGS.
        weight_decay: L2 penalty of Adam and SGD; added to the objective for L-BFGS.
        decay_every: divide all learning rates of Adam and SGD by ten after every so many epochs;
            None keeps them.
        beta1: how much of Adam's mean gradient is kept from step to step.
        opponent: a second player, with Adam, learning rate and decay as the first has.
        tolerance: stop when `patience` epochs have not lowered the best mean loss by this fraction;
            None runs all epochs.
        precision: of the loss; see `autocast`.
        on_epoch: called with the number of each epoch, from 0, before it: for a loss or module that
            changes as training goes on. Where it returns True, training ends before that epoch.
        ahead: told of a batch while the one before is worked on; see `residency.HostSamples`.
        seed: of the order of samples and of whatever `loss` draws.
        device: where `loss` works; the module must be there already. CPU by default.
        checkpoint: a folder; the state after an epoch is written there whole every few seconds.
        label: names the training in progress lines and errors.

    Raises:
        ValueError: where a setting is out of range.
        FloatingPointError: where the loss is no longer finite.
        RuntimeError: out of GPU memory, with the batch size that fits.
    """
    check_settings(n_samples, epochs, batch_size, optimiser, decay_every, opponent)
    if rates and optimiser == "lbfgs":
        raise ValueError("L-BFGS has one learning rate: give no rates, or use adam or sgd.")
    device = device or torch.device("cpu")
    theirs = [] if opponent is None else _learned(opponent.parameters)
    weights = [p for p in _learned(parameters) if not any(p is q for q in theirs)]
    # Fused: one pass over the weights, which for wide layers takes a tenth of the time.
    shared: dict[str, Any] = {"weight_decay": weight_decay, "fused": True}
    groups = [_groups(player, learning_rate, rates) for player in (weights, theirs) if player]
    players: list[Any] = [
        torch.optim.SGD(group, momentum=MOMENTUM, **shared)
        if optimiser == "sgd"
        else torch.optim.Adam(group, betas=(beta1, 0.999), **shared)
        for group in groups
    ]
    kept = None if checkpoint is None else checkpoint / "training.safetensors"
    history = resume(kept, parameters, players) if kept and kept.is_file() else []
    batches = n_batches(n_samples, batch_size)
    steps = len(history) * batches
    saved = time.monotonic()
    bar = _Progress(label, epochs, len(history))

    def step(batch: Tensor, number: int) -> Tensor:
        """Step number so many of the first player, and the opponent's after it; the loss."""
        objective = _objective(loss, batch, device, precision)
        if optimiser == "lbfgs":
            return _lbfgs_burst(weights, objective, learning_rate, weight_decay)
        with _fixed(theirs):
            value = _step(players[0], objective)
        if opponent is not None and number % opponent.every == 0:
            with _fixed(weights):
                _step(players[1], _objective(opponent.loss, batch, device, precision))
        return value

    for epoch in range(len(history), epochs):
        if tolerance is not None and _converged(history, tolerance, patience):
            break
        if decay_every is not None:
            for group in (group for player in players for group in player.param_groups):
                group["lr"] = group["first"] * 0.1 ** (epoch // decay_every)
        if on_epoch is not None and on_epoch(epoch):
            break
        losses = []
        rng = np.random.default_rng([seed, epoch])
        order = torch.from_numpy(rng.permutation(n_samples))
        sizes = [len(part) for part in order.tensor_split(batches)]
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(int(rng.integers(2**62)))
            for batch in in_batches(order, sizes, device, ahead):
                steps += 1
                try:
                    losses.append(step(batch, steps))
                    continue
                except torch.OutOfMemoryError:
                    pass  # what the step held is let go of here
                fits = _fitting(batch, lambda part: step(part, 0))
                advice = f"try batch_size={fits}, which fits" if fits else "use device='cpu'"
                raise RuntimeError(
                    f"{label} ran out of GPU memory at batch_size={len(batch)}: {advice}."
                )
        # Read once an epoch: to read each would have a GPU wait for the next step's kernels.
        history.append(float(np.mean(torch.stack(losses).tolist())))
        if not np.isfinite(history[-1]):
            raise FloatingPointError(
                f"{label}: the loss is {history[-1]} in epoch {epoch + 1}: lower learning_rate="
                f"{learning_rate:g}."
            )
        bar.step(history[-1])
        if kept and time.monotonic() - saved > _QUIET_SECONDS:
            keep(kept, parameters, players, history)
            saved = time.monotonic()
    bar.close()
    return history


def n_batches(n_samples: int, batch_size: int) -> int:
    """Mini-batches in an epoch of `train`, whose sizes differ by one at most.

    As many as `batch_size` samples in each ask for, but never one of a single sample: batches of
    two take a third where the samples are odd in number. Equal sizes, because the step of Adam on
    a last batch of a few samples is as long as any other and was seen to undo what an epoch learnt.
    """
    return min(-(-n_samples // batch_size), n_samples // 2)


def _groups(
    weights: list[nn.Parameter], learning_rate: float, rates: Sequence[tuple[nn.Module, float]]
) -> list[dict[str, Any]]:
    """The weights by their learning rate, which each group keeps as its `first`."""
    own = {id(weight): rate for part, rate in rates for weight in part.parameters()}
    by_rate: dict[float, list[nn.Parameter]] = {}
    for weight in weights:
        by_rate.setdefault(own.get(id(weight), learning_rate), []).append(weight)
    return [{"params": of, "lr": rate, "first": rate} for rate, of in by_rate.items()]


def _learned(module: nn.Module) -> list[nn.Parameter]:
    return [p for p in module.parameters() if p.requires_grad]


@contextmanager
def _fixed(weights: list[nn.Parameter]) -> Iterator[None]:
    """Gradients flow through these weights but not into them."""
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)


def check_settings(
    n_samples: int,
    epochs: int,
    batch_size: int,
    optimiser: str = "adam",
    decay_every: int | None = None,
    opponent: Opponent | None = None,
) -> None:
    """Refuse settings of `train` that are out of range, by a ValueError."""
    counts = [("epochs", epochs, 1), ("batch_size", batch_size, 2)]
    if decay_every is not None:
        counts.append(("decay_every", decay_every, 1))
    if opponent is not None:
        counts.append(("every", opponent.every, 1))
    for name, value, least in counts:
        if not isinstance(value, int) or value < least:
            raise ValueError(f"{name} must be an integer of at least {least}, but is {value!r}.")
    if optimiser not in ("adam", "sgd", "lbfgs"):
        raise ValueError(f"optimiser must be adam, sgd or lbfgs, but is {optimiser!r}.")
    if opponent is not None and optimiser != "adam":
        raise ValueError("an opponent is trained by Adam: leave optimiser='adam'.")
    if n_samples < 2:
        raise ValueError(f"training needs at least 2 samples, but there is {n_samples}.")


def _fitting(batch: Tensor, step: Callable[[Tensor], object]) -> int:
    """How many of a batch's samples a step has memory for: a half, a quarter and so on; 0: none.

    The steps are taken: what is trained is of no use afterwards.
    """
    size = len(batch) // 2
    while size > 1:
        torch.cuda.empty_cache()
        try:
            step(batch[:size])
            return size
        except torch.OutOfMemoryError:
            size //= 2
    return 0


def _objective(
    loss: Callable[[Tensor], Tensor], batch: Tensor, device: torch.device, precision: Precision
) -> Callable[[], Tensor]:
    def objective() -> Tensor:
        with autocast(precision, device):
            return loss(batch)

    return objective


def _step(player: torch.optim.Optimizer, objective: Callable[[], Tensor]) -> Tensor:
    player.zero_grad()
    value = objective()
    value.backward()
    player.step()
    return value.detach()


def _lbfgs_burst(
    weights: list[nn.Parameter],
    objective: Callable[[], Tensor],
    learning_rate: float,
    weight_decay: float,
) -> Tensor:
    """Five iterations of L-BFGS on one mini-batch; the loss before them."""
    lbfgs = torch.optim.LBFGS(
        weights,
        lr=learning_rate,
        max_iter=BURST,
        max_eval=25 * BURST,  # PyTorch's default of 6 in all ends most bursts before their time
        history_size=BURST,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        lbfgs.zero_grad()
        value = objective()
        if weight_decay:
            value = value + 0.5 * weight_decay * sum(w.square().sum() for w in weights)
        value.backward()
        return value

    return lbfgs.step(closure).detach()


def _converged(history: list[float], tolerance: float, patience: int) -> bool:
    if len(history) <= patience:
        return False
    best_before = min(history[:-patience])
    return min(history[-patience:]) > best_before - tolerance * abs(best_before)


class _Progress:
    """A bar in a browser or terminal, lines when headless; nothing for trainings of seconds."""

    def __init__(self, label: str, epochs: int, done: int) -> None:
        self.label, self.epochs, self.done = label, epochs, done
        self.headless = bool(os.environ.get("MMHASH_HEADLESS"))
        self.last = time.monotonic()
        self.bar = None
        if not self.headless:
            self.bar = tqdm(
                total=epochs, initial=done, desc=label, leave=False, delay=_QUIET_SECONDS
            )

    def step(self, loss: float) -> None:
        self.done += 1
        if self.bar is not None:
            self.bar.update()
            self.bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        elif time.monotonic() - self.last > _QUIET_SECONDS:
            print(
                f"{self.label}: epoch {self.done}/{self.epochs}, loss {loss:.4f}", file=sys.stderr
            )
            self.last = time.monotonic()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
