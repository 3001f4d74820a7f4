"""What attention over channels selects: their maps laid over pictures (zeng2022, Eqs. 7 and 8)."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from scipy.ndimage import zoom

from mmhash_nb.figures import items
from mmhash_nb.figures.style import Picture, axes_in_inches, themed
from mmhash_nb.pairs import Pairs

_CELL, _GAP, _MARGIN = 1.0, 0.08, 0.1
_LINE, _HEAD = 0.14, 0.28
_SCALE = "Bright is where a map is high, dark where it is low; each map is scaled by itself."


@themed()
def attended_channels(
    pairs: Pairs,
    samples: Sequence[int] | np.ndarray,
    weights: np.ndarray,
    maps: np.ndarray,
    k: int = 4,
) -> Figure:
    """The channels that attention weighs most for some samples, each over its picture.

    A row a sample: the picture, its `k` channels of largest weight, and the mean of all channels by
    their weights. ×3.2 is a weight 3.2 times that of even attention, 1 / C.

    Args:
        pairs: the dataset, with pictures.
        samples: n sample indices.
        weights: attention over channels, `float [n, C]`, a row a sample; rows sum to one.
        maps: the maps that are weighed, `float [n, C, h, w]`.
        k: channels to show (all, where there are fewer).
    """
    samples, weights = items.checked(pairs, samples, "weights", weights, k)
    _check_pictures(pairs, weights, maps)
    channels = weights.shape[1]
    best = np.argsort(-weights, axis=1, kind="stable")[:, :k]  # [n, k]
    mean = np.einsum("nc,nchw->nhw", weights, maps)
    axes, row = _pictures(len(samples), 2 + best.shape[1], lines=2)
    _heading(axes, 0, 1, "picture")
    _heading(axes, 1, best.shape[1], "channels of largest weight (× an even one)")
    _heading(axes, 1 + best.shape[1], 1, "weighted mean")
    for r, sample in enumerate(samples):
        box = _box(0, r, row)
        items.draw_item(axes, pairs, sample, "image", box, "picture")
        _under(axes, box, items.label_text(pairs, sample), lines=2)
        for j, channel in enumerate(best[r], start=1):
            box = _box(j, r, row)
            _overlay(axes, pairs, sample, maps[r, channel], box)
            _under(axes, box, f"channel {channel} {_times(weights[r, channel] * channels)}")
        _overlay(axes, pairs, sample, mean[r], _box(1 + best.shape[1], r, row))
    return axes.figure  # type: ignore[return-value]


@themed()
def channel_gallery(
    pairs: Pairs,
    channels: Sequence[int] | np.ndarray,
    weights: np.ndarray,
    maps: np.ndarray,
    k: int = 6,
) -> Figure:
    """What a channel looks for: the pictures to whose representation it adds most.

    A row a channel: the `k` samples with the largest weight times mean of the map, its map over
    each. ×3.2 is its weight there, in times of even attention.

    Args:
        pairs: the dataset, with pictures; `pairs.take` gives a part of one.
        channels: which.
        weights: attention over channels of all N samples, `float [N, C]`.
        maps: the maps that are weighed, `float [N, C, h, w]`.
        k: samples to show.
    """
    _, weights = items.checked(pairs, np.arange(len(pairs)), "weights", weights, k)
    _check_pictures(pairs, weights, maps)
    channels = items.checked_indices(channels, weights.shape[1], "channel")
    best = strongest(channels, weights, maps, k)
    axes, row = _pictures(len(channels), 1 + best.shape[1], lines=3)
    _heading(axes, 1, best.shape[1], "pictures with the largest weight × mean of the map")
    for r, channel in enumerate(channels):
        left, top, width, height = _box(0, r, row)
        middle = (left, top + height / 2 - 0.2, width, 0.2)
        items.write(axes, f"channel {channel}", middle, size=8, lines=1, weight="bold")
        mean = _times(weights[:, channel].mean() * weights.shape[1])
        items.write(axes, f"mean weight {mean}", (left, top + height / 2, width, 0.2), lines=1)
        for j, sample in enumerate(best[r], start=1):
            box = _box(j, r, row)
            _overlay(axes, pairs, sample, maps[sample, channel], box)
            _under(axes, box, _times(weights[sample, channel] * weights.shape[1]))
            _under(axes, box, items.label_text(pairs, sample), line=1, lines=2)
    return axes.figure  # type: ignore[return-value]


def strongest(channels: np.ndarray, weights: np.ndarray, maps: np.ndarray, k: int) -> np.ndarray:
    """The `k` samples with the largest weight × mean of the map of each channel, `int [M, k]`."""
    response = weights[:, channels] * maps[:, channels].mean(axis=(2, 3))  # [N, M]
    return np.argsort(-response, axis=0, kind="stable")[:k].T


def heat(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """A map `float [h, w]` scaled to 0..1 and, bilinearly, to `[height, width]`; zeros if flat.

    A map without negative values starts at zero, so that a place of none is dark.
    """
    low, high = min(0.0, float(values.min())), float(values.max())
    scaled = (values - low) / (high - low) if high > low else np.zeros(values.shape)
    factors = (height / values.shape[0], width / values.shape[1])
    return zoom(scaled, factors, order=1, mode="nearest", grid_mode=True)


def _overlay(axes: Axes, pairs: Pairs, sample: int, values: np.ndarray, box: items.Box) -> None:
    """A map over a picture in grey: where it is low, the picture stays."""
    image = items.draw_item(axes, pairs, sample, "image", box, "picture")
    assert isinstance(image, AxesImage)
    pixels = np.asarray(image.get_array(), dtype=float)  # [H, W, 3], 0..255
    grey = pixels @ (0.299, 0.587, 0.114)
    image.set_data(np.repeat(grey[:, :, None], 3, axis=2).astype(np.uint8))
    values = heat(values, *grey.shape)
    cover = matplotlib.colormaps["inferno"](values, alpha=0.25 + 0.45 * values)
    items.show_pixels(axes, cover, box).set_gid("heat")


def _pictures(rows: int, columns: int, lines: int) -> tuple[Axes, float]:
    """Axes for a table of pictures with lines of text under each, and the height of a row."""
    row = _CELL + lines * _LINE + 0.1
    width = columns * (_CELL + _GAP)
    figure = Picture(width + 2 * _MARGIN, _HEAD + rows * row + 0.3)
    axes = axes_in_inches(figure, _MARGIN, 0, width, _HEAD + rows * row + 0.3)
    items.write(axes, _SCALE, (0, _HEAD + rows * row, width, 0.25), size=6, lines=1, align="left")
    return axes, row


def _box(column: int, line: int, row: float) -> items.Box:
    return (column * (_CELL + _GAP), _HEAD + line * row, _CELL, _CELL)


def _heading(axes: Axes, column: int, columns: int, words: str) -> None:
    place = (column * (_CELL + _GAP), 0.04, columns * (_CELL + _GAP) - _GAP, _HEAD - 0.06)
    items.write(axes, words, place, size=7, lines=1, weight="bold")


def _under(axes: Axes, box: items.Box, words: str, line: int = 0, lines: int = 1) -> None:
    """Write words under a picture, from a line on, as near to it as they can stand."""
    left, top, width, height = box
    text = items.write(axes, words, (left, top + height + line * _LINE, width, _LINE), lines=lines)
    text.set(y=top + height + (line + 0.2) * _LINE, va="top")


def _times(ratio: float) -> str:
    return f"×{ratio:.1f}" if ratio < 99.5 else f"×{ratio:.0f}"


def _check_pictures(pairs: Pairs, weights: np.ndarray, maps: np.ndarray) -> None:
    if items.view_of(pairs, "image") != "picture":
        raise ValueError(f"{pairs.name} has no pictures to lay maps over: load it with pixels.")
    if maps.ndim != 4 or maps.shape[:2] != weights.shape or not np.isfinite(maps).all():
        raise ValueError(
            f"maps must be finite [n, C, h, w] for weights of {list(weights.shape)}, but are "
            f"{list(maps.shape)}."
        )
