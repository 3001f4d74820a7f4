"""A backbone's feature vectors of many images, computed once, and pairs described by them."""

import dataclasses
from functools import partial

import numpy as np
import torch

from mmhash_nb.features.backbones import Backbone, create
from mmhash_nb.features.image_cache import cached_of_images
from mmhash_nb.features.maps import beyond_float16, check_images, passed
from mmhash_nb.pairs import Pairs


def feature_vectors(
    backbone: Backbone,
    images: np.ndarray,
    *,
    device: str | torch.device = "cpu",
    size: int | None = None,
    cached: bool = True,
) -> np.ndarray:
    """What `backbone.describe` makes of the maps of `stage_maps`, `float32 [N, n_features]`.

    No more maps are held than those of a batch: of 200,000 photos all would take 25 GB. Vectors of
    many images are cached in the folder `vectors`, by what maps are cached by, and by the weights
    of the backbone's head.

    Args:
        backbone: is put in evaluation mode and moved to `device`.
        images, device, size: as for `stage_maps`, which also says what it refuses.
        cached: False computes them, whatever the cache holds.
    """
    check_images(images, size)
    device = torch.device(device)
    head = [] if backbone.head is None else backbone.head.state_dict().values()
    key = [size, device.type, backbone.identity(), [value.cpu().numpy() for value in head]]
    compute = partial(_vectors, backbone, images, device, size)
    return cached_of_images("vectors", images, key, compute, cached)


@torch.inference_mode()
def _vectors(
    backbone: Backbone, images: np.ndarray, device: torch.device, size: int | None
) -> np.ndarray:
    vectors = np.empty((len(images), backbone.n_features), np.float32)
    start = 0
    for maps in passed(backbone, images, len(backbone.stages), device, size):
        # The precision of cached maps, so that methods on maps and on vectors see the same.
        part = maps if beyond_float16(maps) else maps.half().float()
        vectors[start : start + len(part)] = backbone.describe(part).cpu().numpy()
        start += len(part)
    return vectors


def described(
    pairs: Pairs,
    backbone: str = "small",
    weights: str | None = None,
    size: int | None = None,
    *,
    device: str | torch.device = "cpu",
) -> Pairs:
    """`pairs` with the backbone's vectors `float32 [N, d]` as images; texts, labels, splits stay.

    The vectors are those that the shallow cross-modal methods make of the same pixels. Pictures
    stay as thumbnails, to be shown. Pairs whose images are vectors already are returned as they
    are.

    Args:
        backbone, weights: as `backbones.create` takes them.
        size, device: as `feature_vectors` takes them.
    """
    if pairs.images.ndim == 2:
        return pairs
    network = create(backbone, weights=weights)
    vectors = feature_vectors(network, pairs.images, device=device, size=size)
    shown = pairs.images if pairs.thumbnails is None else pairs.thumbnails
    return dataclasses.replace(pairs, images=vectors, thumbnails=shown)
