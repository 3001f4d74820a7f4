"""Dask workers: of this machine alone, or of a cluster that runs already."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dask.system import CPU_COUNT
from distributed import Client, Nanny, Scheduler, SpecCluster

from mmhash_nb.io.source import package_hash, versions
from mmhash_nb.runner.headless import in_words

_LOOPBACK = "127.0.0.1"
_CONNECT_SECONDS = 60
_WORKER_SECONDS = 60


@contextmanager
def client(workers: int, scheduler: str | None) -> Iterator[Client]:
    """A client of the scheduler at an address, or of a new cluster on this machine's loopback.

    Raises:
        ValueError: where the scheduler does not answer or has no worker, a worker has another
            version of this package, or there are more workers than GPUs.
    """
    if scheduler is None:
        options = _options(workers, visible_gpus())
        with (
            SpecCluster(
                workers={i: {"cls": Nanny, "options": o} for i, o in enumerate(options)},
                scheduler={
                    "cls": Scheduler,
                    "options": {"host": _LOOPBACK, "dashboard_address": f"{_LOOPBACK}:0"},
                },
                silence_logs=logging.ERROR,
            ) as cluster,
            Client(cluster) as connected,
        ):
            yield connected
        return
    # A scheduler that is lost is one sentence for each job, and no traceback beside it.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        connected = Client(scheduler, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise ValueError(f"no Dask scheduler answers at {scheduler} ({error}).") from None
    with connected:
        try:
            connected.wait_for_workers(1, timeout=_WORKER_SECONDS)
        except TimeoutError:
            raise ValueError(
                f"the Dask scheduler at {scheduler} has no worker: start one on each machine that "
                f"shares this folder, by dask worker {scheduler}"
            ) from None
        _check_versions(connected)
        yield connected


def _check_versions(connected: Client) -> None:
    here = software()
    for address, there in connected.run(software, on_error="return").items():
        if isinstance(there, Exception):
            raise ValueError(f"the worker at {address} has no mmhash_nb ({in_words(there)}).")
        if there != here:
            raise ValueError(other_software(address))


def software() -> tuple[str, dict[str, str]]:
    """What workers must have in common: this package's hash, and versions of the libraries."""
    return package_hash(), versions()


def other_software(address: str) -> str:
    """One sentence for a worker whose `software` is not that of the batch."""
    return (
        f"the worker at {address} has another mmhash_nb, Python or library than the batch was "
        "begun with: install the same there."
    )


def at_once(workers: int | None, scheduler: str | None) -> int:
    """How many jobs run at once with these, as `workers.run_jobs` takes them."""
    if scheduler is None:
        return workers or 1
    with client(1, scheduler) as connected:
        threads, gpus = slots(connected)
    return gpus or threads


def slots(connected: Client) -> tuple[int, int]:
    """Threads and GPUs of all workers; where there are GPUs, a job takes one."""
    there = connected.scheduler_info(n_workers=-1)["workers"].values()
    gpus = sum(int(worker["resources"].get("GPU", 0)) for worker in there)
    return sum(worker["nthreads"] for worker in there), gpus


def _options(workers: int, gpus: Sequence[str]) -> list[dict[str, Any]]:
    """Options of each worker of a local cluster; where there are GPUs, each worker gets one."""
    if gpus and workers > len(gpus):
        raise ValueError(
            f"{workers} workers would share {len(gpus)} GPUs: ask for --workers {len(gpus)} or "
            "fewer, or hide the GPUs by CUDA_VISIBLE_DEVICES=."
        )
    each = {"host": _LOOPBACK, "nthreads": 1, "silence_logs": logging.ERROR}
    options: list[dict[str, Any]] = [{**each} for _ in range(workers)]
    for one, gpu in zip(options, gpus, strict=False):
        one |= {"resources": {"GPU": 1}, "env": {"CUDA_VISIBLE_DEVICES": gpu}}
    return options


def visible_gpus() -> list[str]:
    """CUDA devices of this machine, as `CUDA_VISIBLE_DEVICES` names them."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    n = torch.cuda.device_count()
    return named[:n] if named[0] else [str(i) for i in range(n)]


def threads_each(workers: int) -> int | None:
    """Threads of one of several workers on this machine: its share of the cores.

    None where the environment says how many.
    """
    return None if os.environ.get("OMP_NUM_THREADS") else max(1, CPU_COUNT // workers)
