"""The one training loop: mini-batches, Adam or L-BFGS bursts, checkpoints, resume."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm.auto import tqdm

from mmhash_nb.files import whole

Precision = Literal["float32", "bfloat16"]
_QUIET_SECONDS = 3.0
#: L-BFGS iterations on one mini-batch (masci2014, §3.3)
BURST = 5


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
    optimiser: Literal["adam", "lbfgs"] = "adam",
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    decay_every: int | None = None,
    tolerance: float | None = None,
    patience: int = 5,
    precision: Precision = "float32",
    on_epoch: Callable[[int], None] | None = None,
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
        batch_size: samples in a mini-batch; a last one of fewer than two is left out.
        optimiser: `adam`, or `lbfgs`: five L-BFGS iterations on each mini-batch, started afresh
            (masci2014, §3.3).
        learning_rate: Adam's step, or the first step of L-BFGS's line search.
        weight_decay: L2 penalty of Adam; added to the objective for L-BFGS.
        decay_every: divide Adam's learning rate by ten after every so many epochs; None keeps it.
        tolerance: stop when `patience` epochs have not lowered the best mean loss by this fraction;
            None runs all epochs.
        precision: `bfloat16` runs the loss under autocast.
        on_epoch: called with the number of each epoch, from 0, before it: for a loss or module that
            changes as training goes on.
        seed: of the order of samples and of whatever `loss` draws.
        device: where `loss` works; the module must be there already. CPU by default.
        checkpoint: a folder; the state after an epoch is written there whole every few seconds.
        label: names the training in progress lines and errors.

    Raises:
        ValueError: where a setting is out of range.
        FloatingPointError: where the loss is no longer finite.
        RuntimeError: out of GPU memory, with the batch size to try.
    """
    _check_settings(n_samples, epochs, batch_size, optimiser, decay_every)
    device = device or torch.device("cpu")
    weights = [p for p in parameters.parameters() if p.requires_grad]
    # Fused: one pass over the weights, which for wide layers takes a tenth of the time.
    adam = torch.optim.Adam(weights, lr=learning_rate, weight_decay=weight_decay, fused=True)
    kept = None if checkpoint is None else checkpoint / "training.safetensors"
    history = _resume(kept, parameters, adam) if kept and kept.is_file() else []
    saved = time.monotonic()
    bar = _Progress(label, epochs, len(history))
    for epoch in range(len(history), epochs):
        if tolerance is not None and _converged(history, tolerance, patience):
            break
        if decay_every is not None:
            for group in adam.param_groups:
                group["lr"] = learning_rate * 0.1 ** (epoch // decay_every)
        if on_epoch is not None:
            on_epoch(epoch)
        losses = []
        rng = np.random.default_rng([seed, epoch])
        order = torch.from_numpy(rng.permutation(n_samples)).to(device)
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(int(rng.integers(2**62)))
            for batch in order.split(batch_size):
                if len(batch) < 2:
                    continue
                objective = _objective(loss, batch, device, precision)
                try:
                    if optimiser == "adam":
                        losses.append(_adam_step(adam, objective))
                    else:
                        losses.append(_lbfgs_burst(weights, objective, learning_rate, weight_decay))
                except torch.OutOfMemoryError:
                    fewer = len(batch) // 2
                    advice = f"try batch_size={fewer}" if fewer > 1 else "use device='cpu'"
                    raise RuntimeError(
                        f"{label} ran out of GPU memory at batch_size={len(batch)}: {advice}."
                    ) from None
        history.append(float(np.mean(losses)))
        if not np.isfinite(history[-1]):
            raise FloatingPointError(
                f"{label}: the loss is {history[-1]} in epoch {epoch + 1}: lower learning_rate="
                f"{learning_rate:g}."
            )
        bar.step(history[-1])
        if kept and time.monotonic() - saved > _QUIET_SECONDS:
            _keep(kept, parameters, adam, history)
            saved = time.monotonic()
    bar.close()
    return history


def _check_settings(
    n_samples: int, epochs: int, batch_size: int, optimiser: str, decay_every: int | None
) -> None:
    counts = [("epochs", epochs, 1), ("batch_size", batch_size, 2)]
    if decay_every is not None:
        counts.append(("decay_every", decay_every, 1))
    for name, value, least in counts:
        if not isinstance(value, int) or value < least:
            raise ValueError(f"{name} must be an integer of at least {least}, but is {value!r}.")
    if optimiser not in ("adam", "lbfgs"):
        raise ValueError(f"optimiser must be adam or lbfgs, but is {optimiser!r}.")
    if n_samples < 2:
        raise ValueError(f"training needs at least 2 samples, but there is {n_samples}.")


def _objective(
    loss: Callable[[Tensor], Tensor], batch: Tensor, device: torch.device, precision: Precision
) -> Callable[[], Tensor]:
    def objective() -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            return loss(batch)

    return objective


def _adam_step(adam: torch.optim.Optimizer, objective: Callable[[], Tensor]) -> float:
    adam.zero_grad()
    value = objective()
    value.backward()
    adam.step()
    return value.item()


def _lbfgs_burst(
    weights: list[nn.Parameter],
    objective: Callable[[], Tensor],
    learning_rate: float,
    weight_decay: float,
) -> float:
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

    return lbfgs.step(closure).detach().item()


def _converged(history: list[float], tolerance: float, patience: int) -> bool:
    if len(history) <= patience:
        return False
    best_before = min(history[:-patience])
    return min(history[-patience:]) > best_before - tolerance * abs(best_before)


def _keep(
    path: Path, module: nn.Module, optimiser: torch.optim.Optimizer, history: list[float]
) -> None:
    tensors = {f"model.{k}": v.contiguous() for k, v in module.state_dict().items()}
    for index, entries in optimiser.state_dict()["state"].items():
        # The averages of channels-last weights lie as those do, and files hold plain order only.
        tensors |= {
            f"optimiser.{index}.{k}": torch.as_tensor(v).contiguous() for k, v in entries.items()
        }
    with whole(path) as aside:
        save_file(tensors, aside, metadata={"history": json.dumps(history)})


def _resume(path: Path, module: nn.Module, optimiser: torch.optim.Optimizer) -> list[float]:
    """Put the checkpoint's state into module and optimiser.

    A checkpoint that is broken, or of a network of other shapes, is not used: training starts anew.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            history = json.loads(file.metadata()["history"])
    except Exception:
        return []
    weights = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    shapes = {key: value.shape for key, value in module.state_dict().items()}
    if shapes != {key: value.shape for key, value in weights.items()}:
        return []
    module.load_state_dict(weights)
    state: dict[int, dict[str, Any]] = {}
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    # Fused Adam goes through a weight and its averages in the order of memory: lay them out alike.
    for weight, entries in optimiser.state.items():
        for name, value in entries.items():
            if value.shape == weight.shape:
                entries[name] = torch.empty_like(weight).copy_(value)
    return history


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
            print(f"{self.label}: epoch {self.done}/{self.epochs}, loss {loss:.4f}", flush=True)
            self.last = time.monotonic()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
