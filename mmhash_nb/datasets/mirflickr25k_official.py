"""MIRFlickr-25K from its two archives: photos, tags, and annotations of 24 concepts."""

from pathlib import Path

import numpy as np
from scipy import sparse

from mmhash_nb.datasets import store
from mmhash_nb.datasets.about import about, numbered, wrong
from mmhash_nb.datasets.selection import Selection, absent, count, marked, no_images, required
from mmhash_nb.io.finding import Photos, has_photo, locate

#: the concepts in alphabetical order
CONCEPTS = tuple(about("mirflickr25k")["concepts"])
TAG_LIST, TAGS, PHOTO = "doc/common_tags.txt", "meta/tags", "im1.jpg"
#: a tag must occur so often to be a word
LEAST = 20
#: photos, and with them files of tags
N_PHOTOS = 25_000


def missing(folder: Path, images: str) -> str | None:
    """The first file that `folder` lacks for one of the values of the option `images`."""
    annotations = (f"{concept}.txt" for concept in CONCEPTS)
    lacking = absent(folder, TAG_LIST, f"{TAGS}/tags1.txt", *annotations)
    if lacking is None and images == "pixels" and not has_photo(folder, PHOTO):
        return PHOTO
    return lacking


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """How many files of each kind are there, and how many are needed."""
    photo = locate(folder, PHOTO)
    annotated = [concept for concept in CONCEPTS if locate(folder, f"{concept}.txt")]
    return {
        "photos": (count(photo and photo.parent, "im*.jpg"), N_PHOTOS),
        "files of tags": (count(locate(folder, TAGS), "tags*.txt"), N_PHOTOS),
        "list of common tags": (int(locate(folder, TAG_LIST) is not None), 1),
        "annotations": (len(annotated), len(CONCEPTS)),
    }


def read(folder: Path, images: str, size: int) -> Selection:
    """The photos with at least one word and one concept, in the order of their numbers.

    The words are the tags of the distribution's list that occur at least 20 times, in its
    order. A photo has the concepts in whose files it is listed, seen clearly or not: the `_r1`
    files repeat a part of them and are not read.

    Arguments and errors are those of `Distributions.read_official`.
    """
    words = _words(required(folder, TAG_LIST))
    tags = _tags(required(folder, TAGS), words)
    labels = np.stack([_listed(required(folder, f"{c}.txt"), tags.shape[0]) for c in CONCEPTS], 1)
    rows = np.flatnonzero(labels.any(axis=1) & (np.diff(tags.indptr) > 0))
    if not rows.size:
        raise ValueError(f"no photo in {folder} has both a common tag and a concept: get it again.")
    pixels = no_images(len(rows))
    if images == "pixels":
        pixels = store.decoded(Photos(folder).find_all(f"im{i + 1}.jpg" for i in rows), size)
    return Selection(
        images=pixels,
        labels=labels[rows],
        tags=tags[rows],
        captions=[" ".join(words[i] for i in tags[row].indices) for row in rows],
        label_names=CONCEPTS,
        vocabulary=words,
        source=f"official archives, {len(rows):,} of {tags.shape[0]:,} photos have a word and a "
        "concept" + ("" if images == "pixels" else "; without image features"),
    )


def _words(path: Path) -> list[str]:
    """The tags of a list of tags and how often each occurs, that occur often enough."""
    words = []
    for number, line in _lines(path):
        fields = line.split()
        if len(fields) != 2 or not fields[1].isdecimal():
            raise wrong(path, number, line, "a tag and how often it occurs")
        if int(fields[1]) >= LEAST:
            words.append(fields[0])
    if not words or len(set(words)) != len(words):
        raise ValueError(f"{path} lists no tag, or one more than once: get it again.")
    return words


def _tags(folder: Path, words: list[str]) -> sparse.csr_matrix:
    """Which words each photo has, `float32 [N, V]`."""
    column = {word: i for i, word in enumerate(words)}
    columns: list[set[int]] = []
    for i in range(sum(1 for _ in folder.glob("tags*.txt"))):
        path = folder / f"tags{i + 1}.txt"
        if not path.is_file():
            raise FileNotFoundError(f"there is no {path}: unpack mirflickr25k.zip again.")
        columns.append({column[tag] for _, line in _lines(path) if (tag := line.strip()) in column})
    return marked(columns, len(words))


def _listed(path: Path, n: int) -> np.ndarray:
    """Which of `n` photos a file lists by their numbers, counted from 1, `bool [n]`."""
    listed = np.zeros(n, dtype=np.bool_)
    for number, line in _lines(path):
        if line.strip().isdecimal() and n < int(line) <= N_PHOTOS:
            raise FileNotFoundError(
                f"line {number} of {path} has photo {int(line)}, but {TAGS} holds files of {n:,} "
                "photos alone: unpack mirflickr25k.zip again."
            )
        if not line.strip().isdecimal() or not 1 <= int(line) <= n:
            raise wrong(path, number, line, f"the number of a photo from 1 to {n}")
        listed[int(line) - 1] = True
    return listed


def _lines(path: Path) -> list[tuple[int, str]]:
    # Tags may hold any bytes; what is no UTF-8 must stay apart from what is.
    return numbered(path, "utf-8", "backslashreplace")
