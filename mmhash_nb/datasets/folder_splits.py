"""The splits of a user's folder: named by its rows or drawn, one picture never on both sides."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmhash_nb.datasets.pairs_row import Row
from mmhash_nb.datasets.pairs_table import Table
from mmhash_nb.datasets.photo_tables import split

MOST_QUERIES = 1_000
_SHOWN = 3


def drawn_or_named(
    path: Path, table: Table, rows: Sequence[Row], seed: int, n_query: int | None
) -> dict[str, np.ndarray]:
    """Indices by split: those of the column, or drawn by the seed; twins stay together."""
    firsts = np.array([table.twin_of.get(row.line, row.line) for row in rows])
    pictures, of_picture = np.unique(firsts, return_inverse=True)
    if not table.has_split:
        if len(pictures) < 2:
            raise ValueError(f"{path} has one item that can be read: give two or more.")
        share = min(MOST_QUERIES, max(1, len(pictures) // 5))
        query, _ = split(len(pictures), share if n_query is None else n_query, seed)
        is_query = np.isin(of_picture, query)
        rest = np.flatnonzero(~is_query)
        return {"query": np.flatnonzero(is_query), "database": rest, "train": rest}
    named = np.array([row.split for row in rows])
    if "train" not in named:
        raise ValueError(f"{path} has no row of split train, which is learned from: mark some.")
    searched = np.isin(firsts, firsts[named != "query"])
    return {
        "query": np.flatnonzero(~searched),
        "database": np.flatnonzero(searched),
        "train": np.flatnonzero(named == "train"),
    }


def repeated_pictures(path: Path, table: Table, rows: Sequence[Row]) -> list[str]:
    """A sentence on rows that have the picture of an earlier row."""
    twins = [(row.line, table.twin_of[row.line]) for row in rows if row.line in table.twin_of]
    if not twins:
        return []
    some = ", ".join(f"line {line} that of line {first}" for line, first in twins[:_SHOWN])
    more = f" and {len(twins) - _SHOWN:,} more" * (len(twins) > _SHOWN)
    side = "all of a picture are on one side of the split"
    if table.has_split:
        side = "a query whose picture is also searched is moved to the database"
    return [
        f"{len(twins):,} rows of {path} have a picture that an earlier row has ({some}{more}): "
        f"{side}."
    ]
