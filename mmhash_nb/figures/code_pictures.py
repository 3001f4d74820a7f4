"""Pictures of the codes themselves: bits beside descriptors, and distances of relevant items."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mmhash_nb.codes import HashCodes
from mmhash_nb.figures import items, style
from mmhash_nb.figures.curves import panel_grid
from mmhash_nb.figures.nearest import (
    Codes,
    MethodCodes,
    nearest,
    side_codes,
    side_name,
    sides,
    task_name,
)
from mmhash_nb.figures.precision_curves import profile_of
from mmhash_nb.hashers.names_in_print import in_print
from mmhash_nb.pairs import Pairs

_ONE, _ZERO = "#33383f", "#e6e8eb"
_PALE_DIFFERENT = "#f7a58f"


def code_cells(query: HashCodes, others: HashCodes) -> np.ndarray:
    """The colours of M codes as a picture, `float [M, K, 3]`: dark for 1, light for 0.

    Bits that differ from the query's single code are red, dark red for 1 and light red for 0.
    """
    palette = np.array([to_rgb(c) for c in (_ZERO, _ONE, _PALE_DIFFERENT, style.DIFFERENT)])
    ones = others.signs() > 0
    return palette[ones + 2 * different_bits(query, others)]  # [M, K] -> [M, K, 3]


def different_bits(query: HashCodes, others: HashCodes) -> np.ndarray:
    """Where codes differ from the query's, `bool [M, K]`."""
    return others.signs() != query.signs()


def draw_codes(axes: Axes, query: HashCodes, others: HashCodes, box: items.Box) -> None:
    """Draw M codes as rows of cells in a box; bits that differ from the query's carry a cross."""
    left, top, width, height = box
    cells = code_cells(query, others)
    rows, n_bits = cells.shape[:2]
    items.show_pixels(axes, cells, box)
    # Bytes stand apart, so that a bit can be found again in the next row.
    edges = left + np.arange(8, n_bits, 8) * width / n_bits
    axes.vlines(edges, top, top + height, color="white", linewidth=1.6)
    between = top + np.arange(1, rows) * height / rows
    axes.hlines(between, left, left + width, color="white", linewidth=1.2)
    row, bit_at = np.nonzero(different_bits(query, others))
    x, y = left + (bit_at + 0.5) * width / n_bits, top + (row + 0.5) * height / rows
    size = min(4.5, 0.55 * 72 * min(width / n_bits, height / rows))
    axes.plot(x, y, "wx", markersize=size, markeredgewidth=0.9, gid="different")


@style.themed()
def descriptor_codes(pairs: Pairs, codes: Codes, task: str, query: int, k: int = 4) -> Figure:
    """The descriptors and codes of a query and of its nearest database items (masci2014, Fig. 2).

    The query's row first. Dark cells are ones; bits different from the query's are red and crossed.

    Args:
        pairs: the dataset; a side of pixels shows pictures only.
        codes: of one method, for each modality, codes of all samples.
        task: such as `image-text`.
        query: sample index.
        k: database items.
    """
    query_side, database_side = sides(task)
    found = nearest(pairs, codes, task, [query], k)
    query_code = side_codes(pairs, codes, query_side)[query]
    rows = [(query, query_side, style.INK, "query")]
    of_query = (found.ids[0], found.right[0], found.distances[0])
    for sample, right, distance in zip(*of_query, strict=True):
        note = f"{style.MARKS[bool(right)]} {distance}"
        rows.append((int(sample), database_side, style.RIGHT if right else style.WRONG, note))
    widths = [items.CELL[items.view_of(pairs, side)][0] for side in (query_side, database_side)]
    item_width, height, pitch = max(0.78, *widths), 0.78, 0.98
    # A whole number of pixels for each bit, so that all cells look equally wide.
    curve_width, code_width = 2.3, (0.08 if query_code.n_bits <= 64 else 0.05) * query_code.n_bits
    curve_left = item_width + 0.15
    code_left = curve_left + curve_width + 0.15
    total = code_left + code_width + 0.75
    figure = style.Picture(total + 0.2, 0.4 + pitch * len(rows) + 0.12)
    axes = style.axes_in_inches(figure, 0.1, 0, total, 0.4 + pitch * len(rows) + 0.12)
    heading = f"{query_code.n_bits}-bit code (red ×: not as the query)"
    bold: dict[str, Any] = {"size": 8, "align": "left", "weight": "bold"}
    items.write(axes, heading, (code_left, 0.06, code_width + 0.7, 0.28), lines=1, **bold)
    heading = f"descriptor ({task_name(pairs, task)})"
    items.write(axes, heading, (curve_left, 0.06, curve_width, 0.28), lines=1, **bold)
    for r, (sample, side, colour, note) in enumerate(rows):
        top = 0.4 + r * pitch
        wide = items.CELL[items.view_of(pairs, side)][0]
        box = (0.02 + (item_width - wide) / 2, top, wide, height)
        items.draw_item(axes, pairs, sample, side, box)
        items.frame(axes, box, colour)
        below = (0, top + height, item_width, 0.18)
        items.write(axes, items.label_text(pairs, sample), below, lines=1)
        items.draw_profile(axes, pairs, sample, side, (curve_left, top, curve_width, height))
        name = (curve_left, top + height, curve_width, 0.18)
        items.write(axes, side_name(pairs, side), name, lines=1)
        code = side_codes(pairs, codes, side)[sample]
        draw_codes(axes, query_code, code, (code_left, top + 0.22, code_width, 0.34))
        right_of = (code_left + code_width + 0.08, top + 0.22, 0.65, 0.34)
        items.write(axes, note, right_of, colour=colour, **bold)
    return figure


@style.themed()
def distance_histogram(pairs: Pairs, codes: MethodCodes, task: str) -> Figure:
    """How far relevant and other database items lie from the queries, one panel a method.

    Args:
        codes: for each method and modality, codes of all samples.
        task: such as `image-text`.
    """
    if pairs.query.size == 0 or not codes:
        raise ValueError("a histogram of distances needs at least one query and one method.")
    figure, panels = panel_grid(len(codes), (2.7, 2.1), (0.6, 0.35))
    for axes, (method, of) in zip(panels, codes.items(), strict=True):
        # [Q, K + 1, G + 1] -> [K + 1, G + 1]
        items_at = profile_of(pairs, of, task).counts.sum(axis=0)
        relevant, other = items_at[:, 1:].sum(axis=1), items_at[:, 0]
        series = (("other", other, style.WRONG, "--"), ("relevant", relevant, style.RIGHT, "-"))
        for name, counts, colour, line in series:
            share, label = counts / max(counts.sum(), 1), f"{name} ({int(counts.sum()):,})"
            distance = np.arange(len(counts) + 1)
            axes.stairs(share, distance - 0.5, color=colour, ls=line, linewidth=1.6, label=label)
            axes.fill_between(distance[:-1], share, step="mid", color=colour, alpha=0.18, lw=0)
        seen = np.flatnonzero(relevant + other)
        axes.set(xlabel="Hamming distance", xlim=(seen.min() - 1, seen.max() + 1))
        axes.set(ylabel="share of items", ylim=(0, 1.4 * axes.dataLim.y1))  # room for the legend
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_title(in_print(method), weight="bold")
        axes.legend(loc="upper right", fontsize=6.5)
    figure.suptitle(task_name(pairs, task))
    return figure
