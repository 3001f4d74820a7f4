"""CAH: correlation autoencoder hashing (Cao, Long, Wang and Zhu, ICMR 2016)."""

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor, nn

from mmhash_nb.features.backbones import Backbone
from mmhash_nb.hashers.cross_modal import CrossModalNetworkHasher
from mmhash_nb.hashers.deep_objective import DeepObjective
from mmhash_nb.hashers.networks.cross_modal_network import CrossModalNetwork
from mmhash_nb.hashers.options import option
from mmhash_nb.losses.correlation import (
    feature_correlation_loss,
    reconstruction_loss,
    semantic_correlation_loss,
)


class AutoencoderNetwork(CrossModalNetwork):
    """The network of zhang2018's methods, and a way back from each code to what it came from.

    Decoders have the layers of the encoders in reverse, with ReLU but for the last: K →
    `text_features` → `text_hidden` → words, and K → `image_hidden` → `image_hidden` → the mean over
    places of the backbone's last map.

    Args: see `CrossModalNetwork`.
    """

    def __init__(
        self,
        backbone: Backbone,
        stages: Sequence[nn.Module],
        n_words: int,
        n_bits: int,
        **widths: Any,
    ) -> None:
        super().__init__(backbone, stages, n_words, n_bits, **widths)
        image, text = widths["image_hidden"], (widths["text_features"], widths["text_hidden"])
        self.image_decoder = _decoder(n_bits, image, image, backbone.widths[-1])
        self.text_decoder = _decoder(n_bits, *text, n_words)

    def autoencode(self, modality: str, given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The tanh of the values `[B, K]`, what they are decoded to and what it should be."""
        features = self.features(modality, given)
        code = self.values(modality, features).tanh()
        if modality == "text":
            return code, self.text_decoder(code), given
        # No target may be learned: equal features would be rebuilt best.
        return code, self.image_decoder(code), features.mean(dim=(2, 3)).detach()


def _decoder(n_bits: int, first: int, second: int, n_features: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(n_bits, first),
        nn.ReLU(),
        nn.Linear(first, second),
        nn.ReLU(),
        nn.Linear(second, n_features),
    )


class CorrelationAutoencoders(DeepObjective):
    """With X and Y the tanh values of a batch's images and texts, R the error of reconstruction,

    R_image + R_text + λ (1 − mean_k ρ(x_·k, y_·k)) + μ (1 − ρ(x_i·y_j, s_ij)),

    where the first correlation ρ is over samples, the second over all pairs of an image and a text,
    and s is 1 where they share a label and −1 elsewhere. See `losses.correlation`.
    """

    def loss(self, batch: Tensor) -> Tensor:
        codes, errors = {}, []
        for modality, given in self.given(batch).items():
            code, rebuilt, target = self.network.autoencode(modality, given)
            codes[modality] = code.float()
            errors.append(reconstruction_loss(rebuilt.float(), target.float()))
        x, y = codes["image"], codes["text"]
        feature = feature_correlation_loss(x, y)
        semantic = semantic_correlation_loss(x, y, self.similar(batch))
        return sum(errors) + self.options.lambda_ * feature + self.options.mu * semantic


class CAH(CrossModalNetworkHasher):
    """Correlation autoencoder hashing, on the network of zhang2018.

    Known of the paper is its abstract: deep autoencoders that jointly maximise the feature
    correlation of pairs and the semantic correlation of similarity labels; and from liong2017
    (§4.2) that its images are hand-crafted features. The rest is read into it: correlations and
    error of reconstruction as in `losses.correlation`, equal weights, the layers' widths, and all
    terms at once by mini-batches, without a layer-wise training before. Image features are the
    vectors of the dataset or the mean over places of a backbone's last map, and stay as they are
    by default, as hand-crafted ones do.
    """

    network_class = AutoencoderNetwork
    objective_class = CorrelationAutoencoders

    class Options(CrossModalNetworkHasher.Options):
        trainable: Literal["all", "last", "none"] = "none"
        lambda_: float = option(1.0, "weight of the feature correlation", least=0)
        mu: float = option(1.0, "weight of the semantic correlation", least=0)
