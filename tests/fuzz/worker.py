"""Damage files and read them: `python tests/fuzz/worker.py SEED [FAMILY [CASE]]`.

A reader gives a clear error, or None where it refuses without one, or data: those of the good file
where it is cut short or its format has a checksum. Bits turned in plain numbers give others.

Before each case it prints its family and number, so that whoever started this process knows which
one ended it. A case that does not give what it should is printed with `!`, and the next one runs.
"""

import faulthandler
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
from dask.base import tokenize

import mmhash_nb

#: what is left of lines of text may be a shorter text
LINES = (".txt", ".csv", ".list", ".dat", ".yaml", ".tra", ".tes")
#: functions that split samples, or choose words from their texts
SPLITTERS = ("split", "at_random", "for_each_label", "bag_of_words")
PACKAGE = str(Path(mmhash_nb.__file__).parent)
#: a case that takes longer hangs
SECONDS = 20
#: what reading a file of some kilobytes may take, beside what the process has
BYTES = 1 << 30


def damaged(good: bytes, rng: np.random.Generator) -> bytes:
    """`good` cut, changed in some bits or bytes, grown, or replaced."""
    kind, at = rng.integers(8), int(rng.integers(len(good) + 1))
    if kind == 0:
        return rng.bytes(int(rng.integers(600)))
    if kind == 1:
        return good[:at]
    if kind == 2:  # what a header says is near the front
        head = good[: min(len(good), 256)]
        return bytes(b ^ int(rng.random() < 0.02) * 255 for b in head) + good[256:]
    if kind in (3, 4, 5):
        changed = bytearray(good)
        front = 512 if rng.random() < 0.5 else len(good)
        for place in rng.integers(min(front, len(good)), size=int(rng.integers(1, 9))):
            changed[place] ^= 1 << int(rng.integers(8))
        return bytes(changed)
    span = int(rng.integers(1, 40))
    filling = rng.bytes(span) if rng.random() < 0.5 else bytes([int(rng.choice([0, 255]))]) * span
    return good[:at] + filling + good[at + (span if kind == 6 else 0) :]


def fault(error: BaseException, names: set[str]) -> str:
    """What is wrong with an error: empty where it is one sentence of ours that names the file."""
    frames = traceback.extract_tb(error.__traceback__)
    sentence = str(error)
    if type(error) not in (ValueError, FileNotFoundError):
        return f"is a {type(error).__name__}"
    if not frames[-1].filename.startswith(PACKAGE):
        return f"comes from {frames[-1].filename}"
    if "\n" in sentence or not sentence.endswith((".", ".)")):
        return "is not one sentence"
    # Pairs and splits check what they are made of; which file it came from they do not know.
    far = frames[-1].filename.endswith("pairs.py") or frames[-1].name in SPLITTERS
    if not far and not any(name in sentence for name in names):
        return "does not name the file"
    return ""


def tokens(found: object) -> set[str]:
    """What tells data from others, of each item where they are a mapping."""
    return set(map(tokenize, found.items())) if isinstance(found, dict) else {tokenize(found)}


def other(found: object, good: set[str], cut: bool, exact: bool) -> str:
    """What is wrong with data read from a damaged file; None is no data.

    A member may be lost from the listing of an archive, which has no checksum; none may be another.
    """
    if found is None or not (cut or exact):
        return ""
    right = tokens(found) == good if cut else tokens(found) <= good
    return "" if right else "gives other data"


def too_long(*_: object) -> None:
    raise TimeoutError(f"still not read after {SECONDS} seconds")


def run(name: str, only: int | None, seed: int) -> None:
    from families import EXACT, FAMILIES

    family, count = FAMILIES[name]
    with tempfile.TemporaryDirectory() as made:
        folder, cache = Path(made) / "files", Path(made) / "cache"
        folder.mkdir()
        os.environ["MMHASH_CACHE"] = str(cache)
        read = family(folder)
        good = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
        good = {path: data for path, data in good.items() if data}
        right = tokens(read())  # of the good files
        names = {path.name for path in good} | {str(folder)}
        # Tables are few and photos many: half of the cases are the tables'.
        chief = [path for path in good if path.suffix not in (".jpg", ".png")]
        for case in range(count) if only is None else [only]:
            print(name, case, flush=True)
            rng = np.random.default_rng([seed, *name.encode(), case])
            paths = chief if rng.random() < 0.6 else list(good)
            path = paths[int(rng.integers(len(paths)))]
            data = damaged(good[path], rng)
            path.write_bytes(data)
            cut = good[path].startswith(data) and data != good[path] and path.suffix not in LINES
            os.utime(path, ns=(case + 1, case + 1))  # caches tell files apart by it
            start = time.monotonic()
            signal.alarm(SECONDS)
            faulthandler.dump_traceback_later(2 * SECONDS, exit=True)
            try:
                if wrong := other(read(), right, cut, name in EXACT):
                    print("!", name, case, path.name, wrong, flush=True)
            except BaseException as error:
                if wrong := fault(error, names):
                    sentence = " ".join(f"{type(error).__name__}: {error}".split())
                    print("!", name, case, path.name, wrong, sentence[:400], flush=True)
                    if only is not None:
                        traceback.print_exc()
            finally:
                signal.alarm(0)
                faulthandler.cancel_dump_traceback_later()
            if time.monotonic() - start >= SECONDS:  # a reader may have caught the alarm
                print("!", name, case, path.name, f"takes {SECONDS} seconds", flush=True)
            path.write_bytes(good[path])
            os.utime(path, ns=(0, 0))


def main(seed: str, name: str = "", case: str = "") -> None:
    from families import FAMILIES

    faulthandler.enable()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, too_long)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + BYTES
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for family in name.split(",") if name else FAMILIES:
        run(family, int(case) if case else None, int(seed))


if __name__ == "__main__":
    main(*sys.argv[1:])
