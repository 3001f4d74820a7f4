"""`HashCodes`: packed binary codes, and `HammingIndex` to search them; one contract, one module."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np

from mmhash_nb.io.files import whole
from mmhash_nb.pairs import check_array

IndexKind = Literal["flat", "ivf", "hnsw", "multihash"]
# Entries (queries × distances × k) of the lists by distance that one exact search may set up.
SEARCH_ENTRIES = 1 << 24


@dataclass(frozen=True, eq=False)
class HashCodes:
    """N binary codes of `n_bits` bits.

    Args:
        bits: `uint8 [N, ceil(n_bits / 8)]`, packed as `numpy.packbits` does (most significant bit
            first); the bits that pad the last byte are zero.
        n_bits: code length K.

    Raises:
        ValueError: on another dtype or width, or on padding bits that are set.
    """

    bits: np.ndarray
    n_bits: int

    def __post_init__(self) -> None:
        check_n_bits(self.n_bits)
        width = -(-self.n_bits // 8)
        check_array("bits", self.bits, np.uint8, "N", width, of=f" for {self.n_bits} bits")
        padding = 8 * width - self.n_bits
        if padding and (self.bits[:, -1] & ((1 << padding) - 1)).any():
            raise ValueError(f"the last {padding} bits of each code pad it and must be zero.")

    @classmethod
    def from_signs(cls, x: np.ndarray) -> "HashCodes":
        """Codes of signs or signed values `[N, K]`: bit 1 where `x >= 0`, so zero gives 1.

        A bool array is taken as bits.

        Raises:
            ValueError: on another shape, on values that are no numbers, on NaN; and where none of
                several values is negative: these are bits, probabilities or packed bytes, and all
                codes would be ones. `from_bits` and `from_real` take such arrays.
        """
        x = _two_sides(x)
        if x.dtype != np.bool_ and x.size > 1 and not (x < 0).any() and not _has_nan(x):
            raise ValueError(
                f"none of the {x.size:,} values is negative, so that every bit would be 1: call "
                "HashCodes.from_bits(x) for zeros and ones, HashCodes.from_signs(x - 0.5) for "
                "probabilities, HashCodes(x, n_bits) for packed bytes, or HashCodes.from_real(x) "
                "for real values of which none need be negative."
            )
        return cls.from_real(x)

    @classmethod
    def from_bits(cls, x: np.ndarray) -> "HashCodes":
        """Codes of bits `[N, K]`, bool or zeros and ones of any number type.

        Raises:
            ValueError: on another shape or another value.
        """
        x = _two_sides(x)
        wrong = np.argwhere((x != 0) & (x != 1))
        if wrong.size:
            row, column = wrong[0]
            raise ValueError(
                f"code {row} has {x[row, column]} at bit {column}, which is neither 0 nor 1: call "
                "HashCodes.from_signs for -1 and +1 or other signed values."
            )
        return cls(np.packbits(x != 0, axis=1), x.shape[1])

    @classmethod
    def from_real(cls, x: np.ndarray) -> "HashCodes":
        """Codes of real values `[N, K]`, as `from_signs`, but all of them may be positive.

        This is for what a method computes: a single item, or a method that collapsed, may well
        have no negative value.

        Raises:
            ValueError: on another shape, on values that are no numbers, on NaN.
        """
        x = _two_sides(x)
        if _has_nan(x):
            row, column = np.argwhere(np.isnan(x))[0]
            raise ValueError(f"code {row} has NaN at bit {column}, which is neither 0 nor 1.")
        return cls(np.packbits(x if x.dtype == np.bool_ else x >= 0, axis=1), x.shape[1])

    def signs(self) -> np.ndarray:
        """The codes as -1 and +1, `int8 [N, K]`."""
        unpacked = np.unpackbits(self.bits, axis=1, count=self.n_bits)
        return unpacked.astype(np.int8) * 2 - 1

    @cached_property
    def words(self) -> np.ndarray:
        """The codes as 64-bit words, `uint64 [N, ceil(K / 64)]`, for kernels that count bits."""
        n, width = self.bits.shape
        padded = np.zeros((n, -(-width // 8) * 8), dtype=np.uint8)
        padded[:, :width] = self.bits
        return padded.view(np.uint64)

    def __len__(self) -> int:
        return len(self.bits)

    def __getitem__(self, index: Any) -> "HashCodes":
        """Some of the codes: a slice, an index array or a mask; an integer gives a set of one."""
        chosen = self.bits[index]
        return HashCodes(np.atleast_2d(chosen), self.n_bits)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HashCodes):
            return NotImplemented
        return self.n_bits == other.n_bits and np.array_equal(self.bits, other.bits)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the codes to one `.npz` file, whole or not at all."""
        save_codes(path, {"codes": self})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "HashCodes":
        """Read what `save` wrote; nothing is unpickled."""
        return load_codes(path)["codes"]


