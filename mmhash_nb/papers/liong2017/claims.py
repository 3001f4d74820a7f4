"""What liong2017 says in words: text, section or table, datasets, and how it is checked."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from mmhash_nb.experiments.records import CROSS_MODAL, Cells
from mmhash_nb.papers.checks import Better, Compared, each, minus

_ALL = ("wiki", "iaprtc12", "nuswide")
_IAPR, _NUS, _LARGER = ("iaprtc12",), ("nuswide",), ("iaprtc12", "nuswide")
_SEPARATE, _UNIFIED = "cvh cca_itq pdh scm", "lssh cmfh sephkm discmh"
_SHALLOW = f"{_SEPARATE} {_UNIFIED}"
_METRICS = {"iaprtc12": "mAP@500"}


def _metric(dataset: str) -> str:
    """The paper's mAP on a dataset: of the top 500 on IAPR TC-12, of the top 100 elsewhere."""
    return _METRICS.get(dataset, "mAP@100")


@dataclass(frozen=True)
class BetterAtTop(Better):
    """As `Better`, by the paper's mAP on each dataset (§4.1, Eq. 15)."""

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """First minus second, paired by seed, for each task and length."""
        check = Better(self.pairs, self.tasks, (_metric(dataset),), self.margin)
        yield from check.cells(ours, dataset)


@dataclass(frozen=True)
class MeanBetter(Better):
    """The mean of the first methods is higher than that of the second ones.

    Args:
        pairs: one pair, each side names separated by blanks.
    """

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """Mean of the first minus mean of the second, paired by seed, for each task and length."""
        ((first, second),) = self.pairs
        names, metric = (first.split(), second.split()), _metric(dataset)
        for task in self.tasks:
            there = [set(ours.lengths(m, dataset, task, metric)) for m in (*names[0], *names[1])]
            label = f"mean of {first} − mean of {second}, {task}"
            if not set.intersection(*there):
                yield Compared(label, np.empty(0))
            for bits in sorted(set.intersection(*there)):
                means = []
                for side in names:
                    runs = [ours.by_seed(m, dataset, task, bits, metric) for m in side]
                    seeds = set.intersection(*(set(run) for run in runs))
                    means.append({n: float(np.mean([run[n] for run in runs])) for n in seeds})
                yield Compared(f"{label}, {bits} bits", minus(*means))


@dataclass(frozen=True)
class LeadGrows(Better):
    """The first's lead over the second is larger at the longest code than at the shortest."""

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """The lead at the longest common length minus that at the shortest, by seed, each task."""
        for pair, task in product(self.pairs, self.tasks):
            label = f"lead of {pair[0]} over {pair[1]}, {task}"
            there = _lengths(ours, pair, dataset, task)
            if len(there) < 2:
                yield Compared(f"{label}, at two lengths", np.empty(0))
                continue
            short, long = (_lead(ours, pair, dataset, task, bits) for bits in (there[0], there[-1]))
            yield Compared(f"{label}, {there[-1]} − {there[0]} bits", minus(long, short))


@dataclass(frozen=True)
class LeadLargerThanOn(Better):
    """The first's lead over the second is larger than on another dataset, in every task and length.

    Args:
        other: the other dataset.
    """

    other: str = ""

    def cells(self, ours: Cells, dataset: str) -> Iterator[Compared]:
        """The lead minus that on the other, by seed, for each task and common length."""
        for pair, task in product(self.pairs, self.tasks):
            label = f"lead of {pair[0]} over {pair[1]}, {task}, {dataset} − {self.other}"
            both = [_lengths(ours, pair, name, task) for name in (dataset, self.other)]
            shared = sorted(set(both[0]) & set(both[1])) if dataset != self.other else []
            if not shared:
                yield Compared(label, np.empty(0))
            for bits in shared:
                here, there = (
                    _lead(ours, pair, name, task, bits) for name in (dataset, self.other)
                )
                yield Compared(f"{label}, {bits} bits", minus(here, there))


def _lengths(ours: Cells, pair: tuple[str, str], dataset: str, task: str) -> list[int]:
    first, second = (ours.lengths(method, dataset, task, _metric(dataset)) for method in pair)
    return sorted(set(first) & set(second))


def _lead(
    ours: Cells, pair: tuple[str, str], dataset: str, task: str, bits: int
) -> dict[int, float]:
    """First minus second by shared seed."""
    first, second = (ours.by_seed(method, dataset, task, bits, _metric(dataset)) for method in pair)
    return {seed: first[seed] - second[seed] for seed in first if seed in second}


# mAP is that of Eq. 15. A sentence about several methods is read as one about each of them.
CLAIMS = (
    (
        "Our method provided the best performance compared to the shallow methods",
        "Section 4.2, Tables 1 and 2",
        _ALL,
        BetterAtTop(each("cmdvh", _SHALLOW), CROSS_MODAL),
    ),
    (
        "DisCMH is competitive at lower bits but does not improve consistently (read as: CMDVH's "
        "lead over it grows with the bits)",
        "Section 4.2, Tables 1 and 2",
        _ALL,
        LeadGrows(each("cmdvh", "discmh"), CROSS_MODAL),
    ),
    (
        "The gap is larger on the larger sets than on Wiki (read as that to DisCMH, of which the "
        "sentence before speaks)",
        "Section 4.2, Tables 1 and 2",
        _LARGER,
        LeadLargerThanOn(each("cmdvh", "discmh"), CROSS_MODAL, other="wiki"),
    ),
    (
        "Methods that learn unified codes generally showed better performance (read as: the mean "
        "of the shallow ones that do above that of those that do not)",
        "Section 2",
        _ALL,
        MeanBetter(((_UNIFIED, _SEPARATE),), CROSS_MODAL),
    ),
    (
        "Our method ranks best by NDCG and ACG (of the top 100; a point of ACG is a hundredth of "
        "a shared label)",
        "Section 4.2, Figures 2 and 3",
        _LARGER,
        Better(each("cmdvh", _SHALLOW), CROSS_MODAL, ("NDCG@100", "ACG@100")),
    ),
    (
        "Our model gave best results compared to DNH-C and DVSH",
        "Section 4.2, Table 3",
        _IAPR,
        BetterAtTop(each("cmdvh", "dnh_c dvsh"), CROSS_MODAL),
    ),
    (
        "Our model gave best results compared to CAH and DCMH",
        "Section 4.2, Table 3",
        _NUS,
        BetterAtTop(each("cmdvh", "cah dcmh"), CROSS_MODAL),
    ),
    (
        "A fusion network is important: better than without its latent network (CMDVH1)",
        "Section 4.2, Table 4",
        _NUS,
        BetterAtTop(each("cmdvh", "cmdvh1"), CROSS_MODAL),
    ),
    (
        "Better than without the probabilistic interpretation (CMDVH2; numbers of the table)",
        "Section 4.2, Table 4",
        _NUS,
        BetterAtTop(each("cmdvh", "cmdvh2"), CROSS_MODAL),
    ),
    (
        "The latent network matters more than the probabilities (CMDVH2 over CMDVH1; numbers of "
        "the table)",
        "Section 4.2, Table 4",
        _NUS,
        BetterAtTop(each("cmdvh2", "cmdvh1"), CROSS_MODAL),
    ),
)
