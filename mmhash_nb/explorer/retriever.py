"""`Retriever`: searches one dataset by any of its methods, and loads each of them once."""

from functools import cache, lru_cache
from typing import NamedTuple, cast

from mmhash_nb import hashers
from mmhash_nb.codes import HashCodes
from mmhash_nb.experiments.collection import Collection
from mmhash_nb.experiments.evaluation import modalities
from mmhash_nb.explorer.search import Database, Masks, Query, SearchResult, search, with_masks
from mmhash_nb.explorer.user_query import UserQuery, needs
from mmhash_nb.figures.nearest import side_codes, sides
from mmhash_nb.hashers.base import Hasher


class Column(NamedTuple):
    """A method, its code length, and the task, such as `image-text`."""

    method: str
    bits: int
    direction: str

    @property
    def key(self) -> tuple[str, int]:
        """(method, code length)."""
        return self.method, self.bits


class Retriever:
    """A dataset with its codes and fitted methods, ready to be searched.

    A method and the codes of its database are loaded at the first search that needs them, and stay.
    """

    def __init__(self, collection: Collection) -> None:
        self.pairs, self.codes, self.methods = collection
        self._database = cache(lambda key, side: Database(self.pairs, self.codes[key], side))
        self._fitted = cache(self._load)
        self._masks = cache(lambda key: Masks(self._fitted(key)))
        self._user_code = lru_cache(10)(self._encode)

    def query(self, sample: int) -> Query:
        """A sample of the dataset, one of its queries or any other.

        Raises:
            ValueError: the query split is empty.
        """
        if self.pairs.query.size == 0:
            raise ValueError(f"{self.pairs.name} has an empty query split: there is no query.")
        return Query.of(self.pairs, sample)

    def search(
        self,
        column: Column,
        query: Query,
        k: int,
        only_mistakes: bool = False,
        attention: bool = False,
    ) -> SearchResult:
        """What a method finds for a query of the dataset or of the user.

        Args:
            only_mistakes: leave out results that are right; of no effect where the query's labels
                are unknown.
            attention: with masks, where the method has them and was saved.

        Raises:
            ValueError: an empty database, or a method that cannot encode the user's query.
            OSError, RuntimeError: the fitted method cannot be loaded.
        """
        query_side, database_side = sides(column.direction)
        if isinstance(query, UserQuery):
            code = self._user_code(column, query)
        else:
            code = side_codes(self.pairs, self.codes[column.key], query_side)[query.sample]
        only_mistakes = only_mistakes and query.labels is not None
        database, labels = self._database(column.key, database_side), query.labels
        found = search(column.method, column.direction, database, code, labels, k, only_mistakes)
        if attention and self.has_masks(column):
            found = with_masks(found, self.pairs, query, self._masks(column.key))
        return found

    def has_masks(self, column: Column) -> bool:
        """Whether attention of a method can be shown: it has masks and was saved."""
        return self.encodes(column) and hashers.create(column.method, 1).has_masks

    def encodes(self, column: Column) -> bool:
        """Whether a method can encode new queries: it was saved."""
        return column.key in self.methods

    def _encode(self, column: Column, query: UserQuery) -> HashCodes:
        side = sides(column.direction)[0]
        missing = needs(self.pairs, side) - query.made_of
        if missing:
            raise ValueError(
                f"{column.method} needs {' and '.join(sorted(missing))} here: choose "
                "another direction or method."
            )
        method = self._fitted(column.key)
        (modality,) = (m for m in modalities(method) if m == side)
        return method.encode(query.pairs, modality)

    def _load(self, key: tuple[str, int]) -> Hasher:
        if key not in self.methods:
            raise ValueError(
                f"No fitted {key[0]} of {key[1]} bits was saved, so it cannot encode your query."
            )
        return cast(Hasher, self.methods[key]())
