"""Read the MATLAB files in which the papers' selections circulate, by their layout."""

import hashlib
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from mmhash_nb.datasets import matlab_images, store
from mmhash_nb.datasets.matlab_layouts import ALL, Layout, Source
from mmhash_nb.datasets.selection import Selection, no_images, required
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


def choose(layouts: Sequence[Layout], folder: Path, images: str) -> Layout | None:
    """The first of the layouts whose files are in `folder`."""
    return next((one for one in layouts if one.missing(folder, images) is None), None)


def read(folder: Path, layout: Layout, images: str, size: int, rules: Rules) -> Selection:
    """The files of a layout.

    Where they are divided, the rows are those of the database, then the queries. Training samples
    are looked for among the database's by all that is known of them; where some are not there,
    they all are further rows at the end. Rows of the database or of the training samples that
    are queries too, or training samples that stand in the database, are the `twins`.

    Raises:
        ValueError: a file is damaged, or a matrix is not what it should be (names both).
        FileNotFoundError: photos are missing.
        OSError: the disk has no room for decoded images.
    """
    files, parts = _Files(folder, layout), list(layout.labels.variables)
    labels = [files.matrix(layout.labels, part, rules.labels) for part in parts]
    for one in labels:
        _check(*one, "label", binary=True, empty=False)
    n = [len(array) for array, _ in labels]
    tags, captions = None, None
    if layout.tags is not None:
        tags = [
            files.matrix(layout.tags, part, rules.words, rows)
            for part, rows in zip(parts, n, strict=True)
        ]
        for one, beside in zip(tags, labels, strict=True):
            _check_rows(one, beside)
            _check(*one, "tag", binary=rules.binary_tags, empty=rules.empty_tags)
    elif layout.captions is not None:
        captions = files.strings(layout.captions, n[0], "captions")
    used, split, twins = 1, None, np.arange(0)
    if parts != [ALL]:
        words = [None] * len(parts) if tags is None else tags
        digests = [files.digests(*each) for each in zip(parts, labels, words, strict=True)]
        used, split, twins = _divided(digests, labels[0][1][0])
    texts = None
    if tags is not None:
        stacked = [sparse.csr_matrix(array) for array, _ in tags[:used]]
        texts = sparse.vstack(stacked, format="csr").astype(np.float32)
    return Selection(
        images=files.images(images, size, parts[:used], n[:used]),
        labels=np.concatenate([array for array, _ in labels[:used]]).astype(np.bool_),
        tags=texts,
        captions=captions,
        split=split,
        twins=twins,
        source=f"; {len(twins):,} rows stand there twice, once left out" if len(twins) else "",
    )


