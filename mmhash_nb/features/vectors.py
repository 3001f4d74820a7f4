"""A backbone's feature vectors of many images, computed once."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from mmhash_nb.features import backbones, maps
from mmhash_nb.features.backbones import Backbone
from mmhash_nb.features.maps import beyond_float16, check_images, passed
from mmhash_nb.io.cache import cache_folder
from mmhash_nb.io.files import whole

__all__ = ["feature_vectors"]

#: images described at a time
BATCH = 128


@torch.inference_mode()
def feature_vectors(
    backbone: Backbone,
    images: np.ndarray,
    *,
    device: str | torch.device = "cpu",
    size: int | None = None,
) -> np.ndarray:
    """What `backbone.describe` makes of the maps of `stage_maps`, `float32 [N, n_features]`.

    No more maps are held than those of a batch: of 200,000 photos all would take 25 GB. Vectors are
    kept in the cache folder `vectors`, under a name that changes with the pixels, the size, the
    backbone, the kind of device and the source, and are computed again where that file is not
    whole.

    Args:
        backbone: is put in evaluation mode and moved to `device`.
        images, device, size: as for `stage_maps`, which also says what it refuses.
    """
    device = torch.device(device)
    key = hashlib.sha256(f"{images.shape} {images.dtype} {size} {device.type}".encode())
    key.update(backbone.identity().encode())
    if backbone.head is not None:
        for value in backbone.head.state_dict().values():
            key.update(value.detach().cpu().contiguous().numpy().data)
    for module in (__file__, maps.__file__, backbones.__file__):
        key.update(Path(module).read_bytes())
    key.update(np.ascontiguousarray(images).data)
    path = cache_folder("vectors") / f"{key.hexdigest()}.npy"
    try:
        kept = np.load(path, allow_pickle=False)
        if kept.shape == (len(images), backbone.n_features) and kept.dtype == np.float32:
            return kept
    except (OSError, ValueError, EOFError):
        pass  # absent, or not whole
    check_images(images, size)
    vectors = np.empty((len(images), backbone.n_features), np.float32)
    start = 0
    for whole_maps in passed(backbone, images, len(backbone.stages), device, BATCH, size):
        # The precision of kept maps, so that methods on maps and on vectors see the same.
        part = whole_maps if beyond_float16(whole_maps) else whole_maps.half().float()
        vectors[start : start + len(part)] = backbone.describe(part).cpu().numpy()
        start += len(part)
    with whole(path) as aside:
        np.save(aside, vectors, allow_pickle=False)
    return vectors
