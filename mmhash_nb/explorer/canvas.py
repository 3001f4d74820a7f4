"""A canvas that Pillow draws on: for pictures that must follow a slider.

Matplotlib takes about three milliseconds for a text and thirty for a pair of axes, so that the
explorer's picture would take 300. Here it takes a tenth of that.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mmhash_nb.figures.items import Box
from mmhash_nb.figures.style import DPI, INK, small_png

_LINE = 1.18  # from a line of text to the next, in font sizes
#: of a text: a caption may be a book, and fitting takes the square of its letters
MOST_LETTERS = 2_000
_ELLIPSIS = "…"
_ANCHOR = {"left": "lm", "center": "mm", "right": "rm"}

Point = tuple[float, float]


class Text(NamedTuple):
    """Words on a canvas: as they were given, as they fitted, and where they stand in inches."""

    words: str
    lines: tuple[str, ...]
    box: Box
    colour: str


@dataclass(frozen=True, eq=False)
class Mark:
    """Anything else on a canvas.

    Attributes:
        name: what it is, such as `right` for the frame of a result that is right.
        box: left, top, width and height in inches.
        content: the values that are drawn; empty for a frame.
        colour: of a frame.
    """

    name: str
    box: Box
    content: np.ndarray
    colour: str = ""


class Canvas:
    """A white canvas; positions on it are inches from its top left corner.

    Attributes:
        size: width and height in inches.
        image: what was drawn, an RGB picture.
        texts, marks: what was drawn, in order.
    """

    def __init__(self, width: float, height: float) -> None:
        self.size = width, height
        self.image = Image.new("RGB", (round(width * DPI), round(height * DPI)), "white")
        self.pen = ImageDraw.Draw(self.image)
        self.texts: list[Text] = []
        self.marks: list[Mark] = []

    def write(
        self,
        words: str,
        box: Box,
        *,
        size: float = 6.5,
        lines: int | None = None,
        align: Literal["left", "center", "right"] = "center",
        bold: bool = False,
        colour: str = INK,
    ) -> None:
        """Write words in the middle of a box, wrapped to its width; a line break is a space.

        What does not fit in `lines`, or in the box where they are None, is cut with an ellipsis.
        The font's `size` is in points.
        """
        left, top, width, height = box
        font, pitch = _font(size, bold), size * _LINE / 72
        fitted = wrapped(words, font, width * DPI, lines or max(1, int(height / pitch)))
        x = {"left": left, "center": left + width / 2, "right": left + width}[align]
        for i, line in enumerate(fitted):
            y = top + height / 2 + (i - (len(fitted) - 1) / 2) * pitch
            self.pen.text((x * DPI, y * DPI), line, colour, font, _ANCHOR[align])
        wide = max(_length(font, line) for line in fitted) / DPI
        start = {"left": left, "center": x - wide / 2, "right": x - wide}[align]
        tall = len(fitted) * pitch
        inside = (start, top + (height - tall) / 2, wide, tall)
        self.texts.append(Text(words, tuple(fitted), inside, colour))

    def paste(self, pixels: np.ndarray, box: Box, name: str, *, sharp: bool = False) -> None:
        """Lay pixels `uint8 [H, W, 3]` into a box, smoothly or with sharp edges."""
        left, top, width, height = (round(side * DPI) for side in box)
        how = Image.Resampling.NEAREST if sharp else Image.Resampling.BICUBIC
        picture = Image.fromarray(np.ascontiguousarray(pixels)).resize((width, height), how)
        self.image.paste(picture, (left, top))
        self.marks.append(Mark(name, box, pixels))

    def frame(self, box: Box, colour: str, name: str, width: int = 3) -> None:
        """Draw a frame around a box, `width` pixels wide, half inside and half outside."""
        left, top, wide, high = (side * DPI for side in box)
        out = width // 2
        corners = (left - out, top - out, left + wide + out, top + high + out)
        self.pen.rectangle([round(corner) for corner in corners], outline=colour, width=width)
        self.marks.append(Mark(name, box, np.empty(0), colour))

    def png(self) -> bytes:
        """The canvas as PNG bytes, hardly compressed: for pictures that follow a slider."""
        buffer = io.BytesIO()
        self.image.save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def _repr_png_(self) -> bytes:
        # What a cell shows stays in the notebook.
        return small_png(self.image)

    def __repr__(self) -> str:
        return f"<Canvas of {self.image.width} × {self.image.height} pixels>"


def wrapped(words: str, font: ImageFont.FreeTypeFont, width: float, most: int) -> list[str]:
    """Words in at most `most` lines of `width` pixels, with an ellipsis where something is cut."""
    lines = [""]
    for word in words[:MOST_LETTERS].split():
        longer = f"{lines[-1]} {word}".strip()
        if not lines[-1] or _length(font, longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1].rstrip(",.;: ") + _ELLIPSIS]
    return [_cut(line, font, width) for line in lines]


def _cut(line: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    while len(line) > 1 and _length(font, line) > width:
        line = line.removesuffix(_ELLIPSIS)[:-1].rstrip() + _ELLIPSIS
    return line


def dashed(points: Sequence[Point], on: float, off: float) -> list[tuple[Point, Point]]:
    """The dashes of a line through points, `on` long, with gaps of `off`, both in pixels."""
    dashes, travelled = [], 0.0
    for (x0, y0), (x1, y1) in pairwise(points):
        length = float(np.hypot(x1 - x0, y1 - y0))
        at = 0.0
        while at < length:
            phase = (travelled + at) % (on + off)
            step = min((on if phase < on else on + off) - phase, length - at)
            step = max(step, 1e-6)  # rounding must not stop the pen
            if phase < on:
                a, b = at / length, (at + step) / length
                ends = [(x0 + (x1 - x0) * t, y0 + (y1 - y0) * t) for t in (a, b)]
                dashes.append((ends[0], ends[1]))
            at += step
        travelled += length
    return dashes


@lru_cache(10_000)
def _length(font: ImageFont.FreeTypeFont, line: str) -> float:
    """Pixels that a line takes; a slider asks the same lines again and again."""
    return font.getlength(line)


@cache
def _font(size: float, bold: bool) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with Matplotlib and has the marks ✓ and ✗."""
    name = f"DejaVuSans{'-Bold' * bold}.ttf"
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name
    basic = ImageFont.Layout.BASIC  # the same on all platforms
    return ImageFont.truetype(str(path), size * DPI / 72, layout_engine=basic)
