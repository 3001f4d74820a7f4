"""Pixels of any file as they are shown: 8-bit sRGB on white, whatever mode, depth or profile."""

import io
from contextlib import suppress
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

#: EXIF's tag of how a camera was held, and how to turn its picture upright
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: the same colours where no level differs by more
_ROUNDING = 2
#: of a display, which PNG's gamma is relative to
_DISPLAY = 2.2


def rgb(image: Image.Image) -> Image.Image:
    """An opened image upright and in sRGB; see `srgb` and `turn`."""
    shown = srgb(image)
    turned = turn(image)
    return shown if turned is None else shown.transpose(turned)


def turn(image: Image.Image) -> Image.Transpose | None:
    """What turns an image upright as its EXIF data says; None where it says nothing."""
    with suppress(Exception):  # damaged EXIF data turns nothing
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    return None


def srgb(image: Image.Image) -> Image.Image:
    """An image in 8-bit sRGB, mode RGB, on white where it is transparent; not turned.

    Of 16 bits the upper 8 are taken, as Pillow does for colours. An ICC profile is followed where
    it fits the pixels, and PNG's gamma where there is no profile.

    Raises:
        ValueError: pixels of a mode that has no such picture.
    """
    tile = getattr(image, "tile", None)  # how a file lies, until it is loaded
    few_bits = {"L;2": 85, "L;4": 17}.get(str(tile[0][3])) if tile else None
    image.load()
    if few_bits and isinstance(image.info.get("transparency"), int):
        image.info["transparency"] *= few_bits  # Pillow scales the levels, but not the clear one
    profile = image.info.get("icc_profile") or b""
    gamma = 0.0 if profile or "srgb" in image.info else image.info.get("gamma", 0.0)
    image = _eight_bits(image)
    alpha = None
    if image.has_transparency_data:
        if image.mode not in ("LA", "RGBA"):
            image = image.convert("LA" if image.mode in ("1", "L", "La") else "RGBA")
        alpha = image.getchannel("A")
        image = image.convert("L" if image.mode == "LA" else "RGB")
    if image.mode not in ("L", "CMYK"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    image = _calibrated(image, profile, gamma)
    if alpha is not None:
        image.putalpha(alpha)
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    """An image of at most 8 bits a channel, with its transparency."""
    clear = image.info.get("transparency")
    if image.mode.startswith("I;16"):
        levels = np.asarray(image)
        image = Image.fromarray((levels >> 8).astype(np.uint8))
        if isinstance(clear, int):
            image.putalpha(Image.fromarray(np.where(levels == clear, 0, 255).astype(np.uint8)))
    elif image.mode in ("I", "F", "LAB", "HSV"):
        raise ValueError(f"it has pixels of {image.mode}, of which it does not say how they look")
    elif isinstance(clear, tuple) and max(clear) > 255:  # a colour in 16 bits, of which 8 are left
        image.info["transparency"] = tuple(level >> 8 for level in clear)
    return image


def _calibrated(image: Image.Image, profile: bytes, gamma: float) -> Image.Image:
    """Pixels of mode L, RGB or CMYK in sRGB."""
    if profile and (transform := _to_srgb(profile, image.mode)) is not None:
        shown = ImageCms.applyTransform(image, transform)
        assert shown is not None
        return shown
    image = image.convert("RGB")
    exponent = 1 / (gamma * _DISPLAY) if gamma > 0 else 1.0
    if abs(exponent - 1) > 0.05:
        levels = np.round(255 * (np.arange(256) / 255) ** exponent).astype(int)
        image = image.point(levels.tolist() * 3)
    return image


@lru_cache(maxsize=32)
def _to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """What brings pixels of a profile to sRGB; None where they are in it all but for rounding.

    None too where the profile is damaged or of other pixels: browsers show such pictures as sRGB.
    """
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.buildTransform(given, ImageCms.createProfile("sRGB"), mode, "RGB")
    except Exception:  # a dozen kinds, of Pillow and LittleCMS
        return None
    steps = np.arange(0, 256, 17, dtype=np.uint8)
    if mode == "CMYK":
        return transform
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    sample = Image.fromarray(grid) if mode == "RGB" else Image.fromarray(steps[None])
    shown = ImageCms.applyTransform(sample, transform)
    apart = np.asarray(shown).astype(int) - np.asarray(sample.convert("RGB"))
    return None if np.abs(apart).max() <= _ROUNDING else transform
