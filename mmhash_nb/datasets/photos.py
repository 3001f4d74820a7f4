"""What datasets of photos with written text share: tables, pixels, texts as numbers, a split."""

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.model_selection import train_test_split

from mmhash_nb.features import KINDS, describe
from mmhash_nb.features.text import bag_of_words, sentence_embeddings
from mmhash_nb.io.cache import cache_folder
from mmhash_nb.io.files import whole
from mmhash_nb.pairs import Pairs

#: the values of the options `images` and `texts`
IMAGES, TEXTS = KINDS, ("bow", "sentences")
MAX_WORDS = 2_000
THUMBNAIL = 128
#: the longest side of a photo in pixels
MOST_SIDE = 16_384

#: how a kind of images is called
DISPLAY = {"pixels": "image", "gist": "GIST", "hog": "HOG"}
_WHITE = (255, 255, 255)


def check_option(dataset: str, option: str, value: str, known: Sequence[str]) -> None:
    """Refuse a value of an option that is none of the known ones."""
    if value not in known:
        raise ValueError(f"{option} of {dataset} are one of {', '.join(known)}, not {value!r}.")


def missing(folder: Path, tables: Sequence[str], photos: str) -> str | None:
    """The first of the tables and the folder of photos that `folder` lacks."""
    for name in tables:
        if not (folder / name).is_file():
            return name
    return None if (folder / photos).is_dir() else f"{photos}/"


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
        with open(path, encoding="utf-8-sig", newline="") as file:
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


def photo_paths(path: Path, rows: dict[int, dict[str, str]], folder: Path) -> list[Path]:
    """The files that the column `image` of the rows of `path` names, in `folder`, each once.

    Raises:
        FileNotFoundError: one is not there.
        ValueError: two rows name the same one.
    """
    line_of: dict[str, int] = {}
    for line, row in rows.items():
        name = row["image"]
        if name in line_of:
            raise ValueError(
                f"line {line} of {path} names {name}, as does line {line_of[name]}: remove one."
            )
        line_of[name] = line
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"line {line} of {path} names {name}, but {folder} has no such file: put it there "
                "or remove the line."
            )
    return [folder / name for name in line_of]


def pixels(paths: Sequence[Path], size: int) -> np.ndarray:
    """Photos as squares, `uint8 [N, 3, size, size]`.

    The shorter side is padded with white to the length of the longer one, half on each side, and
    the square is scaled by Pillow's bilinear filter, which smooths where it shrinks. What was
    decoded is kept in the cache folder `photos`, under a name that changes with the name, length
    and time of every file, with the size and with the module that decodes.

    Args:
        paths: of N files.
        size: side in pixels.

    Raises:
        ValueError: `size` is below 1, or a file is no whole image (names the file).
    """
    if size < 1:
        raise ValueError(f"size must be at least 1 pixel, but is {size}.")
    key = hashlib.sha256(Path(__file__).read_bytes())
    for path in paths:
        stat = path.stat()
        key.update(f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
    kept = cache_folder("photos") / f"{size}-{key.hexdigest()[:32]}.npy"
    try:
        array = np.load(kept, allow_pickle=False)
        if array.shape == (len(paths), 3, size, size) and array.dtype == np.uint8:
            return array
    except (OSError, ValueError, EOFError):
        pass  # absent, or not whole
    array = np.empty((len(paths), 3, size, size), dtype=np.uint8)
    for i, path in enumerate(paths):
        array[i] = _square(path, size).transpose(2, 0, 1)
    with whole(kept) as aside:
        np.save(aside, array, allow_pickle=False)
    return array


def _square(path: Path, size: int) -> np.ndarray:
    """One photo, `uint8 [size, size, 3]`."""
    try:
        with Image.open(path) as opened:
            # Padded to a square, a long strip of few pixels would take all memory.
            if max(opened.size) > MOST_SIDE:
                raise ValueError(f"a side has {max(opened.size):,} pixels, over {MOST_SIDE:,}")
            photo = opened.convert("RGB")
    except Exception as error:
        # Pillow raises OSError, SyntaxError, ValueError, DecompressionBombError, ...
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"{path} is no whole image ({reason}): get it again.") from None
    side = max(photo.size)
    square = Image.new("RGB", (side, side), _WHITE)
    square.paste(photo, ((side - photo.width) // 2, (side - photo.height) // 2))
    return np.asarray(square.resize((size, size), Image.Resampling.BILINEAR))


def split(
    n: int, n_query: int, seed: int, classes: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the queries and of the rest, both sorted.

    Args:
        n: how many samples there are.
        n_query: how many become queries.
        seed: draws them.
        classes: `int64 [n]`, each class to give queries in proportion; `None` for plain chance.

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
    paths: Sequence[Path],
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
    square = pixels(paths, size)
    return Pairs(
        images=describe(square, images),
        texts=vectors,
        query=query,
        database=rest,
        train=rest,
        thumbnails=square if size <= THUMBNAIL else pixels(paths, THUMBNAIL),
        vocabulary=vocabulary,
        modality_names=(DISPLAY[images], "text"),
        **fields,
    )
