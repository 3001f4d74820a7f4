"""CMDVH, cross-modal deep variational hashing, the method of liong2017."""

import copy
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor, nn

from mmhash_nb.codes import HashCodes
from mmhash_nb.features.vectors import feature_vectors
from mmhash_nb.hashers.base import Method, State
from mmhash_nb.hashers.cross_modal import CrossModalDeep
from mmhash_nb.hashers.deep_objective import DeepObjective
from mmhash_nb.hashers.deep_options import ImageOptions, TrainingOptions
from mmhash_nb.hashers.discrete_codes import CodeLearning
from mmhash_nb.hashers.learned_codes import sample_keys, unified_codes
from mmhash_nb.hashers.networks.cmdvh_networks import Branch, VariationalNetworks
from mmhash_nb.hashers.networks.inputs import Inputs, only
from mmhash_nb.hashers.options import option
from mmhash_nb.losses.gaussian_latent import (
    bit_likelihood_loss,
    gaussian_kl_loss,
    printed_likelihood_loss,
    sample_gaussian,
)
from mmhash_nb.pairs import Modality, Pairs
from mmhash_nb.training.devices import resolve_device
from mmhash_nb.training.optimisers import SGD
from mmhash_nb.training.prefetch import HostSamples

#: what the state holds of step 1 besides the network
LEARNED = ("codes", "classifier", "history", "keys")
#: how often a modality-specific network whose loss diverges starts again at half the rate
HALVINGS = 3


