"""What datasets of photos in a CSV table share: the table, pixels, texts as numbers, a split."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split

from mmhash_nb.datasets import about, decoding, store
from mmhash_nb.datasets.about import DISPLAY, check_option
from mmhash_nb.features import KINDS, describe
from mmhash_nb.features.text import bag_of_words, sentence_embeddings
from mmhash_nb.io.files import any_length
from mmhash_nb.io.finding import Photos
from mmhash_nb.io.packed import AnyFile
from mmhash_nb.pairs import Pairs

#: the values of the options `images` and `texts`
IMAGES, TEXTS = KINDS, ("bow", "sentences")
#: the folder of the photos
PHOTOS = "images"
MAX_WORDS = 2_000
THUMBNAIL = 128


def required(dataset: str, root: Path, images: str, texts: str) -> Path:
    """The folder that holds the tables and the photos; the options are checked.

    Raises:
        FileNotFoundError: it lacks one; the message says where to get them.
        ValueError: an unknown value of an option.
    """
    check_option(dataset, "images", images, IMAGES)
    check_option(dataset, "texts", texts, TEXTS)
    return about.required(dataset, root)


def table(path: Path, columns: Sequence[str]) -> tuple[list[str], dict[int, dict[str, str]]]:
    """The header of a CSV file, and its rows by the line on which they end.

    Args:
        path: UTF-8 text with a header.
        columns: those that must be there, and in every row hold something.

    Raises:
        ValueError: the file is empty or not UTF-8, lacks a column, or has a row with too few or
            too many fields or with nothing in one of `columns` (with file and line).
    """
    try:
        with any_length(), open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = next(reader, [])
            lines = [(reader.line_num, fields) for fields in reader if fields]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no whole CSV file in UTF-8 ({error}): get it again.") from None
    for column in columns:
        if column not in header:
            raise ValueError(
                f"{path} has no column {column!r} (it has {', '.join(header) or 'none'}): its "
                f"first line must name {', '.join(columns)}."
            )
    if not lines:
        raise ValueError(f"{path} has a header and no rows: get it again.")
    rows = {}
    for line, fields in lines:
        if len(fields) != len(header):
            raise ValueError(
                f"line {line} of {path} has {len(fields)} fields, but the header has "
                f"{len(header)}: quote fields that hold commas, or get the file again."
            )
        rows[line] = dict(zip(header, fields, strict=True))
        for column in columns:
            if not rows[line][column].strip():
                raise ValueError(
                    f"line {line} of {path} has no {column}: fill it in or remove the line."
                )
    return header, rows


def photo_paths(path: Path, rows: dict[int, dict[str, str]], folder: Path) -> list[AnyFile]:
    """The files that the column `image` of the rows of `path` names, each once.

    Args:
        folder: of the dataset, with the photos in `images/` or in an archive.

    Raises:
        FileNotFoundError: one is not there.
        ValueError: two rows name the same one, or an archive is damaged.
    """
    line_of: dict[str, int] = {}
    for line, row in rows.items():
        name = row["image"]
        if name in line_of:
            raise ValueError(
                f"line {line} of {path} names {name}, as does line {line_of[name]}: remove one."
            )
        line_of[name] = line
    found = Photos(folder).find(f"{PHOTOS}/{name}" for name in line_of)
    photos = []
    for (name, line), photo in zip(line_of.items(), found, strict=True):
        if photo is None:
            raise FileNotFoundError(
                f"line {line} of {path} names {name}, but {folder / PHOTOS} has no such file: put "
                "it there or remove the line."
            )
        photos.append(photo)
    return photos


def split(
    n: int, n_query: int, seed: int, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the queries and of the rest, both sorted.

    Each of the `classes`, `int64 [n]`, gives queries in proportion; `None` is plain chance.

    Raises:
        ValueError: nothing would be left on one side, or a class has too few samples.
    """
    if not 1 <= n_query < n:
        raise ValueError(
            f"n_query must be at least 1 and below the {n} photos there are, but is {n_query}."
        )
    try:
        rest, query = train_test_split(
            np.arange(n), test_size=n_query, random_state=seed, stratify=classes
        )
    except ValueError as error:
        raise ValueError(
            f"{n} photos cannot be split into {n_query} queries and the rest by split_seed {seed}: "
            f"{' '.join(str(error).split()).rstrip('.')}."
        ) from None
    return np.sort(query), np.sort(rest)


def assemble(
    paths: Sequence[AnyFile],
    written: Sequence[str],
    query: np.ndarray,
    rest: np.ndarray,
    *,
    images: str,
    size: int,
    texts: str,
    **fields: Any,
) -> Pairs:
    """Photos and written texts as pairs, the rest being both database and training set.

    Args:
        paths: N photos; written: N texts.
        query, rest: `int64`, as from `split`; the vocabulary is chosen from `rest` alone.
        images, size, texts: the options of the dataset.
        fields: `labels`, `label_names`, `captions`, `name` and `source` of the pairs.
    """
    vocabulary = None
    if texts == "bow":
        vectors, vocabulary = bag_of_words(written, fit_on=rest, max_words=MAX_WORDS)
    else:
        vectors = sentence_embeddings(written)
    square = store.decoded(paths, size, by=decoding.padded)
    shown = square if size <= THUMBNAIL else store.decoded(paths, THUMBNAIL, by=decoding.padded)
    return Pairs(
        images=describe(square, images),
        texts=vectors,
        query=query,
        database=rest,
        train=rest,
        thumbnails=shown,
        vocabulary=vocabulary,
        modality_names=(DISPLAY[images], "text"),
        **fields,
    )
