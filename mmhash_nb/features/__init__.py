"""Pixels into feature vectors: `describe`."""

import hashlib
import importlib
from pathlib import Path

import numpy as np

from mmhash_nb.io.cache import cache_folder
from mmhash_nb.io.files import whole

__all__ = ["KINDS", "describe"]

KINDS = ("pixels", "gist", "hog")


def describe(images: np.ndarray, kind: str) -> np.ndarray:
    """Describe images by their pixels, GIST or HOG.

    Descriptors are kept in the cache folder `features`, under a name that changes with the pixels,
    the kind and the source of the descriptor, and are computed again where that file is not whole.

    Args:
        images: `uint8 [N, 3, H, W]`.
        kind: `pixels` (the images as they are), `gist` (`float32 [N, 384]`) or `hog`
            (`float32 [N, 486]`).

    Raises:
        ValueError: another kind, shape or dtype.
    """
    if kind not in KINDS:
        raise ValueError(f"images can be described by {', '.join(KINDS)}, not by {kind!r}.")
    if images.ndim != 4 or images.shape[1] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"images must be uint8 [N, 3, H, W], but is {images.dtype} {list(images.shape)}."
        )
    if kind == "pixels":
        return images
    module = importlib.import_module(f"mmhash_nb.features.{kind}")
    key = hashlib.sha256(f"{kind}{images.shape}".encode())
    key.update(Path(module.__file__ or "").read_bytes())
    key.update(np.ascontiguousarray(images).data)
    path = cache_folder("features") / f"{kind}-{key.hexdigest()}.npy"
    kept = _kept(path, (len(images), module.DIMENSIONS))
    if kept is not None:
        return kept
    described = getattr(module, kind)(images)
    with whole(path) as aside:
        np.save(aside, described, allow_pickle=False)
    return described


def _kept(path: Path, shape: tuple[int, int]) -> np.ndarray | None:
    """What the cache holds, unless it is absent or not a whole array of that shape."""
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array if array.shape == shape and array.dtype == np.float32 else None