class LatentLearning(DeepObjective):
    """What a modality-specific network minimises (liong2017, Eqs. 10 to 14), a mean of samples:

        Σ_k log(1 + e^{−b z}) + α KL(N(μ, σ² I) ‖ N(0, I)),  z = μ + σ ⊙ ε,  ε ~ N(0, I)

    b is the learned code. With `printed`, the first term is −log(1 + e^{bz}), as Eq. 14 has it.
    Without `variational`, the network's K outputs are z, and the first term is all (CMDVH2).

    Args:
        network: gives `[B, 2K]`, μ and log σ², or `[B, K]`.
        inputs: image and text of the training samples, None for the modality that is not learned.
        labels, method: see `DeepObjective`.
        codes: B, −1 or 1, `[n, K]`.
    """

    def __init__(
        self, network: nn.Module, inputs: Inputs, labels: Tensor, method: Method, codes: Tensor
    ) -> None:
        super().__init__(network, inputs, labels, method)
        self.codes = codes

    def loss(self, batch: Tensor) -> Tensor:
        (given,) = self.given(batch).values()
        values, codes = self.network(given).float(), self.codes[batch]
        if not self.options.variational:
            return bit_likelihood_loss(values, codes)
        mean, log_variance = values.chunk(2, dim=1)
        z = sample_gaussian(mean, log_variance)
        likelihood = printed_likelihood_loss if self.options.printed else bit_likelihood_loss
        return likelihood(z, codes) + self.options.alpha * gaussian_kl_loss(mean, log_variance)


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

    Of the options, `latent=False` is CMDVH1 and `variational=False` CMDVH2. The texts' hidden layer
    has 500 units in the paper, but 100 for the 10 topics of Wiki. fc6 and fc7 are the backbone's
    last layers, where it has them; with `trainable="none"` its features are computed once.

    Image vectors, and texts that are not whole numbers, are centred and scaled (`GivenFeatures`);
    bags of words are taken as they are. Fitted, the `state` holds what `CodeLearning.record` gives,
    the losses of step 2 as `loss`, `float [epochs, 2]`, and the rates they had as `rates`, `float
    [2]`, image and text.
    """

    records: ClassVar[tuple[str, ...]] = ("loss", "rates", "sizes", *LEARNED)
    network_class = VariationalNetworks
    network_options = ("text_hidden", "latent", "variational")

    class Options(TrainingOptions, ImageOptions):
        rounds: int = option(30, "of step 1, at most; fewer where J hardly changes", least=1)
        epochs: int = option(60, "of step 2, for each modality", least=1)
        batch_size: int = 64
        learning_rate: float = option(0.01, "of SGD for new layers, the paper's", above=0)
        backbone_rate: float = option(1e-4, "of SGD for layers learned before", least=0)
        weight_decay: float = 1e-4
        decay_every: int | None = option(
            None,
            "divide the rates of step 2 by ten after every so many epochs; None: never",
            least=1,
        )
        text_hidden: int = option(500, "units of the text branches' hidden layer", least=1)
        latent: bool = option(True, "whether step 1 has the latent network")
        variational: bool = option(
            True, "whether step 2 has latent variables; else K outputs without noise"
        )
        code_update: Literal["margins", "printed"] = option(
            "margins", "how Eq. 5 is read; see `best_codes`"
        )
        printed: bool = option(False, "train Eq. 14 as printed; see `printed_likelihood_loss`")
        lambda_: float = option(0.2, "λ of Eq. 4", above=0)
        alpha: float = option(0.5, "α of Eq. 14", above=0)

        def check(self) -> None:
            super().check()
            """Refuse Eq. 14 as printed without the term that bounds it."""
            if self.printed and not self.variational:
                raise ValueError(
                    "printed=True with variational=False gives a loss without minimum: leave one "
                    "out."
                )

    def unfitted(self, n_words: int, n_features: int = 0) -> Any:
        """As in `CrossModalDeep`; the features of a frozen backbone are vectors, too."""
        if not n_features and self.options.trainable == "none":
            n_features = self._backbone().n_features
        return super().unfitted(n_words, n_features)

    def latents(self, pairs: Pairs, modality: Modality) -> tuple[np.ndarray, np.ndarray]:
        """μ and σ of the latent variables of all samples (Eq. 11), `float32 [N, K]` each.

        Raises:
            ValueError: of a method without them, CMDVH2.
        """
        self._check_encodable(modality)
        if not self.options.variational:
            raise ValueError(
                f"{self.name} has variational=False and so no latent distribution: use cmdvh."
            )
        device = resolve_device(self.device)
        network = self.fitted().to(device)
        values = self.over(
            pairs, modality, device, lambda *given: network.outputs(modality, only(*given))
        )
        mean, log_variance = values.chunk(2, dim=1)
        return mean.numpy(), (0.5 * log_variance).exp().numpy()

    def database_codes(self, pairs: Pairs) -> HashCodes:
        """The gallery: one code for both modalities of each sample.

        Training samples have their row of B, which was learned from their labels, as the paper
        searches. All others have the sign of the fusion network's output, from image and text.
        """
        self._check_fitted()
        device = resolve_device(self.device)
        network = self.fitted().to(device)
        h = self.over(pairs, "joint", device, network.fusion)
        return unified_codes(h.numpy(), pairs, self.state)

    def before_training(self) -> Self:
        """As in `CrossModalDeep`; no codes are learned yet, so that the gallery is encoded."""
        start = super().before_training()
        start.state |= {key: self.state[key][:0] for key in ("codes", "keys")}
        return start

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        return super()._fit(train, checkpoint) | {"keys": sample_keys(train)}

    def measure(self, network: VariationalNetworks, inputs: Inputs) -> None:
        """Set mean and scale of image vectors, and of texts that are no bags of words."""
        image, text = inputs
        assert text is not None
        if isinstance(image, Tensor):  # of what stays in the host's memory nothing is measured
            for branch in (network.fusion.image, network.image):
                branch.measure(image)
        # Topics are small numbers with a common mean; bags of words are left as they are, since
        # most words are absent from most texts.
        if (text != text.round()).any():
            for branch in (network.fusion.text, network.text):
                branch.measure(text)

    def learn(
        self,
        network: VariationalNetworks,
        inputs: Inputs,
        labels: Tensor,
        checkpoint: Path | None,
    ) -> State:
        """Both steps; what was learned."""
        image, text = inputs
        fusing = CodeLearning(network.fusion, inputs, labels, self).to(labels.device)
        sgd = self._sgd(network.fusion, self.options.learning_rate)
        self._train(fusing, checkpoint, epochs=self.options.rounds, optimiser=sgd, part="fusion")
        losses, rates = [], []
        for modality, given in (("image", (image, None)), ("text", (None, text))):
            branch = getattr(network, modality)
            learning = LatentLearning(branch, given, labels, self, fusing.codes)
            loss, rate = self._descend_finitely(learning, modality, checkpoint)
            losses.append(loss)
            rates.append(rate)
        learned = self._learned(network, []) | fusing.record()
        return learned | {"loss": np.stack(losses, axis=1), "rates": np.array(rates)}

    def _descend_finitely(
        self, learning: LatentLearning, modality: str, checkpoint: Path | None
    ) -> tuple[list[float], float]:
        """Train the network of a modality, at half the rate wherever that diverged; losses, rate.

        Raises:
            FloatingPointError: it diverges at an eighth of the rate, too.
        """
        start = copy.deepcopy(learning.state_dict())
        rate, halved = self.options.learning_rate, 0
        while True:
            part = f"{modality}{'-halved' * halved}"
            try:
                sgd = self._sgd(learning.network, rate, self.options.decay_every)
                return self._train(learning, checkpoint, optimiser=sgd, part=part), rate
            except FloatingPointError:
                if halved == HALVINGS:
                    raise
            learning.load_state_dict(start)
            halved, rate = halved + 1, rate / 2

    def _sgd(self, network: nn.Module, rate: float, decay_every: int | None = None) -> SGD:
        branches = [x for x in network.modules() if isinstance(x, Branch)]
        return SGD(
            learning_rate=rate,
            weight_decay=self.options.weight_decay,
            decay_every=decay_every,
            rates=[(x.pretrained(), self.options.backbone_rate) for x in branches],
        )

    def _image(self, pairs: Pairs, device: torch.device) -> Tensor | HostSamples:
        if pairs.images.ndim == 2 or self.options.trainable != "none":
            return super()._image(pairs, device)
        size = self.options.size
        vectors = feature_vectors(self._backbone(), pairs.images, device=device, size=size)
        return torch.from_numpy(vectors).to(device)
