"""CMDVH, cross-modal deep variational hashing, the method of liong2017."""

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from mmhash_nb.codes import HashCodes
from mmhash_nb.features.vectors import feature_vectors
from mmhash_nb.hashers.base import State
from mmhash_nb.hashers.cross_modal import CrossModalDeep
from mmhash_nb.hashers.deep import IMAGE_OPTIONS, TRAINABLE, Inputs, ahead, rows
from mmhash_nb.hashers.discrete_codes import CodeLearning
from mmhash_nb.hashers.learned_codes import sample_keys, unified_codes
from mmhash_nb.hashers.networks.cmdvh_networks import Branch, VariationalNetworks
from mmhash_nb.losses import (
    bit_likelihood_loss,
    gaussian_kl_loss,
    printed_likelihood_loss,
    sample_gaussian,
)
from mmhash_nb.pairs import Modality, Pairs
from mmhash_nb.training.loop import autocast, check_settings, resolve_device
from mmhash_nb.training.loop import train as train_network
from mmhash_nb.training.prefetch import HostSamples, halved

#: what the state holds of step 1 besides the network
LEARNED = ("codes", "classifier", "history", "keys")
#: options that all three trainings share
SHARED = ("batch_size", "weight_decay", "precision")
#: how often a modality-specific network whose loss diverges starts again at half the rate
HALVINGS = 3


class LatentLearning(nn.Module):
    """What a modality-specific network minimises (liong2017, Eqs. 10 to 14), a mean of samples:

        Σ_k log(1 + e^{−b z}) + α KL(N(μ, σ² I) ‖ N(0, I)),  z = μ + σ ⊙ ε,  ε ~ N(0, I)

    b is the learned code. With `printed`, the first term is −log(1 + e^{bz}), as Eq. 14 has it.
    Without `variational`, the network's K outputs are z, and the first term is all (CMDVH2).

    Args:
        network: gives `[B, 2K]`, μ and log σ², or `[B, K]`.
        inputs: image and text of the training samples, None for the modality that is not learned.
        codes: B, −1 or 1, `[n, K]`.
        options: of the method.
    """

    def __init__(
        self, network: nn.Module, inputs: Inputs, codes: Tensor, options: dict[str, Any]
    ) -> None:
        super().__init__()
        self.network, self.inputs, self.codes, self.options = network, inputs, codes, options

    def loss(self, batch: Tensor) -> Tensor:
        """The loss of the training samples `batch`, `int64 [B]`."""
        (given,) = (x for x in rows(self.inputs, batch) if x is not None)
        values, codes = self.network(given).float(), self.codes[batch]
        if not self.options["variational"]:
            return bit_likelihood_loss(values, codes)
        mean, log_variance = values.chunk(2, dim=1)
        z = sample_gaussian(mean, log_variance)
        likelihood = printed_likelihood_loss if self.options["printed"] else bit_likelihood_loss
        return likelihood(z, codes) + self.options["alpha"] * gaussian_kl_loss(mean, log_variance)


