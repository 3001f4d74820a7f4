"""Image hashing, text hashing and multimodal hashing over one network (zeng2022, §V and §VI-C)."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from mmhash_nb.hashers.deep import IMAGE_OPTIONS, TEXT_OPTIONS, DeepHasher, all_rows
from mmhash_nb.hashers.networks.fusion import FUSIONS
from mmhash_nb.hashers.networks.modal_aware import ATTENTIONS, KERNELS
from mmhash_nb.pairs import Pairs
from mmhash_nb.training.loop import resolve_device


class ImageHasher(DeepHasher):
    """Image hashing (DPSH, DSH, HashNet, DTH, CSQ): the image branch and the code layer alone."""

    branch = "image"
    modalities = ("image",)
    defaults: ClassVar[dict[str, Any]] = {**DeepHasher.defaults, **IMAGE_OPTIONS}


class TextHasher(DeepHasher):
    """TextHash: the text branch and the code layer alone (§VI-C)."""

    branch = "text"
    modalities = ("text",)
    defaults: ClassVar[dict[str, Any]] = {**DeepHasher.defaults, **TEXT_OPTIONS}


class JointHasher(DeepHasher):
    """Multimodal hashing: one code from image and text, fused by `concat`, `gmu` or `mcb` (§VI-C).

    Options, besides those of `DeepHasher`:
        fusion: `concat`, `gmu` or `mcb`.
    """

    branch = "joint"
    modalities = ("joint",)
    defaults: ClassVar[dict[str, Any]] = {
        **DeepHasher.defaults,
        **IMAGE_OPTIONS,
        **TEXT_OPTIONS,
        "fusion": "concat",
    }
    choices: ClassVar[dict[str, tuple[str, ...]]] = {**DeepHasher.choices, "fusion": FUSIONS}

    def design(self) -> dict[str, Any]:
        """Text widths and fusion."""
        return {**super().design(), "fusion": self.options["fusion"]}


@dataclass(frozen=True, eq=False)
class Attended:
    """What one attention network selects, for N samples.

    Attributes:
        maps: `float32 [N, C, h, w]`, the map before it is weighed.
        channels: `float32 [N, C]`, attention over its channels; rows sum to one.
        units: `float32 [N, K]`, attention over the text's units; rows sum to one.
        words: `float32 [N, V]`, the share of the units' attention that each word of the text
            carries: a unit's attention is divided among the words that excite it. None of the
            second operation, whose units do not read words.
    """

    maps: np.ndarray
    channels: np.ndarray
    units: np.ndarray
    words: np.ndarray | None


class ModalAwareHasher(JointHasher):
    """MAH: multimodal hashing with two modal-aware operations (§IV, §V), fused by concatenation.

    Options, besides those of `DeepHasher`:
        kernel: `residual`, `printed` or `none`; attention: `rescaled`, `printed` or `none`; see
            `modal_aware`.
    """

    defaults: ClassVar[dict[str, Any]] = {
        **{k: v for k, v in JointHasher.defaults.items() if k != "fusion"},
        "kernel": "residual",
        "attention": "rescaled",
    }
    choices: ClassVar[dict[str, tuple[str, ...]]] = {
        **DeepHasher.choices,
        "kernel": (*KERNELS, "none"),
        "attention": (*ATTENTIONS, "none"),
    }

    def design(self) -> dict[str, Any]:
        """Text widths and the forms of the two operations."""
        forms = (self.options["kernel"], self.options["attention"])
        return {**DeepHasher.design(self), "operations": forms}

    @torch.inference_mode()
    def attend(self, pairs: Pairs) -> list[Attended]:
        """What the attention networks of the two operations select in all samples of `pairs`.

        Raises:
            ValueError: where the method was fitted without attention.
        """
        self._check_encodable("joint")
        if self.options["attention"] == "none":
            raise ValueError(f"{self.name} was fitted with attention='none': it selects nothing.")
        device = resolve_device(self.device)
        inputs = self.inputs(pairs, device)
        network = self.fitted_network(inputs).to(device)
        parts = all_rows(inputs, len(pairs), device)
        seen = [network.attention(*part) for part in parts]  # type: ignore[arg-type]
        first, second = (
            [torch.cat(arrays).cpu().numpy() for arrays in zip(*by_part, strict=True)]
            for by_part in zip(*seen, strict=True)
        )
        reader = network.text1[0]
        assert isinstance(reader, nn.Linear)
        weight = reader.weight.cpu().numpy()
        words = _shares(first[3] * (first[1] != 0), weight, pairs.features("text"))
        return [
            Attended(first[0], first[2], first[3], words),
            Attended(second[0], second[2], second[3], None),
        ]


def _shares(attention: np.ndarray, weight: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """Attention `[N, K]` of units divided among the words that excite them, `[N, V]`.

    A word's part in a unit is its positive contribution, weight `[K, V]` times count `[N, V]`.
    """
    shares = np.zeros_like(texts)
    for sample, text in enumerate(texts):
        words = np.flatnonzero(text)
        part = np.clip(weight[:, words] * text[words], 0, None)  # [K, w]
        total = part.sum(axis=1, keepdims=True)
        divided = np.divide(part, total, out=np.zeros_like(part), where=total > 0)
        shares[sample, words] = attention[sample] @ divided
    return shares
