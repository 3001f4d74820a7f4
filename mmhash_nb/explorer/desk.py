"""What answers the explorer's controls for one dataset: each thing loaded or gathered once."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from mmhash_nb.codes import HashCodes
from mmhash_nb.experiments.collection import Collection
from mmhash_nb.experiments.evaluation import modalities
from mmhash_nb.explorer.answers import Answer, Database, Question, answer
from mmhash_nb.explorer.attention import Masks, has_masks, with_masks
from mmhash_nb.explorer.own import Own, needs
from mmhash_nb.figures.nearest import side_codes, sides
from mmhash_nb.hashers.base import Hasher
from mmhash_nb.pairs import Pairs


@dataclass(frozen=True)
class Column:
    """A method and code length, and the task it is asked, such as `image-text`."""

    method: str
    bits: int
    direction: str

    @property
    def key(self) -> tuple[str, int]:
        """(method, code length)."""
        return self.method, self.bits


class Desk:
    """A dataset with its codes and fitted methods, ready to be asked.

    The database side of a method's codes is gathered at the first question to it, a method is
    loaded at the first that needs it, and both stay.

    Args:
        collection: pairs, codes and fitted methods.
    """

    def __init__(self, collection: Collection) -> None:
        self.pairs, self.codes, self.methods = collection
        self._databases: dict[tuple[str, int, str], Database] = {}
        self._fitted: dict[tuple[str, int], Hasher] = {}
        self._masks: dict[tuple[str, int], Masks] = {}
        self._own_codes: WeakKeyDictionary[Pairs, dict[Column, HashCodes]] = WeakKeyDictionary()

    def question(self, place: int) -> Question:
        """The dataset's query at a place of `pairs.query`.

        Raises:
            ValueError: the query split is empty.
        """
        if self.pairs.query.size == 0:
            raise ValueError(f"{self.pairs.name} has an empty query split: there is no query.")
        return Question.of(self.pairs, int(self.pairs.query[place]))

    def answer(
        self,
        column: Column,
        question: Question | Own,
        k: int,
        only_mistakes: bool = False,
        attention: bool = False,
    ) -> Answer:
        """What a method finds for a query of the dataset or of the reader's own.

        Args:
            column: the method and what it is asked.
            question: what is asked with.
            k: how many results.
            only_mistakes: leave out results that are right; of no effect for the reader's own
                query, whose labels nobody knows.
            attention: with masks, where the method has them and was kept.

        Raises:
            ValueError: an empty database, or a method that cannot encode the reader's own query.
            OSError, RuntimeError: the fitted method cannot be loaded.
        """
        if isinstance(question, Own):
            asked = self._encoded(column, question)
            question = question.question
        else:
            side = sides(column.direction)[0]
            asked = side_codes(self.pairs, self.codes[column.key], side)[question.sample]
        only_mistakes = only_mistakes and question.labels is not None
        database = self._database(column)
        labels = question.labels
        found = answer(column.method, column.direction, database, asked, labels, k, only_mistakes)
        if attention and self.has_masks(column):
            found = with_masks(found, self.pairs, question, self._masks_of(column))
        return found

    def has_masks(self, column: Column) -> bool:
        """Whether attention of a method can be shown: it has masks and was kept."""
        return column.key in self.methods and has_masks(column.method)

    def encodes(self, column: Column) -> bool:
        """Whether a method can encode new queries: it was kept."""
        return column.key in self.methods

    def _database(self, column: Column) -> Database:
        side = sides(column.direction)[1]
        key = (*column.key, side)
        if key not in self._databases:
            self._databases[key] = Database(self.pairs, self.codes[column.key], side)
        return self._databases[key]

    def _encoded(self, column: Column, own: Own) -> HashCodes:
        known = self._own_codes.setdefault(own.pair, {})
        if column not in known:
            side = sides(column.direction)[0]
            missing = needs(self.pairs, side) - own.made_of
            if missing:
                raise ValueError(
                    f"{column.method} is asked with {' and '.join(sorted(missing))} here: choose "
                    "another direction or method."
                )
            method = self._method(column)
            (modality,) = (m for m in modalities(method) if m == side)
            known[column] = method.encode(own.pair, modality)
        return known[column]

    def _method(self, column: Column) -> Hasher:
        if column.key not in self.methods:
            raise ValueError(
                f"No fitted {column.method} of {column.bits} bits was kept, so it cannot encode "
                "your query."
            )
        if column.key not in self._fitted:
            method = self.methods[column.key]()
            assert isinstance(method, Hasher)
            self._fitted[column.key] = method
        return self._fitted[column.key]

    def _masks_of(self, column: Column) -> Masks:
        if column.key not in self._masks:
            self._masks[column.key] = Masks(self._method(column))
        return self._masks[column.key]
