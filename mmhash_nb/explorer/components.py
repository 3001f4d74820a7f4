"""Parts of the explorer's picture: one item of a dataset, and codes as strips."""

import matplotlib
import numpy as np

from mmhash_nb.codes import HashCodes
from mmhash_nb.explorer.canvas import Canvas
from mmhash_nb.figures import items
from mmhash_nb.figures.code_pictures import code_cells, different_bits
from mmhash_nb.figures.style import DPI
from mmhash_nb.pairs import Pairs

_DARK = 0.3  # what is left of the brightness where attention does not look


def draw_item(
    canvas: Canvas,
    pairs: Pairs,
    sample: int,
    side: str,
    box: items.Box,
    mask: np.ndarray | None = None,
) -> None:
    """A side of a sample in a box, as a picture, words or a strip of colours, as `view_of` says.

    Where a mask of attended positions `bool [h, w]` is given, the rest of a picture is darkened.
    """
    view = items.view_of(pairs, side)
    left, top, width, height = box
    if view == "words":
        inside = (left + 0.05, top + 0.04, width - 0.1, height - 0.08)
        canvas.write(items.item_words(pairs, sample), inside)
    elif view == "picture":
        pixels = pairs.images if pairs.thumbnails is None else pairs.thumbnails
        picture = pixels[sample].transpose(1, 2, 0)  # [3, H, W] -> [H, W, 3]
        if mask is None:
            canvas.paste(picture, box, "picture")
        else:
            canvas.paste(attended(picture, mask), box, "attended picture")
    else:
        values = items.feature_vector(pairs, sample, side)
        low, high = items.feature_range(pairs, side)
        colours = matplotlib.colormaps["cividis"]((values - low) / (high - low), bytes=True)
        canvas.paste(colours[None, :, :3], (left, top, width, height * 0.6), "strip", sharp=True)
        below = (left, top + height * 0.6, width, height * 0.4)
        canvas.write(items.label_text(pairs, sample), below, lines=1)


def attended(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A picture `uint8 [H, W, 3]`, darkened where a mask `bool [h, w]` does not attend."""
    rows, columns = (
        np.arange(n) * size // n for n, size in zip(picture.shape[:2], mask.shape, strict=True)
    )
    visible = mask[rows[:, None], columns]  # [H, W]
    return np.where(visible[..., None], picture, (_DARK * picture).astype(np.uint8))


def draw_codes(canvas: Canvas, query: HashCodes, found: HashCodes, box: items.Box) -> None:
    """The query's code and those of its results under it, bits that differ red and crossed."""
    left, top, width, height = box
    title = "codes: query, then results (red ×: not as the query)"
    above = (left, top - 0.24, width, 0.2)
    canvas.write(title, above, size=7, lines=1, align="left", bold=True)
    stacked = HashCodes(np.concatenate([query.bits, found.bits]), query.n_bits)  # [1 + k, K]
    cells = np.round(255 * code_cells(query, stacked)).astype(np.uint8)
    canvas.paste(cells, box, "codes", sharp=True)
    rows, n_bits = cells.shape[:2]
    x, y = (left + np.arange(n_bits + 1) * width / n_bits) * DPI, (top * DPI, (top + height) * DPI)
    # Bytes stand apart, so that a bit can be found again in the next row.
    for edge in x[8:-1:8]:
        canvas.pen.line([(edge, y[0]), (edge, y[1])], "white", 2)
    edges = (top + np.arange(rows + 1) * height / rows) * DPI
    for edge in edges[1:-1]:
        canvas.pen.line([(x[0], edge), (x[-1], edge)], "white", 2)
    reach = min(3.0, 0.28 * min(x[1] - x[0], edges[1] - edges[0]))
    for row, bit in np.argwhere(different_bits(query, stacked)):
        across, down = (x[bit] + x[bit + 1]) / 2, (edges[row] + edges[row + 1]) / 2
        for way in (-1, 1):
            ends = [(across - reach, down - way * reach), (across + reach, down + way * reach)]
            canvas.pen.line(ends, "white", 1)
