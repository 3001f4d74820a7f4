"""The environment variables of every process that runs a notebook."""

import os
from pathlib import Path

_THREAD_POOLS = ("OMP", "MKL", "OPENBLAS", "NUMBA")


def variables(ipython: str, files: Path, threads: int | None = None) -> dict[str, str]:
    """The variables of this process, and beside them those of a run.

    Args:
        ipython: the IPython folder.
        files: where tables and pictures go.
        threads: of BLAS, PyTorch and Numba each, as the environment says by default.
    """
    return {
        **os.environ,
        "IPYTHONDIR": ipython,
        "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel before the user's
        "MMHASH_HEADLESS": "1",  # a line per epoch instead of bars
        "MMHASH_OUTPUT": str(files),
        **({f"{pool}_NUM_THREADS": str(threads) for pool in _THREAD_POOLS} if threads else {}),
    }
