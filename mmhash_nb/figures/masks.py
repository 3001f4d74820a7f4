"""What an attention mask divides a picture into: attended and unattended (zhang2018, Fig. 6)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from mmhash_nb.figures.items import Box, frame, show_pixels, write
from mmhash_nb.figures.style import DIFFERENT, INK, Picture, axes_in_inches, themed
from mmhash_nb.pairs import check_array
from mmhash_nb.papers.zhang2018.attention_scores import cell_size

_CELL, _GAP, _MARGIN = 1.0, 0.08, 0.1
_SIDE, _LINE = 0.75, 0.14
_ROWS = ("picture", "mask", "attended", "unattended")
_DARK = 0.15  # what is left of a pixel's brightness; enough to tell where in the picture one is


@themed()
def attended_regions(
    images: np.ndarray,
    masks: np.ndarray,
    objects: np.ndarray | None = None,
    titles: Sequence[str] | None = None,
) -> Figure:
    """Pictures, their masks, and what is attended and unattended of them, a column a picture.

    In a mask, attended cells are white. The other part of a picture is darkened in the last two
    rows.

    Args:
        images: `uint8 [N, 3, H, W]`.
        masks: attended cells, `bool [N, h, w]`; H and W are multiples of h and w.
        objects: object pixels, `bool [N, H, W]`, drawn as an outline on picture and mask.
        titles: a line or two over each picture.

    Raises:
        ValueError: there are no images, or arrays do not fit.
    """
    _check(images, masks, objects, titles)
    n, _, height, width = images.shape
    down, across = cell_size(masks, height, width)
    attended = masks.repeat(down, axis=1).repeat(across, axis=2)
    pixels = images.transpose(0, 2, 3, 1)  # [N, H, W, 3]
    dark = (_DARK * pixels).astype(np.uint8)
    white = np.where(masks, np.uint8(255), np.uint8(0))[..., None].repeat(3, axis=-1)
    parts = [np.where((attended == part)[..., None], pixels, dark) for part in (True, False)]

    tall, head = _CELL * height / width, 0.0 if titles is None else 2 * _LINE + 0.04
    width_of_all = _SIDE + n * (_CELL + _GAP)
    note = "" if objects is None else "The outline is the object region."
    height_of_all = head + len(_ROWS) * (tall + _GAP) + (0.2 if note else 0)
    figure = Picture(width_of_all + _MARGIN, height_of_all + 2 * _MARGIN)
    axes = axes_in_inches(figure, 0, _MARGIN, width_of_all, height_of_all)
    for r, (name, pictures) in enumerate(zip(_ROWS, (pixels, white, *parts), strict=True)):
        top = head + r * (tall + _GAP)
        write(axes, name, (0, top, _SIDE - _GAP, tall), size=7, lines=1, align="right")
        for c in range(n):
            box = (_SIDE + c * (_CELL + _GAP), top, _CELL, tall)
            # A mask stays sharp; a photo is smoothed where it shrinks.
            how = "none" if pictures[c].shape[0] < 100 else "antialiased"
            show_pixels(axes, pictures[c], box, how)
            if objects is not None and r < 2:
                _outline(axes, objects[c], box)
            frame(axes, box, INK, 0.6)
    for c, title in enumerate(titles or ()):
        write(axes, title, (_SIDE + c * (_CELL + _GAP), 0, _CELL, 2 * _LINE), size=6.5, lines=2)
    if note:
        place = (_SIDE, height_of_all - 0.2, width_of_all - _SIDE, 0.2)
        write(axes, note, place, size=6, lines=1, align="left")
    return figure


def _outline(axes: Axes, region: np.ndarray, box: Box) -> None:
    """The border of a region `bool [H, W]` of a picture in a box, closed at the picture's edge."""
    if not region.any():
        return
    left, top, width, height = box
    rows, columns = region.shape
    # Pixel middles, with a ring of pixels of no object around; its border is drawn on the edge.
    x = left + (np.arange(-1, columns + 1) + 0.5).clip(0, columns) * width / columns
    y = top + (np.arange(-1, rows + 1) + 0.5).clip(0, rows) * height / rows
    lines = axes.contour(x, y, np.pad(region, 1), levels=[0.5], colors=DIFFERENT, linewidths=0.9)
    lines.set_path_effects([withStroke(linewidth=1.9, foreground="white")])
    lines.set_gid("outline")


def _check(
    images: np.ndarray,
    masks: np.ndarray,
    objects: np.ndarray | None,
    titles: Sequence[str] | None,
) -> None:
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != 3 or not len(images):
        raise ValueError(
            "pictures of masks need images, uint8 [N, 3, H, W], N at least 1, but they are "
            f"{images.dtype} {list(images.shape)}."
        )
    n, _, height, width = images.shape
    check_array("masks", masks, np.bool_, n, "h", "w")
    if objects is not None:
        check_array("objects", objects, np.bool_, n, height, width)
    if titles is not None and len(titles) != n:
        raise ValueError(f"there must be a title for each of {n} images, but {len(titles)} are.")
