"""`LabelGroups`: who is similar to whom, by distinct label sets instead of an n×n matrix."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmhash_nb.hashers.base import share_label


def label_sets(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Different rows of `labels`, `bool [G, C]`; which each sample has, `[n]`; how many have it."""
    packed = np.packbits(labels, axis=1)
    _, first, of, counts = np.unique(packed, True, True, True, axis=0)
    # NumPy 2.0 gives the inverse one axis more than 1.x and 2.1 do.
    return labels[first], of.reshape(-1), counts


@dataclass(frozen=True, eq=False)
class LabelGroups:
    """Training samples grouped by label set; all pairs of two groups are similar or none is.

    A pair is two different samples, unordered, and counts once. It is similar (positive) where the
    two share a label.

    Args:
        of: `int64 [n]`, the group of each sample.
        counts: `int64 [G]`, samples in each group.
        share: `bool [G, G]`, whether samples of two groups are similar.
    """

    of: np.ndarray
    counts: np.ndarray
    share: np.ndarray

    @classmethod
    def from_labels(cls, labels: np.ndarray) -> "LabelGroups":
        """Groups of samples with equal rows of `labels`, `bool [n, C]`."""
        sets, of, counts = label_sets(labels)
        return cls(of, counts, share_label(sets, sets))

    @cached_property
    def ordered_pairs(self) -> np.ndarray:
        """How many ordered pairs of different samples two groups form, `int64 [G, G]`."""
        return np.outer(self.counts, self.counts) - np.diag(self.counts)

    @cached_property
    def n_similar(self) -> int:
        """Unordered pairs that share a label."""
        return int(self.ordered_pairs[self.share].sum()) // 2

    @cached_property
    def n_dissimilar(self) -> int:
        """Unordered pairs that share none."""
        return int(self.ordered_pairs[~self.share].sum()) // 2

    @cached_property
    def similar_to(self) -> np.ndarray:
        """How many other samples are similar to each sample, `int64 [n]`."""
        per_group = np.where(self.share, self.ordered_pairs, 0).sum(axis=1) // self.counts
        return per_group[self.of]

    def check_both_kinds(self) -> None:
        """Refuse training samples that are all similar, or all dissimilar, to one another."""
        for kind, there in (("share a label", self.n_similar), ("share none", self.n_dissimilar)):
            if there == 0:
                raise ValueError(
                    f"no two of the {len(self.of)} training samples {kind}, but this method learns "
                    "from similar and dissimilar pairs: give it labels that divide the samples "
                    "into several groups of at least two."
                )

    def draw_pairs(
        self, similar: bool, count: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """`count` pairs, uniform over all similar (or all dissimilar) pairs, with replacement.

        Two samples by their indices, `int64 [count]` each, never equal.
        """
        g, h = np.nonzero(self.share == similar)
        weights = self.ordered_pairs[g, h] / self.ordered_pairs[g, h].sum()
        cell = rng.choice(len(g), size=count, p=weights)
        g, h = g[cell], h[cell]
        members = np.argsort(self.of, kind="stable")  # samples, group by group
        start = np.cumsum(self.counts) - self.counts
        first = rng.integers(self.counts[g])
        second = rng.integers(self.counts[h] - (g == h))
        # Within one group the second draw skips the first sample: no sample pairs with itself.
        second += (g == h) & (second >= first)
        return members[start[g] + first], members[start[h] + second]
