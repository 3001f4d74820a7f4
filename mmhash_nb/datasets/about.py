"""What is known of a dataset, from the TOML file of its name, and where files lie.

It has `page` (where to get the files) and `put` (what to put where, under the root).
Where the files always have the same names, it has `folder` and `files` (those that end with `/` are
folders), and, where there are such, checksums, `protocols` and `archives`.
"""

import tomllib
from pathlib import Path
from typing import Any


def about(name: str) -> dict[str, Any]:
    """All of `NAME.toml`."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))


def lacking(name: str, root: Path) -> list[str]:
    """Those of the `files` of a dataset that are not under `root`."""
    known = about(name)
    paths = {file: root / known["folder"] / file for file in known["files"]}
    return [f for f, path in paths.items() if not (path.is_dir if f[-1] == "/" else path.is_file)()]


def find(name: str, root: Path) -> Path | None:
    """The folder that holds all `files` of a dataset."""
    return None if lacking(name, root) else root / about(name)["folder"]


def required(name: str, root: Path, *, download: bool = False) -> Path:
    """The folder that holds all `files` of a dataset, or the error of `missing`."""
    folder = root / about(name)["folder"]
    for lacks in lacking(name, root):
        raise missing(name, lacks, folder, root, download=download)
    return folder


def missing(
    name: str, lacks: str, folder: Path, root: Path, *, download: bool = False
) -> FileNotFoundError:
    """The error to raise where `folder` lacks a file of a dataset: it says where to get it.

    Args:
        download: whether the dataset can be loaded with `download=True`.
    """
    known = about(name)
    hint = ", or load with download=True" if download else ""
    return FileNotFoundError(
        f"{name} has no {lacks} in {folder}: get the set from {known['page']} and put "
        f"{known['put']} under {root}{hint}."
    )
