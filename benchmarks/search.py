"""Time and recall of the nearest codes by each kind of `HammingIndex`, against NumPy.

    python benchmarks/search.py

NumPy counts differing bits of packed codes and partitions the distances, query by query, on a
sample of the queries. Recall is the share of found codes that are no farther than the true k-th.
Every repeat times all of them in turn; the table gives medians, and medians of the ratios.
"""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from table import report

from mmhash_nb.codes import HammingIndex, HashCodes
from mmhash_nb.io.project import output_folder

KINDS = ("flat", "ivf", "hnsw", "multihash")


def numpy_loop(queries: HashCodes, keys: HashCodes, k: int) -> np.ndarray:
    """The k smallest distances of each query, `int [Q, k]`."""
    nearest = []
    for word in queries.words:
        distances = np.bitwise_count(word ^ keys.words).sum(axis=1)
        nearest.append(np.sort(distances[np.argpartition(distances, k - 1)[:k]]))
    return np.array(nearest)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--items", type=int, default=193_734)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--sample", type=int, default=50, help="queries of the NumPy loop")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--csv", type=Path, default=output_folder() / "benchmarks_search.csv")
    options = parser.parse_args(arguments)

    # Codes in clusters of many sizes, as hashing makes them: uniform codes have no near ones.
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((500, options.bits), np.float32)
    n = options.queries + options.items
    which = np.minimum(rng.zipf(1.3, n), len(centres)) - 1
    noise = rng.standard_normal((n, options.bits), np.float32)
    codes = HashCodes.from_signs(centres[which] + 0.7 * noise)
    queries, keys = codes[: options.queries], codes[options.queries :]
    sample = queries[: options.sample]

    built, indexes = {}, {}
    for kind in KINDS:
        start = time.perf_counter()
        indexes[kind] = HammingIndex(keys, kind)
        built[kind] = time.perf_counter() - start
    farthest = indexes["flat"].search(queries, options.k)[0][:, -1:]
    expected = numpy_loop(sample, keys, options.k)
    if not np.array_equal(indexes["flat"].search(sample, options.k)[0], expected):
        raise AssertionError("the flat index and NumPy disagree about the nearest codes")

    times: dict[str, list[float]] = {}
    recall = {"NumPy": 1.0}
    for _ in range(options.repeats):
        start = time.perf_counter()
        numpy_loop(sample, keys, options.k)
        times.setdefault("NumPy", []).append((time.perf_counter() - start) / len(sample))
        for kind, index in indexes.items():
            start = time.perf_counter()
            distances, _ = index.search(queries, options.k)
            times.setdefault(kind, []).append((time.perf_counter() - start) / len(queries))
            recall[kind] = float((distances <= farthest).mean())
        start = time.perf_counter()
        for i in range(len(sample)):
            indexes["flat"].search(sample[i], options.k)
        one_by_one = (time.perf_counter() - start) / len(sample)
        times.setdefault("flat, one query a call", []).append(one_by_one)
    recall["flat, one query a call"] = 1.0
    measured = {name: np.array(t) for name, t in times.items()}
    report(
        [
            {
                "index": name,
                "ms a query": f"{1000 * np.median(t):.3f}",
                "times faster than NumPy": f"{np.median(measured['NumPy'] / t):.1f}",
                "recall": f"{recall[name]:.3f}",
                "seconds to build": f"{built[name]:.2f}" if name in built else "",
                "k": options.k,
                "items": options.items,
                "bits": options.bits,
                "cores": len(os.sched_getaffinity(0)),
            }
            for name, t in measured.items()
        ],
        options.csv,
    )


if __name__ == "__main__":
    main()
