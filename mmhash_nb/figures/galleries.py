"""Retrieval galleries: queries and what was found for them, framed by right and wrong."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmhash_nb.figures import items
from mmhash_nb.figures.nearest import MethodCodes, Nearest, nearest, sides, task_name
from mmhash_nb.figures.style import INK, MARKS, RIGHT, WRONG, Picture, axes_in_inches, themed
from mmhash_nb.hashers.names_in_print import in_print
from mmhash_nb.pairs import Pairs

_GAP = 0.07
_NOTE = 0.29  # the lines under a result: its mark and distance, and who else is at that distance
_TITLE = 0.3
_MARGIN = 0.1


class Block(NamedTuple):
    """A titled group of rows: what stands left of each, a query's sample or a name, and results."""

    title: str
    heads: Sequence[int | str]
    found: Nearest


@themed()
def gallery(
    pairs: Pairs,
    codes: MethodCodes,
    task: str,
    queries: Sequence[int] | np.ndarray,
    k: int = 10,
    show: items.View | None = None,
) -> Figure:
    """The `k` nearest items of a few queries, one block a method (masci2014, Fig. 1, 6 and 7).

    A result that shares a label with its query is framed in blue and marked ✓, another in orange
    and marked ✗; the number is its Hamming distance. Items at one distance stand in an order by
    lot, always the same; where there are several, "n of m" says how many of the m are relevant.

    Args:
        codes: for each method and modality, codes of all samples.
        task: such as `image-text`: the query's modality, then the database's.
        queries: sample indices.
        k: results for each query.
        show: how results are drawn (`picture`, `words`, `strip`); by their modality where None.

    Raises:
        ValueError: where there is no query, no method, or no codes for the task.
    """
    if len(queries) == 0 or not codes:
        raise ValueError("a gallery needs at least one query and one method.")
    heads, name = [int(query) for query in queries], task_name(pairs, task)
    blocks = [
        Block(f"{in_print(method)} · {name}", heads, nearest(pairs, c, task, queries, k))
        for method, c in codes.items()
    ]
    return draw_blocks(pairs, blocks, task, show)


def draw_blocks(
    pairs: Pairs, blocks: Sequence[Block], task: str, show: items.View | None = None
) -> Figure:
    """Draw blocks of result rows, one axes a block, all in one column."""
    query_side, database_side = sides(task)
    view = show or items.view_of(pairs, database_side)
    width, height = items.CELL[view]
    named = isinstance(blocks[0].heads[0], str)
    head_width, head_height = items.CELL["strip" if named else items.view_of(pairs, query_side)]
    row = max(height, head_height) + _NOTE + _GAP
    k = blocks[0].found.ids.shape[1]
    total_width = 2 * _MARGIN + head_width + 2 * _GAP + k * (width + _GAP)
    heights = [_TITLE + len(block.heads) * row for block in blocks]
    figure = Picture(total_width, sum(heights) + _MARGIN)
    top = 0.0
    for block, block_height in zip(blocks, heights, strict=True):
        axes = axes_in_inches(figure, _MARGIN, top, total_width - 2 * _MARGIN, block_height)
        place = (0, 0.02, total_width - 2 * _MARGIN, _TITLE - 0.04)
        items.write(axes, block.title, place, size=9, lines=1, align="left", weight="bold")
        for r, head in enumerate(block.heads):
            y = _TITLE + r * row
            if isinstance(head, str):
                items.write(axes, head, (0.02, y, head_width, height), size=7.5, weight="bold")
            else:
                box = (0.02, y, head_width, head_height)
                items.draw_item(axes, pairs, head, query_side, box)
                items.frame(axes, box, INK, 2.5)
                _note(axes, "query", box)
            for j, sample in enumerate(block.found.ids[r]):
                box = (head_width + 2 * _GAP + j * (width + _GAP), y, width, height)
                items.draw_item(axes, pairs, int(sample), database_side, box, view)
                right = bool(block.found.right[r, j])
                colour = RIGHT if right else WRONG
                items.frame(axes, box, colour).set_gid("right" if right else "wrong")
                note = f"{MARKS[right]} {block.found.distances[r, j]}"
                _note(axes, note, box, size=7, colour=colour)
                if (tied := int(block.found.tied[r, j])) > 1:
                    among = f"{int(block.found.relevant[r, j]):,} of {tied:,}"
                    under = (box[0], box[1] + height + 0.15, width, 0.14)
                    items.write(axes, among, under, lines=1, size=5.5)
        top += block_height
    return figure


def _note(axes: Axes, words: str, box: items.Box, **how: Any) -> None:
    left, top, width, height = box
    under = (left, top + height, width, 0.2)
    items.write(axes, words, under, lines=1, weight="bold", **how)


@themed()
def show_pairs(pairs: Pairs, indices: Sequence[int] | np.ndarray, columns: int = 5) -> Figure:
    """A grid: each pair's picture (or feature strip), its text, and its labels in bold.

    Args:
        indices: which samples.
        columns: pairs beside each other.

    Raises:
        ValueError: where there is no sample to show or an index is out of range.
    """
    indices = items.checked_indices(indices, len(pairs), "sample")
    image_view, text_view = items.view_of(pairs, "image"), items.view_of(pairs, "text")
    columns = min(columns, len(indices))
    width = 1.72
    picture = 1.1 if image_view == "picture" else items.CELL["strip"][1]
    # Where both are descriptors of one picture, the second is shown as a strip.
    words = 0.48 if text_view == "words" else 0.2
    row = picture + words + 0.4
    rows = -(-len(indices) // columns)
    size = (2 * _MARGIN + columns * width, _MARGIN + rows * row)
    figure = Picture(*size)
    axes = axes_in_inches(figure, 0, 0, *size)
    for n, sample in enumerate(indices):
        x, y = _MARGIN + n % columns * width, _MARGIN + n // columns * row
        wide = picture if image_view == "picture" else width - 0.14
        box = (x + (width - wide) / 2, y, wide, picture)
        below = (x + 0.07, y + picture + 0.05, width - 0.14, words)
        draw = items.draw_item if image_view == "picture" else items.draw_strip
        draw(axes, pairs, int(sample), "image", box)
        draw = items.draw_item if text_view == "words" else items.draw_strip
        draw(axes, pairs, int(sample), "text", below)
        labels = (x + 0.04, y + picture + words + 0.07, width - 0.08, 0.26)
        items.write(axes, items.label_text(pairs, int(sample)), labels, weight="bold", lines=2)
    return figure
