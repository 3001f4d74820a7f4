"""The state of a training on disk, and back."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from mmhash_nb.io.files import whole


def save(
    path: Path, module: nn.Module, optimisers: Sequence[torch.optim.Optimizer], history: list[float]
) -> None:
    """Write the state of module and optimisers, and the losses of the epochs so far, whole."""
    tensors = {f"model.{k}": v.contiguous() for k, v in module.state_dict().items()}
    for number, optimiser in enumerate(optimisers):
        for index, entries in optimiser.state_dict()["state"].items():
            # The averages of channels-last weights lie as those do; files hold plain order only.
            tensors |= {
                f"optimiser.{number}.{index}.{k}": torch.as_tensor(v).contiguous()
                for k, v in entries.items()
            }
    losses = json.dumps(history)
    metadata = {"history": losses, "sha256": _digest(tensors, losses)}
    with whole(path) as aside:
        save_file(tensors, aside, metadata=metadata)


def resume(
    path: Path, module: nn.Module, optimisers: Sequence[torch.optim.Optimizer]
) -> list[float]:
    """Put the checkpoint's state into module and optimisers.

    A checkpoint that is broken, of a network of other shapes or of more optimisers is not used:
    training starts anew.

    Returns:
        The losses of the epochs so far.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            metadata = file.metadata()
            if metadata["sha256"] != _digest(tensors, metadata["history"]):
                return []
            history = json.loads(metadata["history"])
        states: list[dict[int, dict[str, Any]]] = [{} for _ in optimisers]
        for key, value in tensors.items():
            if key.startswith("optimiser."):
                _, number, index, name = key.split(".", 3)
                states[int(number)].setdefault(int(index), {})[name] = value
    except Exception:
        return []
    weights = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    shapes = {key: value.shape for key, value in module.state_dict().items()}
    if shapes != {key: value.shape for key, value in weights.items()}:
        return []
    module.load_state_dict(weights)
    for optimiser, state in zip(optimisers, states, strict=True):
        optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
        # Fused Adam goes through a weight and its averages in the order of memory: lay them alike.
        for weight, entries in optimiser.state.items():
            for name, value in entries.items():
                if value.shape == weight.shape:
                    entries[name] = torch.empty_like(weight).copy_(value)
    return history


def _digest(tensors: Mapping[str, torch.Tensor], history: str) -> str:
    """What changes with every bit of a checkpoint, so that a damaged one is not used."""
    digest = hashlib.sha256(history.encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].detach().cpu().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
