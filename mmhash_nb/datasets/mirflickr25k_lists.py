"""MIRFlickr-25K from lists of text, as they circulate: on each line of three files one photo."""

from collections import Counter
from pathlib import Path

import numpy as np
from scipy import sparse

from mmhash_nb.datasets import store
from mmhash_nb.datasets.about import wrong
from mmhash_nb.datasets.column_names import TAG_NAMES, names_beside
from mmhash_nb.datasets.selection import Selection, absent, marked, no_images, required
from mmhash_nb.io.finding import Photos, has_photo, split

PHOTOS, TAGS, LABELS = "all_imgs.txt", "all_tags.txt", "all_labels.txt"


def missing(folder: Path, images: str) -> str | None:
    """The first file that `folder` lacks for one of the values of the option `images`."""
    lacking = absent(folder, TAGS, LABELS, *([PHOTOS] if images == "pixels" else []))
    if lacking is None and images == "pixels":
        *_, first = split(_lines(required(folder, PHOTOS))[0])
        return None if has_photo(folder, first) else first
    return lacking


def read(folder: Path, images: str, size: int) -> Selection:
    """The photos in the order of the lines.

    Tags are separated by commas; one that a line repeats counts once. The columns of the tags are
    the lines of `tag_names.txt`. Where that is absent they are ordered by how often they occur, and
    by their letters where that is equal. Arguments and errors are those of `TextFiles.read`.
    """
    path = required(folder, LABELS)
    labels = _labels(path)
    tagged = _tags(required(folder, TAGS), len(labels))
    vocabulary = names_beside(folder, TAG_NAMES) or _by_frequency(tagged)
    pixels = no_images(len(labels))
    if images == "pixels":
        photos = _lines(required(folder, PHOTOS), len(labels))
        pixels = store.decoded(Photos(folder).find_all(photos), size)
    return Selection(
        images=pixels,
        labels=labels,
        tags=_columns(tagged, vocabulary, required(folder, TAGS)),
        captions=[" ".join(tags) for tags in tagged],
        vocabulary=vocabulary,
        source="lists of photos, tags and labels, no checksum published"
        + ("" if images == "pixels" else "; without image features"),
    )


def _lines(path: Path, n: int | None = None) -> list[str]:
    """The lines of a file, `n` of them where the labels have so many."""
    # Tags may hold other characters that end lines elsewhere.
    lines = path.read_bytes().decode("utf-8", "backslashreplace").removesuffix("\n").split("\n")
    if n is not None and len(lines) != n:
        raise ValueError(
            f"{path} has {len(lines)} lines, but {LABELS} has {n}: both need a line for each "
            "photo, so get them again from one source."
        )
    return [line.strip() for line in lines]


def _labels(path: Path) -> np.ndarray:
    """`bool [N, C]`, of lines of zeros and ones."""
    rows = [line.split() for line in _lines(path)]
    for number, row in enumerate(rows, 1):
        if set(row) - {"0", "1"} or "1" not in row or len(row) != len(rows[0]):
            must = f"{len(rows[0])} zeros and ones, one of them 1"
            raise wrong(path, number, " ".join(row), must)
    return np.array(rows) == "1"


def _tags(path: Path, n: int) -> list[list[str]]:
    """The tags of each photo, each once."""
    tagged = []
    for number, line in enumerate(_lines(path, n), 1):
        tags = [tag.strip() for tag in line.split(",")]
        if "" in tags:
            raise wrong(path, number, line, "tags, separated by commas")
        tagged.append(list(dict.fromkeys(tags)))
    return tagged


def _by_frequency(tagged: list[list[str]]) -> list[str]:
    often = Counter(tag for tags in tagged for tag in tags)
    return sorted(often, key=lambda tag: (-often[tag], tag))


def _columns(tagged: list[list[str]], vocabulary: list[str], path: Path) -> sparse.csr_matrix:
    """Which tags each photo has, `float32 [N, V]`."""
    column = {tag: i for i, tag in enumerate(vocabulary)}
    for number, tags in enumerate(tagged, 1):
        for tag in tags:
            if tag not in column:
                raise ValueError(
                    f"line {number} of {path} has tag {tag!r}, which {TAG_NAMES} does not name: "
                    "get both again from one source."
                )
    return marked([[column[tag] for tag in tags] for tags in tagged], len(vocabulary))
