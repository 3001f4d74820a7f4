"""Methods: `create` one by its name, `load` a saved one, `register` and `check` one from outside.

`names` lists them and `describe` shows the options of one. Their classes can be had from here too,
such as `hashers.AADAH`; a class is imported when it is first asked for.
"""

from typing import Any

from mmhash_nb.hashers.base import Embedder, Hasher, Method
from mmhash_nb.hashers.contract import check
from mmhash_nb.hashers.describe import describe
from mmhash_nb.hashers.options import Options, option
from mmhash_nb.hashers.registry import create, entries, load, method_class, names, register

__all__ = [
    "Embedder",
    "Hasher",
    "Method",
    "Options",
    "check",
    "create",
    "describe",
    "load",
    "method_class",
    "names",
    "option",
    "register",
]


def __getattr__(name: str) -> Any:
    for entry in entries().values():
        if isinstance(entry.target, str) and entry.target.split(".")[1] == name:
            return entry.load()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    targets = (one.target for one in entries().values() if isinstance(one.target, str))
    return sorted({*globals(), *(target.split(".")[1] for target in targets)})
