"""Read the MATLAB files in which the papers' selections circulate, by their layout."""

import hashlib
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import sparse

from mmhash_nb.datasets import matlab_images, store
from mmhash_nb.datasets.matlab_layouts import ALL, Layout, Source
from mmhash_nb.datasets.splits import Split
from mmhash_nb.io.finding import Photos
from mmhash_nb.io.matfiles import read_first, read_strings

#: a matrix, and the file and variable it came from
Named = tuple[np.ndarray, tuple[Path, str]]


@dataclass(frozen=True)
class Rules:
    """What the matrices of a dataset must be like.

    Args:
        words, labels: the columns that tags and labels have, by which matrices with swapped axes
            are known; `None` where any number will do.
        empty_tags: whether a sample may have no tag.
        binary_tags: whether tags are zeros and ones, and not counts.
    """

    words: int | None = None
    labels: int | None = None
    empty_tags: bool = False
    binary_tags: bool = True


@dataclass(frozen=True)
class Selection:
    """What the files of a selection hold, a row each sample.

    Args:
        images: `float32 [N, d]` features, without columns where there are none; or `uint8 [N, 3,
            S, S]`.
        tags: `float32 [N, V]` CSR, or captions: N texts.
        labels: `bool [N, C]`.
        split: query, database and train of the files, where they are divided.
        twins: rows that stand among the queries as well, or again among others; a split that is
            drawn leaves them out.
        label_names, vocabulary: C and V names, where the files have them.
        source: what was read, for `Pairs.source`.
    """

    images: np.ndarray
    labels: np.ndarray
    tags: sparse.csr_matrix | None
    captions: list[str] | None
    split: Split | None = None
    twins: np.ndarray = field(default_factory=lambda: np.arange(0))
    label_names: Sequence[str] | None = None
    vocabulary: Sequence[str] | None = None
    source: str = ""

    @property
    def counts(self) -> tuple[int, int, int]:
        """Samples, columns of tags (0 for captions, whose words are not counted yet), labels."""
        words = 0 if self.tags is None else self.tags.shape[1]
        return len(self.labels), words, self.labels.shape[1]


def choose(layouts: Sequence[Layout], folder: Path, images: str) -> Layout | None:
    """The first of the layouts whose files are in `folder`."""
    return next((one for one in layouts if one.missing(folder, images) is None), None)


def read(folder: Path, layout: Layout, images: str, size: int, rules: Rules) -> Selection:
    """The files of a layout.

    Where they are divided, the rows are those of the database, then the queries. Training samples
    are looked for among the database's by all that is known of them; where some are not there,
    they all are further rows at the end. Rows of the database or of the training samples that
    are queries too, or training samples that stand in the database, are the `twins`.

    Args:
        images: `none`, `vgg` or `pixels`.
        size: side of pixels.

    Raises:
        ValueError: a file is damaged, or a matrix is not what it should be (names both).
        FileNotFoundError: photos are missing.
        OSError: the disk has no room for decoded images.
    """
    parts = list(layout.labels.variables)
    labels = [_matrix(folder, layout.labels, part, rules.labels) for part in parts]
    for array, (path, variable) in labels:
        _check(array, path, variable, "label", binary=True, empty=False)
    n = [len(array) for array, _ in labels]
    tags, captions = None, None
    if layout.tags is not None:
        tags = [_matrix(folder, layout.tags, part, rules.words) for part in parts]
        for (array, (path, variable)), (other, (beside, name)) in zip(tags, labels, strict=True):
            _check_rows(array, other, path, variable, beside, name)
            _check(array, path, variable, "tag", binary=rules.binary_tags, empty=rules.empty_tags)
    elif layout.captions is not None:
        captions = _captions(folder, layout.captions, n[0])
    used, split, twins = _divided(folder, layout, parts, labels, tags, n)
    texts = None
    if tags is not None:
        stacked = [sparse.csr_matrix(array) for array, _ in tags[:used]]
        texts = sparse.vstack(stacked, format="csr").astype(np.float32)
    return Selection(
        images=_images(folder, layout, images, size, parts[:used], n[:used]),
        labels=np.concatenate([array for array, _ in labels[:used]]).astype(np.bool_),
        tags=texts,
        captions=captions,
        split=split,
        twins=twins,
        source=f"; {len(twins):,} rows stand there twice, once left out" if len(twins) else "",
    )


def _find(folder: Path, source: Source, part: str) -> tuple[Path, tuple[str, ...]]:
    """File of a part, and the variables by which it is known."""
    path = source.find(folder)
    if path is None:
        raise FileNotFoundError(f"there is no {source.files[0]} in {folder}: put it there.")
    return path, source.variables[part]


def _matrix(folder: Path, source: Source, part: str, columns: int | None) -> Named:
    """A matrix with a row each sample, turned where its other side is known to be the columns."""
    path, names = _find(folder, source, part)
    name, matrix = read_first(path, names)
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError(f"{name} in {path} must be a matrix, but is {list(matrix.shape)}.")
    if columns == matrix.shape[0] != matrix.shape[1]:
        matrix = np.ascontiguousarray(matrix.T)
    return matrix, (path, name)


def _check_rows(
    array: np.ndarray, other: np.ndarray, path: Path, variable: str, beside: Path, name: str
) -> None:
    if len(array) != len(other):
        raise ValueError(
            f"{variable} in {path} is {array.shape[0]} x {array.shape[1]} but {name} in "
            f"{beside} is {other.shape[0]} x {other.shape[1]}: both need a row for "
            "each photo, so get them again from one source."
        )


