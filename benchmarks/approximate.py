"""Recall against time, building and memory of each kind of `HammingIndex`, to 10 million codes.

    python benchmarks/approximate.py

Codes are signs of random projections of points in Gaussian clusters of many sizes, with some bits
flipped, as hashing makes them; queries come from the same clusters. Recall is the share of found
codes that are no farther than the true k-th, so that no order among ties counts as a mistake. Every
index is built in a separate process, whose resident memory is read before it and after, and is
searched with more and more effort. Building `hnsw` takes by far the longest: larger
databases than `--hnsw-items` are not built; the table says so, and `page.py` projects the time.
"""

import argparse
import gc
import os
import tempfile
import time
from collections.abc import Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
from ranking import megabytes
from scaling import fresh_processes
from table import report

from mmhash_nb.codes import HammingIndex, HashCodes
from mmhash_nb.io.project import output_folder

BITS, DIMENSIONS, CLUSTERS, CHUNK = 64, 32, 2000, 1 << 18
EFFORTS = {
    "flat": (None,),
    "ivf": (1, 4, 16, 64, 256),
    "hnsw": (100, 200, 400, 800),
    "multihash": (0, 1, 2, 3),
}


def clustered_codes(n: int, seed: int) -> HashCodes:
    """Codes of n points in clusters of Zipf sizes; each bit is then flipped by 1/64."""
    shape = np.random.default_rng(0)  # the same clusters and hyperplanes for every seed
    centres = shape.standard_normal((CLUSTERS, DIMENSIONS), np.float32)
    planes = shape.standard_normal((DIMENSIONS, BITS), np.float32)
    rng = np.random.default_rng([1, seed])
    parts = []
    for start in range(0, n, CHUNK):
        size = min(CHUNK, n - start)
        which = rng.zipf(1.3, size) % CLUSTERS
        points = centres[which] + 0.5 * rng.standard_normal((size, DIMENSIONS), np.float32)
        random = np.frombuffer(rng.bytes(6 * size * BITS // 8), np.uint8).reshape(6, size, -1)
        flips = reduce(np.bitwise_and, random)
        parts.append(HashCodes.from_signs(points @ planes).bits ^ flips)
    return HashCodes(np.concatenate(parts), BITS)


def measured(
    kind: str, path: Path, n_queries: int, k: int, repeats: int, farthest: np.ndarray | None
) -> tuple[list[dict[str, Any]], np.ndarray]:
    """For each effort: milliseconds a query and recall; and the distances of the last search."""
    keys, queries = HashCodes(np.load(path), BITS), clustered_codes(n_queries, 1)
    _ = keys.words
    before = megabytes("VmRSS")
    start = time.perf_counter()
    index = HammingIndex(keys, kind)
    built = time.perf_counter() - start
    gc.collect()
    held = megabytes("VmRSS") - before
    rows = []
    for effort in EFFORTS[kind]:
        if effort is not None:
            try:
                index.effort = effort
            except ValueError:  # more lists than a small index has
                continue
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            distances, _ids = index.search(queries, k)
            times.append(time.perf_counter() - start)
        limit = distances[:, -1:] if farthest is None else farthest
        rows.append(
            {
                "effort": effort,
                "ms": 1000 * float(np.median(times)) / n_queries,
                "recall": float((distances <= limit).mean()),
                "built": built,
                "megabytes": held,
            }
        )
    return rows, distances[:, -1:]


def row(some: dict[str, Any], exact: float) -> dict[str, object]:
    """What one effort gave, in the table's columns; `exact` is the time of the flat index in ms."""
    columns = ("ms a query", "times faster than flat", "recall", "seconds to build", "memory, MB")
    effort = {"effort": "" if some["effort"] is None else some["effort"]}
    if some["built"] is None:
        nothing = dict.fromkeys([*columns, "queries that repay building"], "")
        return effort | nothing | {"seconds to build": "not built"}
    ms, saved = some["ms"], exact - some["ms"]
    values = (f"{ms:.3f}", f"{exact / ms:.1f}", f"{some['recall']:.3f}", f"{some['built']:.2f}")
    repaid = f"{1000 * some['built'] / saved:.0f}" if saved > 0 else ""
    return (
        effort
        | dict(zip(columns, (*values, f"{some['megabytes']:.0f}"), strict=True))
        | {"queries that repay building": repaid}
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sizes = [10_000, 30_000, 100_000, 1_000_000, 10_000_000]
    parser.add_argument("--items", type=int, nargs="+", default=sizes)
    parser.add_argument("--hnsw-items", type=int, default=1_000_000, help="the most hnsw indexes")
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--csv", type=Path, default=output_folder() / "benchmarks_approximate.csv")
    options = parser.parse_args(arguments)

    common = {"k": options.k, "queries": options.queries, "bits": BITS}
    common["cores"] = len(os.sched_getaffinity(0))
    table: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder, fresh_processes() as fresh:
        path = Path(folder) / "codes.npy"
        for items in options.items:
            np.save(path, clustered_codes(items, 0).bits)
            exact, farthest = 0.0, None
            for kind in EFFORTS:
                found: list[dict[str, Any]] = [{"built": None, "effort": None}]
                if kind != "hnsw" or items <= options.hnsw_items:
                    asked = (kind, path, options.queries, options.k, options.repeats, farthest)
                    found, last = fresh.submit(measured, *asked).result()
                    if kind == "flat":
                        exact, farthest = found[0]["ms"], last
                for some in found:
                    table.append({"items": items, "index": kind} | row(some, exact) | common)
    report(table, options.csv)


if __name__ == "__main__":
    main()
