"""The one decoder of photos: opened with care, shown by `colours`, and scaled in one of three ways.

`stretched` is for deep networks, which see all of a photo. `padded` and `upright` leave the
proportions. They differ by a rounding, since one pads before it scales and the other after: pixels
of the datasets that have either are to stay the same, byte for byte.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from mmhash_nb.datasets.colours import rgb, srgb, turn
from mmhash_nb.io.packed import AnyFile

#: Pillow has other formats too, some of which start programs
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
MOST_BYTES = 20_000_000
MOST_PIXELS = 50_000_000
#: the longest side of a photo that is padded before it is scaled
MOST_SIDE = 16_384
_WHITE = (255, 255, 255)
_ANOTHER = f"give another {', '.join(FORMATS[:-1])} or {FORMATS[-1]} file"
_AGAIN = "get it again"


@contextmanager
def opened(source: AnyFile | bytes, name: str, fix: str = _AGAIN) -> Iterator[Image.Image]:
    """An image file whose pixels are not read yet; what fails in the block becomes one sentence.

    Args:
        source: a PNG, JPEG, WebP, GIF or BMP file, in an archive too, or its bytes.
        name: of the file; fix: what to do about it, for errors.

    Raises:
        ValueError: no such file, a damaged archive, too many pixels, or no whole picture.
    """
    if not isinstance(source, Path | bytes):
        source = source.read_bytes()
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else source
        image = Image.open(file, formats=FORMATS)  # reads no pixels yet
        pixels = image.width * image.height
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        pixels = 2 * MOST_PIXELS  # Pillow complains of more than ours
    except Exception:
        raise ValueError(f"{name} is no picture: {fix}.") from None
    if pixels > MOST_PIXELS:
        raise ValueError(
            f"{name} has too many pixels: give a picture of at most {MOST_PIXELS:,}, such as "
            "7,000 × 7,000."
        )
    try:
        with image:
            yield image
    except Exception as error:  # OSError, SyntaxError, EOFError, zlib.error, ...
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"{name} is no whole picture ({reason}): {fix}.") from None


def stretched(path: AnyFile, size: int) -> np.ndarray:
    """A photo scaled to a square, `uint8 [3, size, size]`.

    Its sides are scaled each for itself, so that all of the photo is seen, by Pillow's bilinear
    filter, which smooths where it shrinks. A JPEG of at least twice the size is decoded at a half,
    quarter or eighth of its size, which is far faster and all but the same.

    Raises:
        ValueError: the file is no whole picture (names the file).
    """
    with opened(path, str(path)) as photo:
        # A part of the size is rounded up; the box says where in it the photo ends.
        _, box = photo.draft("RGB", (size, size)) or ("", None)
        square = srgb(photo).resize((size, size), Image.Resampling.BILINEAR, box)
        turned = turn(photo)
    # The box is that of the photo as it lies, so that it is turned last.
    square = square if turned is None else square.transpose(turned)
    return np.asarray(square).transpose(2, 0, 1)


def padded(path: AnyFile, size: int) -> np.ndarray:
    """A photo padded with white to a square and scaled, `uint8 [3, size, size]`.

    The shorter side is padded to the length of the longer one, half on each side.

    Raises:
        ValueError: the file is no whole picture, or longer than 16,384 pixels (names the file).
    """
    with opened(path, str(path)) as photo:
        # Padded to a square, a long strip of few pixels would take all memory.
        if (side := max(photo.size)) > MOST_SIDE:
            raise ValueError(f"a side has {side:,} pixels, over {MOST_SIDE:,}")
        shown = rgb(photo)
        square = Image.new("RGB", (side, side), _WHITE)
        square.paste(shown, ((side - shown.width) // 2, (side - shown.height) // 2))
    return np.asarray(square.resize((size, size), Image.Resampling.BILINEAR)).transpose(2, 0, 1)


def upright(path: Path, size: int) -> np.ndarray:
    """A user's picture, upright, fitted into a square, `uint8 [3, size, size]`.

    Raises:
        FileNotFoundError, ValueError: as `read_picture`.
    """
    return fitted(read_picture(path, side=size), size, size).transpose(2, 0, 1)


def upright_or_white(path: Path, size: int) -> np.ndarray:
    """`upright`, or white where a picture does not decode, so that its block is whole."""
    try:
        return upright(path, size)
    except ValueError:
        return np.full((3, size, size), _WHITE[0], dtype=np.uint8)


def read_picture(source: Path | bytes, name: str = "", side: int | None = None) -> Image.Image:
    """A user's picture as it is shown: upright, in sRGB, on white where it is transparent.

    Args:
        source: a PNG, JPEG, WebP, GIF (its first frame) or BMP file, or its bytes.
        name: of the file, for errors; that of the path by default.
        side: what it will be scaled to. A JPEG of at least twice the size is then decoded at a
            part of its size, as in `stretched`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: too many bytes or pixels, or no whole picture.
    """
    if isinstance(source, Path) and not source.is_file():
        raise FileNotFoundError(f"there is no picture {source}.")
    count = source.stat().st_size if isinstance(source, Path) else len(source)
    name = source.name if isinstance(source, Path) and not name else name
    if count > MOST_BYTES:
        raise ValueError(f"{name} has {count:,} bytes: give a picture of at most {MOST_BYTES:,}.")
    with opened(source, name, _ANOTHER) as picture:
        if side is not None:
            picture.draft("RGB", (side, side))
        return rgb(picture)


def fitted(picture: Image.Image, width: int, height: int) -> np.ndarray:
    """A picture scaled by Pillow's bilinear filter into a frame, padded with white on both sides.

    Returns:
        `uint8 [height, width, 3]`.
    """
    scale = min(width / picture.width, height / picture.height)
    # A long strip would be scaled to nothing.
    wide, high = (max(1, round(side * scale)) for side in picture.size)
    frame = Image.new("RGB", (width, height), _WHITE)
    corner = (round((width - wide) / 2), round((height - high) / 2))
    frame.paste(picture.resize((wide, high), Image.Resampling.BILINEAR), corner)
    return np.asarray(frame)
