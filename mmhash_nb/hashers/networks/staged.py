"""What all networks on a backbone's stages share."""

from collections.abc import Sequence
from typing import Self

from torch import Tensor, nn

#: standard deviation of the first weights of fully connected layers (zeng2022, §VI-B)
START_STD = 0.01


class Staged(nn.Module):
    """A network whose image branch starts with stages of a backbone.

    Args:
        stages: those that the given maps have not passed.
        statistics: of their batch normalisation in training: `fixed`, the backbone's, or those of
            each `batch`, whose running means are learned for evaluation.
    """

    def __init__(self, stages: Sequence[nn.Module], statistics: str = "fixed") -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.fixed_statistics = statistics == "fixed"

    def train(self, mode: bool = True) -> Self:
        """Training mode, in which batch normalisation with fixed statistics stays in evaluation.

        The backbone's are of a million pictures, a batch has a hundred; and in weights with the
        normalisation folded into the convolutions there is nothing left to normalise.
        """
        super().train(mode)
        for module in self.stages.modules():
            if isinstance(module, nn.BatchNorm2d) and self.fixed_statistics:
                module.eval()
        return self

    def last_map(self, image: Tensor) -> Tensor:
        """The last stage's map `[B, C, h, w]` of maps or pixels."""
        for stage in self.stages:
            image = stage(image)
        return image


def start_small(*layers: nn.Module) -> None:
    """Weights from N(0, 0.01²), biases 0 (zeng2022, §VI-B; zhang2018, §4.1)."""
    for layer in layers:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.normal_(layer.weight, std=START_STD)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
