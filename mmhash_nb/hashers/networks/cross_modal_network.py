"""The network of zhang2018's deep methods: an image and a text branch, a code for each.

E extracts features, G divides them by attention, D hashes them (§3.2, Figs. 2 and 4).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mmhash_nb.features.backbones import Backbone
from mmhash_nb.hashers.networks.attention_mask import Divided, SpatialAttention, UnitAttention
from mmhash_nb.hashers.networks.joint_network import WordLinear, text_layer
from mmhash_nb.hashers.networks.staged import Staged, start_small

_TINY = 1e-12


class CrossModalNetwork(Staged):
    """Image map and bag of words, each to `n_bits` real values whose signs are its code.

    E^I: the stages of a backbone that come after those whose maps are given. E^T: words →
    `text_hidden` → `text_features`, each with ReLU. D^I: the backbone's fc6 and fc7 where it has
    them (VGG), otherwise a mean over positions, as those backbones' classifiers take, and two new
    layers of `image_hidden` units; then the code layer. D^T: the code layer.

    That mean is ours. fc6 has weights for each position of a masked map (Eq. 2). A mean over all
    H·W positions counts the masked ones as zeros: features are H·W / |Z| times smaller, |Z| the
    attended area. So the sum over positions is divided by the area of the part: by |Z| for attended
    features, by H·W − |Z| for unattended ones, by H·W for whole ones. `pooling="all"` divides by
    H·W always.

    Args:
        backbone: for its `head` and widths.
        stages: of the backbone, those that the given maps have not passed.
        n_words: columns of the text.
        n_bits: code length K.
        attention: the modalities that have a mask: `none`, `visual`, `textual` or `both`.
        pooling: what the mean of a masked map is over: the `attended` area, or `all` positions.
    """

    def __init__(
        self,
        backbone: Backbone,
        stages: Sequence[nn.Module],
        n_words: int,
        n_bits: int,
        *,
        attention: str = "none",
        pooling: str = "attended",
        text_hidden: int = 8192,
        text_features: int = 1000,
        image_hidden: int = 4096,
    ) -> None:
        super().__init__(stages)
        self.text1 = text_layer(WordLinear(n_words, text_hidden))
        self.text2 = text_layer(nn.Linear(text_hidden, text_features))
        self.attention = nn.ModuleDict()
        channels = backbone.widths[-1]
        if attention in ("visual", "both"):
            self.attention["image"] = SpatialAttention(channels)
        if attention in ("textual", "both"):
            self.attention["text"] = UnitAttention(text_features)
        self.image_layers: nn.Module = _NewLayers(channels, image_hidden)
        self.over_all = pooling == "all"
        if backbone.head is not None:
            self.image_layers, image_hidden = backbone.head, backbone.n_features
        self.image_code = nn.Linear(image_hidden, n_bits)
        self.text_code = nn.Linear(text_features, n_bits)
        start_small(self.text_code)

    def features(self, modality: str, given: Tensor) -> Tensor:
        """E: the last map `[B, C, h, w]` of maps or pixels, or the text features `[B, T]`."""
        if modality == "text":
            return self.text2(self.text1(given))
        return self.last_map(given)

    def divide(self, modality: str, features: Tensor) -> Divided | None:
        """G: the features divided by attention; None where the modality has no mask."""
        return self.attention[modality](features) if modality in self.attention else None

    def values(self, modality: str, features: Tensor, mask: Tensor | None = None) -> Tensor:
        """D without its tanh: real values `[B, K]` of whole, attended or unattended features.

        Args:
            mask: which units or positions the features are of, `[B, T]` or `[B, h, w]`: Z for
                attended, 1 − Z for unattended ones; None for whole ones.
        """
        if modality == "text":
            return self.text_code(features)
        if isinstance(self.image_layers, _NewLayers):
            area = None if mask is None or self.over_all else mask.sum(dim=(1, 2))
            return self.image_code(self.image_layers(features, area))
        return self.image_code(self.image_layers(features))

    def word_share(self, text: Tensor, part: str) -> Tensor:
        """How much of a text's features each of its words brings, `[V]`; the sum is 1, or 0.

        The text layers are linear where they are active, so a unit is a sum over words, count times
        slope, and a part of the biases, which is left out. A word's share of a unit is its part of
        the positive summands; the shares of units, weighed by the units, are added up.

        Args:
            text: `[V]`. part: the units that the mask selects, `attended`, the others,
                `unattended`, or all, `whole`.
        """
        first, second = self.text1[0], self.text2[0]
        assert isinstance(first, nn.Linear) and isinstance(second, nn.Linear)
        words = text.nonzero()[:, 0]
        hidden = first(text[None])[0]
        features = second(hidden.relu()[None]).relu()
        if part != "whole":
            features = getattr(self.divide("text", features), part)
        units, active = features[0].nonzero()[:, 0], hidden > 0
        slope = second.weight[units][:, active] @ first.weight[active][:, words]  # [k, w]
        share = (slope * text[words]).clamp(min=0)
        share /= share.sum(dim=1, keepdim=True).clamp(min=_TINY)
        weight = features[0, units] @ share  # [w]
        return torch.zeros_like(text).index_copy(0, words, weight / weight.sum().clamp(min=_TINY))

    def forward(self, modality: str, given: Tensor) -> Tensor:
        """Real values `[B, K]` of one modality, from its attended features where it has a mask."""
        features = self.features(modality, given)
        divided = self.divide(modality, features)
        if divided is None:
            return self.values(modality, features)
        return self.values(modality, divided.attended, divided.mask)


class _NewLayers(nn.Module):
    """fc6 and fc7 for backbones without: a mean over positions, then two layers with ReLU."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc6, self.fc7 = nn.Linear(channels, hidden), nn.Linear(hidden, hidden)

    def forward(self, image: Tensor, area: Tensor | None = None) -> Tensor:
        """Features `[B, hidden]` of maps `[B, C, h, w]`.

        Args:
            area: positions that each map is not masked at, `[B]`; None for all h·w.
        """
        if area is None:
            x = image.mean(dim=(2, 3))
        else:
            # A mask of nothing leaves zeros, whose mean is zero.
            x = image.sum(dim=(2, 3)) / area.clamp(min=1)[:, None]
        return self.fc7(self.fc6(x).relu()).relu()
