"""MIRFlickr-25K as DCMH and zeng2022 use it: tags and labels, and VGG features where there are."""

import os
from pathlib import Path

import numpy as np
from scipy import sparse

from mmhash_nb.datasets.matfiles import read_mat
from mmhash_nb.pairs import Pairs

PAGE = "https://press.liacs.nl/mirflickr/"
TAGS, LABELS = "mirflickr25k-yall.mat", "mirflickr25k-lall.mat"
VGG = ("mirflickr25k-iall-vgg.mat", "mirflickr25k-xall-vgg.mat")
PUT = (
    f"mirflickr25k/ with {TAGS} (variable YAll, 20015 x 1386) and {LABELS} (LAll, 20015 x 24), the "
    f"selection that circulates with DCMH, and for images='vgg' {VGG[0]} (XAll, 20015 x 4096)"
)
IMAGES = ("none", "vgg")

N_PAIRS, N_TAGS, N_LABELS = 20_015, 1_386, 24
#: what the features are called in the files that circulate, the likeliest first
_VGG_VARIABLES = ("XAll", "IAll", "FAll")


def find(root: Path) -> Path | None:
    """The folder that holds tags and labels, if both are there."""
    folder = root / "mirflickr25k"
    return folder if all((folder / name).is_file() for name in (TAGS, LABELS)) else None


def load(
    root: str | os.PathLike[str],
    *,
    images: str = "none",
    split_seed: int = 0,
    n_query: int = 2_000,
    n_train: int = 10_000,
) -> Pairs:
    """MIRFlickr-25K (Huiskes and Lew, MIR 2008) in the selection of DCMH (Jiang and Li, CVPR 2017).

    20,015 photos with at least one of the 1,386 frequent tags and of the 24 labels. 2,000 random
    ones are queries, the other 18,015 the database, and 10,000 out of these are for training, as in
    zeng2022; the papers publish no list of them. The files name neither tags nor labels, so labels
    are `label 0` to `label 23` in the order of the file and there is no vocabulary.

    Args:
        root: the folder that holds `mirflickr25k/`.
        images: `none`, features without columns (`float32 [20015, 0]`), for what works on texts
            alone; or `vgg` (`float32 [20015, 4096]`), where that file is there.
        split_seed: draws queries and training samples; the queries depend on nothing else.
        n_query: queries; the rest is the database.
        n_train: training samples, out of the database.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: an unknown value of `images`, too few samples for the split, a file that is not
            what it should be, or counts other than the published ones.
    """
    root = Path(root)
    if (folder := find(root)) is None:
        where = root / "mirflickr25k"
        missing = next(name for name in (TAGS, LABELS) if not (where / name).is_file())
        raise FileNotFoundError(
            f"mirflickr25k has no {missing} in {where}: see {PAGE} for the set, and put {PUT} "
            f"under {root}."
        )
    pairs = read(folder, images=images, split_seed=split_seed, n_query=n_query, n_train=n_train)
    check_published(pairs)
    return pairs


def read(
    folder: Path, *, images: str = "none", split_seed: int = 0, n_query: int, n_train: int
) -> Pairs:
    """The files of `folder` as pairs, whatever their number; options and errors as for `load`."""
    if images not in IMAGES:
        raise ValueError(f"images of mirflickr25k are one of {', '.join(IMAGES)}, not {images!r}.")
    tags = _binary(folder / TAGS, "YAll", "tag")
    labels = _binary(folder / LABELS, "LAll", "label")
    if len(tags) != len(labels):
        raise ValueError(
            f"YAll in {folder / TAGS} is {tags.shape[0]} x {tags.shape[1]} but LAll in "
            f"{folder / LABELS} is {labels.shape[0]} x {labels.shape[1]}: both need a row for "
            "each photo, so get them again from one source."
        )
    features = np.empty((len(labels), 0), dtype=np.float32)
    if images == "vgg":
        features = _vgg(folder, len(labels))
    query, database, train = split(len(labels), n_query, n_train, split_seed)
    return Pairs(
        images=features,
        texts=sparse.csr_matrix(tags).astype(np.float32),
        labels=labels.astype(np.bool_),
        label_names=[f"label {i}" for i in range(labels.shape[1])],
        query=query,
        database=database,
        train=train,
        modality_names=("VGG" if images == "vgg" else "no image", "Tags"),
        name="mirflickr25k",
        source="matrices of DCMH's selection, no checksum published"
        + ("" if images == "vgg" else "; without image features"),
    )


