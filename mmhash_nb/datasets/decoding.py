"""Pictures of anybody's: read with care, upright and on white, and scaled into a frame."""

import io
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

#: Pillow has other formats too, some of which start programs
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
MOST_BYTES = 20_000_000
MOST_PIXELS = 50_000_000
_WHITE = (255, 255, 255)


def read_picture(data: bytes, name: str, side: int | None = None) -> Image.Image:
    """A picture from the bytes of a file, upright, RGB, on white where it is transparent.

    Args:
        data: of a PNG, JPEG, WebP, GIF (its first frame) or BMP file.
        name: of the file, for errors.
        side: what it will be scaled to. A JPEG of at least twice the size is then decoded at a
            half, quarter or eighth of its own, as `store.decode` does.

    Raises:
        ValueError: too many bytes or pixels, or no whole picture.
    """
    _check_bytes(len(data), name)
    try:
        with warnings.catch_warnings():
            # Pillow's own warning of a large picture; those larger than ours are refused below.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(data), formats=FORMATS)  # reads no pixels yet
        pixels = opened.width * opened.height
    except Image.DecompressionBombError:
        pixels = 2 * MOST_PIXELS  # more than Pillow opens, which is more than ours
    except Exception:
        raise ValueError(f"{name} is no picture: give a {', '.join(FORMATS)} file.") from None
    if pixels > MOST_PIXELS:
        raise ValueError(
            f"{name} has too many pixels: give a picture of at most {MOST_PIXELS:,}, such as "
            "7,000 × 7,000."
        )
    try:
        if side is not None:
            opened.draft("RGB", (side, side))
        upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except Exception as error:  # OSError, SyntaxError, EOFError, zlib.error, ...
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"{name} is no whole picture ({reason}): give another file.") from None
    white = Image.new("RGBA", upright.size, _WHITE)
    return Image.alpha_composite(white, upright).convert("RGB")


def picture_file(path: Path, side: int | None = None) -> Image.Image:
    """`read_picture` of a file, which is not read where it has too many bytes.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: as `read_picture`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no picture {path}.")
    _check_bytes(path.stat().st_size, path.name)
    return read_picture(path.read_bytes(), path.name, side)


def fitted(picture: Image.Image, width: int, height: int) -> np.ndarray:
    """A picture scaled by Pillow's bilinear filter into a frame, padded with white on both sides.

    Returns:
        `uint8 [height, width, 3]`.
    """
    scale = min(width / picture.width, height / picture.height)
    # A long strip would be scaled to nothing.
    wide, high = (max(1, round(side * scale)) for side in picture.size)
    frame = Image.new("RGB", (width, height), _WHITE)
    place = (round((width - wide) / 2), round((height - high) / 2))
    frame.paste(picture.resize((wide, high), Image.Resampling.BILINEAR), place)
    return np.asarray(frame)


def square(path: Path, size: int) -> np.ndarray:
    """A picture file fitted into a square, `uint8 [3, size, size]`.

    Raises:
        FileNotFoundError, ValueError: as `picture_file`.
    """
    return fitted(picture_file(path, size), size, size).transpose(2, 0, 1)


@contextmanager
def nothing_kept() -> Iterator[None]:
    """A cache folder for the block alone.

    Descriptors and maps of pictures are kept in the cache folder under their pixels, and would pile
    up there with every slider move and every picture somebody asks with, which are the reader's own
    affair besides.
    """
    before = os.environ.get("MMHASH_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MMHASH_CACHE"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["MMHASH_CACHE"]
            else:
                os.environ["MMHASH_CACHE"] = before


def _check_bytes(count: int, name: str) -> None:
    if count > MOST_BYTES:
        raise ValueError(f"{name} has {count:,} bytes: give a picture of at most {MOST_BYTES:,}.")
