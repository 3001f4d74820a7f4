"""Image feature vectors in a backbone's place, for data that comes without pixels."""

import numpy as np
import torch
from torch import Tensor, nn

from mmhash_nb.features.backbones import Backbone


class GivenFeatures(nn.Module):
    """Vectors `[B, d]`, centred and divided by one number, as maps `[B, d, 1, 1]` of one place.

    Both are of the training samples: their values have mean 0 in each dimension and mean square 1
    over all, as the weights of new layers expect. They are saved with what is learned.
    """

    given_mean: Tensor
    given_scale: Tensor

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.register_buffer("given_mean", torch.zeros(n_features))
        self.register_buffer("given_scale", torch.ones(1))

    def measure(self, vectors: np.ndarray) -> None:
        """Take mean and scale of training vectors `float32 [n, d]`; equal ones keep scale 1."""
        mean = vectors.mean(axis=0, dtype=np.float64)
        scale = float(np.sqrt(np.square(vectors - mean).mean()))
        self.given_mean.copy_(torch.from_numpy(mean))
        self.given_scale.fill_(scale or 1.0)

    def forward(self, vectors: Tensor) -> Tensor:
        return ((vectors - self.given_mean) / self.given_scale)[:, :, None, None]


def given_features(n_features: int) -> Backbone:
    """A backbone whose only stage is `GivenFeatures`."""
    return Backbone([GivenFeatures(n_features)], (n_features,), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
