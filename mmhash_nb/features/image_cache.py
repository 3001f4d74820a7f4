"""The cache of what is computed from images, one row each."""

from collections.abc import Callable, Iterable

import numpy as np

from mmhash_nb.io.cache import Part, cached_array

#: fewer images are not cached: such as a picture to search by, and those on a page of results,
#: which would pile up and are their reader's affair
FEW = 64


def cached_of_images(
    folder: str,
    images: np.ndarray,
    key: Iterable[Part],
    compute: Callable[[], np.ndarray],
    cached: bool = True,
) -> np.ndarray:
    """`cached_array` of what depends on images and on `key`, for `FEW` images or more."""
    return cached_array(folder, [images, *key], compute, cached=cached and len(images) >= FEW)
