"""CIFAR-10 as masci2014 uses it: two descriptors of one image, GIST and HOG, as two modalities."""

import os
from pathlib import Path

import numpy as np

from mmhash_nb.datasets import cifar10_files
from mmhash_nb.datasets.about import DISPLAY, check_option, missing
from mmhash_nb.datasets.cifar10_files import ARCHIVE, ARCHIVE_MD5, CLASSES, PAGE, URL, find
from mmhash_nb.features import describe
from mmhash_nb.io.download import fetch
from mmhash_nb.pairs import Pairs

ARCHIVES = cifar10_files.ARCHIVES
N_OF_CLASS = 6_000


def load(
    root: str | os.PathLike[str],
    *,
    images: str = "gist",
    texts: str = "hog",
    split_seed: int = 0,
    n_train_per_class: int | None = 200,
    n_query_per_class: int = 100,
    download: bool = False,
) -> Pairs:
    """CIFAR-10 (Krizhevsky 2009), by default with the two views and the split of masci2014 (§4).

    100 images of each class, drawn from all 60,000, are queries; the other 59,000 are the database,
    and 200 of each class out of the database are for training.

    Args:
        root: a folder that holds the official archive or batches, or the images re-packaged as a
            folder or zip; also in a sub-folder whose name begins with `cifar`.
        images: first modality: `gist` (`float32 [60000, 384]`), `hog`, `hog_colour` or `pixels`.
        texts: second modality: `hog` or `hog_colour`, two readings of the paper's 486 numbers
            (`float32 [60000, 486]`), or `gist`. With `hog_colour`, the name of the pairs ends in
            `_colour`.
        split_seed: draws queries and training images.
        n_train_per_class: training images of each class; `None` trains on the whole database, and
            the name of the pairs then ends in `_all`.
        n_query_per_class: queries of each class.
        download: fetch the official archive (170 MB) where nothing is found.

    Raises:
        FileNotFoundError: the files are missing.
        ValueError: an unknown descriptor, more samples than there are, or a file that is
            not what it should be.
    """
    root = Path(root)
    check_option("cifar10", "images", images, ("gist", "hog", "hog_colour", "pixels"))
    check_option("cifar10", "texts", texts, ("hog", "hog_colour", "gist"))
    path = fetch_all(root) if download else find(root)
    if path is None:
        raise missing("cifar10", "files", root, root, download=True)
    pixels, classes = cifar10_files.pixels_and_classes(path)
    check_published(classes)
    query, database, train = split(classes, n_query_per_class, n_train_per_class, split_seed)
    official = cifar10_files.is_official(path)
    colour = "_colour" if "hog_colour" in (images, texts) else ""
    whole = "_all" if len(train) == len(database) else ""
    return Pairs(
        images=describe(pixels, images),
        texts=describe(pixels, texts),
        labels=classes[:, None] == np.arange(len(CLASSES)),  # [N, 10]
        label_names=CLASSES,
        query=query,
        database=database,
        train=train,
        thumbnails=pixels,
        modality_names=(DISPLAY[images], DISPLAY[texts]),
        name=f"cifar10{colour}{whole}",
        source=f"{path.name}, " + ("official (MD5 checked)" if official else "images re-packaged"),
    )


def fetch_all(root: Path) -> Path:
    """Fetch the official archive where nothing is found; where it lies. Errors as of `fetch`."""
    return find(root) or fetch(URL, root / "cifar10" / ARCHIVE, md5=ARCHIVE_MD5)


def split(
    classes: np.ndarray, n_query: int, n_train: int | None, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Query, database and train indices with equal numbers from each class.

    The queries depend on the seed alone, not on how many training samples follow them.

    Args:
        classes: `int64 [N]`.
        n_query: queries of each class; the rest is the database.
        n_train: training samples of each class, out of the database; `None` takes all of it.

    Raises:
        ValueError: a class has too few samples, or a number is not positive.
    """
    for option, value in (("n_query_per_class", n_query), ("n_train_per_class", n_train)):
        if value is not None and value < 1:
            raise ValueError(f"{option} must be at least 1, but is {value}.")
    rng = np.random.default_rng(seed)
    query, train = [], []
    for label in np.unique(classes):
        drawn = rng.permutation(np.flatnonzero(classes == label))
        if n_query + (n_train or 1) > len(drawn):
            raise ValueError(
                f"class {CLASSES[label]} has {len(drawn)} images, too few for {n_query} queries "
                f"and {n_train or 1} training images: lower n_query_per_class or n_train_per_class."
            )
        query.append(drawn[:n_query])
        train.append(drawn[n_query:] if n_train is None else drawn[n_query : n_query + n_train])
    queries = np.sort(np.concatenate(query))
    database = np.setdiff1d(np.arange(len(classes)), queries)
    return queries, database, np.sort(np.concatenate(train))


def check_published(classes: np.ndarray) -> None:
    """Refuse anything but 60,000 images, 6,000 of each class."""
    counts = np.bincount(classes, minlength=len(CLASSES))
    if (counts != N_OF_CLASS).any():
        wrong = int(np.flatnonzero(counts != N_OF_CLASS)[0])
        raise ValueError(
            f"CIFAR-10 has {N_OF_CLASS} images of each class, but these files hold {counts[wrong]} "
            f"of class {CLASSES[wrong]}: get it again from {PAGE}."
        )
