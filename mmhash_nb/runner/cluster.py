"""A Dask cluster that runs already: its client, and what its workers must have."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from distributed import Client

from mmhash_nb.io.source import package_hash, versions
from mmhash_nb.runner.headless import in_words

_CONNECT_SECONDS = 60
_WORKER_SECONDS = 60


@contextmanager
def client(scheduler: str) -> Iterator[Client]:
    """A client of the scheduler at an address.

    Raises:
        ValueError: where the scheduler does not answer or has no worker, or a worker has another
            version of this package.
    """
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


def at_once(scheduler: str) -> int:
    """How many jobs run at once on the workers of a scheduler."""
    with client(scheduler) as connected:
        threads, gpus = slots(connected)
    return gpus or threads


def slots(connected: Client) -> tuple[int, int]:
    """Threads and GPUs of all workers; where there are GPUs, a job takes one."""
    there = connected.scheduler_info(n_workers=-1)["workers"].values()
    gpus = sum(int(worker["resources"].get("GPU", 0)) for worker in there)
    return sum(worker["nthreads"] for worker in there), gpus
