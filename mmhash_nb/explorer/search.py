"""Search by codes: the items nearest to one query, their attention, and how far all others lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from mmhash_nb.codes import HashCodes, label_words
from mmhash_nb.experiments.evaluation import tasks
from mmhash_nb.figures.items import checked_indices, view_of
from mmhash_nb.figures.nearest import drawn, side_codes, sides
from mmhash_nb.hashers import method_class, names
from mmhash_nb.hashers.base import Method
from mmhash_nb.pairs import Pairs


@dataclass(frozen=True, eq=False)
class Query:
    """A sample that a database is searched with.

    Args:
        pairs: what holds the sample: the dataset, or the one sample that a user made.
        sample: its index there.
        name: what it is called.
        labels: `bool [C]`, by which results are judged; None where they are unknown.
    """

    pairs: Pairs
    sample: int
    name: str
    labels: np.ndarray | None

    @classmethod
    def of(cls, pairs: Pairs, sample: int) -> "Query":
        """A sample of the dataset.

        Raises:
            ValueError: there is no such sample.
        """
        checked_indices([sample], len(pairs), "query")
        return cls(pairs, sample, f"sample {sample}", pairs.labels[sample])


class Database:
    """The database of a dataset in an order by lot, by the codes of one side.

    Args:
        codes: of one method, for each modality, codes of all samples.

    Raises:
        ValueError: the database is empty, or there are no such codes.
    """

    def __init__(self, pairs: Pairs, codes: Mapping[str, HashCodes], side: str) -> None:
        if pairs.database.size == 0:
            raise ValueError(f"{pairs.name} has an empty database: there is nothing to find.")
        self.ids = drawn(pairs)
        self.codes = side_codes(pairs, codes, side)[self.ids]
        self.labels = label_words(pairs.labels[self.ids])  # [n, C / 64]

    def distances(self, query_code: HashCodes) -> np.ndarray:
        """Hamming distances of all items to one code, `uint16 [n]`."""
        if query_code.n_bits != self.codes.n_bits:
            raise ValueError(
                f"the query has {query_code.n_bits} bits but the database {self.codes.n_bits}: "
                "encode both at one code length."
            )
        return np.bitwise_count(query_code.words ^ self.codes.words).sum(axis=1, dtype=np.uint16)

    def relevant(self, labels: np.ndarray) -> np.ndarray:
        """Which items share one of the labels `bool [C]`, `bool [n]`."""
        return (self.labels & label_words(labels[None])).any(axis=1)


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What was found for a query, nearest first, ties by lot.

    Attributes:
        method: its name; empty where it needs none.
        direction: the task, such as `image-text`.
        query_code: of the query; codes: those of the k results.
        ids: sample indices; distances: Hamming distances of the results, `int [k]`.
        right: which results share a label with the query, `bool [k]`; None where not known.
        relevant, other: database items at each distance, `int [K + 1]`; where it is not known which
            are relevant, None and all items.
        only_mistakes: whether results that are right were left out.
        query_mask: attended positions of the query's picture, `bool [h, w]`.
        masks: of each result's picture, `bool [k, h, w]`.
    """

    method: str
    direction: str
    query_code: HashCodes
    codes: HashCodes
    ids: np.ndarray
    distances: np.ndarray
    right: np.ndarray | None
    relevant: np.ndarray | None
    other: np.ndarray
    only_mistakes: bool = False
    query_mask: np.ndarray | None = None
    masks: np.ndarray | None = None

    @property
    def n_bits(self) -> int:
        """Code length K."""
        return self.query_code.n_bits


