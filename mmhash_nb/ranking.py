"""`rank_profile`: the one pass over query × database that all metrics come from."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numba
import numpy as np
import torch
from numba import njit, types
from numba.extending import intrinsic

from mmhash_nb.codes import HashCodes

# Keys whose buckets are found at once (the buffer stays in the first cache), and interleaved
# histograms: a run of equal buckets then never waits for the increment just before it.
BLOCK, LANES = 2048, 8
# Keys read for one query after another while they stay in the second cache.
TILE = 1 << 16
# Entries of the query × database matrices that the tensor path holds at once.
TENSOR_ENTRIES = 1 << 24


@dataclass(frozen=True, eq=False)
class RankProfile:
    """How many database items lie at each Hamming distance and share each number of labels.

    Profiles of the shards of a database add up, `a + b`; profiles of several sets of queries join
    by `RankProfile.concatenate`.

    Args:
        counts: `int64 [Q, K+1, G+1]`; `counts[q, d, g]` items lie at Hamming distance d from query
            q and share g labels with it. An item is relevant where g > 0.

    Raises:
        ValueError: on another shape or dtype, or on negative counts.
    """

    counts: np.ndarray

    def __post_init__(self) -> None:
        counts = self.counts
        if counts.ndim != 3 or counts.dtype != np.int64 or min(counts.shape) < 1:
            raise ValueError(
                f"counts must be int64 [Q, K+1, G+1], but is {counts.dtype} {list(counts.shape)}."
            )
        if counts.min() < 0:
            raise ValueError(f"counts must not be negative, but one is {counts.min()}.")

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def n_bits(self) -> int:
        """Code length K."""
        return self.counts.shape[1] - 1

    @cached_property
    def items(self) -> np.ndarray:
        """Database items at each distance, `int64 [Q, K+1]`."""
        return self.counts.sum(axis=2)

    @cached_property
    def relevant(self) -> np.ndarray:
        """Relevant items at each distance, `int64 [Q, K+1]`: those that share a label."""
        return self.items - self.counts[:, :, 0]

    def __add__(self, other: "RankProfile") -> "RankProfile":
        """The profile of the same queries over the union of two disjoint shards of a database."""
        if not isinstance(other, RankProfile):
            return NotImplemented
        if self.counts.shape != other.counts.shape:
            raise ValueError(
                f"profiles [Q, K+1, G+1] of shapes {list(self.counts.shape)} and "
                f"{list(other.counts.shape)} do not add: take the same queries for every shard."
            )
        return RankProfile(self.counts + other.counts)

    @staticmethod
    def concatenate(profiles: Sequence["RankProfile"]) -> "RankProfile":
        """The profile of all the queries of several profiles, in order.

        Raises:
            ValueError: where there is none, or their code lengths differ.
        """
        lengths = sorted({profile.n_bits for profile in profiles})
        if len(lengths) != 1:
            raise ValueError(f"profiles to join must share one code length, but have {lengths}.")
        depth = max(profile.counts.shape[2] for profile in profiles)
        padded = [
            np.pad(profile.counts, ((0, 0), (0, 0), (0, depth - profile.counts.shape[2])))
            for profile in profiles
        ]
        return RankProfile(np.concatenate(padded))


def rank_profile(
    query_codes: HashCodes,
    database_codes: HashCodes,
    query_labels: np.ndarray,
    database_labels: np.ndarray,
    device: str = "cpu",
) -> RankProfile:
    """Count the database items at each Hamming distance by the labels they share with each query.

    Args:
        query_codes: Q codes of K bits; database_codes: N codes of K bits.
        query_labels: `bool [Q, C]`; database_labels: `bool [N, C]`.
        device: `"cpu"` counts over packed words in a compiled kernel; a CUDA device gives the
            same numbers by matrix products.

    Returns:
        The profile, with G the most labels that a query has: so it does not depend on the
        database, and the profiles of its shards add up.

    Raises:
        ValueError: where rows, code lengths or label columns do not match, or a side is empty.
        RuntimeError: where CUDA is asked for and absent.
    """
    check_side("query", query_codes, query_labels)
    check_side("database", database_codes, database_labels)
    if query_codes.n_bits != database_codes.n_bits:
        raise ValueError(
            f"query codes have {query_codes.n_bits} bits but database codes have "
            f"{database_codes.n_bits}: encode both at one code length."
        )
    if query_labels.shape[1] != database_labels.shape[1]:
        raise ValueError(
            f"query_labels has {query_labels.shape[1]} columns but database_labels has "
            f"{database_labels.shape[1]}: both must name the same labels."
        )
    shape = (len(query_codes), query_codes.n_bits + 1, int(query_labels.sum(axis=1).max()) + 1)
    counts = np.zeros(shape, dtype=np.int64)
    sides = (query_codes, database_codes, query_labels, database_labels, counts)
    chosen = torch.device(device)
    if chosen.type == "cpu":
        _count_words(*sides)
    elif chosen.type == "cuda" and not torch.cuda.is_available():
        raise RuntimeError(
            f"device is {device!r}, but no CUDA device is available: use device='cpu'."
        )
    else:
        _count_tensors(*sides, chosen)
    return RankProfile(counts)


def check_side(side: str, codes: HashCodes, labels: np.ndarray) -> None:
    """Refuse codes and labels of the queries or the database that do not align."""
    if len(codes) == 0:
        raise ValueError(f"{side}_codes is empty: there is nothing to rank.")
    if labels.ndim != 2 or labels.dtype != np.bool_ or labels.shape[1] == 0:
        raise ValueError(
            f"{side}_labels must be bool [{len(codes)}, C], but is {labels.dtype} "
            f"{list(labels.shape)}."
        )
    if len(labels) != len(codes):
        raise ValueError(
            f"{side}_codes has {len(codes)} rows but {side}_labels has {len(labels)}: they must "
            "align."
        )


def _label_words(labels: np.ndarray) -> np.ndarray:
    """Labels `bool [N, C]` as words, `uint64 [N, ceil(C / 64)]`."""
    return HashCodes(np.packbits(labels, axis=1), labels.shape[1]).words


def _count_words(
    query_codes: HashCodes,
    database_codes: HashCodes,
    query_labels: np.ndarray,
    database_labels: np.ndarray,
    counts: np.ndarray,
) -> None:
    codes, labels = query_codes.words, _label_words(query_labels)
    # Word by word, so that the kernel reads each word's keys in a row: [words, N].
    database = database_codes.words, _label_words(database_labels)
    keys = [np.ascontiguousarray(words.T) for words in database]
    bucket_type = np.uint16 if counts[0].size <= 1 << 16 else np.uint32

    def count(some: slice) -> None:
        buckets = np.empty(BLOCK, dtype=bucket_type)
        for start in range(0, len(database_codes), TILE):
            tile = [words[:, start : start + TILE] for words in keys]
            _count_kernel(codes[some], labels[some], *tile, buckets, counts[some])  # type: ignore[call-arg]

    # The kernel frees the interpreter lock, so plain threads do: unlike Numba's own they survive
    # a fork and calls from several threads.
    threads = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    edges = np.linspace(0, len(counts), min(len(counts), 4 * threads) + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(count, map(slice, edges[:-1], edges[1:])))


def _count_bits(typing_context, word):  # type: ignore[no-untyped-def]
    """The number of set bits of a 64-bit word, by the processor's own instruction."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


