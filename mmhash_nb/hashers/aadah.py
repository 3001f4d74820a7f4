"""AADAH: attention-aware deep adversarial hashing (Zhang, Lai and Feng, ECCV 2018)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from mmhash_nb.hashers.base import Method, State
from mmhash_nb.hashers.cross_modal import CrossModalNetworkHasher
from mmhash_nb.hashers.deep_objective import DeepObjective
from mmhash_nb.hashers.networks.cross_modal_network import CrossModalNetwork
from mmhash_nb.hashers.networks.inputs import Inputs, only
from mmhash_nb.hashers.options import option
from mmhash_nb.losses.triplet import cross_triplet_ranking_loss, triplet_ranking_loss
from mmhash_nb.pairs import Pairs
from mmhash_nb.training.adversary import Adversary
from mmhash_nb.training.devices import resolve_device
from mmhash_nb.training.loop import n_batches
from mmhash_nb.training.prefetch import HostSamples

PARTS = ("attended", "unattended", "whole")
#: values of the option `adversarial`: which sides learn by the adversarial loss
SIDES = ("both", "hashing", "attention", "none")
#: columns of `AADAH.curves`
CURVES = ("attended", "unattended", "unattended, attention's step")
_OTHER = {"image": "text", "text": "image"}


class AdversarialRetrieval(DeepObjective):
    """The losses of zhang2018 and which parts of the network learn by them.

    With H the codes of attended features and Ĥ those of unattended ones, both by tanh, and
    F_{A→B} = mean over triplets with S(i,j) > S(i,k) of max(0, ε + ‖A_i − B_j‖ − ‖A_i − B_k‖):

        cross-modal retrieval loss  F_{T→I} + F_{I→T} + F_{I→I} + F_{T→T}    (Eqs. 4 and 5)
        adversarial retrieval loss  F_{T→Î} + F_{I→T̂}                        (Eq. 6)

    E and D minimise the sum of both (Eq. 8), E also through the masks, whose gradient goes straight
    through to the features; G maximises the adversarial loss (Eq. 9), on the features that E had in
    the step just taken, which its step does not compute again. The paper prints sums over
    triplets; means do not depend on how many a batch has.
    """

    curves: Tensor
    step: Tensor
    #: E's features of the last step, by modality
    seen: dict[str, Tensor]

    def __init__(self, network: nn.Module, inputs: Inputs, labels: Tensor, method: Method) -> None:
        super().__init__(network, inputs, labels, method)
        assert isinstance(network, CrossModalNetwork)
        steps = self.options.epochs * n_batches(len(labels), self.options.batch_size)
        self.register_buffer("curves", torch.full((steps, len(CURVES)), torch.nan))
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        sides = self.options.adversarial
        self.hashing_is_adversarial = sides in ("both", "hashing")
        if sides in ("both", "attention") and len(network.attention):
            self.adversary = Adversary(network.attention, self.gain, self.options.hashing_steps)
        else:
            network.attention.requires_grad_(False)

    def loss(self, batch: Tensor) -> Tensor:
        """What E and D minimise (Eq. 8)."""
        features = {m: self.network.features(m, given) for m, given in self.given(batch).items()}
        self.seen = {modality: maps.detach() for modality, maps in features.items()}
        attended, unattended = self.codes(features)
        similar = self.similar(batch).long()
        retrieval = self.retrieval(attended, similar)
        adversarial = self.adversarial(attended, unattended, similar)
        # Where memory runs out, smaller batches are tried, beyond the steps that have a row.
        row = self.step % len(self.curves)
        self.curves[row, :2] = torch.stack([retrieval, adversarial]).detach().float()
        self.step += 1
        return retrieval + adversarial if self.hashing_is_adversarial else retrieval

    def gain(self, batch: Tensor) -> Tensor:
        """What G minimises, the adversarial loss with its sign turned (Eq. 9).

        `batch` is that of the last `loss`.
        """
        attended, unattended = self.codes(self.seen)
        if not self.options.attend_queries:
            attended = {modality: values.detach() for modality, values in attended.items()}
        adversarial = self.adversarial(attended, unattended, self.similar(batch).long())
        self.curves[(self.step - 1) % len(self.curves), 2] = adversarial.detach().float()
        return -adversarial

    def codes(self, features: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """H and Ĥ, `float32 [B, K]` in [−1, 1], by modality; Ĥ of those that have a mask."""
        attended, unattended = {}, {}
        for modality, maps in features.items():
            divided = self.network.divide(modality, maps)
            parts, mask = maps, None
            if divided is not None:
                parts = torch.cat([divided.attended, divided.unattended])
                mask = torch.cat([divided.mask, 1 - divided.mask])
            codes = self.network.values(modality, parts, mask).float().tanh()
            attended[modality] = codes[: len(maps)]
            if divided is not None:
                unattended[modality] = codes[len(maps) :]
        return attended, unattended

    def retrieval(self, codes: Mapping[str, Tensor], similar: Tensor) -> Tensor:
        """The cross-modal retrieval loss (Eq. 4), in which a sample is not its own neighbour."""
        margin = self.options.margin
        across = [self._ranking(codes[a], codes[b], similar) for a, b in _OTHER.items()]
        within = [triplet_ranking_loss(x, similar, margin) for x in codes.values()]
        return torch.stack([*across, *within]).sum()

    def adversarial(
        self, queries: Mapping[str, Tensor], unattended: Mapping[str, Tensor], similar: Tensor
    ) -> Tensor:
        """The adversarial retrieval loss (Eq. 6): unattended codes ranked for the other's queries.

        0 where no modality has a mask.
        """
        terms = [
            self._ranking(queries[_OTHER[modality]], codes, similar)
            for modality, codes in unattended.items()
        ]
        return torch.stack(terms).sum() if terms else similar.new_zeros((), dtype=torch.float32)

    def record(self) -> State:
        """The adversarial losses, step by step."""
        return {"curves": self.curves.cpu().numpy()}

    def _ranking(self, queries: Tensor, database: Tensor, similar: Tensor) -> Tensor:
        return cross_triplet_ranking_loss(queries, database, similar, self.options.margin)


@dataclass(frozen=True, eq=False)
class Attended:
    """What the attention module of one modality selects, for N samples.

    Attributes:
        probabilities: P, `float32 [N, h, w]` of images or `[N, K]` of texts.
        mask: Z, `bool` of the same shape.
        strength: length of the features at each position, or the unit itself: of the same shape.
    """

    probabilities: np.ndarray
    mask: np.ndarray
    strength: np.ndarray


class AADAH(CrossModalNetworkHasher):
    """Attention-aware deep adversarial hashing; its codes come from attended features alone.

    The paper does not give ε of the triplet ranking loss, nor how triplets are drawn: all of a
    batch are used. Eq. 9 read to the letter has G maximise the loss through the queries' masks,
    too, for the attended codes H depend on G (`attend_queries`). The paper's words speak of the
    unattended features alone, which is the default. Table 4's ablations are `aadah_none`,
    `aadah_visual` and `aadah_textual`.

    D^I of the paper begins with VGG's fc6 and fc7, which keep the magnitudes of the masked map
    (Eq. 2). Other backbones have a mean in their place, over the attended area (`pooling`), so
    that features do not shrink with it; see `CrossModalNetwork`.
    """

    image_views: ClassVar[tuple[str, ...]] = ("pixels",)
    objective_class = AdversarialRetrieval
    renamed: ClassVar[Mapping[str, str]] = {"players": "adversarial"}
    network_options = (*CrossModalNetworkHasher.network_options, "attention", "pooling")
    records = (*CrossModalNetworkHasher.records, "curves")

    class Options(CrossModalNetworkHasher.Options):
        attention: Literal["both", "visual", "textual", "none"] = option(
            "both", "which modalities have a mask"
        )
        pooling: Literal["attended", "all"] = option(
            "attended",
            "where the backbone has no fc6 and fc7, what the mean of a masked map is over: the "
            "attended area (of unattended features: theirs) or all positions",
            earlier="all",
        )
        margin: float = option(1.0, "ε of the triplet ranking loss", least=0)
        hashing_steps: int = option(
            4, "steps of the hashing side to one of the masks; four in the paper", least=1
        )
        adversarial: Literal["both", "hashing", "attention", "none"] = option(
            "both",
            "which sides learn by the adversarial loss: `hashing` leaves the masks as they start, "
            "with `attention` the codes do not learn by it, `none` does both",
        )
        attend_queries: bool = option(False, "whether G also learns through the queries' masks")

    @property
    def has_masks(self) -> bool:
        """Whether it masks positions of images."""
        return self.options.attention in ("both", "visual")

    def _image(self, pairs: Pairs, device: torch.device) -> Tensor | HostSamples:
        if pairs.images.ndim == 2 and self.has_masks:
            raise ValueError(
                f"images of {pairs.name} are vectors, without positions for the visual mask of "
                f"{self.name}: give it pixels, or attention='textual' or 'none'."
            )
        return super()._image(pairs, device)

    def curves(self) -> np.ndarray:
        """The losses step by step, `float32 [steps, 3]` with the columns `CURVES`.

        The loss on attended features (Eq. 4), that on unattended ones (Eq. 6), and the latter again
        as G found it in its steps, NaN in all others.
        """
        self._check_fitted()
        return self.state["curves"]

    @torch.inference_mode()
    def attend(self, pairs: Pairs, modality: str) -> Attended:
        """The mask of every sample of `pairs`.

        Raises:
            ValueError: where the method was fitted without attention on that modality.
        """
        device = resolve_device(self.device)
        network = self._masked(modality).to(device)
        parts = []
        for given in self.batches(pairs, modality, device):
            features = network.features(modality, only(*given))
            divided = network.divide(modality, features)
            assert divided is not None
            strength = features.norm(dim=1) if features.ndim == 4 else features
            parts.append((divided.probabilities, divided.mask > 0, strength))
        return Attended(*(torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True)))

    @torch.inference_mode()
    def word_shares(self, pairs: Pairs, part: str = "attended") -> np.ndarray:
        """How much of the text features each word brings, `float32 [N, V]`.

        See `CrossModalNetwork.word_share`.

        Args:
            part: units that the mask keeps, `attended`; that it takes away, `unattended`; or the
                `whole`, which is what masks drawn at random would keep on average.

        Raises:
            ValueError: where the method was fitted without attention on texts, or another part.
        """
        if part not in PARTS:
            raise ValueError(f"part must be one of {', '.join(PARTS)}, but is {part!r}.")
        network = self._masked("text")
        parts = self.batches(pairs, "text", torch.device("cpu"))
        shares = np.zeros(pairs.texts.shape, np.float32)
        for sample, text in enumerate(text for given in parts for text in only(*given)):
            shares[sample] = network.word_share(text, part).numpy()
        return shares

    def _masked(self, modality: str) -> CrossModalNetwork:
        """The fitted network, which must have a mask for the modality."""
        self._check_fitted()
        network = self.fitted()
        if modality not in network.attention:
            raise ValueError(
                f"{self.name} was fitted with attention={self.options['attention']!r}: it has no "
                f"{modality} mask."
            )
        return network