@dataclass(frozen=True)
class _Files:
    """The files of a layout in a folder."""

    folder: Path
    layout: Layout

    def find(self, source: Source | None, part: str) -> tuple[Path, tuple[str, ...]]:
        """File of a part, and the variables by which it is known."""
        assert source is not None
        return required(self.folder, *source.files), source.variables[part]

    def matrix(self, source: Source, part: str, columns: int | None, n: int | None = None) -> Named:
        """A matrix with a row each sample, turned where its other side is the columns or `n` rows.

        Args:
            columns, n: None where they are not known.
        """
        path, names = self.find(source, part)
        name, matrix = read_first(path, names)
        if matrix.ndim != 2 or not matrix.size:
            raise ValueError(f"{name} in {path} must be a matrix, but is {list(matrix.shape)}.")
        turned = columns == matrix.shape[0] != matrix.shape[1]
        if turned or n == matrix.shape[1] != matrix.shape[0]:
            matrix = np.ascontiguousarray(matrix.T)
        return matrix, (path, name)

    def strings(self, source: Source | None, n: int, what: str) -> list[str]:
        """A text for each of `n` samples."""
        path, names = self.find(source, ALL)
        found = read_strings(path, names)
        if len(found) != n:
            raise ValueError(
                f"{path} holds {len(found)} {what}, but the labels are of {n} photos: they need "
                "one each, so get both again from one source."
            )
        return found

    def features(self, part: str, n: int) -> np.ndarray:
        """Vectors, `float32 [n, d]`."""
        path, names = self.find(self.layout.features, part)
        _, matrix = read_first(path, names)
        if matrix.ndim == 2 and n == matrix.shape[1] != matrix.shape[0]:
            matrix = matrix.T
        if matrix.ndim != 2 or len(matrix) != n:
            shape = " x ".join(str(side) for side in matrix.shape)
            raise ValueError(
                f"the features in {path} are {shape}, but there are {n} photos: they need a row "
                "for each, in the order of the tags."
            )
        return np.ascontiguousarray(matrix, dtype=np.float32)

    def section(self, part: str, n: int) -> matlab_images.Section:
        """The array of `n` images."""
        return matlab_images.Section(*self.find(self.layout.pixels, part), n)

    def images(self, images: str, size: int, parts: list[str], n: list[int]) -> np.ndarray:
        """The image modality of all parts."""
        if images == "none":
            return no_images(sum(n))
        if images == "vgg":
            return np.concatenate([self.features(*each) for each in zip(parts, n, strict=True)])
        if self.layout.pixels is not None and self.layout.pixels.find(self.folder) is not None:
            sections = [self.section(*each) for each in zip(parts, n, strict=True)]
            return matlab_images.stored(sections, size)
        names = self.strings(self.layout.photos, n[0], "names")
        return store.decoded(Photos(self.folder).find_all(names), size)

    def digests(self, part: str, labels: Named, tags: Named | None) -> list[bytes]:
        """A digest of all that is known of each sample of a part."""
        known: list[Iterable[bytes]] = [(row.tobytes() for row in labels[0])]
        if tags is not None:
            known.append(row.tobytes() for row in tags[0])
        n = len(labels[0])
        if self.layout.features is not None:
            known.append(row.tobytes() for row in self.features(part, n))
        if self.layout.pixels is not None:
            known.append(matlab_images.rows(self.section(part, n)))
        rows = zip(*known, strict=True)
        return [hashlib.sha256(b"".join(row)).digest() for row in rows]


def _check_rows(tags: Named, labels: Named) -> None:
    (array, (path, variable)), (other, (beside, name)) = tags, labels
    if len(array) != len(other):
        raise ValueError(
            f"{variable} in {path} is {array.shape[0]} x {array.shape[1]} but {name} in "
            f"{beside} is {other.shape[0]} x {other.shape[1]}: both need a row for "
            "each photo, so get them again from one source."
        )


def _check(
    matrix: np.ndarray, place: tuple[Path, str], what: str, *, binary: bool, empty: bool
) -> None:
    """Refuse values that are neither marks nor counts, and rows without any."""
    path, variable = place
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


def _divided(digests: list[list[bytes]], path: Path) -> tuple[int, Split, np.ndarray]:
    """How many of the parts give rows, the split that the files have, and the twins.

    The digests are of database, queries and, where there are such, training samples.
    """
    n, (in_database, in_query, *rest) = [len(part) for part in digests], digests
    query = np.arange(n[0], n[0] + n[1])
    # Some of these files have their queries in the database too, where each would find itself.
    again = np.isin(in_database, in_query)
    twins, database = np.flatnonzero(again), np.flatnonzero(~again)
    if not len(database):
        raise ValueError(f"the database in {path} has nothing but its queries: get it again.")
    if not rest:
        return 2, (query, database, database), twins
    rows_of: defaultdict[bytes, deque[int]] = defaultdict(deque)
    for row, known in enumerate(in_database):
        rows_of[known].append(row)
    try:
        train = [rows_of[known].popleft() for known in rest[0]]
    except IndexError:  # a training sample that the database lacks
        start = n[0] + n[1]
        double = np.isin(rest[0], [*in_query, *in_database])
        split = (query, database, start + np.flatnonzero(~np.isin(rest[0], in_query)))
        return 3, split, np.concatenate([twins, start + np.flatnonzero(double)])
    return 2, (query, database, np.intersect1d(train, database)), twins
