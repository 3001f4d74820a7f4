"""One item of a dataset drawn in a box: its picture, its words, or its feature vector."""

import textwrap
from collections.abc import Sequence
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from scipy import sparse

from mmhash_nb.figures.style import INK, points_wide
from mmhash_nb.pairs import Pairs

View = Literal["picture", "words", "strip"]
Box = tuple[float, float, float, float]  # left, top, width, height in inches

#: cell width and height in inches, by how its item is drawn
CELL: dict[View, tuple[float, float]] = {
    "picture": (0.78, 0.78),
    "words": (1.42, 0.76),
    "strip": (0.95, 0.52),
}
_BOTH = ("joint", "unified")  # sides that are of image and text together
# The widest common letters of DejaVu Sans average this fraction of the font size.
_LETTER = 0.62
_LINE = 1.25
_RANGES: WeakKeyDictionary[Pairs, dict[str, tuple[float, float]]] = WeakKeyDictionary()


def view_of(pairs: Pairs, modality: str) -> View:
    """How items of a modality are drawn: texts as their words, the rest as pixels, else strips."""
    worded = pairs.captions is not None or pairs.vocabulary is not None
    if modality == "text" and worded:
        return "words"
    return "strip" if _pixels(pairs) is None else "picture"


def draw_item(
    axes: Axes, pairs: Pairs, sample: int, modality: str, box: Box, view: View | None = None
) -> AxesImage | Text:
    """Draw a side of a sample (`image`, `text`, `joint` or `unified`) in a box of axes in inches.

    Where `view` is None, `view_of` decides how.
    """
    left, top, width, height = box
    view = view or view_of(pairs, modality)
    if view == "words":
        return write(axes, item_words(pairs, sample), box)
    if view == "picture":
        pixels = _pixels(pairs)
        if pixels is None:
            raise ValueError(f"{pairs.name} has no pictures to show: ask for words or strips.")
        return show_pixels(axes, pixels[sample].transpose(1, 2, 0), box)  # [3, H, W] -> [H, W, 3]
    strip = draw_strip(axes, pairs, sample, modality, (left, top, width, height * 0.6))
    write(axes, label_text(pairs, sample), (left, top + height * 0.6, width, height * 0.4), lines=1)
    return strip


def draw_strip(axes: Axes, pairs: Pairs, sample: int, modality: str, box: Box) -> AxesImage:
    """Draw a feature vector as a strip of colours, on one scale for the whole modality."""
    low, high = feature_range(pairs, modality)
    vector = feature_vector(pairs, sample, modality)[None, :]  # [d] -> [1, d]
    return show_pixels(axes, vector, box, interpolation=None, cmap="cividis", vmin=low, vmax=high)


def draw_profile(axes: Axes, pairs: Pairs, sample: int, side: str, box: Box) -> None:
    """Draw a feature vector as a filled curve in a box; pixels have none and say so."""
    left, top, width, height = box
    if side == "image" and pairs.images.ndim == 4:
        write(axes, f"{' × '.join(map(str, pairs.images.shape[1:]))} pixels", box)
        return
    values = feature_vector(pairs, sample, side)
    low, high = feature_range(pairs, side)
    low = min(low, 0.0)
    at_zero = top + height * high / (high - low)
    y = top + height * (high - np.clip(values, low, high)) / (high - low)
    x = left + (np.arange(len(values)) + 0.5) * width / len(values)
    axes.fill_between(x, y, at_zero, step="mid", color="#56606b", linewidth=0.3)
    axes.plot((left, left + width), (at_zero, at_zero), color="#888888", lw=0.6)


def show_pixels(
    axes: Axes, pixels: np.ndarray, box: Box, interpolation: str | None = "none", **how: Any
) -> AxesImage:
    """Stretch pixels `[H, W]` or `[H, W, C]` over a box; `how` is passed on to `Axes.imshow`."""
    left, top, width, height = box
    extent = (left, left + width, top + height, top)
    return axes.imshow(pixels, extent=extent, aspect="auto", interpolation=interpolation, **how)


def frame(axes: Axes, box: Box, colour: str, width: float = 2.0) -> Rectangle:
    """Draw a frame around a box."""
    left, top, w, h = box
    patch = Rectangle((left, top), w, h, fill=False, edgecolor=colour, linewidth=width)
    axes.add_patch(patch)
    return patch


