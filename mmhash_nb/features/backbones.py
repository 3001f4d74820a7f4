"""Convolutional backbones: pixels in, one map per stage and one feature vector per image out."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from mmhash_nb.features.pretrained import PREFIXES, download, fill, read

WEIGHTS = Path(__file__).parent.parent / "weights"


class Backbone(nn.Module):
    """Stages of convolutions one after another; the mean of the last stage's map is the feature.

    Args:
        stages: modules `[B, c, h, w] -> [B, c', h', w']`, the first of 3 channels.
        widths: channels that each stage gives; `n_features` is the last.
        mean, std: of each colour channel on a scale of 0 to 1, taken off before the first stage.

    Attributes:
        name: as given to `create`.
    """

    name: str = ""

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

    def identity(self, upto: int | None = None) -> str:
        """What the maps of the first `upto` stages (None: of all) depend on, as hexadecimal digits.

        That is the name, the modules, the scale of the pixels and the weights of those stages.
        """
        stages = self.stages[:upto]
        key = hashlib.sha256(f"{self.name} {stages}".encode())
        values = {"mean": self.mean, "std": self.std, **stages.state_dict()}
        for name, value in values.items():
            if not name.endswith("num_batches_tracked"):
                key.update(f"{name} {value.dtype} {list(value.shape)}".encode())
                key.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
        return key.hexdigest()


def create(name: str, pretrained: bool = True, weights: str | Path | None = None) -> Backbone:
    """A backbone by its name.

    Args:
        name: one of `names()`.
        pretrained: start from learned weights, or else from random values.
        weights: a safetensors file of the backbone's state, in its own layout of keys or in
            torchvision's; None for the weights that come with the package (`small`), or for
            torchvision's ImageNet weights, downloaded once (`resnet18`, `mobilenet_v2`).

    Raises:
        ValueError: no such name, or a file that is not this backbone's weights.
        FileNotFoundError: no such file.
        ConnectionError: torchvision's weights are neither here nor can be downloaded.
    """
    if name not in _BUILDERS:
        raise ValueError(f"There is no backbone {name!r}: choose one of {', '.join(names())}.")
    if not pretrained and weights is not None:
        raise ValueError(f"weights={str(weights)!r} would not be read with pretrained=False.")
    backbone = _BUILDERS[name]()
    backbone.name = name
    if pretrained and weights is None and name in PREFIXES:
        fill(backbone, name, *download(name))
    elif pretrained:
        path = WEIGHTS / f"{name}.safetensors" if weights is None else Path(weights)
        fill(backbone, name, read(path, name), path)
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


def _resnet18() -> Backbone:
    """64, 128, 256 and 512 channels at 1/4 to 1/32 of the pixels' size; 11.2 million parameters.

    The last two maps are Conv4_2 and Conv5_2 of the paper on modal-aware features.
    """
    from torchvision.models import resnet18  # a second that users of `small` need not wait

    whole = resnet18()
    # By torchvision's names, so that its keys are ours after `stages.i.`.
    stages = [
        _named(whole, "conv1", "bn1", "relu", "maxpool", "layer1"),
        _named(whole, "layer2"),
        _named(whole, "layer3"),
        _named(whole, "layer4"),
    ]
    return Backbone(stages, (64, 128, 256, 512), *_IMAGENET)


def _mobilenet_v2() -> Backbone:
    """16, 24, 32, 96 and 1280 channels at 1/2 to 1/32 of the pixels' size; 2.2 million."""
    from torchvision.models import mobilenet_v2

    blocks = mobilenet_v2().features
    cuts = (0, 2, 4, 7, 14, 19)
    stages = [
        _named(blocks, *(str(block) for block in range(first, end)))
        for first, end in pairwise(cuts)
    ]
    return Backbone(stages, (16, 24, 32, 96, 1280), *_IMAGENET)


def _named(whole: nn.Module, *names: str) -> nn.Sequential:
    """Some of a module's children, one after another under their names."""
    return nn.Sequential(OrderedDict((name, whole.get_submodule(name)) for name in names))


#: mean and standard deviation of ImageNet's colour channels
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

_BUILDERS: dict[str, Callable[[], Backbone]] = {
    "small": _small,
    "resnet18": _resnet18,
    "mobilenet_v2": _mobilenet_v2,
}
