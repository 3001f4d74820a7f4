"""The papers' folders by name: titles, captions, errata and protocols."""

import importlib
import tomllib
from collections.abc import Sequence
from importlib import resources
from types import ModuleType
from typing import Any

import pandas as pd

from mmhash_nb.experiments.protocol import SCALES, Protocol, Request, Setup, arguments

_FOLDERS = resources.files(__package__)


def names() -> list[str]:
    """The papers, by year: the folders with a `tables.csv`."""
    found = [one.name for one in _FOLDERS.iterdir() if one.joinpath("tables.csv").is_file()]
    return sorted(found, key=lambda name: (toml_of(name, "about")["year"], name))


def text_of(paper: str, name: str) -> str:
    """A file of a paper's folder, or of that of `side_by_side`.

    Raises:
        ValueError: there is no such paper, or it has no such file.
    """
    file = _FOLDERS.joinpath(paper, name)
    if not paper.isidentifier() or not file.is_file():
        there = sorted(one.name for one in _FOLDERS.iterdir() if one.joinpath(name).is_file())
        raise ValueError(f"there is no paper {paper!r}; there are {', '.join(there)}.")
    return file.read_text(encoding="utf-8")


def toml_of(paper: str, name: str) -> dict[str, Any]:
    """The values in a TOML file of a folder, such as `about`; errors as `text_of`."""
    return tomllib.loads(text_of(paper, f"{name}.toml"))


def module_of(paper: str, name: str) -> ModuleType:
    """A module of a folder, such as its `protocol`, imported when it is needed."""
    toml_of(paper, "about")
    return importlib.import_module(f"{__package__}.{paper}.{name}")


def title(paper: str) -> str:
    """The title of a paper, or of `side_by_side`."""
    return toml_of(paper, "about")["title"]


def captions(paper: str) -> dict[str, str]:
    """What each figure of a paper, or of `side_by_side`, shows, by file name without its ending."""
    return toml_of(paper, "about")["captions"]


def errata(paper: str) -> pd.DataFrame:
    """What is printed inconsistently in a paper or left open; errors as `text_of`.

    Returns:
        Columns `where`, `printed` and `interpretation`, all text.
    """
    rows = toml_of(paper, "errata")["errata"]
    return pd.DataFrame(rows, columns=["where", "printed", "interpretation"])


def setups(paper: str) -> dict[str, Setup]:
    """How a paper runs on each dataset: `[datasets]` of its `settings.toml`.

    A dataset with `like` has all keys of the table of that name, but for those it names itself.
    Where the file has no `paper`, the paper's scale has the settings of a demo.
    """
    file = toml_of(paper, "settings")

    def full(keys: dict[str, Any]) -> dict[str, Any]:
        shared = full(file[keys["like"]]) if "like" in keys else {}
        return shared | {key: value for key, value in keys.items() if key != "like"}

    def scales(keys: dict[str, Any]) -> dict[str, Any]:
        return {"paper": file.get("paper", keys.get("demo")), **keys}

    return {name: Setup(**scales(full(keys))) for name, keys in file["datasets"].items()}


def protocol(
    paper: str,
    dataset: str,
    scale: str = "demo",
    bits: Sequence[int] | int | str = (),
    seeds: Sequence[int] | int | str = (),
    epochs: int = 0,
    *network: Any,
    **options: Any,
) -> Protocol:
    """The experiments of a paper, or of `side_by_side`, on a dataset.

    Args:
        paper: short name.
        dataset: one of `DATASETS` in the folder's `protocol.py`: `nuswide` with the concepts that
            the paper has (liong2017 10, the others 21), `iaprtc12` with its labels (22, or 255).
        scale: `demo`, for a CPU, trains new layers over a frozen backbone; `paper` trains all of
            the paper's backbone at the paper's settings.
        bits, seeds: in place of those of the scale; one number stands for a list of one.
        epochs: the number for the networks in place of the default.
        network, options: what `protocol` there takes beside. Of most papers that is `backbone`,
            its name in place of the default, and `weights`, the file of its weights.

    Raises:
        ValueError: no such paper, no experiment of it on the dataset, another scale, or bits, seeds
            or epochs that are no integers.
    """
    settings = module_of(paper, "protocol")
    if dataset not in settings.DATASETS:
        there = ", ".join(settings.DATASETS)
        raise ValueError(f"{paper} has no experiment on {dataset!r}; it has {there}.")
    if scale not in SCALES:
        raise ValueError(f"scale must be demo or paper, but is {scale!r}.")
    given = arguments(bits=bits, seeds=seeds, epochs=epochs)
    request = Request(settings.DATASETS[dataset], dataset, scale, **given)
    return settings.protocol(request, *network, **options)