def write(
    axes: Axes,
    words: str,
    box: Box,
    *,
    size: float = 6.5,
    lines: int | None = None,
    align: Literal["left", "center", "right"] = "center",
    weight: str = "normal",
    colour: str = INK,
) -> Text:
    """Write words in a box, wrapped to its width and cut with an ellipsis where they do not fit."""
    left, top, width, height = box
    per_line = max(3, int(width * 72 / (size * _LETTER)))
    most = lines or max(1, int(height * 72 / (size * _LINE)))
    words = words[: 4 * most * per_line]  # a caption may be a book
    for letters in range(per_line, 0, -1):
        wrapped = textwrap.wrap(words, letters, max_lines=most, placeholder="…") or [""]
        if max(points_wide(line, weight) for line in wrapped) * size <= 72 * width:
            break
    x = {"left": left, "center": left + width / 2, "right": left + width}[align]
    font = {"size": size, "weight": weight, "color": colour, "linespacing": _LINE - 0.1}
    # A dollar sign in a tag is a dollar sign, not the start of a formula.
    font |= {"ha": align, "va": "center", "parse_math": False}
    return axes.text(x, top + height / 2, "\n".join(wrapped), **font)  # type: ignore[arg-type]


def item_words(pairs: Pairs, sample: int) -> str:
    """What a text says: its caption, or its words, heaviest first."""
    if pairs.captions is not None:
        return pairs.captions[sample]
    return ", ".join(item_tags(pairs, sample)) or "(no words)"


def item_tags(pairs: Pairs, sample: int) -> list[str]:
    """The words whose columns of `texts` are positive, heaviest first, ties by column."""
    if pairs.vocabulary is None:
        raise ValueError(f"{pairs.name} has no vocabulary: its texts are features without words.")
    weights = feature_vector(pairs, sample, "text")
    order = np.argsort(-weights, kind="stable")
    return [pairs.vocabulary[column] for column in order if weights[column] > 0]


def label_text(pairs: Pairs, sample: int) -> str:
    """The names of a sample's labels."""
    return ", ".join(str(pairs.label_names[int(c)]) for c in np.flatnonzero(pairs.labels[sample]))


def feature_vector(pairs: Pairs, sample: int, modality: str) -> np.ndarray:
    """One sample's feature vector, `float [d]`; of both sides, one after the other."""
    if modality in _BOTH:
        return np.concatenate([feature_vector(pairs, sample, side) for side in ("image", "text")])
    if modality == "image":
        return np.asarray(pairs.images[sample], dtype=np.float32).ravel()
    return _dense(pairs.texts[[sample]])[0]


def feature_range(pairs: Pairs, modality: str) -> tuple[float, float]:
    """The 1st and 99th percentile over the first samples: a scale that outliers do not flatten.

    Computed once for a dataset, since it takes longer than drawing a strip.
    """
    if modality in _BOTH:
        ranges = [feature_range(pairs, side) for side in ("image", "text")]
        return min(low for low, _ in ranges), max(high for _, high in ranges)
    known = _RANGES.setdefault(pairs, {})
    if modality not in known:
        some = (pairs.images if modality == "image" else pairs.texts)[:100]
        low, high = np.percentile(_dense(some), [1, 99])
        known[modality] = float(low), float(high if high > low else low + 1)
    return known[modality]


def checked_indices(indices: Sequence[int] | np.ndarray, n: int, what: str) -> np.ndarray:
    """Indices of samples, queries or channels to show, `int64 [M]`.

    Raises:
        ValueError: there are none, or one is not one of the `n`.
    """
    indices = np.asarray(indices, dtype=np.int64)
    if outside := [i for i in indices if not 0 <= i < n]:
        raise ValueError(f"{what} {outside[0]} is not one of the {n}.")
    if indices.size == 0:
        raise ValueError(f"a figure needs at least one {what} to show.")
    return indices


def checked(
    pairs: Pairs, samples: Sequence[int] | np.ndarray, name: str, values: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Samples as `int64 [n]` and what there is for each of them as `float [n, …]`; `k` to show."""
    if k < 1:
        raise ValueError(f"the number to show must be at least 1, but is {k}.")
    samples, values = checked_indices(samples, len(pairs), "sample"), np.asarray(values)
    if values.ndim != 2 or len(values) != len(samples) or not np.isfinite(values).all():
        raise ValueError(
            f"{name} must be finite, a row for each of the {len(samples)} samples, but are "
            f"{list(values.shape)}."
        )
    return samples, values


def _dense(rows: np.ndarray | sparse.csr_matrix) -> np.ndarray:
    return rows.toarray() if isinstance(rows, sparse.csr_matrix) else np.asarray(rows)


def _pixels(pairs: Pairs) -> np.ndarray | None:
    if pairs.thumbnails is not None:
        return pairs.thumbnails
    return pairs.images if pairs.images.ndim == 4 else None
