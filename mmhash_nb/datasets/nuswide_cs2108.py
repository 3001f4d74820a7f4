"""A small real part of NUS-WIDE: 1,787 photos with raw tags and the official labels."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from mmhash_nb.datasets import about, photo_tables
from mmhash_nb.datasets.nuswide_official import CONCEPTS, N_LISTED, names
from mmhash_nb.pairs import Pairs

find = partial(about.find, "nuswide_cs2108")
ITEMS = "items.csv"
#: what `labels81` holds of a photo that has none of the concepts; of an unknown one it is empty
NO_CONCEPT = "none"


def load(
    root: str | os.PathLike[str],
    *,
    images: str = "pixels",
    size: int = 128,
    texts: str = "bow",
    untagged: bool = False,
    split_seed: int = 0,
    n_query: int = 200,
) -> Pairs:
    """Photos of NUS-WIDE (Chua et al., CIVR 2009) from a university course, with the 81 concepts.

    Photos with at least one concept are taken, 857 of them with tags and 813 without. The course
    chose them by what they show, mostly animals: no number here compares with any paper's. Its
    split is not used, for 51 photos of its test set have tags. All photos but the queries are both
    database and training set, and choose the vocabulary.

    Args:
        root: the folder that holds `nuswide_cs2108/`.
        images, size, split_seed, n_query: as for `flickr8k.load`; the longest side has 240 pixels.
        texts: of the tags, as for `flickr8k.load`.
        untagged: take photos without tags too, whose texts are all zero.

    Raises: as `flickr8k.load`.
    """
    folder = photo_tables.required("nuswide_cs2108", Path(root), images, texts)
    path = folder / ITEMS
    header, rows = photo_tables.table(path, ("name",))
    for column in ("labels81", "tags"):
        if column not in header:
            raise ValueError(f"{path} has no column {column!r}: get it again.")
    concepts = names(folder / CONCEPTS, N_LISTED)
    labels = _labels(path, rows, concepts)
    tagged = np.array([bool(row["tags"].strip()) for row in rows.values()])
    used = np.flatnonzero(labels.any(axis=1) & (tagged | untagged))
    listed = list(rows.items())
    chosen = {listed[i][0]: {**listed[i][1], "image": f"{listed[i][1]['name']}.jpg"} for i in used}
    query, rest = photo_tables.split(len(used), n_query, split_seed)
    tags = [row["tags"] for row in chosen.values()]
    return photo_tables.assemble(
        photo_tables.photo_paths(path, chosen, folder),
        tags,
        query,
        rest,
        images=images,
        size=size,
        texts=texts,
        labels=labels[used],
        label_names=concepts,
        captions=tags,
        name="nuswide_cs2108",
        source=f"{len(used):,} of {len(rows):,} photos have one of the {len(concepts)} concepts"
        + ("" if untagged else " and tags"),
    )


def _labels(path: Path, rows: dict[int, dict[str, str]], concepts: list[str]) -> np.ndarray:
    """The concepts of each row, `bool [N, 81]`."""
    column = {concept: i for i, concept in enumerate(concepts)}
    labels = np.zeros((len(rows), len(concepts)), dtype=np.bool_)
    for of_photo, (line, row) in zip(labels, rows.items(), strict=True):
        for concept in row["labels81"].split():
            if concept == NO_CONCEPT:
                continue
            if concept not in column:
                raise ValueError(
                    f"line {line} of {path} has concept {concept!r}, which {CONCEPTS} does not "
                    "name: get both again."
                )
            of_photo[column[concept]] = True
    if not labels.any():
        raise ValueError(f"{path} gives no photo a concept: get it again.")
    return labels