_popcount: Any = intrinsic(_count_bits)


@njit(nogil=True)
def _count_kernel(query_words, query_labels, key_words, key_labels, buckets, counts):  # type: ignore[no-untyped-def]
    """Add the counts of words `[Q, W]`, `[Q, L]` against `[W, N]`, `[L, N]` to `[Q, K+1, G+1]`."""
    n_keys = key_words.shape[1]
    depth = np.uint64(counts.shape[2])
    lanes = np.zeros((counts.shape[1] * counts.shape[2], LANES), dtype=np.uint32)
    for q in range(len(query_words)):
        for start in range(0, n_keys, BLOCK):
            size = min(BLOCK, n_keys - start)
            some = slice(start, start + size)
            # The first words together, in one pass: most codes and labels have no others.
            code, label = query_words[q, 0], query_labels[q, 0]
            codes, labels = key_words[0, some], key_labels[0, some]
            for i in range(size):
                shared = _popcount(label & labels[i])
                buckets[i] = _popcount(code ^ codes[i]) * depth + shared
            for w in range(1, len(key_words)):
                code, codes = query_words[q, w], key_words[w, some]
                for i in range(size):
                    buckets[i] += _popcount(code ^ codes[i]) * depth
            for w in range(1, len(key_labels)):
                label, labels = query_labels[q, w], key_labels[w, some]
                for i in range(size):
                    buckets[i] += _popcount(label & labels[i])
            even = size - size % LANES
            for i in range(0, even, LANES):
                for lane in range(LANES):
                    lanes[buckets[i + lane], lane] += np.uint32(1)
            for i in range(even, size):
                lanes[buckets[i], 0] += np.uint32(1)
        flat = counts[q].reshape(-1)
        for b in range(len(flat)):
            for lane in range(LANES):
                flat[b] += lanes[b, lane]
                lanes[b, lane] = 0


def _count_tensors(
    query_codes: HashCodes,
    database_codes: HashCodes,
    query_labels: np.ndarray,
    database_labels: np.ndarray,
    counts: np.ndarray,
    device: torch.device,
) -> None:
    n_queries, depth = len(counts), counts.shape[2]
    # Products of -1, 0 and 1 summed in float32 are exact up to 2^24 bits or labels.
    tensor = partial(torch.as_tensor, dtype=torch.float32, device=device)
    n_keys = min(len(database_codes), 1 << 16)
    n_rows = max(1, min(n_queries, TENSOR_ENTRIES // n_keys))
    total = torch.zeros(n_queries, counts[0].size, dtype=torch.int64, device=device)
    for start in range(0, len(database_codes), n_keys):
        some = slice(start, start + n_keys)
        keys, key_labels = tensor(database_codes[some].signs()), tensor(database_labels[some])
        for first in range(0, n_queries, n_rows):
            rows = slice(first, first + n_rows)
            inner = tensor(query_codes[rows].signs()) @ keys.T  # [rows, keys]
            distances = (query_codes.n_bits - inner) / 2
            shared = tensor(query_labels[rows]) @ key_labels.T
            buckets = (distances * depth + shared).long()
            buckets += torch.arange(len(buckets), device=device)[:, None] * total.shape[1]
            size = len(buckets) * total.shape[1]
            found = torch.bincount(buckets.flatten(), minlength=size)
            total[rows] += found.view(-1, total.shape[1])
    counts[:] = total.cpu().numpy().reshape(counts.shape)
