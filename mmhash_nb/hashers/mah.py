"""MAH: modal-aware features for multimodal hashing (Zeng et al. 2019 and 2022)."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.single_code import JointHasher
from mmhash_nb.pairs import Pairs
from mmhash_nb.training.devices import resolve_device


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


class MAH(JointHasher):
    """Multimodal hashing with two modal-aware operations (§IV, §V), fused by concatenation.

    `mah_printed` has both networks of the operations as printed; `mah_no_kn` and `mah_no_an` leave
    the kernel or the attention network out (see `networks.modal_aware`).

    The backbone's last stage lies between the two operations. It is frozen with
    `trainable="none"`, and learns with `last`, or with `all` the others do, too. Its batch
    normalisation has the backbone's statistics, which are of maps that no operation has changed;
    with `statistics="batch"` those of each batch, as PyTorch trains a network by default. The
    paper does not say (§V-A, §VI-B).
    """

    changes_earlier_map = True

    class Options(JointHasher.Options):
        kernel: Literal["residual", "printed", "none"] = option(
            "residual", "the kernel networks; see `KernelNetwork`"
        )
        attention: Literal["rescaled", "printed", "none"] = option(
            "rescaled", "the attention networks; see `AttentionNetwork`"
        )

    def design(self) -> dict[str, Any]:
        """Text widths, fusion and the variants of the two operations."""
        variants = (self.options.kernel, self.options.attention)
        return {**super().design(), "operations": variants}

    @torch.inference_mode()
    def attend(self, pairs: Pairs) -> list[Attended]:
        """What the attention networks of the two operations select in all samples of `pairs`.

        Raises:
            ValueError: where the method was fitted without attention.
        """
        self._check_encodable("joint")
        if self.options.attention == "none":
            raise ValueError(f"{self.name} was fitted with attention='none': it selects nothing.")
        device = resolve_device(self.device)
        network = self.fitted().to(device)
        parts = self.batches(pairs, "joint", device)
        seen = [network.attention(*part) for part in parts]
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