def split(
    n: int, n_query: int, n_train: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Query, database and train indices of `n` samples, drawn by `seed` alone, sorted.

    Raises:
        ValueError: a number is below 1, or together they are more than `n`.
    """
    for option, value in (("n_query", n_query), ("n_train", n_train)):
        if value < 1:
            raise ValueError(f"{option} must be at least 1, but is {value}.")
    if n_query + n_train > n:
        raise ValueError(
            f"{n} samples are too few for {n_query} queries and {n_train} training samples: lower "
            "n_query or n_train."
        )
    drawn = np.random.default_rng(seed).permutation(n)
    database = np.sort(drawn[n_query:])
    return np.sort(drawn[:n_query]), database, np.sort(drawn[n_query : n_query + n_train])


def check_published(pairs: Pairs) -> None:
    """Refuse anything but 20,015 pairs with 1,386 tags and 24 labels."""
    found = (len(pairs), pairs.texts.shape[1], pairs.labels.shape[1])
    if found != (N_PAIRS, N_TAGS, N_LABELS):
        raise ValueError(
            f"mirflickr25k has {N_PAIRS} pairs, {N_TAGS} tags and {N_LABELS} labels, but these "
            f"files hold {found[0]}, {found[1]} and {found[2]}: put {PUT}."
        )


def _binary(path: Path, variable: str, what: str) -> np.ndarray:
    """A matrix of zeros and ones without an empty row, `uint8 [N, d]`."""
    matrix = read_mat(path, [variable])[variable]
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError(f"{variable} in {path} must be a matrix, but is {list(matrix.shape)}.")
    wrong = np.argwhere((matrix != 0) & (matrix != 1))
    if wrong.size:
        row, column = wrong[0]
        raise ValueError(
            f"{variable} in {path} holds {matrix[row, column]} in row {row + 1}, column "
            f"{column + 1}, but must hold zeros and ones: get it again."
        )
    empty = np.flatnonzero(~matrix.any(axis=1))
    if empty.size:
        raise ValueError(
            f"row {empty[0] + 1} of {variable} in {path} has no {what} ({empty.size} such rows): "
            "photos without one are no part of this selection, so get the files that leave them "
            "out."
        )
    return matrix.astype(np.uint8)


def _vgg(folder: Path, n: int) -> np.ndarray:
    """The VGG features, `float32 [n, d]`."""
    path = next((folder / name for name in VGG if (folder / name).is_file()), None)
    if path is None:
        raise FileNotFoundError(
            f"mirflickr25k has no {VGG[0]} in {folder}: put it there (variable XAll, a row for "
            "each photo), or load with images='none'."
        )
    matrix = _first_variable(path)
    if matrix.ndim != 2 or len(matrix) != n:
        shape = " x ".join(str(side) for side in matrix.shape)
        raise ValueError(
            f"the features in {path} are {shape}, but there are {n} photos: they need a row for "
            "each, in the order of the tags."
        )
    return np.ascontiguousarray(matrix, dtype=np.float32)


def _first_variable(path: Path) -> np.ndarray:
    """The first of the variables by which the features are known."""
    refused = None
    for name in _VGG_VARIABLES:
        try:
            return read_mat(path, [name])[name]
        except ValueError as error:
            refused = refused or error  # the likeliest name makes the clearest sentence
    assert refused is not None
    raise refused
