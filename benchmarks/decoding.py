"""Photos into squares: `datasets.store` against a plain loop over the same files, in one run.

    python benchmarks/decoding.py

The loop opens, decodes and scales one photo after the other, as data sets of public code do. The
store decodes on all cores, at a part of the size where that is enough, and writes to the disk. The
photos are made up, 500 x 375 pixels as MIRFlickr's mostly are; every repeat times both in turn, the
store with an empty cache. The table gives medians.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from table import report

from mmhash_nb.datasets import store
from mmhash_nb.io.project import output_folder

#: what decoding at a part of the size may differ by, of 255, on average
TOLERANCE = 2.0


def make_photos(folder: Path, n: int) -> list[Path]:
    """Smooth shapes under noise, whose JPEG files are as long as those of photos (about 100 KB)."""
    rng = np.random.default_rng(0)
    paths = [folder / f"im{i}.jpg" for i in range(n)]
    for path in paths:
        small = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
        smooth = np.asarray(small.resize((500, 375), Image.Resampling.BICUBIC), dtype=np.int16)
        noise = rng.integers(-12, 13, smooth.shape, dtype=np.int16)
        Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8)).save(path, quality=95)
    return paths


def loop(paths: Sequence[Path], size: int) -> np.ndarray:
    """The same squares, decoded one by one at full size."""
    squares = []
    for path in paths:
        with Image.open(path) as opened:
            square = opened.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        squares.append(np.asarray(square).transpose(2, 0, 1))
    return np.stack(squares)


def seconds(what: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """How long `what` takes, and what it gives."""
    start = time.perf_counter()
    result = what()
    return time.perf_counter() - start, result


def main() -> None:
    """Time both, check that they agree, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=1_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128, 224])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--csv", type=Path, default=output_folder() / "benchmarks_decoding.csv")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as made:
        paths = make_photos(Path(made), options.images)
        for size in options.sizes:
            times = []
            for repeat in range(options.repeats):
                os.environ["MMHASH_CACHE"] = str(Path(made) / f"{size}-{repeat}")
                plain, expected = seconds(lambda size=size: loop(paths, size))
                stored, found = seconds(lambda size=size: store.decoded(paths, size))
                opened, _ = seconds(lambda size=size: store.decoded(paths, size))
                times.append((plain, stored, opened))
                difference = np.abs(found.astype(np.int16) - expected).mean()
                if not difference <= TOLERANCE:
                    raise AssertionError(f"loop and store differ by {difference:.2f} on average")
            plain, stored, opened = np.median(times, axis=0)
            rows.append(
                {
                    "side in pixels": size,
                    "loop, images/s": f"{options.images / plain:.0f}",
                    "store, images/s": f"{options.images / stored:.0f}",
                    "ratio": f"{plain / stored:.1f}",
                    "25,000 photos, s": f"{25_000 * stored / options.images:.0f}",
                    "opened again, ms": f"{1000 * opened:.0f}",
                }
            )
    report(rows, options.csv)


if __name__ == "__main__":
    main()