class CMDVH(CrossModalDeep):
    """Cross-modal deep variational hashing (Liong, Lu, Tan and Zhou, ICCV 2017).

    Step 1 (Algorithm 1) learns codes B of the training samples, with classifiers M on them and a
    network that fuses both modalities: see `CodeLearning`. Step 2 (Algorithm 2) learns a network
    for each modality whose latent variable agrees with B in sign: see `LatentLearning`. A query's
    code is the sign of its μ. See `VariationalNetworks` for the layers.

    The paper's gallery is B itself (`database_codes`). Its settings are the defaults: SGD with
    momentum 0.9, weight decay 0.0001, λ = 0.2, α = 0.5. It names no batch size, rounds or epochs.
    At its rate the network of a modality can diverge in the first steps, by the exponential of the
    KL term; that network then starts again at half the rate.

    Options:
        rounds: of step 1, at most; fewer where the objective hardly changes.
        epochs: of step 2, for each modality.
        batch_size, learning_rate, weight_decay, precision: see `training.train`; 0.01 is the
            paper's rate for new layers.
        backbone_rate: the learning rate of layers that were learned before.
        backbone, weights, size, trainable: see `DeepHasher`. fc6 and fc7 are the backbone's last
            layers, where it has them. With `none`, its features are computed once.
        text_hidden: units of the text branches' hidden layer. The paper has 500, but 100 for the
            10 topics of Wiki.
        latent: False leaves the latent network out: CMDVH1.
        variational: False has K outputs for each modality and no noise: CMDVH2.
        code_update: how Eq. 5 is read, `margins` or `printed`; see `best_codes`.
        printed: True trains Eq. 14 as printed; see `printed_likelihood_loss`.
        lambda_, alpha: λ of Eq. 4 and α of Eq. 14.

    Image vectors, and texts that are not whole numbers, are centred and scaled (`GivenFeatures`);
    bags of words are taken as they are. Fitted, the `state` holds what `CodeLearning.record` gives,
    the losses of step 2 as `loss`, `float [epochs, 2]`, and the rates they had as `rates`, `float
    [2]`, image and text.

    Raises:
        ValueError: from `fit`, on options out of range.
    """

    records: ClassVar[tuple[str, ...]] = ("loss", "rates", "sizes", *LEARNED)
    network_class: ClassVar[Callable[..., nn.Module]] = VariationalNetworks
    defaults: ClassVar[dict[str, Any]] = {
        "rounds": 30,
        "epochs": 60,
        "batch_size": 64,
        "learning_rate": 0.01,
        "backbone_rate": 1e-4,
        "weight_decay": 1e-4,
        "precision": "auto",
        **IMAGE_OPTIONS,
        "text_hidden": 500,
        "latent": True,
        "variational": True,
        "code_update": "margins",
        "printed": False,
        "lambda_": 0.2,
        "alpha": 0.5,
    }
    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        "trainable": TRAINABLE,
        "code_update": ("margins", "printed"),
    }

    def design(self) -> dict[str, Any]:
        """The arguments of the networks that the method's options fix."""
        return {key: self.options[key] for key in ("text_hidden", "latent", "variational")}

    def unfitted(self, n_words: int, n_features: int = 0) -> Any:
        """As in `CrossModalDeep`; the features of a frozen backbone are vectors, too."""
        if not n_features and self.options["trainable"] == "none":
            n_features = self._backbone().n_features
        return super().unfitted(n_words, n_features)

    def latents(self, pairs: Pairs, modality: Modality) -> tuple[np.ndarray, np.ndarray]:
        """μ and σ of the latent variables of all samples (Eq. 11), `float32 [N, K]` each.

        Raises:
            ValueError: of a method without them, CMDVH2.
        """
        self._check_encodable(modality)
        if not self.options["variational"]:
            raise ValueError(
                f"{self.name} has variational=False and so no latent distribution: use cmdvh."
            )
        device = resolve_device(self.device)
        network = self.fitted().to(device)
        with torch.inference_mode():
            given = self.batches(pairs, modality, device)
            with autocast(self.options["precision"], device):
                outputs = partial(network.outputs, modality)
                values = torch.cat([halved(outputs, part) for part in given])
        mean, log_variance = values.float().cpu().chunk(2, dim=1)
        return mean.numpy(), (0.5 * log_variance).exp().numpy()

    def database_codes(self, pairs: Pairs) -> HashCodes:
        """The gallery: one code for both modalities of each sample.

        Training samples have their row of B, which was learned from their labels, as the paper
        searches. All others have the sign of the fusion network's output, from image and text.
        """
        self._check_fitted()
        device = resolve_device(self.device)
        network = self.fitted().to(device)
        both = (self.batches(pairs, modality, device) for modality in self.modalities)
        with torch.inference_mode(), autocast(self.options["precision"], device):
            h = torch.cat([halved(network.fusion, *given) for given in zip(*both, strict=True)])
        return unified_codes(h.float().cpu().numpy(), pairs, self.state)

    def before_training(self) -> Self:
        """As in `CrossModalDeep`; no codes are learned yet, so that the gallery is encoded."""
        start = super().before_training()
        start.state |= {key: self.state[key][:0] for key in ("codes", "keys")}
        return start

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        self._check_options()
        check_settings(len(train), self.options["epochs"], self.options["batch_size"])
        device = resolve_device(self.device)
        (image, text), sizes = self.inputs(train, device), self.sizes(train)
        assert image is not None and text is not None
        network = self.unfitted(*sizes).to(device).train()
        if isinstance(image, Tensor):  # of what stays in the host's memory nothing is measured
            for branch in (network.fusion.image, network.image):
                branch.measure(image)
        # Topics are small numbers with a common mean; bags of words are left as they are, since
        # most words are absent from most texts.
        if (text != text.round()).any():
            for branch in (network.fusion.text, network.text):
                branch.measure(text)
        labels = torch.from_numpy(train.labels).to(device)
        fusing = CodeLearning(network.fusion, (image, text), labels, self).to(device)
        rate, rounds = self.options["learning_rate"], self.options["rounds"]
        self._descend(fusing, "fusion", checkpoint, rounds, rate, fusing.on_round)
        losses, rates = [], []
        for modality, given in (("image", (image, None)), ("text", (None, text))):
            own = getattr(network, modality)
            learning = LatentLearning(own, given, fusing.codes, self.options)
            loss, rate = self._descend_finitely(learning, modality, checkpoint)
            losses.append(loss)
            rates.append(rate)
        learned = self._learned(network, []) | fusing.record() | {"keys": sample_keys(train)}
        learned |= {"loss": np.stack(losses, axis=1), "rates": np.array(rates)}
        return learned | {"sizes": np.array(sizes)}

    def _descend_finitely(
        self, learning: LatentLearning, modality: str, checkpoint: Path | None
    ) -> tuple[list[float], float]:
        """Train the network of a modality, at half the rate wherever that diverged; losses, rate.

        Raises:
            FloatingPointError: it diverges at an eighth of the rate, too.
        """
        start = copy.deepcopy(learning.state_dict())
        epochs, rate = self.options["epochs"], self.options["learning_rate"]
        halved = 0
        while True:
            part = f"{modality}{'-halved' * halved}"
            try:
                return self._descend(learning, part, checkpoint, epochs, rate), rate
            except FloatingPointError:
                if halved == HALVINGS:
                    raise
            learning.load_state_dict(start)
            halved, rate = halved + 1, rate / 2

    def _descend(
        self,
        learning: CodeLearning | LatentLearning,
        part: str,
        checkpoint: Path | None,
        epochs: int,
        rate: float,
        on_epoch: Callable[[int], bool] | None = None,
    ) -> list[float]:
        """Train one of the three networks; the loss of each epoch."""
        branches = [x for x in learning.network.modules() if isinstance(x, Branch)]
        device = learning.codes.device
        return train_network(
            learning,
            learning.loss,
            len(learning.codes),
            epochs=epochs,
            optimiser="sgd",
            learning_rate=rate,
            rates=[(x.pretrained(), self.options["backbone_rate"]) for x in branches],
            on_epoch=on_epoch,
            ahead=ahead(learning.inputs),
            seed=self.seed,
            device=device,
            checkpoint=None if checkpoint is None else checkpoint / part,
            label=f"{self.name} {self.n_bits} bits seed {self.seed} {part}",
            **{key: self.options[key] for key in SHARED},
        )

    def _image(self, pairs: Pairs, device: torch.device) -> Tensor | HostSamples:
        if pairs.images.ndim == 2 or self.options["trainable"] != "none":
            return super()._image(pairs, device)
        size = self.options["size"]
        vectors = feature_vectors(self._backbone(), pairs.images, device=device, size=size)
        return torch.from_numpy(vectors).to(device)

    def _check_options(self) -> None:
        super()._check_options()
        rounds = self.options["rounds"]
        if not isinstance(rounds, int) or rounds < 1:
            raise ValueError(f"rounds must be an integer of at least 1, but is {rounds!r}.")
        for key in ("lambda_", "alpha"):
            if not self.options[key] > 0:
                raise ValueError(
                    f"{key} is {self.options[key]}, but it weighs a loss: it must be above 0."
                )
        if self.options["printed"] and not self.options["variational"]:
            raise ValueError(
                "printed=True with variational=False gives a loss without minimum: leave one out."
            )
