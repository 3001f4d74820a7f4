"""GMU: multimodal hashing with a gated unit (Arevalo et al. 2017; zeng2022, §VI-C)."""

from typing import Literal

import torch
from torch import Tensor, nn

from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.single_code import JointHasher


class GatedMultimodalUnit(nn.Module):
    """z ⊙ tanh(W₁a) + (1 − z) ⊙ tanh(W₂b) with z = σ(W[a; b]) (Arevalo et al. 2017, Eq. 1).

    No biases, as printed there. zeng2022 does not say how wide its unit is.

    Args:
        image, text: widths of the inputs. width: of the output.
    """

    def __init__(self, image: int, text: int, width: int = 512) -> None:
        super().__init__()
        self.image = nn.Linear(image, width, bias=False)
        self.text = nn.Linear(text, width, bias=False)
        self.gate = nn.Linear(image + text, width, bias=False)
        self.n_outputs = width

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        """`[B, width]`."""
        z = self.gate(torch.cat([image, text], dim=1)).sigmoid()
        return z * self.image(image).tanh() + (1 - z) * self.text(text).tanh()


class GMU(JointHasher):
    """Concatenation's network with a gated multimodal unit in its place."""

    fusion = GatedMultimodalUnit

    class Options(JointHasher.Options):
        fusion: Literal["gmu"] = option("gmu", "how both vectors become one")
