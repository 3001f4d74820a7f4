"""Functions that Numba compiles, cached between processes where there is a folder for it."""

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` compiled by Numba.

    Numba caches it beside its module, else in the user's cache folder. Where neither can be
    written, as in an installation of root's for a user without a home, each process compiles anew.
    """
    try:
        return numba.njit(cache=True)(function)
    except RuntimeError:  # no locator available
        return numba.njit(function)
