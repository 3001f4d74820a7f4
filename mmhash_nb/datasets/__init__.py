"""Datasets by name: `load` and `available`.

To add a dataset, write a module of its name in this package and the name in `_DATASETS`. The module
has `load(root, *, option=..., ...) -> Pairs`. Unless the dataset is embedded it also has
`find(root) -> Path | None` (where its files lie), and the TOML file of its name says where to get
them and what to put where; see `about.py`.
`uci_digits.py` is the shortest example.

A collection of photos that papers select from is a subclass of `PhotoCollection`, which has all
options; see `iaprtc12.py`. Photos listed in a CSV table share `photo_tables.py`; see `flickr8k.py`.

A module may also have `contents(root)`, how many files of each kind are there and how many are
needed; `images_there(root)`, with which values of the option `images` it can be loaded; and
`fetch_all(root)` with `ARCHIVES`, where the files have a stable address.
"""

import importlib
import inspect
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from mmhash_nb.datasets import about
from mmhash_nb.io.project import located, variable
from mmhash_nb.pairs import Pairs

__all__ = ["available", "data_root", "find", "load", "module_of", "names"]

_DATASETS = (
    *("scenes", "wiki", "cifar10", "nuswide", "flipkart"),
    *("flickr8k", "mirflickr25k", "uci_digits", "iaprtc12", "nuswide_cs2108", "folder"),
)


def names() -> list[str]:
    """All registered datasets."""
    return list(_DATASETS)


def data_root(root: str | os.PathLike[str] | None = None, here: Path | None = None) -> Path:
    """The folder that holds the datasets: `root`, else `$MMHASH_DATA`, else `data/`.

    It is absolute; a relative one is found as `io.project.located` says, from `here`.
    """
    return located(root or variable("MMHASH_DATA") or "data", here)


def load(name: str, root: str | os.PathLike[str] | None = None, **options: Any) -> Pairs:
    """Load a dataset.

    Args:
        name: one of `names()`.
        root: the folder that holds the datasets; defaults to `$MMHASH_DATA`, then `data/`.
        options: of the dataset; the `load` of its module documents them.

    Raises:
        ValueError: no such dataset, or its files are not what they should be.
        TypeError: the dataset has no such option.
        FileNotFoundError: its files are missing; the message says where to get them and what to
            put where.
        NotADirectoryError: `root` is a file.
    """
    module = module_of(name)
    signature = inspect.signature(module.load).parameters
    known = [option for option in signature if option != "root"]
    for option in options:
        if option not in known:
            raise TypeError(
                f"dataset {name} has no option {option!r}; it has {', '.join(known) or 'none'}."
            )
    folder = data_root(root)
    if hasattr(module, "find") and folder.is_file():
        raise NotADirectoryError(
            f"{folder} is a file: root, or else the variable MMHASH_DATA, must name the folder "
            "that holds the datasets."
        )
    return module.load(folder, **options)


def find(name: str, root: str | os.PathLike[str] | None = None) -> Path | None:
    """Where the files of a dataset lie: a folder or file; None where it is embedded or not there.

    Raises:
        ValueError: no such dataset.
    """
    found = getattr(module_of(name), "find", None)
    return found(data_root(root)) if found else None


def available(root: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Which datasets are under `root`, as for `load`.

    One row per dataset: `name`, `present` (bool), `where` (the path found, `embedded`, or empty),
    and for the absent ones `page` (where to get it) and `put` (what to put where).
    """
    folder = data_root(root)
    rows = []
    for name in _DATASETS:
        module = module_of(name)
        find = getattr(module, "find", None)
        where = find(folder) if find else "embedded"
        present = where is not None
        known = {} if present else about.about(name)
        get = ("", "") if present else (known["page"], f"{known['put']} under {folder}")
        rows.append((name, present, str(where) if present else "", *get))
    return pd.DataFrame(rows, columns=["name", "present", "where", "page", "put"])


def module_of(name: str) -> ModuleType:
    """The module of a dataset.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in _DATASETS:
        raise ValueError(f"there is no dataset {name!r}; there are {', '.join(_DATASETS)}.")
    return importlib.import_module(f"{__package__}.{name}")