class HammingIndex:
    """Nearest neighbours of codes by Hamming distance, over the binary indexes of FAISS.

    `flat` is exact, and equal distances come in the order of the ids; the others are approximate:
    `ivf` scans the nearest eighth of about √N lists, `hnsw` walks a graph, and `multihash` looks
    codes up by substrings of about log2(N) bits, two of them flipped.

    How far these look is their `effort`, which may be set at any time: more of it finds more and
    takes longer. How much they find depends on the codes: `recall` measures it on some of yours.

    Hash codes collide by nature, and the graph of `hnsw` suffers from it: copies of a code take up
    one another's few links, so that some are reached from nowhere. Where many codes have hundreds
    of copies, `hnsw` may find less than half of them; use `flat` or `ivf`.

    Args:
        codes: N codes to search.
        kind: `"flat"`, `"ivf"`, `"hnsw"` or `"multihash"`.

    Raises:
        ValueError: where there are no codes, or the kind is unknown.
    """

    def __init__(self, codes: HashCodes, kind: IndexKind = "flat") -> None:
        if kind not in get_args(IndexKind):
            raise ValueError(f"kind must be one of {', '.join(get_args(IndexKind))}, not {kind!r}.")
        n, n_bits = len(codes), codes.n_bits
        if n == 0:
            raise ValueError("codes is empty: there is nothing to search.")
        n_lists = max(1, min(int(n**0.5), n // 39))  # k-means wants 39 codes for each centre
        substring = min(n_bits, max(1, (n - 1).bit_length()))
        factory = {
            "flat": "BFlat",
            "ivf": f"BIVF{n_lists}",
            "hnsw": "BHNSW32",
            "multihash": f"BHash{n_bits // substring}x{substring}",
        }
        # Whole words, zero-padded: FAISS is five times slower on codes of odd widths.
        keys = codes.words.view(np.uint8)  # [N, 8 · ceil(K / 64)]
        import faiss  # a quarter of a second, which those who only hold codes need not wait

        index: Any = faiss.index_binary_factory(8 * keys.shape[1], factory[kind])
        if kind == "flat":
            index.use_heap = False  # lists by distance instead: faster, and in the order of ids
        elif kind == "ivf":
            index.cp.min_points_per_centroid = 1
        index.train(keys)
        index.add(keys)
        self._index, self._codes = index, codes
        self.kind, self.n_bits = kind, n_bits
        efforts = {"ivf": max(1, n_lists // 8), "hnsw": 256, "multihash": min(2, substring)}
        if kind in efforts:
            self.effort = efforts[kind]

    @property
    def effort(self) -> int:
        """How far an approximate index looks: FAISS's `nprobe`, `efSearch` or `nflip`.

        The lists that `ivf` scans, the candidates of `hnsw` (from 1), or the bits that `multihash`
        flips in each substring (from 0).

        Raises:
            ValueError: on a value out of range, or where the index is `flat` and compares all.
        """
        return int(getattr(*self._effort()[:2]))

    @effort.setter
    def effort(self, effort: int) -> None:
        holder, name, least, most = self._effort()
        integer = isinstance(effort, int | np.integer) and not isinstance(effort, bool)
        if not integer or not least <= effort <= most:
            raise ValueError(
                f"effort of an index {self.kind!r} of these codes must be an integer from {least} "
                f"to {most}, but is {effort!r}."
            )
        setattr(holder, name, int(effort))

    def _effort(self) -> tuple[Any, str, int, int]:
        """Where FAISS holds the effort: the object, the attribute; its least and largest value."""
        index = self._index
        if self.kind == "ivf":
            return index, "nprobe", 1, index.nlist
        if self.kind == "hnsw":
            return index.hnsw, "efSearch", 1, np.iinfo(np.int32).max
        if self.kind == "multihash":
            return index, "nflip", 0, index.b
        raise ValueError("a flat index has no effort to choose: it compares every code.")

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, queries: HashCodes, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest codes of each query, by distance, then id.

        Args:
            queries: Q codes.
            k: how many, from 1 to N.

        Returns:
            distances `int32 [Q, k]` in bits and ids `int64 [Q, k]`. Where an approximate index
            finds fewer than k, the rest have id -1 and the largest `int32` as distance.

        Raises:
            ValueError: where code lengths differ or `k` is out of range.
        """
        bits = self._query_bits(queries)
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= len(self):
            raise ValueError(f"k must be an integer from 1 to the {len(self)} codes, but is {k!r}.")
        n_rows = max(1, min(32, SEARCH_ENTRIES // (int(k) * (self._index.d + 1))))
        found = self._in_threads(lambda some: self._index.search(some, int(k)), bits, n_rows)
        distances, ids = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.lexsort((ids, distances))
        return np.take_along_axis(distances, order, 1), np.take_along_axis(ids, order, 1)

    def within(self, queries: HashCodes, radius: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """All codes within a Hamming radius of each query (hash lookup), by distance, then id.

        Args:
            queries: Q codes.
            radius: the largest distance, in bits.

        Returns:
            distances, a list of Q arrays `int32 [M]`, and ids, one of Q arrays `int64 [M]`.

        Raises:
            ValueError: where code lengths differ, the radius is not an integer of at least 0, or
                the index is `hnsw`, which cannot look up by radius.
        """
        bits = self._query_bits(queries)
        if self.kind == "hnsw":
            raise ValueError(
                "an hnsw index cannot look up by radius: use kind='flat', 'ivf' or 'multihash'."
            )
        check_radius(radius)
        below = min(int(radius), self.n_bits) + 1  # FAISS keeps what is strictly nearer
        distances: list[np.ndarray] = []
        ids: list[np.ndarray] = []
        for limits, near, found in self._in_threads(
            lambda some: self._index.range_search(some, below), bits
        ):
            of_query = np.repeat(np.arange(len(limits) - 1), np.diff(limits.astype(np.int64)))
            order, cuts = np.lexsort((found, near, of_query)), limits[1:-1].astype(np.int64)
            distances += np.split(near[order].astype(np.int32), cuts)
            ids += np.split(found[order], cuts)
        return distances, ids

    def recall(self, sample: HashCodes, k: int = 10) -> float:
        """The share of the k nearest that a search finds, a mean over queries, from 0 to 1.

        Of items at the same distance any will do: what is found counts where it is as near as the
        k-th nearest of a full comparison.

        Args:
            sample: queries of the kind that will come, some hundred.
            k: how many are searched for.

        Raises:
            ValueError: as `search`.
        """
        exact = self if self.kind == "flat" else HammingIndex(self._codes)
        farthest = exact.search(sample, k)[0][:, -1:]  # [Q, 1]
        distances, ids = self.search(sample, k)
        return float(((ids >= 0) & (distances <= farthest)).mean())

    def _in_threads(
        self, search: Callable[[np.ndarray], Any], bits: np.ndarray, n_rows: int = 32
    ) -> list[Any]:
        """The results of `search` for parts of the queries, at most `n_rows` in each.

        FAISS splits the work of one call among OpenMP threads that wait for one another: on
        shared cores that is several times slower than these, which do not.
        """
        import faiss

        parts = [bits[i : i + n_rows] for i in range(0, len(bits), n_rows)]
        threads = min(len(parts), faiss.omp_get_max_threads())
        with ThreadPoolExecutor(threads, "faiss", faiss.omp_set_num_threads, (1,)) as pool:
            return list(pool.map(search, parts))

    def _query_bits(self, queries: HashCodes) -> np.ndarray:
        if queries.n_bits != self.n_bits:
            raise ValueError(
                f"queries have {queries.n_bits} bits but the index holds codes of {self.n_bits}: "
                "encode both at one code length."
            )
        if len(queries) == 0:
            raise ValueError("queries is empty: there is nothing to search for.")
        return queries.words.view(np.uint8)


def save_codes(
    path: str | os.PathLike[str], codes: Mapping[str, HashCodes], **arrays: np.ndarray
) -> None:
    """Write named sets of codes, and other arrays, to one `.npz` file, whole or not at all."""
    for name, some in codes.items():
        arrays[f"{name}.bits"] = some.bits
        arrays[f"{name}.n_bits"] = np.array(some.n_bits)
    with whole(path) as aside, open(aside, "wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load_codes(path: str | os.PathLike[str]) -> dict[str, HashCodes]:
    """Read what `save_codes` wrote.

    Raises:
        ValueError: where the file is truncated or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = [key.removesuffix(".bits") for key in arrays.files if key.endswith(".bits")]
            codes = {n: HashCodes(arrays[f"{n}.bits"], int(arrays[f"{n}.n_bits"])) for n in names}
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is not a whole file of hash codes ({error}).") from None
    if not codes:
        raise ValueError(f"{path} holds no hash codes.")
    return codes


def label_words(labels: np.ndarray) -> np.ndarray:
    """Labels `bool [N, C]` as 64-bit words, `uint64 [N, ceil(C / 64)]`."""
    return HashCodes(np.packbits(labels, axis=1), labels.shape[1]).words


def _two_sides(x: object) -> np.ndarray:
    """Numbers `[N, K]` of any array type; a ValueError where they are none."""
    try:
        array = np.asarray(x)
    except Exception as error:  # rows of different lengths, tensors with gradients or on a GPU
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"codes come from an array [N, K], not from this ({reason}).") from None
    if np.ma.is_masked(x) or array.dtype.kind not in "buif":
        what = "masked values" if np.ma.is_masked(x) else str(array.dtype)
        texts = "; HashCodes.from_bits([list(map(int, t)) for t in x]) takes texts such as '0110'"
        raise ValueError(
            f"codes come from an array [N, K] of numbers, not one of {what}"
            f"{texts if array.dtype.kind in 'US' else ''}."
        )
    if array.ndim != 2:
        raise ValueError(f"codes come from an array [N, K], not one of shape {list(array.shape)}.")
    return array


def _has_nan(x: np.ndarray) -> bool:
    return x.dtype.kind == "f" and bool(np.isnan(x).any())


def check_n_bits(n_bits: object) -> None:
    """Refuse a code length that is not a positive integer."""
    if isinstance(n_bits, bool) or not isinstance(n_bits, int | np.integer) or n_bits < 1:
        raise ValueError(f"n_bits must be a positive integer, but is {n_bits!r}.")


def check_radius(radius: object) -> None:
    """Refuse a Hamming radius that is not an integer of at least 0."""
    if isinstance(radius, bool) or not isinstance(radius, int | np.integer) or radius < 0:
        raise ValueError(f"radius must be an integer of at least 0, but is {radius!r}.")
