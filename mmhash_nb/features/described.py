"""Pairs whose pictures are described by a backbone, for methods that work on feature vectors."""

import dataclasses

import torch

from mmhash_nb.features import backbones
from mmhash_nb.features.vectors import feature_vectors
from mmhash_nb.pairs import Pairs

__all__ = ["described"]


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
    network = backbones.create(backbone, weights=weights)
    vectors = feature_vectors(network, pairs.images, device=device, size=size)
    shown = pairs.images if pairs.thumbnails is None else pairs.thumbnails
    return dataclasses.replace(pairs, images=vectors, thumbnails=shown)
