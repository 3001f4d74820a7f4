"""What `rank_profile` counts with: a compiled kernel over packed words, and products of tensors."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numba
import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from mmhash_nb.codes import HashCodes, label_words

# Keys whose buckets are found at once (the buffer stays in the first cache), and interleaved
# histograms: a run of equal buckets then never waits for the increment just before it.
BLOCK, LANES = 2048, 8
# Keys read for one query after another while they stay in the second cache.
TILE = 1 << 16
# Entries of the query × database matrices that the tensor path holds at once.
TENSOR_ENTRIES = 1 << 24


def count_words(
    query_codes: HashCodes,
    database_codes: HashCodes,
    query_labels: np.ndarray,
    database_labels: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Add to `counts` `[Q, K+1, G+1]` what `rank_profile` counts, on the processor's cores."""
    codes, labels = query_codes.words, label_words(query_labels)
    # Word by word, so that the kernel reads each word's keys in a row: [words, N].
    database = database_codes.words, label_words(database_labels)
    keys = [np.ascontiguousarray(words.T) for words in database]
    bucket_type = np.uint16 if counts[0].size <= 1 << 16 else np.uint32

    def count(some: slice) -> None:
        buckets = np.empty(BLOCK, dtype=bucket_type)
        for start in range(0, len(database_codes), TILE):
            tile = [words[:, start : start + TILE] for words in keys]
            _count_kernel(codes[some], labels[some], *tile, buckets, counts[some])  # type: ignore[call-arg]

    # The kernel frees the interpreter lock, so plain threads do: unlike those of Numba they survive
    # a fork and calls from several threads.
    threads = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    edges = np.linspace(0, len(counts), min(len(counts), 4 * threads) + 1).astype(int)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(count, map(slice, edges[:-1], edges[1:])))


def _count_bits(typing_context, word):  # type: ignore[no-untyped-def]
    """The number of set bits of a 64-bit word, by the processor's instruction."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


popcount: Any = intrinsic(_count_bits)


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
                shared = popcount(label & labels[i])
                buckets[i] = popcount(code ^ codes[i]) * depth + shared
            for w in range(1, len(key_words)):
                code, codes = query_words[q, w], key_words[w, some]
                for i in range(size):
                    buckets[i] += popcount(code ^ codes[i]) * depth
            for w in range(1, len(key_labels)):
                label, labels = query_labels[q, w], key_labels[w, some]
                for i in range(size):
                    buckets[i] += popcount(label & labels[i])
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


def count_tensors(
    query_codes: HashCodes,
    database_codes: HashCodes,
    query_labels: np.ndarray,
    database_labels: np.ndarray,
    counts: np.ndarray,
    device: str,
) -> None:
    """`count_words` by matrix products on a device of PyTorch.

    Raises:
        RuntimeError: where a CUDA device is named and none is there.
    """
    import torch  # seconds, which counting on the processor does not wait for

    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise RuntimeError(
            f"device is {device!r}, but no CUDA device is available: use device='cpu'."
        )
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
