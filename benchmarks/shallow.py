"""Seconds that each shallow cross-modal method takes to learn, against two ridge regressions.

    python benchmarks/shallow.py

Pairs of 1,000-d features with 50 common factors under noise, and labels from the factors. The ridge
regressions, of random codes on either view, are what a method of one closed form cannot do without.
Everything runs as in `results.run`, with one BLAS thread.
"""

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import linalg
from table import report
from threadpoolctl import threadpool_limits

from mmhash_nb import hashers
from mmhash_nb.io.project import output_folder
from mmhash_nb.pairs import Pairs

METHODS = (
    *("cca_hash", "cvh", "cca_itq", "pdh", "lssh", "cmfh", "scm", "scm_orth"),
    *("stmh", "sephkm", "discmh"),
)
FACTORS, LABELS = 50, 24


def random_pairs(n: int, d: int) -> Pairs:
    """Two views `[n, d]` of the same factors, the first of which decide the labels."""
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((n, FACTORS))

    def view() -> np.ndarray:
        seen = factors @ rng.standard_normal((FACTORS, d)) + 3 * rng.standard_normal((n, d))
        return seen.astype(np.float32)

    labels = factors[:, :LABELS] > 1.5
    labels[np.arange(n), factors[:, :LABELS].argmax(axis=1)] = True
    every = np.arange(n)
    names = [f"label {i}" for i in range(LABELS)]
    return Pairs(view(), view(), labels, names, every[:0], every, every, name="factors")


def ridges(pairs: Pairs, bits: int) -> None:
    """Ridge regressions of random codes on each view."""
    codes = np.random.default_rng(0).choice([-1.0, 1.0], (len(pairs), bits))
    for x in (pairs.images.astype(np.float64), pairs.texts.astype(np.float64)):
        linalg.solve(x.T @ x + np.eye(x.shape[1]), x.T @ codes, assume_a="pos")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--dimensions", type=int, default=1000)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--csv", type=Path, default=output_folder() / "benchmarks_shallow.csv")
    options = parser.parse_args(arguments)
    pairs = random_pairs(options.pairs, options.dimensions)
    rows = []
    with threadpool_limits(1, user_api="blas"):
        for name in METHODS:
            # Before each method, since other work on the machine comes and goes.
            start = time.perf_counter()
            ridges(pairs, options.bits)
            baseline = time.perf_counter() - start
            start = time.perf_counter()
            hashers.create(name, options.bits).fit(pairs)
            seconds = time.perf_counter() - start
            rows.append(
                {
                    "method": name,
                    "seconds to fit": f"{seconds:.1f}",
                    "times two ridge regressions": f"{seconds / baseline:.1f}",
                    "pairs": options.pairs,
                    "dimensions": options.dimensions,
                    "bits": options.bits,
                    "cores": len(os.sched_getaffinity(0)),
                }
            )
            print(f"{name}: {seconds:.1f} s", flush=True)
    report(rows, options.csv)


if __name__ == "__main__":
    main()
