"""Time of one slider move in the explorer: from the new value to the bytes of the picture.

    python benchmarks/explorer.py

Codes and labels of as many items as NUS-WIDE has, and pictures that are views into one another. A
move finds the nearest items, counts how far all items lie, draws, and encodes the PNG; what the
browser then adds is in `tests/browser`. Each row moves one control to another value each time and
gives the median and the slowest of its moves, and the processor's time, which other programs on
the machine hardly change. `first` is a move to a code length that was not asked before, whose codes
are gathered then.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from table import report

from mmhash_nb.codes import HashCodes
from mmhash_nb.experiments.collection import Collection
from mmhash_nb.explorer import Explorer
from mmhash_nb.io.project import output_folder
from mmhash_nb.pairs import Pairs

QUERIES, LABELS, WORDS, SIDE = 2_100, 21, 20, 64


def made_up(items: int) -> Pairs:
    """Pairs as many as asked for, besides the queries; picture i begins one byte after i - 1."""
    rng = np.random.default_rng(0)
    n = items + QUERIES
    labels = rng.random((n, LABELS)) < 0.1
    labels[np.arange(n), rng.integers(0, LABELS, n)] = True
    pixels = rng.integers(0, 256, n + 3 * SIDE * SIDE, dtype=np.uint8)
    shape, strides = (n, 3, SIDE, SIDE), (1, SIDE * SIDE, SIDE, 1)
    return Pairs(
        images=np.lib.stride_tricks.as_strided(pixels, shape, strides, writeable=False),
        texts=(rng.random((n, WORDS), np.float32) < 0.3).astype(np.float32),
        labels=labels,
        label_names=[f"concept {c}" for c in range(LABELS)],
        query=np.arange(QUERIES),
        database=np.arange(QUERIES, n),
        train=np.arange(QUERIES, QUERIES + 100),
        vocabulary=[f"word{v}" for v in range(WORDS)],
        name="made-up",
    )


def made_up_codes(pairs: Pairs, bits: int, seed: int) -> dict[str, HashCodes]:
    """Codes that know the labels a little, as those of a method do."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((LABELS, bits), np.float32)
    noise = (rng.standard_normal((len(pairs), bits), np.float32) for _ in range(2))
    sides = zip(("image", "text"), noise, strict=True)
    return {side: HashCodes.from_signs(pairs.labels @ centres + 2 * some) for side, some in sides}


def milliseconds(
    move: Callable[[int], None], values: Iterable[int], explorer: Explorer
) -> np.ndarray:
    """The time of each move and the processor's, `[moves, 2]`; each must draw another picture."""
    times = []
    for value in values:
        before = explorer.picture.value
        start = time.perf_counter(), time.process_time()
        move(value)
        taken = time.perf_counter() - start[0], time.process_time() - start[1]
        times.append([1000 * seconds for seconds in taken])
        if explorer.picture.value == before:
            raise AssertionError(f"the picture did not change with the move to {value}")
    return np.array(times)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=193_734)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--moves", type=int, default=30)
    parser.add_argument("--csv", type=Path, default=output_folder() / "benchmarks_explorer.csv")
    options = parser.parse_args(arguments)

    pairs = made_up(options.items)
    names = ("mmnn_l2", "cmnn_l2")
    lengths = (options.bits, options.bits + 1)
    codes = {
        (name, bits): made_up_codes(pairs, bits, seed)
        for seed, name in enumerate(names)
        for bits in lengths
    }
    explorer = Explorer({pairs.name: Collection(pairs, codes)})
    explorer.direction.value = "text-image"

    def setter(control: str) -> Callable[[int], None]:
        return lambda value: setattr(getattr(explorer, control), "value", value)

    moves = range(1, options.moves + 1)
    times = {"query": milliseconds(setter("query"), moves, explorer)}
    times["radius"] = milliseconds(setter("radius"), [3 + m % 20 for m in moves], explorer)
    times["results"] = milliseconds(setter("k"), [10 + m % 11 for m in moves], explorer)
    explorer.k.value = 10
    times["only mistakes"] = milliseconds(setter("mistakes"), [m % 2 == 1 for m in moves], explorer)
    explorer.mistakes.value = False
    times["bits, first"] = milliseconds(setter("bits"), lengths[1:], explorer)
    explorer.bits.value = lengths[0]
    explorer.k.value = 20
    times["query, 20 results"] = milliseconds(setter("query"), moves, explorer)
    explorer.k.value = 10
    explorer.beside.value = names[1]
    back = range(options.moves, 0, -1)
    explorer.query.value = 0
    times["query, two methods"] = milliseconds(setter("query"), back, explorer)
    report(
        [
            {
                "move": name,
                "ms, median": f"{np.median(some[:, 0]):.0f}",
                "ms, slowest": f"{some[:, 0].max():.0f}",
                "processor ms, median": f"{np.median(some[:, 1]):.0f}",
                "moves": len(some),
                "items": options.items,
                "bits": options.bits,
                "cores": len(os.sched_getaffinity(0)),
                "load": f"{os.getloadavg()[0]:.1f}",
            }
            for name, some in times.items()
        ],
        options.csv,
    )


if __name__ == "__main__":
    main()
