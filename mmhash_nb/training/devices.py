"""Where a network computes, at which precision, and with how many threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

Precision = Literal["auto", "float32", "bfloat16"]


def resolve_device(device: str) -> torch.device:
    """`auto` is CUDA where there is one, else the CPU.

    Raises:
        RuntimeError: CUDA is wanted and absent.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    chosen = torch.device(device)
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise RuntimeError("PyTorch sees no CUDA device here for device='cuda': use 'cpu'.")
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
