"""DNH-C: deep neural network hashing (Lai, Pan, Liu and Yan, CVPR 2015) across modalities."""

from typing import Any

import torch
from torch import Tensor, nn

from mmhash_nb.hashers.cross_modal import CrossModalNetworkHasher
from mmhash_nb.hashers.deep_objective import DeepObjective
from mmhash_nb.hashers.networks.cross_modal_network import CrossModalNetwork
from mmhash_nb.hashers.options import option
from mmhash_nb.losses.triplet import squared_triplet_ranking_loss

#: standard deviation of the first weights of a bit's layer (see `DNHC`)
BIT_STD = 0.1


def piecewise_threshold(s: Tensor, epsilon: float) -> Tensor:
    """0 where s < ½ − ε, 1 where s > ½ + ε, and s itself, with its gradient, in between.

    s are values from 0 to 1, of any shape; ε = ½ changes nothing.
    """
    return torch.where((s - 0.5).abs() <= epsilon, s, (s > 0.5).to(s.dtype))


class DivideAndEncode(nn.Module):
    """Features `[B, d]` to intermediate ones in K slices, each to the value of one bit, `[B, K]`.

    No two bits share an intermediate feature, so that there is less that they have in common.
    """

    def __init__(self, n_features: int, n_bits: int, slice_features: int) -> None:
        super().__init__()
        self.intermediate = nn.Linear(n_features, n_bits * slice_features)
        self.weight = nn.Parameter(torch.empty(n_bits, slice_features))
        self.bias = nn.Parameter(torch.zeros(n_bits))
        nn.init.normal_(self.weight, std=BIT_STD)

    def forward(self, features: Tensor) -> Tensor:
        """Values `[B, K]`; the sigmoid of each is its approximate bit."""
        slices = self.intermediate(features).relu().unflatten(1, self.weight.shape)
        return (slices * self.weight).sum(2) + self.bias


class DividedNetwork(CrossModalNetwork):
    """The network of zhang2018's methods with a divide-and-encode module for each code layer.

    Args:
        slice_features: see `DivideAndEncode`; all others: see `CrossModalNetwork`.
    """

    def __init__(self, *given: Any, slice_features: int, **widths: Any) -> None:
        super().__init__(*given, **widths)
        n_bits = self.text_code.out_features
        for layer in ("image_code", "text_code"):
            n_features = getattr(self, layer).in_features
            setattr(self, layer, DivideAndEncode(n_features, n_bits, slice_features))


class TripletsAcross(DeepObjective):
    """With F and G the bits of images and texts, g(σ(values)) in [0, 1], the mean over triplets of

        max(0, m + ‖F_i − G_j‖² − ‖F_i − G_k‖²), and the same with F and G swapped,

    where i and j share a label and i and k do not. g is `piecewise_threshold`.
    """

    def loss(self, batch: Tensor) -> Tensor:
        epsilon, margin = self.options.epsilon, self.options.margin
        image, text = (
            piecewise_threshold(self.network(modality, given).float().sigmoid(), epsilon)
            for modality, given in self.given(batch).items()
        )
        similarity = self.similar(batch).long()
        return squared_triplet_ranking_loss(
            image, text, similarity, margin
        ) + squared_triplet_ranking_loss(text, image, similarity, margin)


class DNHC(CrossModalNetworkHasher):
    """DNH-C, the extension of DNH to two modalities that DVSH and liong2017 compare with.

    Of DNH: the divide-and-encode module (intermediate features with ReLU, a slice for each bit, a
    linear layer and a sigmoid), the threshold g, and the triplet ranking loss with squared
    distances. Of the extension, liong2017 names the triplet ranking loss alone. Read here: a
    network for each modality, that of zhang2018's methods in place of DNH's network in network. The
    first sample of a triplet is of one modality and the others are of the other, both ways. All
    triplets of a batch count, not a sample of them. DNH's bit is 1 where σ(value) ≥ ½, which is the
    sign of the value; a code of 0 and 1 becomes one of −1 and 1.

    DNH's text was not available. Widths and first weights are those of a public network that
    follows its authors' code (HYPJUDY/caffe-dnnh); it has no g.

    Of the margin, DNH has 1 by memory and that network 2, for 12, 24 and 48 bits; held-out samples
    of scenes and Wiki were ranked better with 1. Sigmoids can meet it without a bit that differs,
    so that a loss of 0 does not mean that codes are right. The paper's ε is not known; ½ leaves g
    out, as that network does.
    """

    network_class = DividedNetwork
    network_options = (*CrossModalNetworkHasher.network_options, "slice_features")
    objective_class = TripletsAcross

    class Options(CrossModalNetworkHasher.Options):
        slice_features: int = option(50, "intermediate features for each bit", least=1)
        margin: float = option(1.0, "of the triplet ranking loss, in bits", least=0)
        epsilon: float = option(
            0.5,
            "ε of the threshold g; 0 would let no gradient pass, 0.5 leaves g out",
            above=0,
            most=0.5,
        )
