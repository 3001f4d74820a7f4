"""Paired comparison over seeds: what a claim is checked by."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Literal, NamedTuple

import numpy as np

from mmhash_nb.experiments.intervals import BySeed, differences, interval, mean_by_seed, minus
from mmhash_nb.experiments.protocol import uses_n_bits
from mmhash_nb.experiments.records import Cells

_ByLength = dict[int, BySeed]
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


@dataclass(frozen=True, kw_only=True)
class Better:
    """Of each pair of methods, the first scores above the second, in every task, length and metric.

    Args:
        pairs: (better, worse) by registry names. A name with a task, as `dth (image-image)`, counts
            in that one: codes of both modalities against those of one alone.
        tasks, metrics: where the claim says so; no tasks where the names have them.
        metrics_on: other metrics on single datasets.
        margin: how far above; negative for "does not deteriorate".
        factor: the first scores above so many times the second: 1.05 for a relative gain of 5 %.
    """

    pairs: Sequence[tuple[str, str]]
    tasks: Sequence[str] = ("",)
    metrics: Sequence[str] = ("mAP",)
    metrics_on: Mapping[str, Sequence[str]] = field(default_factory=dict)
    margin: float = 0.0
    factor: float = 1.0

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """First minus factor times second minus margin, by seed: each task, length and metric."""
        times = "" if self.factor == 1 else f"{self.factor:g} × "
        metrics = self.metrics_on.get(dataset, self.metrics)
        for (a, b), task, metric in product(self.pairs, self.tasks, metrics):
            label = ", ".join(filter(None, (f"{a} − {times}{b}", task, metric)))
            for bits, difference in _differences(ours, dataset, a, b, task, metric, self.factor):
                yield Compared(f"{label}, {bits} bits" if bits else label, difference - self.margin)


@dataclass(frozen=True, kw_only=True)
class Near(Better):
    """Two methods score the same within a tolerance: what is positive is the room left to it."""

    within: float

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """`within` minus the absolute mean difference, its spread that of the differences."""
        for label, difference in super().cells(ours, dataset):
            towards = np.sign(difference.mean()) if difference.size else 1.0
            methods, _, where = label.partition(", ")
            room = self.within - towards * difference
            yield Compared(f"{self.within} − |{methods}|, {where}", room)


@dataclass(frozen=True, kw_only=True)
class GrowsWithBits:
    """A method scores higher at its longest code length than at its shortest, in every task."""

    method: str
    tasks: Sequence[str]

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """Longest minus shortest, paired by seed."""
        for task in self.tasks:
            scores = ours.by_length(self.method, dataset, task, "mAP")
            yield _growth(f"{self.method}, {task}, mAP", scores)


class _OfLeads(Better):
    """About the lead of the first over the second; either may be several names, of which the mean.

    They are names separated by blanks, and only the first metric counts.
    """

    def _leads(self, ours: Cells, dataset: str) -> Iterator[tuple[str, str, str, _ByLength]]:
        """(first, second, task, lead by length and seed) of each pair and task."""
        metric = self.metrics_on.get(dataset, self.metrics)[0]
        for (a, b), task in product(self.pairs, self.tasks):
            first, second = (_means(ours, side, dataset, task, metric) for side in (a, b))
            shared = sorted(first.keys() & second.keys())
            yield a, b, task, {bits: minus(first[bits], second[bits]) for bits in shared}


class MeanBetter(_OfLeads):
    """The mean of the first methods is higher than that of the second ones."""

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """Mean of the first minus mean of the second, paired by seed, for each task and length."""
        for first, second, task, leads in self._leads(ours, dataset):
            yield from _each_length(f"mean of {first} − mean of {second}, {task}", leads)


class LeadGrows(_OfLeads):
    """The first's lead over the second is larger at the longest code than at the shortest."""

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """The lead at the longest common length minus that at the shortest, by seed, each task."""
        for first, second, task, leads in self._leads(ours, dataset):
            yield _growth(f"lead of {first} over {second}, {task}", leads)


@dataclass(frozen=True, kw_only=True)
class LeadLargerThanOn(_OfLeads):
    """The first's lead over the second is larger than on `other`, in every task and length."""

    other: str

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """The lead minus that on the other, by seed, for each task and common length."""
        both = (self._leads(ours, dataset), self._leads(ours, self.other))
        for (first, second, task, here), (*_, there) in zip(*both, strict=True):
            shared = sorted(here.keys() & there.keys()) if dataset != self.other else []
            more = {bits: minus(here[bits], there[bits]) for bits in shared}
            label = f"lead of {first} over {second}, {task}, {dataset} − {self.other}"
            yield from _each_length(label, more)


Check = Better | GrowsWithBits
#: The checks by the names that `claims.toml` has for them.
CHECKS: dict[str, Callable[..., Check]] = {
    check.__name__: check
    for check in (Better, Near, GrowsWithBits, MeanBetter, LeadGrows, LeadLargerThanOn)
}


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


def _method_and_task(name: str, task: str) -> tuple[str, str]:
    method, _, named = name.partition(" ")
    return method, named.strip("()") or task


def _differences(
    ours: Cells, dataset: str, a: str, b: str, task: str, metric: str, factor: float
) -> Iterator[tuple[int | None, np.ndarray]]:
    """(bits, a − factor · b by shared seed) at every length both have; one empty pair if none."""
    (first, first_task), (second, second_task) = (_method_and_task(name, task) for name in (a, b))
    shared = ours.lengths(first, dataset, first_task, metric)
    if uses_n_bits(second):
        shared = sorted({*shared} & {*ours.lengths(second, dataset, second_task, metric)})
    if not shared:
        yield None, np.empty(0)
    for bits in shared:
        values = ours.by_seed(first, dataset, first_task, bits, metric)
        at = bits if uses_n_bits(second) else None
        others = ours.by_seed(second, dataset, second_task, at, metric)
        if at is None and others:
            # Nothing random enters a reference without codes: one number stands for all seeds.
            others = dict.fromkeys(values, float(np.mean(list(others.values()))))
        yield bits, differences(values, {seed: factor * value for seed, value in others.items()})


def _means(ours: Cells, methods: str, dataset: str, task: str, metric: str) -> _ByLength:
    """Mean over methods by length and seed, of those at which all of them were run."""
    scores = [ours.by_length(name, dataset, task, metric) for name in methods.split()]
    means = {}
    for bits in sorted(set.intersection(*map(set, scores))):
        means[bits] = mean_by_seed([by_length[bits] for by_length in scores])
    return means


def _each_length(label: str, values: _ByLength) -> Iterator[Compared]:
    if not values:
        yield Compared(label, np.empty(0))
    for bits, by_seed in values.items():
        yield Compared(f"{label}, {bits} bits", np.array(list(by_seed.values())))


def _growth(label: str, values: _ByLength) -> Compared:
    """The longest length's values minus the shortest's, by seed."""
    if len(values) < 2:
        return Compared(f"{label}, at two lengths", np.empty(0))
    short, *_, long = values
    return Compared(f"{label}, {long} − {short} bits", differences(values[long], values[short]))
