"""What is known of a dataset, from the TOML file of its name, and where files lie.

It has `page` (where to get the files) and `put` (what to put where, under the root).
Where the files always have the same names, it has `folder` and `files` (those that end with `/` are
folders, or archives of that name), and, where there are such, checksums, `protocols` and
`archives`.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmhash_nb.io.packed import SUFFIXES

#: the name of the image modality for each value of the option `images`
DISPLAY = {
    "bof": "BoF",
    "gist": "GIST",
    "hog": "HOG",
    "hog_colour": "HOG_colour",
    "none": "no image",
    "pixels": "image",
    "vectors": "image",
    "vgg": "VGG",
}


def about(name: str) -> dict[str, Any]:
    """All of `NAME.toml`."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))


def lacking(name: str, root: Path) -> list[str]:
    """Those of the `files` of a dataset that are not under `root`."""
    known = about(name)
    return [file for file in known["files"] if not _is_there(root / known["folder"], file)]


def _is_there(folder: Path, file: str) -> bool:
    path = folder / file
    if not file.endswith("/"):
        return path.is_file()
    return path.is_dir() or any(path.with_suffix(suffix).is_file() for suffix in SUFFIXES)


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


def check_option(dataset: str, option: str, value: object, known: Sequence[str]) -> None:
    """Refuse a value of an option that is none of the known ones.

    Raises:
        ValueError: names the dataset, the option and the known values.
    """
    if value not in known:
        raise ValueError(f"{option} of {dataset} are one of {', '.join(known)}, not {value!r}.")


def numbered(path: Path, encoding: str, errors: str = "strict") -> list[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1."""
    lines = path.read_bytes().decode(encoding, errors).splitlines()
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def wrong(path: Path, number: int, line: str, must: str) -> ValueError:
    """The error to raise where a line does not hold what it must."""
    return ValueError(f"line {number} of {path} must hold {must}, but is {line!r}: get it again.")
