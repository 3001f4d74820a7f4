"""Convolutional backbones: pixels in, one map per stage and one feature vector per image out."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

WEIGHTS = Path(__file__).parent.parent / "weights"


class Backbone(nn.Module):
    """Stages of convolutions one after another; the mean of the last stage's map is the feature.

    Args:
        stages: modules `[B, c, h, w] -> [B, c', h', w']`, the first of 3 channels.
        widths: channels that each stage gives; `n_features` is the last.
        mean, std: of each colour channel on a scale of 0 to 1, taken off before the first stage.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        stages: Sequence[nn.Module],
        widths: Sequence[int],
        mean: tuple[float, float, float],
        std: tuple[float, float, float],
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.widths = tuple(widths)
        self.n_features = self.widths[-1]
        # What the pixels' scale is belongs to the architecture, not to the learned weights.
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """Pixels `[B, 3, H, W]`, uint8 of 0..255 or float of 0..1, as the first stage wants."""
        if images.dtype == torch.uint8:
            images = images.float() / 255
        return (images - self.mean) / self.std

    def maps(self, images: Tensor) -> list[Tensor]:
        """Each stage's map, `[B, widths[i], h_i, w_i]`, of pixels as `normalise` takes them."""
        x, maps = self.normalise(images), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def forward(self, images: Tensor) -> Tensor:
        """Features `[B, n_features]` of pixels as `normalise` takes them."""
        return self.maps(images)[-1].mean(dim=(2, 3))


def create(name: str, pretrained: bool = True, weights: str | Path | None = None) -> Backbone:
    """A backbone by its name.

    Args:
        name: one of `names()`.
        pretrained: start from `weights`, or else from random values.
        weights: a safetensors file of the backbone's state; None for the weights that come with the
            package.

    Raises:
        ValueError: no such name, or a file that is not this backbone's weights.
        FileNotFoundError: no such file.
    """
    if name not in _BUILDERS:
        raise ValueError(f"There is no backbone {name!r}: choose one of {', '.join(names())}.")
    backbone = _BUILDERS[name]()
    if pretrained:
        _fill(backbone, name, Path(weights or WEIGHTS / f"{name}.safetensors"))
    elif weights is not None:
        raise ValueError(f"weights={str(weights)!r} would not be read with pretrained=False.")
    return backbone


def names() -> tuple[str, ...]:
    """The backbones there are."""
    return tuple(_BUILDERS)


@torch.inference_mode()
def extract(
    backbone: Backbone,
    images: np.ndarray,
    batch_size: int = 256,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """Features of many images, without gradients and in evaluation mode, `float32 [N, n_features]`.

    Args:
        backbone: is moved to `device`, and left in the mode it was in.
        images: `uint8 [N, 3, H, W]`.
        batch_size: images at a time.

    Raises:
        ValueError: images of another shape or dtype.
    """
    if images.ndim != 4 or images.shape[1] != 3 or images.dtype != np.uint8:
        raise ValueError(
            f"images must be uint8 [N, 3, H, W], but is {images.dtype} {list(images.shape)}."
        )
    was_training = backbone.training
    backbone.eval().to(device)
    features = np.empty((len(images), backbone.n_features), dtype=np.float32)
    try:
        for start in range(0, len(images), batch_size):
            batch = torch.from_numpy(images[start : start + batch_size]).to(device)
            batch = batch.contiguous(memory_format=torch.channels_last)
            features[start : start + batch_size] = backbone(batch).float().cpu().numpy()
    finally:
        backbone.train(was_training)
    return features


def _fill(backbone: Backbone, name: str, path: Path) -> None:
    if not path.is_file():
        raise FileNotFoundError(f"The weights of backbone {name} are not at {path}.")
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file: {error}.") from error
    wanted = {key: value.shape for key, value in backbone.state_dict().items()}
    found = {key: value.shape for key, value in state.items()}
    wrong = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
    if wrong:
        key = wrong[0]
        raise ValueError(
            f"{path} does not hold the weights of backbone {name}: {key} should be "
            f"{_shape(wanted.get(key))} and is {_shape(found.get(key))}."
        )
    backbone.load_state_dict(state)  # float16 on disk, float32 in the backbone


def _shape(shape: torch.Size | None) -> str:
    return "absent" if shape is None else str(list(shape))


def _convolution(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def _small() -> Backbone:
    """64×64 pixels to 32×32×24, 16×16×48, 8×8×88 and 8×8×128 maps; 247 thousand parameters."""
    stages = [
        nn.Sequential(_convolution(3, 24, 1), _convolution(24, 24, 2)),
        nn.Sequential(_convolution(24, 48, 2), _convolution(48, 48, 1)),
        nn.Sequential(_convolution(48, 88, 2), _convolution(88, 88, 1)),
        _convolution(88, 128, 1),
    ]
    return Backbone(stages, (24, 48, 88, 128), mean=(0.47, 0.45, 0.44), std=(0.2, 0.19, 0.2))


_BUILDERS: dict[str, Callable[[], Backbone]] = {"small": _small}
