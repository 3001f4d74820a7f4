"""The nearest database items of a few queries, by Hamming distance: what galleries show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmhash_nb.codes import HashCodes
from mmhash_nb.figures.items import checked_indices
from mmhash_nb.pairs import Pairs

Codes = Mapping[str, HashCodes]
MethodCodes = Mapping[str, Codes]


@dataclass(frozen=True, eq=False)
class Nearest:
    """The k database items nearest to each of Q queries, nearest first, ties by lot.

    Args:
        distances: Hamming distances, `int [Q, k]`.
        ids: sample indices into the pairs, `int64 [Q, k]`.
        right: whether the item shares a label with the query, `bool [Q, k]`.
        tied: how many items of the database are at the item's distance, `int [Q, k]`.
        relevant: how many of those share a label with the query, `int [Q, k]`.
    """

    distances: np.ndarray
    ids: np.ndarray
    right: np.ndarray
    tied: np.ndarray
    relevant: np.ndarray


def sides(task: str) -> tuple[str, str]:
    """The query's and the database's side of a task such as `image-text`.

    `unified` is a side of the database alone: the codes that a method learned for its pairs.
    """
    query, _, database = task.partition("-")
    single = ("image", "text")
    if not ((query in single and database in (*single, "unified")) or query == database == "joint"):
        raise ValueError(
            f"task must be query-database, such as 'image-text', 'image-unified' or "
            f"'joint-joint', but is {task!r}."
        )
    return query, database


def side_name(pairs: Pairs, modality: str) -> str:
    """What the dataset calls a side, for titles and menus."""
    named = dict(zip(("image", "text"), pairs.modality_names, strict=True))
    learned = " (learned codes)" * (modality == "unified")
    return named.get(modality, " + ".join(pairs.modality_names) + learned)


def task_name(pairs: Pairs, task: str) -> str:
    """What the dataset calls a task: `GIST → HOG`."""
    query, database = sides(task)
    return f"{side_name(pairs, query)} → {side_name(pairs, database)}"


def side_codes(pairs: Pairs, codes: Codes, modality: str) -> HashCodes:
    """The codes of one modality, checked to be of all samples of `pairs`."""
    if modality not in codes:
        raise ValueError(f"there are no {modality} codes; there are {', '.join(codes) or 'none'}.")
    if len(codes[modality]) != len(pairs):
        raise ValueError(
            f"there are {len(codes[modality])} {modality} codes for {len(pairs)} samples of "
            f"{pairs.name}: give codes of all samples."
        )
    return codes[modality]


def nearest(
    pairs: Pairs,
    codes: Codes,
    task: str,
    queries: Sequence[int] | np.ndarray,
    k: int,
) -> Nearest:
    """The `k` nearest database items (all, where there are fewer) of samples used as queries.

    Args:
        codes: of one method, for each modality, codes of all samples.
        task: such as `image-text`: the query's modality, then the database's.
        queries: sample indices.
        k: how many items.

    Raises:
        ValueError: on an empty database, no query or one out of range, or codes that are not there.
    """
    query_side, database_side = sides(task)
    queries = checked_indices(queries, len(pairs), "query")
    query_codes = side_codes(pairs, codes, query_side)[queries]
    database_codes = side_codes(pairs, codes, database_side)
    return search(pairs, database_codes, query_codes, pairs.labels[queries], k)


def search(
    pairs: Pairs, database_codes: HashCodes, query_codes: HashCodes, labels: np.ndarray, k: int
) -> Nearest:
    """The `k` database items nearest to `query_codes`, judged by the queries' `labels` `[Q, C]`."""
    if pairs.database.size == 0:
        raise ValueError(f"{pairs.name} has an empty database: there is nothing to find.")
    if k < 1:
        raise ValueError(f"the number of results must be at least 1, but is {k}.")
    k = min(k, len(pairs.database))
    lot = drawn(pairs)
    searched = database_codes[lot]
    rows = []
    for words, wanted in zip(query_codes.words, labels, strict=True):
        distances = np.bitwise_count(words ^ searched.words).sum(axis=1, dtype=np.int64)
        right = (pairs.labels[lot] & wanted).any(axis=1)
        near = np.argsort(distances, kind="stable")[:k]
        at = distances[near]
        tied, relevant = np.bincount(distances), np.bincount(distances, weights=right).astype(int)
        rows.append((at, lot[near], right[near], tied[at], relevant[at]))
    return Nearest(*(np.array(column) for column in zip(*rows, strict=True)))


def drawn(pairs: Pairs) -> np.ndarray:
    """The database in an order by lot, always the same: in which items at one distance stand."""
    return np.random.default_rng(0).permutation(pairs.database)
