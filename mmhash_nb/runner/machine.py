"""What this machine has for notebooks that run side by side: cores, memory and GPUs."""

import os
from collections.abc import Sequence

from dask.system import CPU_COUNT
from distributed.system import MEMORY_LIMIT

#: what a notebook on the embedded data takes at most, in bytes
_MEMORY = 3 << 30


def at_once(workers: int | None = None) -> int:
    """How many notebooks run at once, as `slots` says."""
    return len(slots(workers))


def slots(workers: int | None = None) -> Sequence[str | None]:
    """The GPU of each notebook that runs at once; None for each on a machine without GPUs.

    They are `workers`, or as many as there are cores and memory for. Cores and memory are those
    this process may use. Where there are GPUs, a notebook takes one.

    Raises:
        ValueError: more workers than GPUs.
    """
    gpus = visible_gpus()
    if workers is None:
        n = max(1, min(CPU_COUNT, MEMORY_LIMIT // _MEMORY, len(gpus) or CPU_COUNT))
    elif gpus and workers > len(gpus):
        raise ValueError(
            f"{workers} workers would share {len(gpus)} GPUs: ask for --workers {len(gpus)} or "
            "fewer, or hide the GPUs by CUDA_VISIBLE_DEVICES=."
        )
    else:
        n = workers
    return gpus[:n] or [None] * n


def visible_gpus() -> list[str]:
    """CUDA devices of this machine, as `CUDA_VISIBLE_DEVICES` names them."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    n = torch.cuda.device_count()
    return named[:n] if named[0] else [str(i) for i in range(n)]


def threads_each(workers: int) -> int | None:
    """Threads of one of several notebooks at once: its share of the cores.

    None where the environment says how many.
    """
    return None if os.environ.get("OMP_NUM_THREADS") else max(1, CPU_COUNT // workers)