def _check(
    matrix: np.ndarray, path: Path, variable: str, what: str, *, binary: bool, empty: bool
) -> None:
    """Refuse values that are neither marks nor counts, and rows without any."""
    good = (matrix == 0) | (matrix == 1)
    if not binary:
        good |= (matrix > 0) & np.isfinite(matrix)
    wrong = np.argwhere(~good)
    if wrong.size:
        row, column = wrong[0]
        raise ValueError(
            f"{variable} in {path} holds {matrix[row, column]} in row {row + 1}, column "
            f"{column + 1}, but must hold {'zeros and ones' if binary else 'counts'}: get it again."
        )
    none = np.flatnonzero(~matrix.any(axis=1))
    if none.size and not empty:
        raise ValueError(
            f"row {none[0] + 1} of {variable} in {path} has no {what} ({none.size} such rows): "
            "photos without one are no part of this selection, so get the files that leave them "
            "out."
        )


def _captions(folder: Path, source: Source, n: int) -> list[str]:
    path, names = _find(folder, source, ALL)
    captions = read_strings(path, names)
    _check_count(path, len(captions), n, "captions")
    return captions


def _check_count(path: Path, found: int, n: int, what: str) -> None:
    if found != n:
        raise ValueError(
            f"{path} holds {found} {what}, but the labels are of {n} photos: they need one each, "
            "so get both again from one source."
        )


def _images(
    folder: Path, layout: Layout, images: str, size: int, parts: list[str], n: list[int]
) -> np.ndarray:
    """The image modality of all parts."""
    if images == "none":
        return np.empty((sum(n), 0), dtype=np.float32)
    if images == "vgg":
        assert layout.features is not None
        features = [
            _features(*_find(folder, layout.features, part), rows)
            for part, rows in zip(parts, n, strict=True)
        ]
        return np.concatenate(features)
    if layout.pixels is not None and layout.pixels.find(folder) is not None:
        sections = [
            matlab_images.Section(*_find(folder, layout.pixels, part), rows)
            for part, rows in zip(parts, n, strict=True)
        ]
        return matlab_images.stored(sections, size)
    assert layout.photos is not None
    path, variables = _find(folder, layout.photos, ALL)
    names = read_strings(path, variables)
    _check_count(path, len(names), n[0], "names")
    return store.decoded(Photos(folder).find_all(names), size)


def _features(path: Path, variables: tuple[str, ...], n: int) -> np.ndarray:
    """Vectors, `float32 [n, d]`."""
    _, matrix = read_first(path, variables)
    if matrix.ndim != 2 or len(matrix) != n:
        shape = " x ".join(str(side) for side in matrix.shape)
        raise ValueError(
            f"the features in {path} are {shape}, but there are {n} photos: they need a row for "
            "each, in the order of the tags."
        )
    return np.ascontiguousarray(matrix, dtype=np.float32)


def _divided(
    folder: Path,
    layout: Layout,
    parts: list[str],
    labels: list[Named],
    tags: list[Named] | None,
    n: list[int],
) -> tuple[int, Split | None, np.ndarray]:
    """How many of the parts give rows, the split that the files have, and the twins."""
    if parts == [ALL]:
        return 1, None, np.arange(0)
    beside = (None,) * len(parts) if tags is None else tags
    digests = [
        list(_rows(folder, layout, part, marks, words))
        for part, marks, words in zip(parts, labels, beside, strict=True)
    ]
    query = np.arange(n[0], n[0] + n[1])
    queries = set(digests[1])
    # Some of these files have their queries in the database too, where each would find itself.
    again = np.array([known in queries for known in digests[0]])
    twins, database = np.flatnonzero(again), np.flatnonzero(~again)
    if not len(database):
        path, _ = _find(folder, layout.labels, parts[0])
        raise ValueError(f"the database in {path} has nothing but its queries: get it again.")
    if "train" not in parts:
        return 2, (query, database, database), twins
    rows_of: defaultdict[bytes, deque[int]] = defaultdict(deque)
    for row, known in enumerate(digests[0]):
        rows_of[known].append(row)
    train = []
    for known in digests[2]:
        if not rows_of[known]:
            again = np.array([known in queries for known in digests[2]])
            known_above = queries.union(digests[0])
            double = np.array([known in known_above for known in digests[2]])
            start = n[0] + n[1]
            split = (query, database, start + np.flatnonzero(~again))
            return 3, split, np.concatenate([twins, start + np.flatnonzero(double)])
        train.append(rows_of[known].popleft())
    return 2, (query, database, np.intersect1d(train, database)), twins


def _rows(
    folder: Path, layout: Layout, part: str, labels: Named, tags: Named | None
) -> Iterator[bytes]:
    """A digest of all that is known of each sample of a part."""
    known: list[Iterable[bytes]] = [(row.tobytes() for row in labels[0])]
    if tags is not None:
        known.append(row.tobytes() for row in tags[0])
    if layout.features is not None:
        features = _features(*_find(folder, layout.features, part), len(labels[0]))
        known.append(row.tobytes() for row in features)
    if layout.pixels is not None:
        section = matlab_images.Section(*_find(folder, layout.pixels, part), len(labels[0]))
        known.append(matlab_images.rows(section))
    for row in zip(*known, strict=True):
        yield hashlib.sha256(b"".join(row)).digest()
