"""NUS-WIDE's text files of whole numbers, a row each line: parsed once, then mapped."""

import itertools
from functools import partial
from pathlib import Path

import numpy as np

from mmhash_nb.datasets.about import about
from mmhash_nb.io.cache import cached_array

PAGE = about("nuswide")["page"]
_LINES = 4_096
#: what to do about a file that is wrong
AGAIN = f"get the file again from {PAGE}"


def aligned(path: Path, columns: int, largest: int, n: int) -> np.ndarray:
    """The numbers of a file that must have `n` lines, as the first file of labels has.

    Raises:
        ValueError: it has not; and what `table` raises.
    """
    numbers = table(path, columns, largest)
    check_aligned(path, len(numbers), n)
    return numbers


def check_aligned(path: Path, lines: int, n: int) -> None:
    """Refuse a file of another number of lines than the first file of labels."""
    if lines != n:
        raise ValueError(
            f"{path} has {lines} lines, but the labels of the first concept have {n}: they "
            f"must align, so {AGAIN}."
        )


def table(path: Path, columns: int, largest: int) -> np.ndarray:
    """The numbers of a text file, `uint8` or `uint16 [lines, columns]`, mapped from the cache.

    Raises:
        ValueError: the file is empty, or a line holds something else than `columns` whole numbers
            from 0 to `largest` (with file and line).
    """
    key = (path, columns, largest)
    return cached_array("nuswide", key, partial(_parsed, path, columns, largest), mapped=True)


def _parsed(path: Path, columns: int, largest: int) -> np.ndarray:
    with open(path, "rb") as file:
        n = sum(1 for _ in file)
    if n == 0:
        raise ValueError(f"{path} is empty: {AGAIN}.")
    numbers = np.empty((n, columns), np.min_scalar_type(largest))
    with open(path, encoding="ascii", errors="replace", newline="\n") as file:
        start = 0
        while lines := list(itertools.islice(file, _LINES)):
            block = _numbers(lines, columns, largest)
            if block is None:
                raise ValueError(_fault(path, start, lines, columns, largest))
            numbers[start : start + len(lines)] = block
            start += len(lines)
    return numbers


def _numbers(lines: list[str], columns: int, largest: int) -> np.ndarray | None:
    """Lines of whole numbers from 0 to `largest`, or None where they are anything else."""
    if any(line.isspace() for line in lines):
        return None  # NumPy would skip it, and every later line would move up
    try:
        block = np.loadtxt(lines, dtype=np.int64, comments=None, ndmin=2)
    except ValueError:
        return None
    right = block.shape == (len(lines), columns) and block.min() >= 0 and block.max() <= largest
    return block if right else None


def _fault(path: Path, start: int, lines: list[str], columns: int, largest: int) -> str:
    number, line = next(
        (number, line)
        for number, line in enumerate(lines, start + 1)
        if _numbers([line], columns, largest) is None
    )
    values = line.split()
    fault = f"holds {len(values)} values, but must hold {columns}"
    if len(values) == columns:
        value = next(value for value in values if _numbers([value], 1, largest) is None)
        fault = f"holds {value}, but must hold whole numbers from 0 to {largest}"
    return f"line {number} of {path} {fault}: correct the line, or {AGAIN}."
