"""Pixels into feature vectors: `describe`."""

from functools import partial
from importlib import import_module

import numpy as np

from mmhash_nb.features.image_cache import cached_of_images
from mmhash_nb.pairs import check_array

KINDS = ("pixels", "gist", "hog", "hog_colour")


def describe(images: np.ndarray, kind: str) -> np.ndarray:
    """Describe images by their pixels, GIST or HOG.

    Descriptors of many images are cached in the folder `features`.

    Args:
        images: `uint8 [N, 3, H, W]`.
        kind: `pixels` (the images as they are), `gist` (`float32 [N, 384]`), `hog` or
            `hog_colour` (`float32 [N, 486]`).

    Raises:
        ValueError: another kind, shape or dtype.
    """
    if kind not in KINDS:
        raise ValueError(f"images can be described by {', '.join(KINDS)}, not by {kind!r}.")
    check_array("images", images, np.uint8, "N", 3, "H", "W")
    if kind == "pixels":
        return images
    # Here, since scikit-image and PyTorch take long to import.
    module = import_module(f"mmhash_nb.features.{kind.partition('_')[0]}")
    return cached_of_images("features", images, [kind], partial(getattr(module, kind), images))