def search(
    method: str,
    direction: str,
    database: Database,
    query_code: HashCodes,
    labels: np.ndarray | None,
    k: int,
    only_mistakes: bool = False,
) -> SearchResult:
    """Find the `k` items nearest to a code, and count how far all items lie.

    Args:
        labels: of the query, `bool [C]`; None where they are unknown.
        k: how many items; fewer where there are fewer.
        only_mistakes: leave out results that share a label with the query.

    Raises:
        ValueError: `k` is below 1, or `only_mistakes` without labels to judge by.
    """
    if k < 1:
        raise ValueError(f"the number of results must be at least 1, but is {k}.")
    if only_mistakes and labels is None:
        raise ValueError("only labels tell which results are mistakes, and the query has none.")
    distances = database.distances(query_code)
    right = None if labels is None else database.relevant(labels)
    near = np.argsort(distances, kind="stable")
    if only_mistakes and right is not None:
        near = near[~right[near]]
    near = near[:k]

    def histogram(some: np.ndarray) -> np.ndarray:
        return np.bincount(some, minlength=query_code.n_bits + 1)

    return SearchResult(
        method=method,
        direction=direction,
        query_code=query_code,
        codes=database.codes[near],
        ids=database.ids[near],
        distances=distances[near].astype(np.int64),
        right=None if right is None else right[near],
        relevant=None if right is None else histogram(distances[right]),
        other=histogram(distances if right is None else distances[~right]),
        only_mistakes=only_mistakes,
    )


class Masks:
    """The visual masks of a fitted method, computed where they are needed.

    Args:
        method: one whose `has_masks` is true.

    Raises:
        ValueError: it has none.
    """

    def __init__(self, method: Method) -> None:
        if not method.has_masks:
            raise ValueError(f"{method.name} has no attention masks: ask for those of an aadah.")
        self._method: Any = method
        self._known: WeakKeyDictionary[Pairs, dict[int, np.ndarray]] = WeakKeyDictionary()

    def of(self, pairs: Pairs, samples: Sequence[int] | np.ndarray) -> np.ndarray:
        """Attended regions of some samples' pictures, `bool [n, h, w]`."""
        known = self._known.setdefault(pairs, {})
        missing = [sample for sample in dict.fromkeys(map(int, samples)) if sample not in known]
        if missing:
            masks = self._method.attend(pairs.take(np.array(missing)), "image").mask
            known.update(zip(missing, masks, strict=True))
        return np.stack([known[int(sample)] for sample in samples])


def with_masks(found: SearchResult, pairs: Pairs, query: Query, masks: Masks) -> SearchResult:
    """A result with the masks of its pictures, on the sides that are images."""
    query_side, database_side = sides(found.direction)
    if query_side == "image" and view_of(query.pairs, "image") == "picture":
        found = replace(found, query_mask=masks.of(query.pairs, [query.sample])[0])
    if database_side == "image" and len(found.ids):
        found = replace(found, masks=masks.of(pairs, found.ids))
    return found


def nearest_radius(found: SearchResult) -> int:
    """The smallest radius within which there is an item."""
    items = found.other if found.relevant is None else found.other + found.relevant
    return int(np.flatnonzero(items)[0])


def directions(method: str, codes: Mapping[str, HashCodes]) -> list[str]:
    """The tasks that a method's codes can be searched in, across modalities first.

    Across modalities needs codes of both sides and a method whose codes of both are comparable,
    which codes by a name that is not registered are taken to be.
    """
    cross_modal = method not in names() or method_class(method).cross_modal
    possible = tasks(list(codes), cross_modal)
    return ["-".join(task) for task in sorted(possible, key=lambda task: task[0] == task[1])]


def nearest_direction(direction: str, offered: list[str]) -> str:
    """The task of a second method: the same, else one with the same query side, else any."""
    side = direction.partition("-")[0]
    same_side = [task for task in offered if task.startswith(f"{side}-")]
    return direction if direction in offered else [*same_side, *offered][0]


def in_words(found: SearchResult) -> str:
    """The results in words: samples, distances, and which are relevant."""
    right = [False] * len(found.ids) if found.right is None else found.right
    hits = [
        f"{sample} ({distance}{', relevant' if is_right else ''})"
        for sample, distance, is_right in zip(found.ids, found.distances, right, strict=True)
    ]
    if not hits:
        return "No mistakes: all items of the database are relevant."
    what = "mistakes" if found.only_mistakes else "samples"
    said = f"Nearest {what} (distance): {', '.join(hits)}."
    last = found.distances[-1]
    tied = int(found.other[last]) + (0 if found.relevant is None else int(found.relevant[last]))
    if tied > 1:
        among = "" if found.relevant is None else f", {found.relevant[last]} of them relevant"
        said += f" {tied} items are at the last distance{among}; which are shown is by lot."
    return said
