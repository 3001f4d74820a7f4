"""`pairs.csv` of a user's folder, row by row, each mistake with its line."""

import codecs
import csv
import difflib
import hashlib
import io
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmhash_nb.datasets.label_cells import shown, visible
from mmhash_nb.datasets.pairs_row import Row, first_foreign_byte, read_row
from mmhash_nb.io.files import any_length

NAME = "pairs.csv"
COLUMNS = ("image", "text", "labels", "split")
MOST_LISTED = 20


@dataclass(frozen=True)
class Table:
    """What a table holds.

    Attributes:
        rows: those that can be read.
        wrong: reasons why others cannot, by line.
        total: how many rows there are, without blank ones.
        without: how many have nothing in the one column that is needed, but something in the other.
        has_split: whether there is a column `split`.
        twin_of: for rows whose picture an earlier row has, byte for byte, the first such row's
            line, by line.
    """

    rows: list[Row]
    wrong: dict[int, str]
    total: int
    without: int
    has_split: bool
    twin_of: dict[int, int]


def read_table(folder: Path, needed: Collection[str], labelled: bool, kind: str = "word") -> Table:
    """The rows of `folder/pairs.csv` and what is wrong with the others.

    Args:
        folder: that paths of pictures are relative to.
        needed: `image`, `text` or both; where it is one, a row that has only the other is no
            mistake and is left out.
        labelled: whether `labels` and `split` are read, and twins are found.
        kind: of the tokens of which a text must hold one.

    Raises:
        ValueError: one sentence with the line, where it is no table in UTF-8 of these columns.
    """
    path = folder / NAME
    lines = _lines(path)
    if not lines:
        raise ValueError(f"{path} is empty: its first line must name {', '.join(COLUMNS[:3])}.")
    (first, names), *rest = lines
    header = _header(path, first, names, needed, labelled)
    if not rest:
        raise ValueError(f"{path} has a header and no rows: give each item a line.")
    rows: list[Row] = []
    wrong: dict[int, str] = {}
    for line, fields in rest:
        try:
            row = read_row(line, fields, header, folder, needed, labelled, kind)
            if row is not None:
                rows.append(row)
        except ValueError as error:
            wrong[line] = str(error)
    without = len(rest) - len(rows) - len(wrong)
    twins = _twins(rows) if labelled else {}
    return Table(rows, wrong, len(rest), without, labelled and "split" in header, twins)


def listed(path: Path, wrong: Mapping[int, str], total: int) -> str:
    """Which rows cannot be read and why, in order of their lines, the first twenty of them."""
    reasons = [f"line {line}: {reason}" for line, reason in sorted(wrong.items())]
    more = len(reasons) - MOST_LISTED
    shown = "; ".join(reasons[:MOST_LISTED]) + (f"; and {more} more" if more > 0 else "")
    return f"{len(wrong)} of the {total} rows of {path} cannot be read ({shown})"


def _lines(path: Path) -> list[tuple[int, list[str]]]:
    """The fields of each row that is not blank, and the line on which it begins.

    Bytes that are not UTF-8 become lone surrogates, so that their rows can be named.
    """
    data = path.read_bytes()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:4]:
        raise ValueError(f"line 1 of {path} is not UTF-8 but UTF-16: save the file as CSV UTF-8.")
    text = data.decode("utf-8-sig", "surrogateescape")
    lines, begins = [], 1
    try:
        with any_length():
            reader = csv.reader(io.StringIO(text, newline=""), strict=True)
            for fields in reader:
                if any(field.strip() for field in fields):
                    lines.append((begins, fields))
                begins = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(
            f"the row that begins on line {begins} of {path} cannot be read ({error}): check its "
            'quotes, of which a text that holds some has each twice ("").'
        ) from None
    return lines


def _header(
    path: Path, line: int, names: Sequence[str], needed: Collection[str], labelled: bool
) -> list[str]:
    """The names of the columns; those that are read are there, once, and none is misspelt."""
    here = f"line {line} of {path}"
    required = [*needed, *(["labels"] if labelled else [])]
    read = [*required, *(["split"] if labelled else [])]
    header = [visible(name) for name in names]
    if header[0].startswith("sep="):
        raise ValueError(f"{here} is none of the table but a spreadsheet's 'sep=': remove it.")
    if any(first_foreign_byte(name) for name in header):
        raise ValueError(f"{here} is not UTF-8: save the file as CSV UTF-8.")
    mark = next((m for m in (";", "\t", "|") if len(header) == 1 and m in names[0].strip()), None)
    if mark:
        raise ValueError(
            f"{here} separates its columns by {mark!r}: save the file with commas, and with ';' "
            "only between the labels of one row."
        )
    for name in header:
        near = difflib.get_close_matches(name.casefold(), read, n=1, cutoff=0.8)
        if name in read and header.count(name) > 1:
            raise ValueError(f"{here} names the column {name!r} twice: keep one.")
        if near and near[0] not in header:
            raise ValueError(f"{here} has a column {shown(name)}: it must be called {near[0]!r}.")
    for name in required:
        if name not in header:
            there = ", ".join(shown(other) for other in header)
            one_hot = "; of columns of zeros and ones, it takes the names of the ones, by ';'"
            more = one_hot if name == "labels" and len({*header} - {*COLUMNS}) > 1 else ""
            raise ValueError(
                f"{here} has no column {name!r} (it has {there}): it must name "
                f"{', '.join(required)}, separated by commas{more}."
            )
    return header


def _twins(rows: Sequence[Row]) -> dict[int, int]:
    """Rows whose picture an earlier row has: that row's line, by line.

    A picture that is both a query and learned from would find itself.
    """
    of_size: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        if row.path is not None:
            of_size[row.path.stat().st_size].append(row)
    twin_of = {}
    for same in of_size.values():
        first: dict[bytes, int] = {}
        for row in same if len(same) > 1 else ():
            assert row.path is not None
            with row.path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
            known = first.setdefault(digest, row.line)
            if known != row.line:
                twin_of[row.line] = known
    return twin_of
