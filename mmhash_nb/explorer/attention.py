"""Visual attention masks of the pictures that the explorer shows, each computed once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from mmhash_nb.explorer.search import Query, SearchResult
from mmhash_nb.figures.items import view_of
from mmhash_nb.figures.nearest import sides
from mmhash_nb.hashers.base import Method
from mmhash_nb.pairs import Pairs


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
