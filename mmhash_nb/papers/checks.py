"""Paired comparison over seeds: what a claim is checked by."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple

import numpy as np

from mmhash_nb.experiments.intervals import interval
from mmhash_nb.experiments.protocol import uses_n_bits
from mmhash_nb.experiments.records import Cells

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


class Scored(NamedTuple):
    """A method in one task, for comparisons of methods that have different ones."""

    method: str
    task: str


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
            found = _differences(ours, dataset, Scored(a, task), Scored(b, task), metric)
            for bits, difference in found:
                yield Compared(f"{label}, {bits} bits" if bits else label, difference - self.margin)


@dataclass(frozen=True)
class BetterAcross:
    """As `Better`, each method in the task it has: codes of both modalities against one's alone.

    Args:
        pairs: (better, worse).
        factor: the first scores above so many times the second: 1.05 for a relative gain of 5 %.
    """

    pairs: tuple[tuple[Scored, Scored], ...]
    metric: str = "mAP"
    factor: float = 1.0

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """First minus factor times second, paired by seed, for each length both have."""
        times = "" if self.factor == 1 else f"{self.factor:g} × "
        for a, b in self.pairs:
            label = f"{a.method} ({a.task}) − {times}{b.method} ({b.task}), {self.metric}"
            for bits, difference in _differences(ours, dataset, a, b, self.metric, self.factor):
                yield Compared(f"{label}, {bits} bits" if bits else label, difference)


@dataclass(frozen=True)
class Near:
    """Two methods score the same within a tolerance: what is positive is the room left to it."""

    pair: tuple[str, str]
    tasks: tuple[str, ...]
    within: float

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """`within` minus the absolute mean difference, its spread that of the differences."""
        a, b = self.pair
        for task in self.tasks:
            label = f"{self.within} − |{a} − {b}|, {task}, mAP"
            found = _differences(ours, dataset, Scored(a, task), Scored(b, task), "mAP")
            for bits, difference in found:
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
            yield Compared(f"{label}, {there[-1]} − {there[0]} bits", minus(long, short))


Check = Better | BetterAcross | Near | GrowsWithBits


def each(better: str, worse: str) -> tuple[tuple[str, str], ...]:
    """Every method of `better` with every one of `worse` (names separated by blanks)."""
    return tuple(product(better.split(), worse.split()))


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
    ours: Cells, dataset: str, a: Scored, b: Scored, metric: str, factor: float = 1.0
) -> Iterator[tuple[int | None, np.ndarray]]:
    """(bits, a − factor · b by shared seed) at every length both have; one empty pair if none."""
    shared = ours.lengths(a.method, dataset, a.task, metric)
    if uses_n_bits(b.method):
        shared = sorted(set(shared) & set(ours.lengths(b.method, dataset, b.task, metric)))
    if not shared:
        yield None, np.empty(0)
    for bits in shared:
        first = ours.by_seed(a.method, dataset, a.task, bits, metric)
        if uses_n_bits(b.method):
            second = ours.by_seed(b.method, dataset, b.task, bits, metric)
            yield bits, minus(first, {seed: factor * value for seed, value in second.items()})
        elif reference := list(ours.by_seed(b.method, dataset, b.task, None, metric).values()):
            # Nothing random enters a reference without codes: one number stands for all seeds.
            yield bits, np.array(list(first.values())) - factor * np.mean(reference)
        else:
            yield bits, np.empty(0)


def minus(first: dict[int, float], second: dict[int, float]) -> np.ndarray:
    """First minus second at every seed that both have."""
    return np.array([first[seed] - second[seed] for seed in first if seed in second])
