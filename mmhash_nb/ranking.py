"""`rank_profile`: the one pass over query × database that all metrics come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmhash_nb.codes import HashCodes


@dataclass(frozen=True, eq=False)
class RankProfile:
    """How many database items lie at each Hamming distance and share each number of labels.

    Profiles of the shards of a database add up, `a + b`; profiles of several sets of queries join
    by `RankProfile.concatenate`.

    Args:
        counts: `int64 [Q, K+1, G+1]`; `counts[q, d, g]` items lie at Hamming distance d from query
            q and share g labels with it. An item is relevant where g > 0.

    Raises:
        ValueError: on another shape or dtype, or on negative counts.
    """

    counts: np.ndarray

    def __post_init__(self) -> None:
        counts = self.counts
        if counts.ndim != 3 or counts.dtype != np.int64 or min(counts.shape) < 1:
            raise ValueError(
                f"counts must be int64 [Q, K+1, G+1], but is {counts.dtype} {list(counts.shape)}."
            )
        if counts.min() < 0:
            raise ValueError(f"counts must not be negative, but one is {counts.min()}.")

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def n_bits(self) -> int:
        """Code length K."""
        return self.counts.shape[1] - 1

    @cached_property
    def items(self) -> np.ndarray:
        """Database items at each distance, `int64 [Q, K+1]`."""
        return self.counts.sum(axis=2)

    @cached_property
    def relevant(self) -> np.ndarray:
        """Relevant items at each distance, `int64 [Q, K+1]`: those that share a label."""
        return self.items - self.counts[:, :, 0]

    def __add__(self, other: "RankProfile") -> "RankProfile":
        """The profile of the same queries over the union of two disjoint shards of a database."""
        if not isinstance(other, RankProfile):
            return NotImplemented
        if self.counts.shape != other.counts.shape:
            raise ValueError(
                f"profiles [Q, K+1, G+1] of shapes {list(self.counts.shape)} and "
                f"{list(other.counts.shape)} do not add: take the same queries for every shard."
            )
        return RankProfile(self.counts + other.counts)

    @staticmethod
    def concatenate(profiles: Sequence["RankProfile"]) -> "RankProfile":
        """The profile of all the queries of several profiles, in order.

        Raises:
            ValueError: where there is none, or their code lengths differ.
        """
        lengths = sorted({profile.n_bits for profile in profiles})
        if len(lengths) != 1:
            raise ValueError(f"profiles to join must share one code length, but have {lengths}.")
        depth = max(profile.counts.shape[2] for profile in profiles)
        padded = [
            np.pad(profile.counts, ((0, 0), (0, 0), (0, depth - profile.counts.shape[2])))
            for profile in profiles
        ]
        return RankProfile(np.concatenate(padded))


def rank_profile(
    query_codes: HashCodes,
    database_codes: HashCodes,
    query_labels: np.ndarray,
    database_labels: np.ndarray,
    device: str = "cpu",
) -> RankProfile:
    """Count the database items at each Hamming distance by the labels they share with each query.

    Args:
        query_codes: Q codes of K bits; database_codes: N codes of K bits.
        query_labels: `bool [Q, C]`; database_labels: `bool [N, C]`.
        device: `"cpu"` counts over packed words in a compiled kernel; a CUDA device gives the
            same numbers by matrix products.

    Returns:
        The profile, with G the most labels that a query has: so it does not depend on the
        database, and the profiles of its shards add up.

    Raises:
        ValueError: where rows, code lengths or label columns do not match, or a side is empty.
        RuntimeError: where a CUDA device is named and none is there.
    """
    check_side("query", query_codes, query_labels)
    check_side("database", database_codes, database_labels)
    if query_codes.n_bits != database_codes.n_bits:
        raise ValueError(
            f"query codes have {query_codes.n_bits} bits but database codes have "
            f"{database_codes.n_bits}: encode both at one code length."
        )
    if query_labels.shape[1] != database_labels.shape[1]:
        raise ValueError(
            f"query_labels has {query_labels.shape[1]} columns but database_labels has "
            f"{database_labels.shape[1]}: both must name the same labels."
        )
    shape = (len(query_codes), query_codes.n_bits + 1, int(query_labels.sum(axis=1).max()) + 1)
    from mmhash_nb import rank_counts  # Numba takes half a second, which the metrics do not need

    counts = np.zeros(shape, dtype=np.int64)
    sides = (query_codes, database_codes, query_labels, database_labels, counts)
    if str(device).partition(":")[0] == "cpu":
        rank_counts.count_words(*sides)
    else:
        rank_counts.count_tensors(*sides, device)
    return RankProfile(counts)


def check_side(side: str, codes: HashCodes, labels: np.ndarray) -> None:
    """Refuse codes and labels of the queries or the database that do not align."""
    if len(codes) == 0:
        raise ValueError(f"{side}_codes is empty: there is nothing to rank.")
    if labels.ndim != 2 or labels.dtype != np.bool_ or labels.shape[1] == 0:
        raise ValueError(
            f"{side}_labels must be bool [{len(codes)}, C], but is {labels.dtype} "
            f"{list(labels.shape)}."
        )
    if len(labels) != len(codes):
        raise ValueError(
            f"{side}_codes has {len(codes)} rows but {side}_labels has {len(labels)}: they must "
            "align."
        )
