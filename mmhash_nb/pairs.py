"""`Pairs`: aligned images, texts and labels, and their query / database / train split.

One contract, and with what checks it one module.
"""

import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse  # a quarter of a second, for the name of a type alone

Modality = Literal["image", "text"]
SPLITS = ("query", "database", "train")


@dataclass(frozen=True, eq=False)
class Pairs:
    """N aligned samples of two modalities with their labels and splits.

    Args:
        images: `uint8 [N, 3, H, W]` pixels, or `float32 [N, d]` features.
        texts: `float32 [N, V]` features (bag of words, topics, a second descriptor), or a SciPy
            CSR matrix of that shape.
        labels: `bool [N, C]`; two samples are relevant to each other when they share a label.
        label_names: C names.
        query, database, train: `int64` indices into the N samples. `train` may lie inside
            `database`; `query` overlaps neither.
        captions: N strings to show for the texts.
        masks: `bool [N, H, W]`, the ground-truth object region of each image.
        thumbnails: `uint8 [N, 3, h, w]`, pixels to show where `images` are features.
        vocabulary: V words, what each column of `texts` counts.
        modality_names: what the two modalities are, for tables and figures.
        name: the dataset's name; `source`: what file or rendering it came from.

    Raises:
        ValueError: one sentence naming the field, the sample and the value that is wrong.
    """

    images: np.ndarray
    texts: "np.ndarray | sparse.csr_matrix"
    labels: np.ndarray
    label_names: Sequence[str]
    query: np.ndarray
    database: np.ndarray
    train: np.ndarray
    captions: Sequence[str] | None = None
    masks: np.ndarray | None = None
    thumbnails: np.ndarray | None = None
    vocabulary: Sequence[str] | None = None
    modality_names: tuple[str, str] = ("image", "text")
    name: str = "unnamed"
    source: str = ""

    def __post_init__(self) -> None:
        for split in SPLITS:
            indices = np.asarray(getattr(self, split))
            if indices.size == 0:
                indices = indices.astype(np.int64)
            if indices.ndim != 1 or not np.issubdtype(indices.dtype, np.integer):
                raise ValueError(
                    f"{split} must be a one-dimensional array of integer indices, but it has shape "
                    f"{indices.shape} and dtype {indices.dtype}."
                )
            object.__setattr__(self, split, indices.astype(np.int64))
        self._check_arrays()
        self._check_labels()
        self._check_splits()

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over modalities, words, labels and splits: what a trained result depends on."""
        digest = hashlib.sha256()
        texts = self.texts
        if isinstance(texts, np.ndarray):
            parts = [texts]
        else:
            parts = [texts.indptr, texts.indices, texts.data]
        for array in [self.images, *parts, self.labels, self.query, self.database, self.train]:
            digest.update(f"{array.shape}{array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).data)
        # Columns that are all zero are in no array of a CSR matrix.
        digest.update(f"{texts.shape}".encode())
        for name in ("captions", "vocabulary"):
            if (words := getattr(self, name)) is not None:
                digest.update(f"{name} {list(map(str, words))}".encode())
        return digest.hexdigest()

    @cached_property
    def without_relevant(self) -> int:
        """How many queries have nothing to find: they share no label with a database sample."""
        labels = self.labels[:, self.labels[self.database].any(axis=0)]
        return len(self.query) - int(labels[self.query].any(axis=1).sum())

    @property
    def means(self) -> str:
        """Over how many queries means are, how many find nothing, and the most, in words."""
        n, none = len(self.query), self.without_relevant
        most = f"{1 - none / max(1, n):.3f}"
        found = f"of which {none:,} have nothing to find and count as 0: at most {most} is possible"
        return f"means are over {n:,} queries, {found}"

    def take(self, indices: np.ndarray) -> "Pairs":
        """The samples at `indices` (int `[M]`, each once), with the splits that fall among them."""
        indices = np.asarray(indices, dtype=np.int64)
        if len(np.unique(indices)) != len(indices):
            raise ValueError("indices name a sample more than once: take each once.")
        position = np.full(len(self), -1, dtype=np.int64)
        position[indices] = np.arange(len(indices))
        splits = {split: position[getattr(self, split)] for split in SPLITS}
        per_sample: dict[str, Any] = {
            name: None if (value := getattr(self, name)) is None else value[indices]
            for name in ("images", "texts", "labels", "masks", "thumbnails")
        }
        captions = None if self.captions is None else [self.captions[i] for i in indices]
        return dataclasses.replace(
            self,
            **per_sample,
            captions=captions,
            **{split: where[where >= 0] for split, where in splits.items()},
        )

    def held_out(self, fraction: float = 0.2, seed: int = 0) -> "Pairs":
        """The training samples alone, a part of them as queries: what settings are chosen on.

        Args:
            fraction: of the training samples to hold out, at least one; the rest are database and
                training set.
            seed: which ones.

        Raises:
            ValueError: where nothing would be left on either side.
        """
        n = len(self.train)
        queries = max(1, round(fraction * n)) if 0 < fraction < 1 else n
        if queries >= n:
            raise ValueError(
                f"fraction={fraction!r} of {n} training samples cannot be held out: give a "
                "fraction between 0 and 1 that leaves samples on both sides."
            )
        order = np.random.default_rng(seed).permutation(n)
        rest = np.sort(order[queries:])
        return dataclasses.replace(
            self.take(self.train), query=np.sort(order[:queries]), database=rest, train=rest
        )

    def features(self, modality: str) -> np.ndarray:
        """The feature vectors of one modality, `float32 [N, d]`.

        Raises:
            ValueError: where the images are pixels, which only the deep methods read.
        """
        if modality == "text":
            return self.texts if isinstance(self.texts, np.ndarray) else self.texts.toarray()
        if self.images.ndim != 2:
            raise ValueError(
                f"images of {self.name} are pixels {self.images.shape[1:]}, but this method works "
                "on feature vectors: load the dataset with images='gist' or images='hog'."
            )
        return self.images

    def _check_arrays(self) -> None:
        n = len(self.labels)
        per_sample = ("images", "captions", "masks", "thumbnails")
        rows = {name: len(v) for name in per_sample if (v := getattr(self, name)) is not None}
        rows["texts"] = self.texts.shape[0]
        for name, count in rows.items():
            if count != n:
                raise ValueError(f"{name} has {count} rows but labels has {n}: they must align.")
        images = self.images
        pixels = images.ndim == 4 and images.shape[1] == 3 and images.dtype == np.uint8
        if not pixels and not (images.ndim == 2 and images.dtype == np.float32):
            raise ValueError(
                "images must be uint8 [N, 3, H, W] or float32 [N, d], but is "
                f"{images.dtype} {list(images.shape)}."
            )
        check_array("texts", self.texts, np.float32, "N", "V")
        if not isinstance(self.texts, np.ndarray) and self.texts.format != "csr":
            raise ValueError(f"texts must be dense or CSR, but is {self.texts.format}.")
        for name in ("images", "texts"):
            _check_finite(name, getattr(self, name))
        if self.vocabulary is not None and len(self.vocabulary) != self.texts.shape[1]:
            raise ValueError(
                f"vocabulary has {len(self.vocabulary)} words but texts has "
                f"{self.texts.shape[1]} columns."
            )
        if self.masks is not None:
            size = images.shape[2:] if images.ndim == 4 else ("H", "W")
            check_array("masks", self.masks, np.bool_, "N", *size, of=" of the images' size")
        if self.thumbnails is not None:
            check_array("thumbnails", self.thumbnails, np.uint8, "N", 3, "h", "w")

    def _check_labels(self) -> None:
        labels = self.labels
        check_array("labels", labels, np.bool_, "N", "C")
        if len(self.label_names) != labels.shape[1]:
            raise ValueError(
                f"label_names has {len(self.label_names)} names but labels has "
                f"{labels.shape[1]} columns."
            )
        empty = np.flatnonzero(~labels.any(axis=1))
        if empty.size:
            raise ValueError(
                f"labels of sample {empty[0]} are all False ({empty.size} such samples): give each "
                "a label or leave it out."
            )

    def _check_splits(self) -> None:
        n = len(self)
        for split in SPLITS:
            indices = getattr(self, split)
            wrong = indices[(indices < 0) | (indices >= n)]
            if wrong.size:
                raise ValueError(f"{split} holds index {wrong[0]}, but there are {n} samples.")
            values, counts = np.unique(indices, return_counts=True)
            if (counts > 1).any():
                raise ValueError(f"{split} holds index {values[counts > 1][0]} more than once.")
        for split in ("database", "train"):
            both = np.intersect1d(self.query, getattr(self, split))
            if both.size:
                raise ValueError(
                    f"query and {split} share sample {both[0]} ({both.size} in all): queries "
                    "must be held out."
                )


def check_array(
    name: str, array: "np.ndarray | sparse.csr_matrix", dtype: type, *shape: int | str, of: str = ""
) -> None:
    """Refuse, by a ValueError, another dtype or shape; a letter stands for any length."""
    sides = zip(shape, array.shape, strict=False)
    fits = len(shape) == array.ndim and all(a == b for a, b in sides if not isinstance(a, str))
    if not fits or array.dtype != dtype:
        raise ValueError(
            f"{name} must be {np.dtype(dtype)} [{', '.join(map(str, shape))}]{of}, but is "
            f"{array.dtype} {list(array.shape)}."
        )


def _check_finite(name: str, array: "np.ndarray | sparse.csr_matrix") -> None:
    if array.dtype.kind != "f":
        return
    values = array.ravel() if isinstance(array, np.ndarray) else array.data
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        entry = wrong[0]
        if isinstance(array, np.ndarray):
            row, column = divmod(entry, array.shape[1])
        else:
            row, column = np.searchsorted(array.indptr, entry, "right") - 1, array.indices[entry]
        raise ValueError(f"{name} of sample {row} holds {values[entry]} in column {column}.")
