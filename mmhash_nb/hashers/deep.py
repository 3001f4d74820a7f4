"""What the deep hashers over a `JointNetwork` share: options, training, encoding, saving."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from mmhash_nb.features import backbones
from mmhash_nb.features.backbones import Backbone
from mmhash_nb.features.maps import resized, stage_maps
from mmhash_nb.hashers.base import EncodedModality, Hasher, State
from mmhash_nb.hashers.networks.joint_network import JointNetwork
from mmhash_nb.hashers.objectives import OBJECTIVES
from mmhash_nb.pairs import Pairs
from mmhash_nb.training.loop import autocast, resolve_device
from mmhash_nb.training.loop import train as train_network
from mmhash_nb.training.prefetch import Ahead, HostSamples, halved, in_batches, placed

Inputs = tuple[Tensor | HostSamples | None, Tensor | None]
Given = tuple[Tensor | None, Tensor | None]
TRAINABLE = ("all", "last", "none")
BATCH = 200  # samples encoded at a time
TRAINING: dict[str, Any] = {
    "epochs": 60,
    "batch_size": 100,
    "learning_rate": 1e-4,
    "weight_decay": 1e-5,
    "decay_every": 20,
    "precision": "auto",
}
IMAGE_OPTIONS: dict[str, Any] = {
    "backbone": "small",
    "weights": None,
    "size": None,
    "trainable": "last",
}
TEXT_OPTIONS: dict[str, Any] = {"text_hidden": 8192, "text_features": 512}


class DeepHasher(Hasher):
    """What the deep methods share: the branch of the network they use, training and encoding.

    Options:
        objective: `triplet`, `dpsh`, `dsh`, `hashnet` or `csq`; see `hashers.objectives`.
        margin: of `triplet` and `dsh`; None takes the objective's own.
        epochs, batch_size, learning_rate, weight_decay, decay_every, precision: see
            `training.train`. The paper: Adam, batches of 100, 0.0001 divided by ten every 20
            epochs, weight decay 0.00001 (§VI-B); it does not say how many epochs. Encoding has the
            precision of the training; `auto` is that of the machine that encodes.

    Of the image branch:
        backbone: name for `features.backbones.create`; weights: a file of its weights, None for
            its own.
        size: pixels to which images are scaled; None leaves them.
        trainable: `all` stages of the backbone; the `last` one, over maps of the earlier ones
            that are computed once; or `none`.

    Of the text branch:
        text_hidden, text_features: widths of the two layers, 8192 and 512 in the paper (§V-A).
    """

    branch: ClassVar[str]
    #: what the state holds besides the network
    records: ClassVar[tuple[str, ...]] = ("loss",)
    family: ClassVar[str] = "deep network"
    cross_modal: ClassVar[bool] = False
    image_views: ClassVar[tuple[str, ...]] = ("pixels",)
    defaults: ClassVar[dict[str, Any]] = {"objective": "triplet", "margin": None, **TRAINING}
    #: options that have a few values, refused before anything is computed
    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "objective": tuple(OBJECTIVES),
        "trainable": TRAINABLE,
    }

    def design(self) -> dict[str, Any]:
        """The arguments of `JointNetwork` that the method's options fix."""
        return {k: v for k, v in self.options.items() if k in TEXT_OPTIONS}

    def network(self, inputs: Inputs) -> JointNetwork:
        """An unfitted network for inputs such as these, its new layers random by the seed."""
        image, text = inputs
        stages: list[nn.Module] = []
        widths: tuple[int, ...] = (0, 0)
        if image is not None:
            backbone = self._backbone()
            stages, widths = self._stages(backbone), backbone.widths[-2:]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return JointNetwork(
                stages,
                widths,
                0 if text is None else text.shape[1],
                self.n_bits,
                branch=self.branch,
                frozen=self.options.get("trainable") == "none",
                **self.design(),
            ).to(memory_format=torch.channels_last)

    def fitted_network(self, inputs: Inputs) -> JointNetwork:
        """The fitted network in evaluation mode.

        Raises:
            ValueError: what was saved is of another network.
        """
        network = self.network(inputs)
        self._fill(network)
        return network

    def _fill(self, network: nn.Module) -> None:
        """Give an unfitted network what was learned, and put it in evaluation mode."""
        learned = {k: torch.from_numpy(v) for k, v in self.state.items() if k not in self.records}
        wanted = {k: v.shape for k, v in network.state_dict().items() if self._is_learned(k)}
        wrong = wanted.items() ^ {(k, v.shape) for k, v in learned.items()}
        if wrong:
            raise ValueError(
                f"{self.name} was fitted to other data or by another version: its "
                f"{min(key for key, _ in wrong)} does not fit. Fit it again."
            )
        network.load_state_dict(learned, strict=False)
        network.eval()

    def inputs(self, pairs: Pairs, device: torch.device) -> Inputs:
        """Pixels or maps `[N, C, h, w]` and texts `[N, V]` of all samples, None where unused."""
        image = None if self.branch == "text" else self._image(pairs, device)
        return image, None if self.branch == "image" else self._text(pairs, device)

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        self._check_options()
        device = resolve_device(self.device)
        inputs = self.inputs(train, device)
        network = self.network(inputs).to(device)
        objective = OBJECTIVES[self.options["objective"]](
            torch.from_numpy(train.labels).to(device),
            self.n_bits,
            self.seed,
            self.options["epochs"],
            self.options["margin"],
        )

        def loss(batch: Tensor) -> Tensor:
            return objective(network(*rows(inputs, batch)).float(), batch)

        network.train()
        history = self._train(
            network,
            loss,
            len(train),
            device,
            checkpoint,
            on_epoch=objective.on_epoch,
            ahead=ahead(inputs),
        )
        return self._learned(network, history)

    def _train(
        self,
        module: nn.Module,
        loss: Callable[[Tensor], Tensor],
        n_samples: int,
        device: torch.device,
        checkpoint: Path | None,
        **more: Any,
    ) -> list[float]:
        """`training.train` with the method's options; the loss of each epoch."""
        return train_network(
            module,
            loss,
            n_samples,
            seed=self.seed,
            device=device,
            checkpoint=checkpoint,
            label=f"{self.name} {self.n_bits} bits seed {self.seed}",
            **{key: self.options[key] for key in TRAINING},
            **more,
        )

    def _learned(self, network: nn.Module, history: list[float]) -> State:
        """What is kept of a trained network."""
        state = network.state_dict()
        learned = {k: v.cpu().numpy() for k, v in state.items() if self._is_learned(k)}
        return learned | {"loss": np.array(history)}

    @torch.inference_mode()
    def _project(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        device = resolve_device(self.device)
        inputs = self.inputs(pairs, device)
        network = self.fitted_network(inputs).to(device)
        with autocast(self.options["precision"], device):
            parts = all_rows(inputs, len(pairs), device)
            values = [halved(network, *given) for given in parts]
        return torch.cat(values).float().cpu().numpy()

    def _image(self, pairs: Pairs, device: torch.device) -> Tensor | HostSamples:
        if pairs.images.ndim != 4:
            raise ValueError(
                f"images of {pairs.name} are {pairs.images.shape[1]}-dimensional features, but "
                f"{self.name} works on pixels: load the dataset with images='pixels'."
            )
        backbone, size = self._backbone(), self.options["size"]
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
        return backbones.create(self.options["backbone"], weights=self.options["weights"])

    def _stages(self, backbone: Backbone) -> list[nn.Module]:
        """The stages that are not passed before training, pixels scaled first where all are."""
        passed = self._passed(backbone)
        return [*([] if passed else [_Normalise(backbone)]), *list(backbone.stages)[passed:]]

    def _passed(self, backbone: Backbone) -> int:
        """How many stages are passed once, before training."""
        if self.options["trainable"] == "all":
            return 0
        before_last = self.options["trainable"] == "last" or self.design().get("operations")
        return len(backbone.stages) - 1 if before_last else len(backbone.stages)

    def _is_learned(self, key: str) -> bool:
        """Whether an entry of the network's state belongs to what the method learned."""
        frozen = self.options.get("trainable") == "none" and key.startswith("stages.")
        return not frozen and not key.endswith("num_batches_tracked")

    def _check_options(self) -> None:
        for option, known in self.choices.items():
            if (value := self.options.get(option, known[0])) not in known:
                raise ValueError(f"{option} must be one of {', '.join(known)}, but is {value!r}.")


def ahead(inputs: Inputs) -> Ahead | None:
    """Who is to be told of a batch of `inputs` before it is asked for, if anyone."""
    return inputs[0].ahead if isinstance(inputs[0], HostSamples) else None


def all_rows(inputs: Inputs, n: int, device: torch.device) -> Iterator[Given]:
    """All `n` samples of `inputs` as `rows` gives them, some at a time."""
    for part in in_batches(torch.arange(n), BATCH, device, ahead(inputs)):
        yield rows(inputs, part)


def rows(inputs: Inputs, batch: Tensor) -> Given:
    """The samples `batch` of `inputs`, maps as float32 and channels last."""
    images, text = inputs
    image = None
    if images is not None:
        image = images[batch]
        if image.dtype == torch.float16:
            image = image.float()
        if image.ndim == 4:
            image = image.contiguous(memory_format=torch.channels_last)
    return image, None if text is None else text[batch]


class _Normalise(nn.Module):
    """The backbone's own scaling of pixels, as a first stage."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.register_buffer("mean", backbone.mean, persistent=False)
        self.register_buffer("std", backbone.std, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return Backbone.normalise(self, images)  # type: ignore[arg-type]
