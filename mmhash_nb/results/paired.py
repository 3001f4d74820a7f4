"""Paired comparison over seeds: what a claim is checked by."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from mmhash_nb import published
from mmhash_nb.results.compare import interval
from mmhash_nb.results.records import Cells

Ruling = Literal["holds", "does not hold", "within noise", "not run"]


class Compared(NamedTuple):
    """One comparison: what a claim wants to be positive, by seed; empty where it was not run."""

    label: str
    differences: np.ndarray


@dataclass(frozen=True)
class Verdict:
    """What came out: the ruling, over how many comparisons, and the one that decided it."""

    ruling: Ruling
    cells: int
    detail: str


@dataclass(frozen=True)
class Better:
    """Of each pair of methods, the first scores above the second, in every task, length and metric.

    Args:
        pairs: (better, worse) by registry names.
        tasks, metrics: where the claim says so.
        margin: how far above; negative for "does not deteriorate".
    """

    pairs: tuple[tuple[str, str], ...]
    tasks: tuple[str, ...]
    metrics: tuple[str, ...] = ("mAP",)
    margin: float = 0.0

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """First minus second minus margin, paired by seed, for each task, length and metric."""
        for (a, b), task, metric in product(self.pairs, self.tasks, self.metrics):
            label = f"{a} − {b}, {task}, {metric}"
            for bits, difference in _differences(ours, dataset, a, b, task, metric):
                yield Compared(f"{label}, {bits} bits" if bits else label, difference - self.margin)


@dataclass(frozen=True)
class Near:
    """Two methods score the same within a tolerance: what is positive is the room left to it."""

    pair: tuple[str, str]
    tasks: tuple[str, ...]
    within: float

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """`within` minus the absolute mean difference, its spread that of the differences."""
        for task in self.tasks:
            label = f"{self.within} − |{self.pair[0]} − {self.pair[1]}|, {task}, mAP"
            for bits, difference in _differences(ours, dataset, *self.pair, task, "mAP"):
                towards = np.sign(difference.mean()) if difference.size else 1.0
                yield Compared(f"{label}, {bits} bits", self.within - towards * difference)


@dataclass(frozen=True)
class GrowsWithBits:
    """A method scores higher at its longest code length than at its shortest, in every task."""

    method: str
    tasks: tuple[str, ...]

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """Longest minus shortest, paired by seed."""
        for task in self.tasks:
            there = ours.lengths(self.method, dataset, task, "mAP")
            label = f"{self.method}, {task}, mAP"
            if len(there) < 2:
                yield Compared(f"{label} at two lengths", np.empty(0))
                continue
            short, long = (
                ours.by_seed(self.method, dataset, task, bits, "mAP")
                for bits in (there[0], there[-1])
            )
            yield Compared(f"{label}, {there[-1]} − {there[0]} bits", _minus(long, short))


def judge(cells: Iterable[Compared]) -> Verdict:
    """Rule by the 95 % t-intervals of the mean differences over seeds.

    Returns:
        `does not hold` where any interval lies wholly below zero; else `not run` where a comparison
        has fewer than two seeds, since a claim about all methods is not shown by some; else `holds`
        where all intervals lie wholly above zero; else `within noise`. Intervals are not corrected
        for their number: among many, `does not hold` of a single one deserves a look at it.
    """
    intervals, missing = {}, []
    for cell in cells:
        if len(cell.differences) < 2:
            missing.append(cell.label)
        else:
            intervals[cell.label] = interval(cell.differences)
    if not intervals:
        first = missing[0] if missing else "anything"
        return Verdict("not run", 0, f"fewer than two seeds of {first}")
    label, (mean, low, high) = min(intervals.items(), key=lambda item: item[1].high)
    if high >= 0:
        if missing:
            detail = f"fewer than two seeds of {missing[0]} ({len(missing)} such comparisons)"
            return Verdict("not run", len(intervals), detail)
        label, (mean, low, high) = min(intervals.items(), key=lambda item: item[1].low)
    ruling: Ruling = "holds" if low > 0 else "does not hold" if high < 0 else "within noise"
    detail = f"lowest: {100 * mean:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}] points, {label}"
    return Verdict(ruling, len(intervals), detail)


def _differences(
    ours: Cells, dataset: str, a: str, b: str, task: str, metric: str
) -> Iterator[tuple[int | None, np.ndarray]]:
    """(bits, a − b by shared seed) at every length both have; one empty pair if there is none."""
    shared = ours.lengths(a, dataset, task, metric)
    if b not in _without_codes():
        shared = sorted(set(shared) & set(ours.lengths(b, dataset, task, metric)))
    if not shared:
        yield None, np.empty(0)
    for bits in shared:
        first = ours.by_seed(a, dataset, task, bits, metric)
        if b not in _without_codes():
            yield bits, _minus(first, ours.by_seed(b, dataset, task, bits, metric))
        elif reference := list(ours.by_seed(b, dataset, task, None, metric).values()):
            # Nothing random enters a reference without codes: one number stands for all seeds.
            yield bits, np.array(list(first.values())) - np.mean(reference)
        else:
            yield bits, np.empty(0)


def _minus(first: dict[int, float], second: dict[int, float]) -> np.ndarray:
    return np.array([first[seed] - second[seed] for seed in first if seed in second])


@cache
def _without_codes() -> frozenset[str]:
    """Methods that the papers print without a code length."""
    tables = pd.concat([published.load(paper) for paper in published.papers()])
    lengths = tables.groupby("method").bits.count()
    return frozenset(lengths.index[lengths == 0])
