"""Time and memory of `sharded_rank_profile` over up to 100 million codes, and on N machines.

    python benchmarks/scaling.py && python benchmarks/approximate.py && python benchmarks/page.py

Codes and labels come from a seed, shard by shard, or from the memory-mapped files that
`write_shards` made of the same shards. Every row is a separate process, whose resident memory is
read before it counts and at its peak. Seconds for N machines are those of the shards that the
machine with the most would count, at the measured seconds a shard.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from ranking import megabytes, peak_megabytes
from table import report

from mmhash_nb.codes import HashCodes
from mmhash_nb.io.project import output_folder
from mmhash_nb.shards import Shard, open_shards, sharded_rank_profile, write_shards

BITS, LABELS = 64, 24
MACHINES = (4, 16, 64)  # besides one


def made_up(n: int, seed: int, number: int) -> Shard:
    """Shard `number`: random codes of 64 bits, and 24 labels of which each is there by 1/8."""
    rng = np.random.default_rng([seed, number])
    codes = np.frombuffer(rng.bytes(n * BITS // 8), np.uint8).reshape(n, -1)
    words = np.frombuffer(rng.bytes(3 * n * LABELS // 8), np.uint8).reshape(3, n, -1)
    labels = np.unpackbits(words[0] & words[1] & words[2], axis=1)
    return HashCodes(codes, BITS), labels.view(np.bool_)


def fresh_processes() -> ProcessPoolExecutor:
    """Runs each task in a separate process, one at a time, whose memory nothing else has used."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), max_tasks_per_child=1)


def measured(source: str, folder: Path, n_queries: int, n_shards: int, n: int) -> dict[str, object]:
    """One row of the table, and the counts of the first query as `check`."""
    queries, query_labels = made_up(n_queries, 1, 0)
    written = open_shards(folder) if source == "files" else None
    sharded_rank_profile(queries, query_labels, [made_up(1000, 2, 0)])  # compiles
    making = counting = 0.0

    def shard(number: int) -> Shard:
        nonlocal making
        start = time.perf_counter()
        made = written[number] if written else made_up(n, 0, number)
        making += time.perf_counter() - start
        return made

    def count() -> None:
        nonlocal profile, counting
        start = time.perf_counter()
        profile = sharded_rank_profile(queries, query_labels, map(shard, range(n_shards)))
        counting = time.perf_counter() - start - making

    profile = None
    before = megabytes("VmRSS")
    added = peak_megabytes(count)
    n_codes = n_shards * n
    if not (profile.items.sum(axis=1) == n_codes).all():
        raise AssertionError(f"{n_codes} codes were not all counted")
    # Files are read where their pages are first touched, so making a shard of them is counted in.
    seconds = counting + making * (source == "files")
    return {
        "shards": source,
        "million codes": f"{n_codes / 1e6:g}",
        "queries": n_queries,
        "seconds": f"{seconds:.2f}",
        "ms per million codes and query": f"{1e9 * seconds / n_codes / n_queries:.3f}",
        "seconds to make the shards": "" if written else f"{making:.2f}",
        "peak memory, MB": f"{before + added:.0f}",
        "above the start, MB": f"{added:.0f}",
        **{
            f"seconds on {m} machines": f"{seconds * -(-n_shards // m) / n_shards:.2f}"
            for m in MACHINES
        },
        "codes in a shard": n,
        "bits": BITS,
        "labels": LABELS,
        "cores": len(os.sched_getaffinity(0)),
        "check": profile.counts[0].tolist(),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 10, 100])
    parser.add_argument("--shard", type=int, default=1_000_000, help="codes in a shard")
    parser.add_argument("--queries", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--csv", type=Path, default=output_folder() / "benchmarks_scaling.csv")
    options = parser.parse_args(arguments)

    sizes = [max(1, round(1e6 * millions / options.shard)) for millions in options.millions]
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder, fresh_processes() as fresh:
        written = Path(folder)
        write_shards(written, (made_up(options.shard, 0, i) for i in range(max(sizes))))
        for n_queries in options.queries:
            for n_shards in sizes:
                checks = []
                for source in ("made up", "files"):
                    row = fresh.submit(
                        measured, source, written, n_queries, n_shards, options.shard
                    ).result()
                    checks.append(row.pop("check"))
                    rows.append(row)
                if checks[0] != checks[1]:
                    raise AssertionError("shards from files are counted otherwise than made up")
    report(rows, options.csv)


if __name__ == "__main__":
    main()
