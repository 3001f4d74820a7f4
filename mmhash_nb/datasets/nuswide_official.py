"""NUS-WIDE's text files: labels, tags and visual words, a line each image, and its photos."""

from pathlib import Path

import numpy as np
from scipy import sparse

from mmhash_nb.datasets import store
from mmhash_nb.datasets.nuswide_tables import AGAIN, aligned, check_aligned, table
from mmhash_nb.datasets.selection import Selection, absent, count, no_images, required
from mmhash_nb.datasets.splits import most_frequent
from mmhash_nb.io.finding import Photos, has_photo, locate

CONCEPTS, LABELS = "Concepts81.txt", "AllLabels"
TAG_LIST, TAGS, VISUAL_WORDS = "TagList1k.txt", "AllTags1k.txt", "BoW_int.dat"
IMAGE_LIST = "Imagelist.txt"
#: the same name with the capital that some copies have
_IMAGE_LISTS = (IMAGE_LIST, "ImageList.txt")
N_IMAGES = 269_648
N_LISTED, N_TAGS, N_VISUAL_WORDS = 81, 1_000, 500
#: no count of visual words comes near it, and `uint16` holds it
_LARGEST_COUNT = 65_535


def missing(folder: Path, images: str) -> str | None:
    """The first file that `folder` lacks for one of the values of the option `images`."""
    visual_words = [VISUAL_WORDS] if images == "bof" else []
    if lacking := absent(folder, CONCEPTS, LABELS, TAG_LIST, TAGS, *visual_words):
        return lacking
    if images == "pixels" and locate(folder, *_IMAGE_LISTS) is None:
        return IMAGE_LIST
    if images == "pixels" and not has_photo(folder):
        return "photo (Flickr/*/*.jpg)"
    labels = required(folder, LABELS)
    # `available` only tells what is there; whether the list is right is for `read` to say.
    concepts = _lines(required(folder, CONCEPTS))
    paths = [labels / f"Labels_{concept}.txt" for concept in concepts]
    return next((f"{LABELS}/{path.name}" for path in paths if not path.is_file()), None)


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """How many files of each kind are there, and how many are needed."""
    texts = [name for name in (CONCEPTS, TAG_LIST, TAGS) if locate(folder, name)]
    return {
        "files of labels": (count(locate(folder, LABELS), "Labels_*.txt"), N_LISTED),
        "lists and tags": (len(texts), 3),
        "visual words": (int(locate(folder, VISUAL_WORDS) is not None), 1),
        "list of images": (int(locate(folder, *_IMAGE_LISTS) is not None), 1),
        "photos": (len(Photos(folder)), N_IMAGES),
    }


def read(folder: Path, images: str, size: int, concepts: int) -> tuple[Selection, int]:
    """The images with at least one of the most frequent concepts, and how many images there are.

    Those with one of 21 `concepts` are the papers' 195,834, and those with one of 10 the 186,577;
    see `NUSWIDE`. Arguments and errors are those of `Distributions.read_official`; files must also
    have the same number of lines.
    """
    listed = names(required(folder, CONCEPTS), N_LISTED)
    vocabulary = names(required(folder, TAG_LIST), N_TAGS)
    every_label = _labels(folder, listed)  # [269648, 81]
    n = len(every_label)
    chosen, rows = selected(every_label, concepts)
    tags = aligned(required(folder, TAGS), N_TAGS, 1, n)
    found = Selection(
        images=_images(folder, images, size, rows, n),
        labels=every_label[np.ix_(rows, chosen)].astype(np.bool_),
        tags=sparse.csr_matrix(tags[rows]).astype(np.float32),
        captions=None,
        label_names=[listed[c] for c in chosen],
        vocabulary=vocabulary,
    )
    return found, n


def selected(labels: np.ndarray, concepts: int) -> tuple[np.ndarray, np.ndarray]:
    """The most frequent concepts and the images that have one of them, `int64`, both sorted.

    Args:
        labels: of all concepts, zeros and ones `[N, 81]`; concepts: how many are taken.
    """
    chosen = most_frequent(labels, concepts)
    return chosen, np.flatnonzero(labels[:, chosen].any(axis=1))


def _images(folder: Path, images: str, size: int, rows: np.ndarray, n: int) -> np.ndarray:
    if images == "none":
        return no_images(len(rows))
    if images == "bof":
        words = aligned(required(folder, VISUAL_WORDS), N_VISUAL_WORDS, _LARGEST_COUNT, n)
        return words[rows].astype(np.float32)
    photos = _lines(path := required(folder, *_IMAGE_LISTS))
    check_aligned(path, len(photos), n)
    return store.decoded(Photos(folder).find_all(photos[i] for i in rows), size)


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return [line.strip() for line in lines if line.strip()]


def names(path: Path, n: int) -> list[str]:
    """The `n` names of a list, one on each line."""
    lines = _lines(path)
    if len(lines) != n:
        raise ValueError(f"{path} must hold {n} names, but holds {len(lines)}: {AGAIN}.")
    if len(set(lines)) != n:
        twice = next(name for name in lines if lines.count(name) > 1)
        raise ValueError(f"{path} names {twice} more than once: {AGAIN}.")
    return lines


def _labels(folder: Path, concepts: list[str]) -> np.ndarray:
    """The labels of all concepts, zeros and ones, `uint8 [N, 81]`."""
    paths = [required(folder, LABELS) / f"Labels_{concept}.txt" for concept in concepts]
    first = table(paths[0], 1, 1)
    return np.hstack([first, *(aligned(path, 1, 1, len(first)) for path in paths[1:])])
