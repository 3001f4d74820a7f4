"""Losses that multiply matrices give under autocast what they give without it."""

import pytest
import torch

from mmhash_nb.losses.contrastive import dsh_loss
from mmhash_nb.losses.correlation import feature_correlation_loss, semantic_correlation_loss
from mmhash_nb.losses.max_margin import cosine_max_margin_loss
from mmhash_nb.losses.pairwise_likelihood import dcmh_loss, dpsh_loss, hashnet_loss
from mmhash_nb.losses.quantisation import bit_decorrelation_loss
from mmhash_nb.losses.triplet import (
    cross_triplet_ranking_loss,
    squared_triplet_ranking_loss,
    triplet_ranking_loss,
)

SIMILAR = torch.rand(12, 12, generator=torch.Generator().manual_seed(0)) < 0.4
LOSSES = {
    bit_decorrelation_loss: lambda f, u: f(u),
    cosine_max_margin_loss: lambda f, u: f(u, similar=SIMILAR),
    dcmh_loss: lambda f, u: f(u, u.flip(0), SIMILAR),
    dpsh_loss: lambda f, u: f(u, SIMILAR | SIMILAR.T),
    dsh_loss: lambda f, u: f(u, SIMILAR | SIMILAR.T),
    hashnet_loss: lambda f, u: f(u.tanh(), SIMILAR | SIMILAR.T),
    semantic_correlation_loss: lambda f, u: f(u, u.flip(0), SIMILAR),
    feature_correlation_loss: lambda f, u: f(u, u.flip(0)),
    triplet_ranking_loss: lambda f, u: f(u, SIMILAR.long(), 1.0),
    cross_triplet_ranking_loss: lambda f, u: f(u, u.flip(0), SIMILAR.long(), 1.0),
    squared_triplet_ranking_loss: lambda f, u: f(u, u.flip(0), SIMILAR.long(), 1.0),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_autocast_does_not_round_a_loss(loss):
    found = []
    for mixed in (False, True):
        u = torch.randn(12, 8, generator=torch.Generator().manual_seed(1)).requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            value = LOSSES[loss](loss, u)
            assert value.dtype == torch.float32
        value.backward()
        found.append((value.detach(), u.grad))
    assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][1], found[1][1])
