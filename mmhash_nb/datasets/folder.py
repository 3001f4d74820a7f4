"""`folder`: a user's pictures and texts, listed in `pairs.csv`.

    image,text,labels,split
    photos/1.jpg,"A black dog, by the sea",dog;beach,train

`image` is a path relative to the folder, `labels` are separated by `;`, other columns are not read.
`split` may be left out. With it, `query` rows are queries, `database` rows are searched, and
`train` rows are searched and learned from, as in the other datasets. Text is in any language.
Without a vocabulary the folder is learned from; with that of a fitted method it holds new items,
whose labels and split are not read.
"""

import dataclasses
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mmhash_nb.datasets import decoding, label_cells, store
from mmhash_nb.datasets.about import about, check_option
from mmhash_nb.datasets.folder_splits import drawn_or_named, repeated_pictures
from mmhash_nb.datasets.pairs_row import Row
from mmhash_nb.datasets.pairs_table import NAME, Table, listed, read_table
from mmhash_nb.datasets.preprocessing import Preprocessing
from mmhash_nb.features.text import choose_vocabulary
from mmhash_nb.pairs import Pairs

#: what a row must have, by the option `modality`
NEEDED = {"both": ("image", "text"), "image": ("image",), "text": ("text",)}
ON_ERROR = ("raise", "skip")
_WHITE = 255


@dataclass(frozen=True, eq=False)
class Folder:
    """A folder that was read.

    Attributes:
        pairs: its items; rows: their rows, in the same order.
        preprocessing: how they became arrays, with its vocabulary.
        notes: sentences on rows that are not among them, and on what is probably meant otherwise.
    """

    pairs: Pairs
    rows: list[Row]
    preprocessing: Preprocessing
    notes: list[str]


def find(root: Path) -> Path | None:
    """The folder itself, if it holds `pairs.csv`."""
    return root if (root / NAME).is_file() else None


def load(
    root: str | os.PathLike[str],
    *,
    images: str = "pixels",
    size: int = 128,
    tokens: str = "word",
    ngram: int = 3,
    modality: str = "both",
    vocabulary: Sequence[str] | None = None,
    on_error: str = "raise",
    split_seed: int = 0,
    n_query: int | None = None,
) -> Pairs:
    """The items that `root/pairs.csv` lists; see the head of this module.

    Pictures are brought upright, to 8-bit sRGB, and on white where they are transparent; they are
    scaled and padded to a square. They are decoded once, see `store.decoded`. Texts become ones and
    zeros, for the up to 2,000 tokens that most training texts hold, each held by two at least.
    Rows with the same picture, byte for byte, are on one side of the split, so that none is both a
    query and searched.

    Args:
        root: the folder.
        images: `pixels` (`uint8 [N, 3, size, size]`), `gist` (`float32 [N, 384]`), `hog` or
            `hog_colour` (`float32 [N, 486]`), or `vectors` (of the backbone `small`), computed from
            those pixels.
        size: side of the pixels, up to 1,024.
        tokens: `word`, of two letters or more; or `char`, n-grams of characters, for languages that
            put no spaces between words, or that inflect much.
        ngram: characters of an n-gram.
        modality: what a row must have: `both`, `image` or `text`. With one of them, rows that have
            it not are left out, and the other modality has no columns, so that nothing can take an
            item for what it lacks.
        vocabulary: that of pairs a method was fitted on (`pairs.vocabulary`), with the same
            `images`, `size`, `tokens` and `ngram`: the items are new ones. They are in no split,
            and have one label that means nothing.
        on_error: `raise` refuses a table with a row that cannot be read; `skip` goes on without
            such rows, with a warning that lists them.
        split_seed: draws the queries where there is no column `split`.
        n_query: how many; None for a fifth of the rows, at most 1,000. All others are database and
            training set, and choose the vocabulary.

    Raises:
        FileNotFoundError: there is no `pairs.csv`.
        ValueError: a value of an option, or what is wrong with the table, with the lines.
    """
    words = None if vocabulary is None else tuple(vocabulary)
    preprocessing = Preprocessing(images, size, tokens, ngram, words)
    found = read(root, preprocessing, modality, on_error, split_seed, n_query)
    for note in found.notes:
        warnings.warn(note, stacklevel=3)  # where `datasets.load` was called
    return found.pairs


