"""Flickr8k: its first 1,000 photos with five captions each, and 14 concepts out of these."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from mmhash_nb.datasets import about, photo_tables
from mmhash_nb.pairs import Pairs

find = partial(about.find, "flickr8k")
CAPTIONS, CONCEPTS = "captions.txt", "concepts_from_captions.csv"


def load(
    root: str | os.PathLike[str],
    *,
    images: str = "pixels",
    size: int = 128,
    texts: str = "bow",
    split_seed: int = 0,
    n_query: int = 200,
) -> Pairs:
    """The first 1,000 photos of Flickr8k (Hodosh et al., JAIR 2013) by file name.

    The set has no labels. The 14 concepts were derived from the captions (1 where at least two of
    the five name the concept), which are also the text modality: scores that involve the texts are
    inflated by construction, and no number here compares with any paper's. Photos without a concept
    (30) are left out, as are captions of photos that the table of concepts does not list. All
    photos but the queries are both database and training set, and choose the vocabulary.

    Args:
        root: the folder that holds `flickr8k_1k/`.
        images: `pixels` (`uint8 [N, 3, size, size]`, padded to a square with white), `gist`
            (`float32 [N, 384]`), `hog` or `hog_colour` (`float32 [N, 486]`), computed from them.
        size: side of the photos in pixels; most have 200.
        texts: of all captions of a photo together, `bow`, the up to 2,000 most frequent words as
            ones and zeros; or `sentences` (`float32 [N, 256]`, see `mmhash_nb.features.text`),
            which needs the extra `sentences`.
        split_seed: draws the queries.
        n_query: how many.

    Raises:
        FileNotFoundError: a file is missing.
        ImportError: `texts="sentences"` without the extra.
        ValueError: an unknown value of an option, a table that is not what it should be (with file
            and line), or a photo that does not decode.
    """
    folder = photo_tables.required("flickr8k", Path(root), images, texts)
    rows, labels, names = _concepts(folder / CONCEPTS)
    paths = photo_tables.photo_paths(folder / CONCEPTS, rows, folder)
    captions = _captions(folder / CAPTIONS, [path.name for path in paths])
    used = np.flatnonzero(labels.any(axis=1))
    query, rest = photo_tables.split(len(used), n_query, split_seed)
    return photo_tables.assemble(
        [paths[i] for i in used],
        [" ".join(captions[i]) for i in used],
        query,
        rest,
        images=images,
        size=size,
        texts=texts,
        labels=labels[used],
        label_names=names,
        captions=[captions[i][0] for i in used],
        name="flickr8k",
        source=f"{len(used):,} of {len(rows):,} photos have one of the concepts of their captions",
    )


def _concepts(path: Path) -> tuple[dict[int, dict[str, str]], np.ndarray, list[str]]:
    """The rows of the table by line, their concepts `bool [N, C]`, and the names of these."""
    header, rows = photo_tables.table(path, ("image",))
    names = [column for column in header if column != "image"]
    if not names:
        raise ValueError(f"{path} has no column but image: add one for each concept.")
    for line, row in rows.items():
        for name in names:
            if row[name] not in ("0", "1"):
                raise ValueError(
                    f"line {line} of {path} has {row[name]!r} for {name}: write 0 or 1."
                )
    labels = np.array([[row[name] == "1" for name in names] for row in rows.values()])
    if not labels.any():
        raise ValueError(f"{path} gives no photo a concept: get it again.")
    return rows, labels, names


def _captions(path: Path, images: list[str]) -> list[list[str]]:
    """The captions of each image, in the order of the file."""
    of_image: dict[str, list[str]] = {image: [] for image in images}
    for row in photo_tables.table(path, ("image", "caption"))[1].values():
        if row["image"] in of_image:
            of_image[row["image"]].append(row["caption"])
    for image, captions in of_image.items():
        if not captions:
            raise ValueError(f"{path} has no caption of {image}, which {CONCEPTS} lists: add one.")
    return list(of_image.values())
