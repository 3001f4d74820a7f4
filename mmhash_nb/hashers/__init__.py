"""Methods: `create` one by its name, `load` a saved one, `register` and `check` one from outside.

`names` lists them and `describe` shows the options of one. Their classes can be had from here too,
such as `hashers.AADAH`; a class is imported when it is first used.
"""

from importlib import import_module
from typing import Any

from mmhash_nb.hashers.base import Embedder, Hasher, Method
from mmhash_nb.hashers.contract import check
from mmhash_nb.hashers.describe import describe
from mmhash_nb.hashers.options import Options, option
from mmhash_nb.hashers.registry import (
    create,
    entries,
    load,
    method_class,
    names,
    register,
    registered,
)

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
    "registered",
]


#: bases for methods from outside the package, and the modules they are in
_BASES = {"ShallowHasher": "shallow", "UnimodalHasher": "unimodal"}


def _modules() -> dict[str, str]:
    """The module of each class that can be had from here, by the name of the class."""
    targets = [one.target for one in entries().values() if isinstance(one.target, str)]
    found = (target.split(".") for target in targets)
    return {**_BASES, **{name: module for module, name in found}}


def __getattr__(name: str) -> Any:
    if name not in _modules():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_modules()[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_modules()})
