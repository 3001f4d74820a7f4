"""Time of all metrics against the common loop for mAP alone, and against a bare popcount scan.

    python benchmarks/ranking.py

The common loop is what public hashing code does for each query: a float32 dot product of signs,
an argsort, the mean of the precisions at the relevant items. It runs on a sample of the queries,
scaled. The scan reads the same packed codes in as many threads and only sums the differing bits.
Every repeat times all of them in turn; the table gives medians, and medians of the ratios.
"""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
from table import report

from mmhash_nb import metrics
from mmhash_nb.codes import HashCodes
from mmhash_nb.io.project import output_folder
from mmhash_nb.rank_counts import popcount
from mmhash_nb.ranking import RankProfile, rank_profile


@numba.njit(nogil=True)
def scan(query_words, key_words):  # type: ignore[no-untyped-def]
    """The differing bits of all pairs of one-word codes, summed."""
    total = np.uint64(0)
    for q in range(len(query_words)):
        word, differing = query_words[q], np.uint64(0)
        for i in range(len(key_words)):
            differing += popcount(word ^ key_words[i])
        total += differing
    return total


def scan_all(queries: HashCodes, keys: HashCodes) -> int:
    threads = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    # Contiguous, since the compiler only vectorises what lies in a row.
    columns = [np.ascontiguousarray(keys.words[:, w]) for w in range(keys.words.shape[1])]
    parts = [np.ascontiguousarray(p) for p in np.array_split(queries.words, threads)]
    with ThreadPoolExecutor(threads) as pool:
        return sum(
            sum(pool.map(lambda part, w=w, c=c: int(scan(part[:, w].copy(), c)), parts))
            for w, c in enumerate(columns)
        )


def common_loop(
    queries: np.ndarray, keys: np.ndarray, query_labels: np.ndarray, key_labels: np.ndarray
) -> list[float]:
    """Average precision of each query, from signs `float32 [., K]` and labels `float32 [., C]`."""
    values = []
    for signs, labels in zip(queries, query_labels, strict=True):
        distances = 0.5 * (keys.shape[1] - signs @ keys.T)
        relevant = (labels @ key_labels.T > 0)[np.argsort(distances)]
        ranks = np.flatnonzero(relevant) + 1
        values.append(float(np.mean(np.arange(1, len(ranks) + 1) / ranks)) if len(ranks) else 0.0)
    return values


def all_metrics(profile: RankProfile) -> None:
    """Every metric of `mmhash_nb.metrics`, with graded relevance and every rule for ties."""
    at = min(5000, int(profile.items.sum(axis=1).min()))
    for ties in ("expected", "best", "worst"):
        metrics.mean_average_precision(profile, ties=ties)
    for normalise_by in ("relevant", "min", "retrieved"):
        metrics.mean_average_precision(profile, at, normalise_by)
    for metric in (metrics.precision_at, metrics.recall_at, metrics.ndcg, metrics.acg):
        metric(profile, at)
    metrics.lookup_precision(profile)
    metrics.precision_recall(profile)
    metrics.precision_recall_ranked(profile, np.linspace(0, 1, 101))


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak_megabytes(call: Callable[[], object]) -> float:
    """How far the resident memory of this process rises while `call` runs (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")  # starts the high-water mark again
    before = megabytes("VmRSS")
    call()
    return megabytes("VmHWM") - before


def megabytes(field: str) -> float:
    """`VmRSS`, the resident memory of this process, or `VmHWM`, its peak (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(x.split()[1]) / 1024 for x in lines if x.startswith(field))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=2100)
    parser.add_argument("--items", type=int, default=193_734)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--labels", type=int, default=21)
    parser.add_argument("--sample", type=int, default=30, help="queries of the common loop")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--csv", type=Path, default=output_folder() / "benchmarks_ranking.csv")
    options = parser.parse_args(arguments)

    rng = np.random.default_rng(0)
    codes, labels = [], []
    for n in (options.queries, options.items):
        codes.append(HashCodes.from_signs(rng.standard_normal((n, options.bits), np.float32)))
        labels.append(rng.random((n, options.labels), np.float32) < 0.12)
    profile = rank_profile(codes[0][:2], codes[1][:99], labels[0][:2], labels[1][:99])  # compiles
    scan_all(codes[0][:2], codes[1][:99])

    def count_and_measure() -> None:
        nonlocal profile
        profile = rank_profile(*codes, *labels)
        all_metrics(profile)

    megabytes = peak_megabytes(count_and_measure)
    sample = np.linspace(0, options.queries - 1, min(options.sample, options.queries)).astype(int)
    signs = [codes[0][sample].signs().astype(np.float32), codes[1].signs().astype(np.float32)]
    real = [labels[0][sample].astype(np.float32), labels[1].astype(np.float32)]
    bounds = [metrics.average_precision(profile, ties=ties)[sample] for ties in ("worst", "best")]
    values = common_loop(*signs, *real)
    if not ((bounds[0] <= np.add(values, 1e-6)) & (values <= bounds[1] + 1e-6)).all():
        raise AssertionError("the common loop and the profile disagree about average precision")

    times: dict[str, list[float]] = {}
    for _ in range(options.repeats):
        runs = {
            "common loop, mAP alone": lambda: common_loop(*signs, *real),
            "popcount scan, no metric": lambda: scan_all(*codes),
            "rank_profile": lambda: rank_profile(*codes, *labels),
            "all metrics from the profile": lambda: all_metrics(RankProfile(profile.counts)),
        }
        for name, run in runs.items():
            times.setdefault(name, []).append(seconds(run))
    measured = {name: np.array(t) for name, t in times.items()}
    loop, bare, count, derive = measured
    measured[loop] *= options.queries / len(sample)
    measured["rank_profile and all metrics"] = measured[count] + measured[derive]
    report(
        [
            {
                "what": name,
                "seconds": f"{np.median(t):.3f}",
                "times faster than the loop": f"{np.median(measured[loop] / t):.1f}",
                "times the scan": f"{np.median(t / measured[bare]):.1f}",
                "memory, MB": f"{megabytes:.0f}" if name.endswith("and all metrics") else "",
                "queries": options.queries,
                "items": options.items,
                "bits": options.bits,
                "labels": options.labels,
                "cores": len(os.sched_getaffinity(0)),
            }
            for name, t in measured.items()
        ],
        options.csv,
    )


if __name__ == "__main__":
    main()
