"""What the deep cross-modal methods share: a code for each modality, on zhang2018's settings."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from mmhash_nb.features.backbones import Backbone
from mmhash_nb.hashers.base import EncodedModality, State
from mmhash_nb.hashers.deep import DeepHasher
from mmhash_nb.hashers.deep_options import ImageOptions, TextOptions
from mmhash_nb.hashers.networks.cross_modal_network import CrossModalNetwork
from mmhash_nb.hashers.networks.inputs import Given, Inputs, only
from mmhash_nb.hashers.options import option
from mmhash_nb.pairs import Pairs
from mmhash_nb.training.optimisers import Adam
from mmhash_nb.training.prefetch import HostSamples


class CrossModalDeep(DeepHasher):
    """A deep hasher with a code for each modality, on the settings of zhang2018.

    The paper: Adam with β₁ = 0.5, batches of 64, 100 epochs. It gives two learning rates, "α =
    0.0002" of Adam and a "base learning rate 0.005" that is divided by ten every 20 epochs (§4.1).
    The first is the default, with that decay; the other is `learning_rate=0.005`. Feature vectors
    of images take the place of a frozen backbone's.
    """

    cross_modal: ClassVar[bool] = True
    modalities = ("image", "text")
    image_views: ClassVar[tuple[str, ...]] = ("pixels", "vectors")
    records: ClassVar[tuple[str, ...]] = ("loss", "sizes")
    network_class: ClassVar[Callable[..., nn.Module]]
    #: options that the network takes by their names
    network_options: ClassVar[tuple[str, ...]] = ()

    class Options(DeepHasher.Options, ImageOptions):
        epochs: int = 100
        batch_size: int = 64
        learning_rate: float = 2e-4
        weight_decay: float = 0.0
        beta1: float = option(0.5, "how much of Adam's mean gradient stays", least=0, below=1)

    def build(self, backbone: Backbone | None, stages: list[nn.Module], n_words: int) -> nn.Module:
        """A network of `network_class`."""
        widths = {key: self.options[key] for key in self.network_options}
        return self.network_class(backbone, stages, n_words, self.n_bits, **widths)

    def sizes(self, pairs: Pairs) -> tuple[int, int]:
        """Columns of the texts, and dimensions of image features, 0 where images are pixels."""
        return pairs.texts.shape[1], pairs.images.shape[1] if pairs.images.ndim == 2 else 0

    def fitted_sizes(self) -> tuple[int, int]:
        """Columns of the texts, and dimensions of image features, 0 where images were pixels."""
        words, features = self.state["sizes"].tolist()
        return words, features

    def values(
        self, network: Any, modality: EncodedModality, image: Tensor | None, text: Tensor | None
    ) -> Tensor:
        """Real values `[B, K]` of a modality, whose signs are its code."""
        return network(modality, only(image, text))

    def optimiser(self) -> Adam:
        """Adam with the method's options."""
        return dataclasses.replace(super().optimiser(), beta1=self.options.beta1)

    def measure(self, network: Any, inputs: Inputs) -> None:
        """Set mean and scale of image vectors."""
        if (image := inputs[0]) is not None and isinstance(image, Tensor) and image.ndim == 2:
            network.stages[0].measure(image.cpu().numpy())

    def before_training(self) -> Self:
        """This fitted method as it was before its first step, to compare with."""
        self._check_fitted()
        start = type(self)(self.n_bits, self.seed, self.device, **self.options)
        measured = {key: self.state[key] for key in self.state if _is_measured(key)}
        first = self._learned(self.unfitted(*self.fitted_sizes()), [])
        start.name, start.state = self.name, first | measured | {"sizes": self.state["sizes"]}
        return start

    def batches(self, pairs: Pairs, modality: str, device: torch.device) -> Iterator[Given]:
        """As in `DeepHasher`; images of another kind than those of the fit are refused as well."""
        features, fitted_features = self.sizes(pairs)[1], self.fitted_sizes()[1]
        if modality != "text" and features != fitted_features:
            kinds = [
                f"{n}-dimensional features" if n else "pixels" for n in (fitted_features, features)
            ]
            raise ValueError(
                f"{self.name} was fitted to images as {kinds[0]}, but those of {pairs.name} are "
                f"{kinds[1]}: encode images as they were in training."
            )
        yield from super().batches(pairs, modality, device)

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        return super()._fit(train, checkpoint) | {"sizes": np.array(self.sizes(train))}

    def _image(self, pairs: Pairs, device: torch.device) -> Tensor | HostSamples:
        if pairs.images.ndim == 2:
            return torch.from_numpy(pairs.images).to(device)
        return super()._image(pairs, device)

    def _is_learned(self, key: str) -> bool:
        return super()._is_learned(key) or _is_measured(key)


class CrossModalNetworkHasher(CrossModalDeep):
    """A method on the network of zhang2018; the widths of its text layers are the paper's."""

    network_class: ClassVar[Callable[..., nn.Module]] = CrossModalNetwork
    network_options: ClassVar[tuple[str, ...]] = ("text_hidden", "text_features", "image_hidden")

    class Options(CrossModalDeep.Options, TextOptions):
        text_features: int = 1000
        image_hidden: int = option(
            4096, "units of the two image layers, where the backbone has no fc6 and fc7", least=1
        )


def _is_measured(key: str) -> bool:
    """Whether an entry of the state is of `GivenFeatures`, measured rather than learned."""
    return ".given_" in key
