"""The network of zhang2018's deep methods: an image and a text branch, each with a code of its own.

E extracts features, G divides them by attention, D hashes them (§3.2, Figs. 2 and 4).
"""

from collections.abc import Sequence

from torch import Tensor, nn

from mmhash_nb.features.backbones import Backbone
from mmhash_nb.hashers.networks.attention_mask import Divided, SpatialAttention, UnitAttention
from mmhash_nb.hashers.networks.joint_network import WordLinear, freeze_statistics, text_layer
from mmhash_nb.hashers.networks.modal_aware import START_STD


class CrossModalNetwork(nn.Module):
    """Image map and bag of words, each to `n_bits` real values whose signs are its code.

    E^I: the stages of a backbone that come after those whose maps are given. E^T: words →
    `text_hidden` → `text_features`, each with ReLU. D^I: the backbone's fc6 and fc7 where it has
    them (VGG), otherwise the mean over places, as those backbones' own classifiers take, and two
    new layers of `image_hidden` units; then the code layer. D^T: the code layer.

    Args:
        backbone: for its `head` and widths.
        stages: of the backbone, those that the given maps have not passed.
        n_words: columns of the text.
        n_bits: code length K.
        attention: the modalities that have a mask: `none`, `visual`, `textual` or `both`.
    """

    def __init__(
        self,
        backbone: Backbone,
        stages: Sequence[nn.Module],
        n_words: int,
        n_bits: int,
        *,
        attention: str = "none",
        text_hidden: int = 8192,
        text_features: int = 1000,
        image_hidden: int = 4096,
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.text1 = text_layer(WordLinear(n_words, text_hidden))
        self.text2 = text_layer(nn.Linear(text_hidden, text_features))
        self.attention = nn.ModuleDict()
        channels = backbone.widths[-1]
        if attention in ("visual", "both"):
            self.attention["image"] = SpatialAttention(channels)
        if attention in ("textual", "both"):
            self.attention["text"] = UnitAttention(text_features)
        self.image_layers: nn.Module = _NewLayers(channels, image_hidden)
        if backbone.head is not None:
            self.image_layers, image_hidden = backbone.head, backbone.n_features
        self.image_code = nn.Linear(image_hidden, n_bits)
        self.text_code = nn.Linear(text_features, n_bits)
        nn.init.normal_(self.text_code.weight, std=START_STD)
        nn.init.zeros_(self.text_code.bias)

    def train(self, mode: bool = True) -> "CrossModalNetwork":
        """Training mode, in which the backbone's batch normalisation keeps its statistics."""
        super().train(mode)
        freeze_statistics(self.stages)
        return self

    def features(self, modality: str, given: Tensor) -> Tensor:
        """E: the last map `[B, C, h, w]` of maps or pixels, or the text features `[B, T]`."""
        if modality == "text":
            return self.text2(self.text1(given))
        for stage in self.stages:
            given = stage(given)
        return given

    def divide(self, modality: str, features: Tensor) -> Divided | None:
        """G: the features divided by attention; None where the modality has no mask."""
        return self.attention[modality](features) if modality in self.attention else None

    def values(self, modality: str, features: Tensor) -> Tensor:
        """D without its tanh: real values `[B, K]` of whole, attended or unattended features."""
        if modality == "text":
            return self.text_code(features)
        return self.image_code(self.image_layers(features))

    def forward(self, modality: str, given: Tensor) -> Tensor:
        """Real values `[B, K]` of one modality, from its attended features where it has a mask."""
        features = self.features(modality, given)
        divided = self.divide(modality, features)
        return self.values(modality, features if divided is None else divided.attended)


class _NewLayers(nn.Module):
    """fc6 and fc7 for backbones that come without: mean over places, then two layers with ReLU."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.fc6, self.fc7 = nn.Linear(channels, hidden), nn.Linear(hidden, hidden)

    def forward(self, image: Tensor) -> Tensor:
        """Features `[B, hidden]` of maps `[B, C, h, w]`."""
        x = self.fc6(image.mean(dim=(2, 3))).relu()
        return self.fc7(x).relu()
