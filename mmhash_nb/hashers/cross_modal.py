"""What the deep cross-modal hashers share: one network with two codes, training, encoding."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from mmhash_nb.hashers.base import EncodedModality, State
from mmhash_nb.hashers.deep import (
    IMAGE_OPTIONS,
    TRAINABLE,
    TRAINING,
    DeepHasher,
    Inputs,
    ahead,
    all_rows,
    rows,
)
from mmhash_nb.hashers.networks.cross_modal_network import CrossModalNetwork
from mmhash_nb.hashers.networks.given_features import given_features
from mmhash_nb.pairs import Pairs
from mmhash_nb.training.loop import Opponent, autocast, check_settings, resolve_device
from mmhash_nb.training.prefetch import HostSamples, halved


class Learning(nn.Module, ABC):
    """What a method minimises: its network and whatever else changes while it is trained.

    All of it is a module, so that a checkpoint holds it.

    Args:
        network: to be trained.
        inputs: maps or pixels `[n, C, h, w]` and texts `[n, V]` of the training samples.
        labels: `bool [n, C]`.
        method: its options and code length.
    """

    def __init__(
        self, network: nn.Module, inputs: Inputs, labels: Tensor, method: DeepHasher
    ) -> None:
        super().__init__()
        self.network: Any = network
        self.inputs, self.labels = inputs, labels.float()
        self.options, self.n_bits = method.options, method.n_bits
        #: who learns against the network, if anyone
        self.opponent: Opponent | None = None

    @abstractmethod
    def loss(self, batch: Tensor) -> Tensor:
        """The loss of the training samples `batch`, `int64 [B]`."""

    def on_epoch(self, epoch: int) -> None:
        """Told the number of each epoch, from 0, before it."""

    def record(self) -> State:
        """What is kept of the training besides the network and the losses."""
        return {}

    def given(self, batch: Tensor) -> dict[str, Tensor]:
        """What the network takes of the samples `batch`, by modality."""
        image, text = rows(self.inputs, batch)
        assert image is not None and text is not None
        return {"image": image, "text": text}

    def all_given(self) -> Iterator[tuple[slice, dict[str, Tensor]]]:
        """What the network takes of all training samples, some at a time, and which those are."""
        first = 0
        for image, text in all_rows(self.inputs, len(self.labels), self.labels.device):
            assert image is not None and text is not None
            yield slice(first, first := first + len(text)), {"image": image, "text": text}

    def similar(self, batch: Tensor, others: Tensor | slice | None = None) -> Tensor:
        """Which samples share a label, `bool [B, B]`, or `[B, M]` with `others`."""
        theirs = self.labels[batch if others is None else others]
        return self.labels[batch] @ theirs.T > 0


class CrossModalDeep(DeepHasher):
    """A deep hasher with a code for each modality, on the network and settings of zhang2018.

    Options:
        epochs, batch_size, learning_rate, weight_decay, decay_every, beta1, precision: see
            `training.train`. The paper: Adam with β₁ = 0.5, batches of 64, 100 epochs. It gives two
            learning rates, "α = 0.0002" of Adam and a "base learning rate 0.005" that is divided by
            ten every 20 epochs (§4.1): the first is the default, with that decay; the other is
            `learning_rate=0.005`.
        backbone, weights, size, trainable: see `DeepHasher`; unused where images are feature
            vectors, which take the place of a frozen backbone's.
        text_hidden, text_features: widths of the two text layers, 8192 and 1000 in the paper.
        image_hidden: units of the two new image layers, where the backbone has no fc6 and fc7.
    """

    branch = "joint"
    cross_modal = True
    modalities = ("image", "text")
    image_views: ClassVar[tuple[str, ...]] = ("pixels", "vectors")
    records: ClassVar[tuple[str, ...]] = ("loss", "sizes")
    network_class: ClassVar[Callable[..., nn.Module]] = CrossModalNetwork
    learning: ClassVar[type[Learning]]
    defaults: ClassVar[dict[str, Any]] = {
        **TRAINING,
        "epochs": 100,
        "batch_size": 64,
        "learning_rate": 2e-4,
        "weight_decay": 0.0,
        "beta1": 0.5,
        **IMAGE_OPTIONS,
        "text_hidden": 8192,
        "text_features": 1000,
        "image_hidden": 4096,
    }
    choices: ClassVar[dict[str, tuple[str, ...]]] = {"trainable": TRAINABLE}

    def design(self) -> dict[str, Any]:
        """The arguments of the network that the method's options fix."""
        widths = ("text_hidden", "text_features", "image_hidden")
        return {width: self.options[width] for width in widths}

    def sizes(self, pairs: Pairs) -> tuple[int, int]:
        """Columns of the texts, and dimensions of image features, 0 where images are pixels."""
        return pairs.texts.shape[1], pairs.images.shape[1] if pairs.images.ndim == 2 else 0

    def unfitted(self, n_words: int, n_features: int = 0) -> Any:
        """A network for texts of `n_words` columns, its new layers random by the seed.

        Args:
            n_features: of the images, where they are vectors, which go the way of a backbone's
                maps of one place; 0 for pixels.
        """
        backbone = given_features(n_features) if n_features else self._backbone()
        stages = list(backbone.stages) if n_features else self._stages(backbone)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return self.network_class(
                backbone,
                stages,
                n_words,
                self.n_bits,
                **self.design(),
            ).to(memory_format=torch.channels_last)

    def fitted(self) -> Any:
        """The fitted network in evaluation mode.

        Raises:
            ValueError: what was saved is of another network.
        """
        network = self.unfitted(*self.state["sizes"].tolist())
        self._fill(network)
        return network

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        self._check_options()
        counts = {key: self.options[key] for key in ("epochs", "batch_size", "decay_every")}
        check_settings(len(train), **counts)
        device = resolve_device(self.device)
        inputs = self.inputs(train, device)
        sizes = self.sizes(train)
        network = self.unfitted(*sizes).to(device).train()
        if sizes[1]:
            network.stages[0].measure(train.images)
        labels = torch.from_numpy(train.labels).to(device)
        learning = self.learning(network, inputs, labels, self).to(device)
        history = self._train(
            learning,
            learning.loss,
            len(train),
            device,
            checkpoint,
            on_epoch=learning.on_epoch,
            opponent=learning.opponent,
            ahead=ahead(inputs),
            beta1=self.options["beta1"],
        )
        return self._learned(network, history) | {"sizes": np.array(sizes)} | learning.record()

    def before_training(self) -> Self:
        """This fitted method as it was before its first step, to compare with."""
        self._check_fitted()
        start = type(self)(self.n_bits, self.seed, self.device, **self.options)
        given = {key: self.state[key] for key in self.state if _is_given(key)}
        first = self._learned(self.unfitted(*self.state["sizes"].tolist()), [])
        start.name, start.state = self.name, first | given | {"sizes": self.state["sizes"]}
        return start

    @torch.inference_mode()
    def _project(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        device = resolve_device(self.device)
        network = self.fitted().to(device)
        with autocast(self.options["precision"], device):
            parts = self.batches(pairs, modality, device)
            values = [halved(partial(network, modality), part) for part in parts]
        return torch.cat(values).float().cpu().numpy()

    def batches(self, pairs: Pairs, modality: str, device: torch.device) -> Iterator[Tensor]:
        """What the network takes of all samples of `pairs` in one modality, some at a time.

        Raises:
            ValueError: texts of another vocabulary than those of the fit, or images of another
                kind.
        """
        (fitted_words, fitted_features), (words, features) = self.state["sizes"], self.sizes(pairs)
        if modality == "text" and words != fitted_words:
            raise ValueError(
                f"{self.name} was fitted to texts of {fitted_words} words, but those of "
                f"{pairs.name} have {words}: encode texts of the same vocabulary."
            )
        if modality == "image" and features != fitted_features:
            kinds = [
                f"{n}-dimensional features" if n else "pixels" for n in (fitted_features, features)
            ]
            raise ValueError(
                f"{self.name} was fitted to images as {kinds[0]}, but those of {pairs.name} are "
                f"{kinds[1]}: encode images as they were in training."
            )
        image = self._image(pairs, device) if modality == "image" else None
        text = self._text(pairs, device) if modality == "text" else None
        for given in all_rows((image, text), len(pairs), device):
            yield from (x for x in given if x is not None)

    def _image(self, pairs: Pairs, device: torch.device) -> Tensor | HostSamples:
        if pairs.images.ndim == 2:
            return torch.from_numpy(pairs.images).to(device)
        return super()._image(pairs, device)

    def _is_learned(self, key: str) -> bool:
        return super()._is_learned(key) or _is_given(key)


def _is_given(key: str) -> bool:
    """Whether an entry of the state is of `GivenFeatures`, measured rather than learned."""
    return ".given_" in key
