"""The explorer's picture: a query, its results, their codes, and how far all items lie."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mmhash_nb.codes import HashCodes
from mmhash_nb.explorer.canvas import Canvas
from mmhash_nb.explorer.components import draw_codes, draw_item
from mmhash_nb.explorer.plots import plot_distances, plot_lookup
from mmhash_nb.explorer.search import (
    Database,
    Masks,
    Query,
    SearchResult,
    nearest_radius,
    search,
    with_masks,
)
from mmhash_nb.figures.items import CELL, Box, label_text, view_of
from mmhash_nb.figures.nearest import Codes, MethodCodes, side_codes, sides, task_name
from mmhash_nb.figures.style import INK, MARKS, RIGHT, WRONG
from mmhash_nb.hashers.names_in_print import in_print
from mmhash_nb.pairs import Pairs

_TOP = 0.52  # inches: two lines of heading
_RESULTS = 1.7  # where results begin, right of the query
_NOTES = 0.4  # height of the two lines under a picture
_GAP = 0.06


class _Layout(NamedTuple):
    """A column's width, the height of its lower part, and where things stand in that, in inches."""

    width: float
    height: float
    codes: Box
    histogram: Box
    curve: Box


#: by how many methods stand beside each other
_LAYOUTS = {
    1: _Layout(10.2, 2.4, (0.1, 0.26, 3.5, 1.95), (4.3, 0.42, 2.4, 1.5), (7.4, 0.42, 2.6, 1.5)),
    2: _Layout(6.2, 4.3, (0.1, 0.26, 5.9, 1.7), (0.6, 2.42, 2.3, 1.5), (3.6, 2.42, 2.4, 1.5)),
}


def draw(
    pairs: Pairs,
    codes: Codes | MethodCodes,
    direction: str,
    query: int,
    k: int,
    radius: int,
    only_mistakes: bool = False,
    masks: Mapping[str, Masks] | None = None,
) -> Canvas:
    """A query, its `k` nearest items, their codes, its distances and its precision and recall.

    What it returns shows as a picture where it is a cell's last expression.

    Args:
        codes: of all samples for each modality, of one method; or of one or two methods by name.
        direction: the task, such as `image-text`.
        query: sample index.
        k: results to show.
        radius: Hamming radius of the lookup to mark.
        only_mistakes: show the nearest of the results that share no label with the query.
        masks: visual attention of methods by name, laid over the pictures.

    Raises:
        ValueError: on an empty database, a query out of range, codes that are not there, or more
            than two methods.
    """
    of_dataset = Query.of(pairs, query)
    query_side, database_side = sides(direction)
    found = []
    named = not any(isinstance(value, HashCodes) for value in codes.values())
    by_method: MethodCodes = codes if named else {"": codes}  # type: ignore[assignment, dict-item]
    for method, of in by_method.items():
        code = side_codes(pairs, of, query_side)[query]
        database = Database(pairs, of, database_side)
        one = search(method, direction, database, code, of_dataset.labels, k, only_mistakes)
        if masks is not None and method in masks:
            one = with_masks(one, pairs, of_dataset, masks[method])
        found.append(one)
    return draw_results(pairs, of_dataset, found, radius)


def draw_results(
    pairs: Pairs, query: Query, results: Sequence[SearchResult], radius: int
) -> Canvas:
    """A column for each method's result of one query.

    A result that shares a label with the query is framed in blue and marked ✓, another in orange
    and marked ✗; where the query's labels are unknown, frames are black and there is no mark. The
    number is the Hamming distance, and the line under it names the shared labels. A `radius` of
    lookup beyond the code length counts as that.

    Raises:
        ValueError: there are no results or more than two.
    """
    if len(results) not in _LAYOUTS:
        raise ValueError(f"one or two methods stand side by side, not {len(results)}.")
    layout = _LAYOUTS[len(results)]
    upper = _TOP + max(_upper_height(pairs, query, one, layout.width) for one in results)
    canvas = Canvas(layout.width * len(results), upper + layout.height)
    for column, one in enumerate(results):
        left, within = column * layout.width, min(radius, one.n_bits)
        _draw_heading(canvas, pairs, one, within, left, layout.width)
        _draw_query(canvas, query, one, left)
        for j, box in enumerate(_boxes(pairs, one, layout.width)):
            _draw_result(canvas, pairs, query, one, j, _moved(box, left, 0))
        draw_codes(canvas, one.query_code, one.codes, _moved(layout.codes, left, upper))
        histogram, curve = (_moved(box, left, upper) for box in (layout.histogram, layout.curve))
        plot_distances(canvas, histogram, one.relevant, one.other, within)
        if one.relevant is not None:
            plot_lookup(canvas, curve, one.relevant, one.other, within)
    return canvas


