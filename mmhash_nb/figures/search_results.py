"""What the command `search` found: the query, then pictures and texts by distance."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmhash_nb.figures.items import frame, show_pixels, write
from mmhash_nb.figures.style import INK, Picture, axes_in_inches, themed

_SIDE = 1.3  # of a picture, in inches
_WORDS = 0.5  # of the text under it
_NOTE = 0.18  # of the line under both
_GAP = 0.12
COLUMNS = 5
#: that one gallery shows
MOST_ITEMS = 200


@dataclass(frozen=True)
class Item:
    """What is shown of an item.

    Attributes:
        picture: `uint8 [H, W, 3]`, square; None where it has none.
        text: empty where it has none.
        note: a line under both.
    """

    picture: np.ndarray | None
    text: str
    note: str


@themed()
def found_items(query: Item, found: Sequence[Item], columns: int = COLUMNS) -> Figure:
    """The query at the left, what was found for it beside it in rows, in its order.

    Args:
        query: framed.
        found: one to 200.
        columns: items beside each other, without the query.

    Raises:
        ValueError: nothing was found, or more than a gallery shows.
    """
    if not found:
        raise ValueError("there is no item to show.")
    check_items(len(found))
    columns = min(columns, len(found))
    width, height = _SIDE + _GAP, _SIDE + _WORDS + _NOTE + _GAP
    size = (_GAP + (1 + columns) * width, _GAP + -(-len(found) // columns) * height)
    figure = Picture(*size)
    axes = axes_in_inches(figure, 0, 0, *size)
    _draw(axes, query, _GAP, _GAP)
    frame(axes, (_GAP, _GAP, _SIDE, _SIDE), INK, 2.5)
    for n, item in enumerate(found):
        _draw(axes, item, _GAP + (1 + n % columns) * width, _GAP + n // columns * height)
    return figure


def check_items(n: int) -> None:
    """Refuse more items than a gallery shows."""
    if n > MOST_ITEMS:
        raise ValueError(f"a gallery shows at most {MOST_ITEMS} items, but there are {n:,}.")


def _draw(axes: Axes, item: Item, left: float, top: float) -> None:
    words = (left, top + _SIDE, _SIDE, _WORDS)
    if item.picture is None:
        words = (left, top, _SIDE, _SIDE)
    else:
        show_pixels(axes, item.picture, (left, top, _SIDE, _SIDE))
    write(axes, item.text, words)
    write(axes, item.note, (left, top + _SIDE + _WORDS, _SIDE, _NOTE), lines=1, weight="bold")
