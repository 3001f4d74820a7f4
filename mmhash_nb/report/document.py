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


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 to 4; `anchor` is what links name, unique in the report."""

    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Links:
    """Ways to headings, one after the other."""

    links: Sequence[Link]


@dataclass(frozen=True, eq=False)
class Table:
    """A table; cells are shown as `str` makes them, but for a `Link`."""

    frame: pd.DataFrame


@dataclass(frozen=True)
class Picture:
    """A PNG file with what it shows."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Fold:
    """Blocks behind a line that opens and closes them."""

    summary: str
    blocks: Sequence["Block"]
    opened: bool = False


Block = Heading | Text | Links | Table | Picture | Fold