def _boxes(pairs: Pairs, found: SearchResult, width: float) -> list[Box]:
    """Where the results of a column stand, row by row."""
    wide, high = CELL[view_of(pairs, sides(found.direction)[1])]
    columns = int((width - _RESULTS) / (wide + _GAP))
    right, down = wide + _GAP, high + _NOTES
    every = range(len(found.ids))
    return [(_RESULTS + j % columns * right, _TOP + j // columns * down, wide, high) for j in every]


def _query_size(query: Query, found: SearchResult) -> tuple[float, float]:
    view = view_of(query.pairs, sides(found.direction)[0])
    return (1.3, 1.3) if view == "picture" else CELL[view]


def _upper_height(pairs: Pairs, query: Query, found: SearchResult, width: float) -> float:
    """What the results need, or the query with the two lines under it."""
    boxes = _boxes(pairs, found, width)
    results = boxes[-1][1] + boxes[-1][3] + _NOTES - _TOP if boxes else 0.0
    return max(results, _query_size(query, found)[1] + _NOTES)


def _draw_heading(
    canvas: Canvas, pairs: Pairs, found: SearchResult, radius: int, left: float, width: float
) -> None:
    parts = [in_print(found.method), task_name(pairs, found.direction), f"{found.n_bits} bits"]
    parts += ["only mistakes"] * found.only_mistakes
    heading = " · ".join(part for part in parts if part)
    place = (left + 0.1, 0.04, width - 0.2, 0.22)
    canvas.write(heading, place, size=9, lines=1, align="left", bold=True)
    items = found.other if found.relevant is None else found.other + found.relevant
    within = f"within radius {radius}: {items[: radius + 1].sum():,} of {items.sum():,} items"
    if (nearest := nearest_radius(found)) > radius:
        within = f"within radius {radius}: nothing; the nearest of {items.sum():,} is at {nearest}"
    elif found.relevant is not None:
        within += f", {found.relevant[: radius + 1].sum():,} of them relevant"
    place = (left + 0.1, 0.26, width - 0.2, 0.18)
    canvas.write(within, place, size=7.5, lines=1, align="left")


def _draw_query(canvas: Canvas, query: Query, found: SearchResult, left: float) -> None:
    width, height = _query_size(query, found)
    box = (left + 0.1, _TOP, width, height)
    side = sides(found.direction)[0]
    draw_item(canvas, query.pairs, query.sample, side, box, found.query_mask)
    canvas.frame(box, INK, "query", width=4)
    words = query.name
    if query.labels is not None:
        words = f"query {query.sample}: {label_text(query.pairs, query.sample)}"
    below = (left + 0.05, _TOP + height + 0.04, max(width, 1.4) + 0.1, 0.3)
    canvas.write(words, below, bold=True, lines=2)


def _draw_result(
    canvas: Canvas, pairs: Pairs, query: Query, found: SearchResult, j: int, box: Box
) -> None:
    """One result with its frame; under it its mark and distance, and the labels it shares."""
    left, top, width, height = box
    sample = int(found.ids[j])
    mask = None if found.masks is None else found.masks[j]
    draw_item(canvas, pairs, sample, sides(found.direction)[1], box, mask)
    colour, name, line = INK, "unjudged", str(found.distances[j])
    if found.right is not None:
        right = bool(found.right[j])
        colour, name = (RIGHT, "right") if right else (WRONG, "wrong")
        line = f"{MARKS[right]} {line}"
    canvas.frame(box, colour, name)
    under = (left, top + height + 0.03, width, 0.15)
    canvas.write(line, under, size=7, lines=1, bold=True, colour=colour)
    if query.labels is not None and (shared := pairs.labels[sample] & query.labels).any():
        names = ", ".join(str(pairs.label_names[int(c)]) for c in np.flatnonzero(shared))
        canvas.write(names, (left, top + height + 0.18, width, 0.14), size=6, lines=1)


def _moved(box: Box, right: float, down: float) -> Box:
    left, top, width, height = box
    return left + right, top + down, width, height
