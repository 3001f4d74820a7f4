"""AADAH: attention-aware deep adversarial hashing (Zhang, Lai and Feng, ECCV 2018)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from mmhash_nb.hashers.adversarial_retrieval import AdversarialRetrieval
from mmhash_nb.hashers.cross_modal import CrossModalNetworkHasher
from mmhash_nb.hashers.deep_options import TripletOptions
from mmhash_nb.hashers.networks.cross_modal_network import CrossModalNetwork
from mmhash_nb.hashers.networks.inputs import only
from mmhash_nb.hashers.options import option
from mmhash_nb.pairs import Pairs
from mmhash_nb.training.devices import resolve_device
from mmhash_nb.training.prefetch import HostSamples

PARTS = ("attended", "unattended", "whole")
#: values of the option `adversarial`: which sides learn by the adversarial loss
SIDES = ("both", "hashing", "attention", "none")


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

    D^I of the paper begins with VGG's fc6 and fc7, which have weights for each position of the
    masked map (Eq. 2). Other backbones have a mean before two new layers. It is over the attended
    area (`pooling`), so that features do not shrink with it; see `CrossModalNetwork`.
    """

    image_views: ClassVar[tuple[str, ...]] = ("pixels",)
    objective_class = AdversarialRetrieval
    renamed: ClassVar[Mapping[str, str]] = {"players": "adversarial"}
    network_options = (*CrossModalNetworkHasher.network_options, "attention", "pooling")
    records = (*CrossModalNetworkHasher.records, "curves")

    class Options(CrossModalNetworkHasher.Options, TripletOptions):
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
        """The losses step by step, `float32 [steps, 3]`: `adversarial_retrieval.CURVES`.

        The loss on attended features (Eq. 4), that on unattended ones (Eq. 6), and the latter again
        as G found it in its steps, NaN in all others. Each F is per triplet, also where the sum is
        minimised.
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
