"""Attention masks that divide features into attended and unattended (zhang2018, Eqs. 1 to 3)."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmhash_nb.hashers.networks.staged import start_small

#: a probability that rounding leaves this little below the threshold is at it
_ROUNDING = 1e-5


class Divided(NamedTuple):
    """Features divided by an attention mask; the two parts sum to the features.

    Attributes:
        attended, unattended: of the features' shape, what the mask keeps and what it takes away
            (Eq. 2).
        probabilities: P, `[B, H, W]` of maps or `[B, K]` of vectors; sums to one for each sample.
        mask: Z, of the same shape, 1 where P is at least its mean, else 0 (Eq. 1).
    """

    attended: Tensor
    unattended: Tensor
    probabilities: Tensor
    mask: Tensor


class SpatialAttention(nn.Module):
    """G^I: a mask over the positions of a map (Eqs. 1 and 2).

    M = a 1×1 convolution of the map to one channel, P = softmax of M over the H·W positions, Z = 1
    where P ≥ 1/(H·W), else 0.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(channels, 1, 1)
        start_small(self.layer)

    def forward(self, image: Tensor) -> Divided:
        """Divide maps `[B, C, H, W]`."""
        p = self.layer(image).flatten(1).softmax(dim=1).unflatten(1, image.shape[2:])  # [B, H, W]
        mask = above_mean(p)
        attended = image * mask[:, None]
        return Divided(attended, image - attended, p, mask)


class UnitAttention(nn.Module):
    """G^T: a mask over the units of a vector (Eq. 3).

    M = a fully connected layer K → K, P = softmax of M over the K units, Z = 1 where P ≥ 1/K.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(width, width)
        start_small(self.layer)

    def forward(self, text: Tensor) -> Divided:
        """Divide vectors `[B, K]`."""
        p = self.layer(text).softmax(dim=1)
        mask = above_mean(p)
        attended = text * mask
        return Divided(attended, text - attended, p, mask)


class _AboveMean(torch.autograd.Function):
    """1 where P ≥ 1/n, else 0; the gradient goes straight through, as if Z were P (§3.2)."""

    @staticmethod
    def forward(ctx: Any, p: Tensor) -> Tensor:
        n = p[0].numel()
        return (p * n >= 1 - _ROUNDING).to(p.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


def above_mean(p: Tensor) -> Tensor:
    """Z of Eq. 1 with α = 1/n: which of a sample's n probabilities are at least their mean.

    p has n values for each sample that sum to one, `[B, ...]`. Even ones are all at the threshold,
    so that a mask is never empty. Zeros and ones of the same shape and dtype are returned. Their
    gradient is passed on to p unchanged (the straight-through estimator of the paper's [7]).
    """
    return _AboveMean.apply(p)
