"""The papers' folders by name: titles, captions, errata and protocols."""

import importlib
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from types import ModuleType
from typing import Any

import pandas as pd

from mmhash_nb.experiments.protocol import Protocol

_ROOMS = resources.files(__package__)


def names() -> list[str]:
    """The papers, by year: the folders with a `tables.csv`."""
    found = [room.name for room in _ROOMS.iterdir() if room.joinpath("tables.csv").is_file()]
    return sorted(found, key=lambda name: (_about(name)["year"], name))


def file_of(paper: str, name: str) -> Traversable:
    """A file of a paper's folder.

    Raises:
        ValueError: there is no such paper.
    """
    if paper not in names():
        raise ValueError(f"there is no paper {paper!r}; there are {', '.join(names())}.")
    return _ROOMS.joinpath(paper, name)


def module_of(room: str, name: str) -> ModuleType:
    """A module of a folder, such as its `protocol`, imported when it is needed."""
    _about(room)
    return importlib.import_module(f"{__package__}.{room}.{name}")


def title(room: str) -> str:
    """The title of a paper, or of `side_by_side`."""
    return _about(room)["title"]


def captions(room: str) -> dict[str, str]:
    """What each figure of a paper, or of `side_by_side`, shows, by file name without its ending."""
    return _about(room)["captions"]


def unified_gallery(paper: str) -> bool:
    """Whether the paper searches unified codes where a method learns such."""
    return _about(paper).get("unified_gallery", False)


def errata(paper: str) -> pd.DataFrame:
    """What is printed inconsistently in a paper or left open.

    Returns:
        Columns `where`, `printed` and `interpretation`, all text.

    Raises:
        ValueError: there is no such paper.
    """
    rows = tomllib.loads(file_of(paper, "errata.toml").read_text(encoding="utf-8"))["errata"]
    return pd.DataFrame(rows, columns=["where", "printed", "interpretation"])


def protocol(room: str, dataset: str, *args: Any, **settings: Any) -> Protocol:
    """The experiments of a paper, or of `side_by_side`, on a dataset.

    Args:
        room: the paper.
        dataset: one of `DATASETS` in the folder's `protocol.py`, which has the settings on each.
        args, settings: as `protocol` there takes them: `scale` (`demo` or `paper`), `bits`,
            `seeds`, `epochs`, …

    Raises:
        ValueError: no such paper, no experiment of it on the dataset, or another scale.
    """
    return module_of(room, "protocol").protocol(dataset, *args, **settings)


def _about(room: str) -> dict[str, Any]:
    file = _ROOMS.joinpath(room, "about.toml")
    if not room.isidentifier() or not file.is_file():
        there = sorted(at.name for at in _ROOMS.iterdir() if at.joinpath("about.toml").is_file())
        raise ValueError(f"there is no paper {room!r}; there are {', '.join(there)}.")
    return tomllib.loads(file.read_text(encoding="utf-8"))
