"""Paired comparison over seeds: what a claim is checked by."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

import numpy as np

from mmhash_nb.experiments.intervals import BySeed, mean_by_seed, minus
from mmhash_nb.experiments.protocol import uses_n_bits
from mmhash_nb.experiments.records import Cells

_ByLength = dict[int, BySeed]


class Compared(NamedTuple):
    """One comparison: what a claim wants to be positive, by seed; empty where it was not run.

    NaN stands at a seed whose run failed: see `experiments.failed_runs`.
    """

    label: str
    differences: BySeed

    @property
    def values(self) -> np.ndarray:
        """The differences, `float [S]`."""
        return np.array(list(self.differences.values()), dtype=float)


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
        bits: the code lengths that count; all where there are none.
    """

    pairs: Sequence[tuple[str, str]]
    tasks: Sequence[str] = ("",)
    metrics: Sequence[str] = ("mAP",)
    metrics_on: Mapping[str, Sequence[str]] = field(default_factory=dict)
    margin: float = 0.0
    factor: float = 1.0
    bits: Sequence[int] = ()

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """First minus factor times second minus margin, by seed: each task, length and metric."""
        times = "" if self.factor == 1 else f"{self.factor:g} × "
        metrics = self.metrics_on.get(dataset, self.metrics)
        for (a, b), task, metric in product(self.pairs, self.tasks, metrics):
            label = ", ".join(filter(None, (f"{a} − {times}{b}", task, metric)))
            found = _differences(ours, dataset, a, b, task, metric, self.factor)
            there = [cell for cell in found if not self.bits or cell[0] in self.bits]
            for bits, difference in there or [(None, {})]:
                beyond = {seed: value - self.margin for seed, value in difference.items()}
                yield Compared(f"{label}, {bits} bits" if bits else label, beyond)


@dataclass(frozen=True, kw_only=True)
class Near(Better):
    """Two methods score the same within a tolerance: what is positive is the room left to it."""

    within: float

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """`within` minus the absolute mean difference, its spread that of the differences."""
        for cell in super().cells(ours, dataset):
            towards = -1.0 if np.nansum(cell.values) < 0 else 1.0
            methods, _, where = cell.label.partition(", ")
            room = {s: self.within - towards * value for s, value in cell.differences.items()}
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


def _method_and_task(name: str, task: str) -> tuple[str, str]:
    method, _, named = name.partition(" ")
    return method, named.strip("()") or task


def _differences(
    ours: Cells, dataset: str, a: str, b: str, task: str, metric: str, factor: float
) -> Iterator[tuple[int | None, BySeed]]:
    """(bits, a − factor · b by shared seed) at every length both have; one empty pair if none."""
    (first, first_task), (second, second_task) = (_method_and_task(name, task) for name in (a, b))
    shared = ours.lengths(first, dataset, first_task, metric)
    if uses_n_bits(second):
        shared = sorted({*shared} & {*ours.lengths(second, dataset, second_task, metric)})
    if not shared:
        yield None, {}
    for bits in shared:
        values = ours.by_seed(first, dataset, first_task, bits, metric)
        at = bits if uses_n_bits(second) else None
        others = ours.by_seed(second, dataset, second_task, at, metric)
        if at is None and others:
            # Nothing random enters a reference without codes: one number stands for all seeds.
            others = dict.fromkeys(values, float(np.mean(list(others.values()))))
        yield bits, minus(values, {seed: factor * value for seed, value in others.items()})


def _means(ours: Cells, methods: str, dataset: str, task: str, metric: str) -> _ByLength:
    """Mean over methods by length and seed, of those at which all of them were run."""
    scores = [ours.by_length(name, dataset, task, metric) for name in methods.split()]
    means = {}
    for bits in sorted(set.intersection(*map(set, scores))):
        means[bits] = mean_by_seed([by_length[bits] for by_length in scores])
    return means


def _each_length(label: str, values: _ByLength) -> Iterator[Compared]:
    if not values:
        yield Compared(label, {})
    for bits, by_seed in values.items():
        yield Compared(f"{label}, {bits} bits", by_seed)


def _growth(label: str, values: _ByLength) -> Compared:
    """The longest length's values minus the shortest's, by seed."""
    if len(values) < 2:
        return Compared(f"{label}, at two lengths", {})
    short, *_, long = values
    return Compared(f"{label}, {long} − {short} bits", minus(values[long], values[short]))
