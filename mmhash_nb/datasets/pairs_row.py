"""A row of `pairs.csv`: an item, or the reason why it cannot be read."""

import os
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmhash_nb.datasets.label_cells import read_labels, shown, visible
from mmhash_nb.features.text import tokens
from mmhash_nb.pairs import SPLITS


@dataclass(frozen=True)
class Row:
    """One item of the table.

    Attributes:
        line: where it begins, from 1.
        image: as written, empty where there is none; path: the file, None where it is not needed.
        text: as written, spaces joined, empty where there is none.
        labels, split: empty where they are not needed.
    """

    line: int
    image: str
    text: str
    labels: tuple[str, ...]
    split: str
    path: Path | None


def read_row(
    line: int,
    fields: Sequence[str],
    header: Sequence[str],
    folder: Path,
    needed: Collection[str],
    labelled: bool,
    kind: str,
) -> Row | None:
    """One row; None where it has the modality that is not needed alone.

    Raises:
        ValueError: the reason why it cannot be read.
    """
    if len(fields) == 1 < len(header):
        raise ValueError(f"no comma where the header has {len(header)} columns")
    if len(fields) != len(header):
        raise ValueError(
            f"{len(fields)} fields where the header has {len(header)} (a text that holds commas "
            "goes between quotes, labels are separated by ';')"
        )
    if byte := next(filter(None, map(first_foreign_byte, fields)), ""):
        raise ValueError(f"the byte {byte} is not UTF-8 (save the file as CSV UTF-8)")
    cells = {name: field.strip() for name, field in zip(header, fields, strict=True)}
    image, text = cells.get("image", ""), " ".join(cells.get("text", "").split())
    lacking = [name for name in ("image", "text") if name in needed and not cells[name]]
    if lacking:
        if len(needed) == 1 and (image or text):
            return None
        raise ValueError(f"no {' and no '.join(lacking)}")
    if "text" in needed and not tokens(text, kind):
        least = "letter"
        if kind == "word":
            other = " (tokens='char', or --tokens char in a shell, keeps shorter ones)"
            least = f"word of two letters or more{other if tokens(text, 'char') else ''}"
        raise ValueError(f"the text {shown(text)} holds no {least}")
    labels = read_labels(cells["labels"]) if labelled else ()
    split = visible(cells.get("split", "")) if labelled else ""
    if labelled and "split" in header and split not in SPLITS:
        raise ValueError(f"the split {shown(split)} is none of {', '.join(SPLITS)}")
    path = picture_path(folder, image) if "image" in needed else None
    return Row(line, image, text, labels, split, path)


def picture_path(folder: Path, name: str) -> Path:
    """The file that a row names, by a path in the folder; links there may lead out of it.

    Raises:
        ValueError: it is not there, or the path leaves the folder.
    """
    home = Path(os.path.abspath(folder))
    try:
        # The same letters may be written in two ways, and some systems rewrite names of files.
        forms = [name, *(unicodedata.normalize(f, name) for f in ("NFC", "NFD"))]
        # Names of files are UTF-8 on most systems, even where a locale is not.
        written = [os.fsdecode(form.encode()) for form in forms]
        # `..` is taken from the text, not from where a link leads.
        paths = [Path(os.path.normpath(home / one)) for one in written]
        path = next((one for one in paths if one.resolve().is_file()), paths[0])
        there = path.is_file()
    except (OSError, RuntimeError, ValueError):  # too long, a loop of links, a NUL
        raise ValueError(f"the image {shown(name)} is no path") from None
    if not (path.is_relative_to(home) or path.is_relative_to(home.resolve())):
        raise ValueError(f"the image {shown(name)} lies outside the folder (put it inside)")
    if not there:
        hint = " (write / between folders)" if "\\" in name else ""
        raise ValueError(f"there is no file {shown(name)}{hint}")
    return path


def first_foreign_byte(text: str) -> str:
    """The first byte of a text that is not UTF-8, as 0xE9; empty where all are."""
    return next((f"0x{ord(c) - 0xDC00:02X}" for c in text if "\udc80" <= c <= "\udcff"), "")
