"""Query, database and training set, drawn by a seed as the papers say, and the frequent labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Split = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Protocol:
    """What a paper says of a dataset: the counts of its selection, and its split.

    Args:
        pairs, words, labels: the published counts; words are columns of the texts.
        n_query: queries; the rest is the database.
        n_train: training samples, out of the database; `None` takes all of it.
        per_label: `n_query` are of each label, and not of all.
        frequent: the labels are the most frequent ones of the dataset's.
        note: what `Pairs.source` says of the paper's number of pairs.
        label_sizes: samples of each label, where they are known.
    """

    pairs: int
    words: int
    labels: int
    n_query: int
    n_train: int | None = None
    per_label: bool = False
    frequent: bool = False
    note: str = ""
    label_sizes: Sequence[int] = ()

    @property
    def option(self) -> str:
        """What `n_query` is called where the user may set it."""
        return "n_query_per_concept" if self.per_label else "n_query"

    def split(
        self,
        labels: np.ndarray,
        names: Sequence[str],
        seed: int,
        n_query: int | None = None,
        n_train: int | None = None,
    ) -> Split:
        """Query, database and train indices, with the paper's numbers where none are given.

        Arguments and errors are those of `for_each_label`.
        """
        n_query = self.n_query if n_query is None else n_query
        n_train = self.n_train if n_train is None else n_train
        if self.per_label:
            return for_each_label(labels, names, n_query, n_train, seed)
        return at_random(len(labels), n_query, n_train, seed)

    def numbers(
        self, dataset: str, name: str, n_query: int | None, n_query_per_concept: int | None
    ) -> int | None:
        """The number of queries, of the two options the one that is this protocol's, called `name`.

        Raises:
            ValueError: the other one was given.
        """
        given, other = n_query, n_query_per_concept
        if self.per_label:
            given, other = other, given
        if other is not None:
            raise ValueError(
                f"protocol {name} of {dataset} draws its queries "
                f"{'for each concept' if self.per_label else 'from all'}: give {self.option} "
                "instead."
            )
        return given

    def check(self, dataset: str, found: tuple[int, int, int], fix: str) -> None:
        """Refuse other pairs, words and labels than published; `fix` says what to do."""
        if found != (self.pairs, self.words, self.labels):
            raise ValueError(
                f"{dataset} has {self.pairs} pairs, {self.words} tags and {self.labels} labels, "
                f"but these files hold {found[0]}, {found[1]} and {found[2]}: {fix}; "
                "protocol='files' takes files as they are."
            )

    def check_labels(
        self, dataset: str, labels: np.ndarray, names: Sequence[str], fix: str
    ) -> None:
        """Refuse labels `bool [N, C]` of other sizes than known; `fix` says what to do."""
        sizes = labels.sum(axis=0).tolist()
        for name, size, known in zip(names, sizes, self.label_sizes, strict=False):
            if size != known:
                raise ValueError(
                    f"{dataset} has {known} pairs with the label {name}, but these files hold "
                    f"{size}: {fix}; protocol='files' takes files as they are."
                )


def at_random(n: int, n_query: int, n_train: int | None, seed: int) -> Split:
    """Query, database and train indices of `n` samples, drawn by `seed` alone, sorted.

    Raises:
        ValueError: a number is below 1, or together they are more than `n`.
    """
    _check_numbers(("n_query", n_query), ("n_train", n_train))
    if n_query + (n_train or 1) > n:
        raise ValueError(
            f"{n} samples are too few for {n_query} queries and {n_train or 1} training samples: "
            "lower n_query or n_train."
        )
    drawn = np.random.default_rng(seed).permutation(n)
    database = np.sort(drawn[n_query:])
    train = database if n_train is None else np.sort(drawn[n_query : n_query + n_train])
    return np.sort(drawn[:n_query]), database, train


def for_each_label(
    labels: np.ndarray, names: Sequence[str], n_query: int, n_train: int | None, seed: int
) -> Split:
    """Query, database and train indices, with `n_query` queries drawn for each label.

    No sample is drawn for two labels; the rarest label draws first, lest others use it up. The
    queries depend on the seed alone, not on how many training samples follow them.

    Args:
        labels: `bool [N, C]`; names: of the C labels.
        n_query: queries of each label; the rest is the database.
        n_train: training samples, drawn out of the database whatever their labels; `None` takes
            all of it.
        seed: draws both.

    Raises:
        ValueError: a label or the database has too few samples, or a number is not positive.
    """
    _check_numbers(("n_query_per_concept", n_query), ("n_train", n_train))
    rng = np.random.default_rng(seed)
    free = np.ones(len(labels), dtype=np.bool_)
    for label in np.argsort(labels.sum(axis=0), kind="stable"):
        left = np.flatnonzero(labels[:, label] & free)
        if len(left) < n_query:
            raise ValueError(
                f"concept {names[label]} has {len(left)} samples left, too few for {n_query} "
                "queries: lower n_query_per_concept."
            )
        free[rng.choice(left, n_query, replace=False)] = False
    database = np.flatnonzero(free)
    if len(database) < (n_train or 1):
        raise ValueError(
            f"the database has {len(database)} samples, too few for {n_train or 1} training "
            "samples: lower n_train."
        )
    train = database
    if n_train is not None:
        train = np.sort(rng.choice(database, n_train, replace=False))
    return np.flatnonzero(~free), database, train


def _check_numbers(*numbers: tuple[str, int | None]) -> None:
    for option, value in numbers:
        if value is not None and value < 1:
            raise ValueError(f"{option} must be at least 1, but is {value}.")


def most_frequent(labels: np.ndarray, n: int) -> np.ndarray:
    """The `n` columns of `labels` (0/1 `[N, C]`) with the most ones, `int64 [n]`, in file order.

    Of two equally frequent columns the first is taken.
    """
    counts = labels.sum(axis=0, dtype=np.int64)
    return np.sort(np.argsort(-counts, kind="stable")[:n])
