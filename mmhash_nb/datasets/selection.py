"""What the files of a selection hold, whichever distribution they came from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy import sparse

from mmhash_nb.datasets.splits import Split
from mmhash_nb.io.finding import files_below, locate


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


def marked(columns: Sequence[Collection[int]], width: int) -> sparse.csr_matrix:
    """Ones where a row has a column, `float32 [N, width]`; `columns` are those of each row."""
    rows = np.repeat(np.arange(len(columns)), [len(of_row) for of_row in columns])
    at = np.array([column for of_row in columns for column in sorted(of_row)], dtype=np.int64)
    ones = np.ones(len(at), dtype=np.float32)
    return sparse.csr_matrix((ones, (rows, at)), shape=(len(columns), width))


def no_images(n: int) -> np.ndarray:
    """Images without columns, of `n` samples."""
    return np.empty((n, 0), dtype=np.float32)


def absent(folder: Path, *names: str) -> str | None:
    """The first of the names that `folder` does not hold, down to two levels below."""
    return next((name for name in names if locate(folder, name) is None), None)


def count(folder: Path | None, pattern: str) -> int:
    """How many files at any depth below a folder match; none where there is no folder."""
    return 0 if folder is None else sum(1 for _ in files_below(folder, pattern))


def required(folder: Path, *names: str) -> Path:
    """The first file or folder of one of the names, in `folder` or up to two levels below.

    Raises:
        FileNotFoundError: there is none.
    """
    path = locate(folder, *names)
    if path is None:
        raise FileNotFoundError(f"there is no {names[0]} in {folder}: put it there.")
    return path