def read(
    root: str | os.PathLike[str],
    preprocessing: Preprocessing,
    modality: str = "both",
    on_error: str = "raise",
    split_seed: int = 0,
    n_query: int | None = None,
) -> Folder:
    """`load` with its options as preprocessing, and what else is known of the items."""
    check_option("folder", "modality", modality, tuple(NEEDED))
    check_option("folder", "on_error", on_error, ON_ERROR)
    root = Path(root)
    if find(root) is None:
        put = about("folder")["put"]
        raise FileNotFoundError(f"there is no {NAME} in {root}: put {put} there.")
    path, needed = root / NAME, NEEDED[modality]
    new = preprocessing.vocabulary is not None
    table = read_table(root, needed, labelled=not new, kind=preprocessing.tokens)
    rows, wrong, pixels = table.rows, table.wrong, None
    if "image" in needed and rows:
        pixels, undecoded = _pixels(root, rows, preprocessing.size)
        if undecoded:
            good = [i for i, row in enumerate(rows) if row.line not in undecoded]
            rows, wrong, pixels = [rows[i] for i in good], wrong | undecoded, pixels[good]
    reasons = listed(path, wrong, table.total)
    if wrong and on_error == "raise":
        skip = "on_error='skip', or --on-error skip in a shell, goes on without them"
        raise ValueError(f"{reasons}: mend them; {skip}.")
    if not rows:
        raise ValueError(
            f"{reasons}: none is left." if wrong else f"no row of {path} has {modality}."
        )
    texts = [row.text for row in rows]
    fields: dict[str, Any] = {} if not any(texts) else {"captions": texts}
    notes = _left_out(path, table, reasons if wrong else "", modality)
    if not new:
        labels_of_rows = [row.labels for row in rows]
        label_cells.refuse(path, labels_of_rows)
        notes += label_cells.doubts(path, labels_of_rows)
        fields |= drawn_or_named(path, table, rows, split_seed, n_query)
        notes += repeated_pictures(path, table, rows)
        fields["labels"], fields["label_names"] = _labels(path, rows)
        _check_shared(path, fields)
        learned = [texts[i] for i in fields["train"]]
        words = _vocabulary(path, learned, preprocessing) if "text" in needed else ()
        preprocessing = dataclasses.replace(preprocessing, vocabulary=words)
        lost = preprocessing.lost(texts, learned) if "text" in needed else []
        notes += [f"{path}: {sentence}" for sentence in lost]
    source = f"{len(rows):,} of {table.total:,} rows"
    written = texts if "text" in needed else None
    pairs = preprocessing.pairs(pixels, written, source=source, **fields)
    if pairs.without_relevant:
        notes.append(f"{path}: {pairs.means}.")
    return Folder(pairs, rows, preprocessing, notes)


def _pixels(root: Path, rows: Sequence[Row], size: int) -> tuple[np.ndarray, dict[int, str]]:
    """The pictures of all rows, `uint8 [N, 3, S, S]`, and why some do not decode, by line."""
    paths = [row.path for row in rows if row.path is not None]
    stored = store.decoded(paths, size, by=decoding.upright_or_white, name=str(root.resolve()))
    wrong = {}
    # White ones are white indeed, or were not decoded for want of memory.
    for i in np.flatnonzero(stored.min(axis=(1, 2, 3)) == _WHITE).tolist():
        try:
            stored[i] = decoding.upright(paths[i], size)
        except ValueError as error:
            wrong[rows[i].line] = str(error).rstrip(".")
    return stored, wrong


def _labels(path: Path, rows: Sequence[Row]) -> tuple[np.ndarray, list[str]]:
    """Labels `bool [N, C]` and their names in code point order."""
    names = sorted({label for row in rows for label in row.labels})
    labels = np.array([[name in row.labels for name in names] for row in rows])
    everywhere = np.flatnonzero(labels.all(axis=0))
    if everywhere.size:
        raise ValueError(
            f"every row of {path} has the label {names[everywhere[0]]!r}, so that any result would "
            "be right: take it out, or add rows without it."
        )
    if not (labels.sum(axis=0) > 1).any():
        raise ValueError(
            f"no two rows of {path} share a label, so that no result would be right: write labels "
            "that several rows have, separated by ';'."
        )
    return labels, names


def _check_shared(path: Path, fields: dict[str, Any]) -> None:
    """Refuse queries for which no result can be right."""
    of_query, of_database = (fields["labels"][fields[s]].any(axis=0) for s in ("query", "database"))
    if fields["query"].size and not (of_query & of_database).any():
        raise ValueError(
            f"no query of {path} shares a label with a row that is searched, so that no result "
            "would be right: mark or draw other queries, or write labels that several rows have."
        )


def _vocabulary(path: Path, texts: Sequence[str], preprocessing: Preprocessing) -> tuple[str, ...]:
    try:
        return choose_vocabulary(texts, preprocessing.tokens, n=preprocessing.ngram)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _left_out(path: Path, table: Table, reasons: str, modality: str) -> list[str]:
    without = f"{table.without} of the {table.total} rows of {path} have no {modality}"
    parts = [reasons, without if table.without else ""]
    why = "; ".join(part for part in parts if part)
    return [f"left out: {why}."] if why else []
