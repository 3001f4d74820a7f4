"""What all deep methods share: options, training, encoding, saving."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mmhash_nb.features import backbones
from mmhash_nb.features.backbones import Backbone
from mmhash_nb.features.maps import resized, stage_maps
from mmhash_nb.hashers.base import EncodedModality, Hasher, State
from mmhash_nb.hashers.deep_objective import DeepObjective
from mmhash_nb.hashers.deep_options import TrainingOptions
from mmhash_nb.hashers.networks.given_features import given_features
from mmhash_nb.hashers.networks.inputs import Given, Inputs, Normalise, all_rows
from mmhash_nb.hashers.options import option
from mmhash_nb.pairs import Pairs
from mmhash_nb.training.devices import autocast, resolve_device
from mmhash_nb.training.loop import check_samples, train
from mmhash_nb.training.memory import halved
from mmhash_nb.training.optimisers import Adam, Optimiser
from mmhash_nb.training.prefetch import HostSamples, placed


class DeepHasher(Hasher):
    """A network, trained by mini-batches of an objective.

    A subclass names its `objective_class` and implements `build` and `fitted_sizes`. The state
    holds the network's learned weights, the `loss` of each epoch as the objective reports it,
    `float [epochs]`, and what the objective records. Encoding has the precision of the training.
    """

    class Options(TrainingOptions):
        decay_every: int | None = option(
            20, "divide the rate by ten after every so many epochs; None: never", least=1
        )

    family: ClassVar[str] = "deep network"
    image_views: ClassVar[tuple[str, ...]] = ("pixels",)
    objective_class: ClassVar[type[DeepObjective]]
    #: what the state holds besides the network
    records: ClassVar[tuple[str, ...]] = ("loss",)
    #: whether the network changes the map before the last stage, which then is never passed early
    changes_earlier_map: ClassVar[bool] = False

    @abstractmethod
    def build(self, backbone: Backbone | None, stages: list[nn.Module], n_words: int) -> nn.Module:
        """A network with new layers drawn at random.

        Args:
            backbone: None for a method that reads no images.
            stages: those of the backbone that the given maps have not passed.
            n_words: columns of the texts.
        """

    @abstractmethod
    def fitted_sizes(self) -> tuple[int, int]:
        """`sizes` of the pairs that the method was fitted to."""

    def values(
        self, network: Any, modality: EncodedModality, image: Tensor | None, text: Tensor | None
    ) -> Tensor:
        """Real values `[B, K]` of a modality, whose signs are its code."""
        return network(image, text)

    def optimiser(self) -> Adam:
        """Adam with the method's options."""
        return Adam(
            learning_rate=self.options.learning_rate,
            weight_decay=self.options.weight_decay,
            decay_every=self.options.decay_every,
        )

    def sizes(self, pairs: Pairs) -> tuple[int, int]:
        """Columns of the texts, and dimensions of image features, 0 for pixels."""
        return pairs.texts.shape[1], 0

    def unfitted(self, n_words: int, n_features: int = 0) -> Any:
        """A network for texts of `n_words` columns, its new layers random by the seed.

        Args:
            n_features: of the images, where they are vectors, which go the way of a backbone's
                maps of one place; 0 for pixels.
        """
        backbone, stages = None, []
        if n_features:
            backbone = given_features(n_features)
            stages = list(backbone.stages)
        elif self._reads("image", self.modalities):
            backbone = self._backbone()
            passed = self._passed(backbone)
            stages = [*([] if passed else [Normalise(backbone)]), *list(backbone.stages)[passed:]]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = self.build(backbone, stages, n_words)
            return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def fitted(self) -> Any:
        """The fitted network in evaluation mode.

        Raises:
            ValueError: what was saved is of another network.
        """
        network = self.unfitted(*self.fitted_sizes())
        learned = {k: torch.from_numpy(v) for k, v in self.state.items() if k not in self.records}
        wanted = {k: v.shape for k, v in network.state_dict().items() if self._is_learned(k)}
        wrong = wanted.items() ^ {(k, v.shape) for k, v in learned.items()}
        if wrong:
            raise ValueError(
                f"{self.name} was fitted to other data or by another version: its "
                f"{min(key for key, _ in wrong)} does not fit. Fit it again."
            )
        network.load_state_dict(learned, strict=False)
        return network.eval()

    def inputs(self, pairs: Pairs, device: torch.device, *modalities: str) -> Inputs:
        """What the network takes of all samples of `pairs` in some modalities, by default all."""
        read = modalities or self.modalities
        image = self._image(pairs, device) if self._reads("image", read) else None
        return image, self._text(pairs, device) if self._reads("text", read) else None

    def batches(self, pairs: Pairs, modality: str, device: torch.device) -> Iterator[Given]:
        """What the fitted network takes of all samples of `pairs`, some at a time.

        Raises:
            ValueError: texts of another vocabulary than those of the fit.
        """
        fitted_words, words = self.fitted_sizes()[0], self.sizes(pairs)[0]
        if self._reads("text", (modality,)) and words != fitted_words:
            raise ValueError(
                f"{self.name} was fitted to texts of {fitted_words} words, but those of "
                f"{pairs.name} have {words}: encode texts of the same vocabulary."
            )
        yield from all_rows(self.inputs(pairs, device, modality), len(pairs), device)

    @torch.inference_mode()
    def over(
        self, pairs: Pairs, modality: str, device: torch.device, work: Callable[..., Tensor]
    ) -> Tensor:
        """`work(image, text)` of all samples, `float32 [N, ...]` on the CPU."""
        with autocast(self.options.precision, device):
            parts = [halved(work, *given) for given in self.batches(pairs, modality, device)]
        return torch.cat(parts).float().cpu()

    def _project(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        device = resolve_device(self.device)
        network = self.fitted().to(device)
        return self.over(pairs, modality, device, partial(self.values, network, modality)).numpy()

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        check_samples(len(train))
        device = resolve_device(self.device)
        inputs = self.inputs(train, device)
        network = self.unfitted(*self.sizes(train)).to(device).train()
        self.measure(network, inputs)
        labels = torch.from_numpy(train.labels).to(device)
        return self.learn(network, inputs, labels, checkpoint)

    def measure(self, network: Any, inputs: Inputs) -> None:
        """Set what a network takes from its training samples before it learns."""

    def learn(self, network: Any, inputs: Inputs, labels: Tensor, checkpoint: Path | None) -> State:
        """Train the network; what was learned."""
        objective = self.objective_class(network, inputs, labels, self).to(labels.device)
        history = self._train(objective, checkpoint)
        return self._learned(network, history) | objective.record()

    def _train(
        self,
        objective: DeepObjective,
        checkpoint: Path | None,
        *,
        epochs: int | None = None,
        optimiser: Optimiser | None = None,
        part: str = "",
    ) -> list[float]:
        """`training.train` with the method's options; the loss of each epoch.

        Args:
            epochs, optimiser: in place of those of the options.
            part: names one of several trainings.
        """
        return train(
            objective,
            len(objective.labels),
            epochs=epochs or self.options.epochs,
            batch_size=self.options.batch_size,
            optimiser=optimiser or self.optimiser(),
            precision=self.options.precision,
            seed=self.seed,
            device=objective.labels.device,
            checkpoint=None if checkpoint is None else checkpoint / part,
            label=f"{self.name} {self.n_bits} bits seed {self.seed} {part}".rstrip(),
        )

    def _learned(self, network: nn.Module, history: list[float]) -> State:
        state = network.state_dict()
        learned = {k: v.cpu().numpy() for k, v in state.items() if self._is_learned(k)}
        return learned | {"loss": np.array(history)}

    def _is_learned(self, key: str) -> bool:
        """Whether an entry of the network's state belongs to what the method learned."""
        frozen = self.options.get("trainable") == "none" and key.startswith("stages.")
        return not frozen and not key.endswith("num_batches_tracked")

    def _image(self, pairs: Pairs, device: torch.device) -> Tensor | HostSamples:
        if pairs.images.ndim != 4:
            raise ValueError(
                f"images of {pairs.name} are {pairs.images.shape[1]}-dimensional features, but "
                f"{self.name} works on pixels: load the dataset with images='pixels'."
            )
        backbone, size = self._backbone(), self.options.size
        passed = self._passed(backbone)
        if passed == 0:
            images = torch.from_numpy(pairs.images)
            return placed(images if size is None else resized(images, size), device)
        maps = stage_maps(backbone, pairs.images, passed, device=device, size=size)
        return placed(torch.from_numpy(maps), device)

    def _text(self, pairs: Pairs, device: torch.device) -> Tensor:
        if pairs.texts.shape[1] == 0:
            raise ValueError(f"{pairs.name} has no texts, which {self.name} hashes.")
        return torch.from_numpy(self._words(pairs)).to(device)

    def _words(self, pairs: Pairs) -> np.ndarray:
        """What the network takes of the texts."""
        return pairs.features("text")

    def _backbone(self) -> Backbone:
        return backbones.create(self.options.backbone, weights=self.options.weights)

    def _passed(self, backbone: Backbone) -> int:
        """How many stages are passed once, before training."""
        if self.options.trainable == "all":
            return 0
        before_last = self.options.trainable == "last" or self.changes_earlier_map
        return len(backbone.stages) - 1 if before_last else len(backbone.stages)

    @staticmethod
    def _reads(view: str, modalities: tuple[str, ...]) -> bool:
        return any(modality in (view, "joint") for modality in modalities)
