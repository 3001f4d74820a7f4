"""What a report is made of: headings, text, tables, pictures, and parts that fold away."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd


class Link(NamedTuple):
    """A way to a heading of the same report; may stand in a cell of a table."""

    text: str
    anchor: str


class Heading(NamedTuple):
    """A heading of level 1 to 4; `anchor` is what links name, unique in the report."""

    level: int
    text: str
    anchor: str


class Text(NamedTuple):
    """A paragraph."""

    text: str


class Links(NamedTuple):
    """Ways to headings, one after the other."""

    links: Sequence[Link]


@dataclass(frozen=True, eq=False)
class Table:
    """A table; cells are shown as `str` makes them, but for a `Link`."""

    frame: pd.DataFrame


class Picture(NamedTuple):
    """A PNG file with what it shows."""

    path: Path
    caption: str


class Fold(NamedTuple):
    """Blocks behind a line that opens and closes them."""

    summary: str
    blocks: Sequence["Block"]


Block = Heading | Text | Links | Table | Picture | Fold
