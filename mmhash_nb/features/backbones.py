"""Convolutional backbones: pixels in, one map per stage and one feature vector per image out."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mmhash_nb.features.architectures import ARCHITECTURES, Head
from mmhash_nb.features.pretrained import TORCHVISION, download, fill, read

WEIGHTS = Path(__file__).parent.parent / "weights"


class Backbone(nn.Module):
    """Stages of convolutions one after another, and a feature vector from the last one's map.

    Args:
        stages: modules `[B, c, h, w] -> [B, c', h', w']`, the first of 3 channels.
        widths: channels that each stage gives.
        mean, std: of each colour channel on a scale of 0 to 1, taken off before the first stage.
            The mean may be an image `[3, H, W]`, which is learned; it is scaled to the pixels.
        head: learned layers from the last map to the feature; None takes the map's mean.

    Attributes:
        name: as given to `create`.
        n_features: length of the feature.
    """

    name: str = ""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        stages: Sequence[nn.Module],
        widths: Sequence[int],
        mean: tuple[float, float, float] | Tensor,
        std: tuple[float, float, float],
        head: Head | None = None,
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.widths = tuple(widths)
        self.head = head
        self.n_features = self.widths[-1] if head is None else head.n_features
        # What the pixels' scale is belongs to the architecture, not to the learned weights.
        if isinstance(mean, Tensor):
            self.register_buffer("mean", mean)
        else:
            self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """Pixels `[B, 3, H, W]`, uint8 of 0..255 or float of 0..1, as the first stage wants."""
        if images.dtype == torch.uint8:
            images = images.float() / 255
        mean = self.mean
        if mean.shape[1:] not in ((1, 1), images.shape[2:]):
            mean = interpolate(mean[None], images.shape[2:], mode="bilinear", antialias=True)[0]
        return (images - mean) / self.std

    def maps(self, images: Tensor) -> list[Tensor]:
        """Each stage's map, `[B, widths[i], h_i, w_i]`, of pixels as `normalise` takes them."""
        x, maps = self.normalise(images), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps

    def describe(self, last: Tensor) -> Tensor:
        """Features `[B, n_features]` from the last stage's map `[B, widths[-1], h, w]`.

        Raises:
            ValueError: a map that is not of 224 pixels, where there is a head.
        """
        return last.mean(dim=(2, 3)) if self.head is None else self.head(last)

    def forward(self, images: Tensor) -> Tensor:
        """Features `[B, n_features]` of pixels as `normalise` takes them."""
        return self.describe(self.maps(images)[-1])

    def identity(self, upto: int | None = None) -> str:
        """What the maps of the first `upto` stages (None: of all) depend on, as hexadecimal digits.

        That is the name, the modules, the scale of the pixels and the weights of those stages; the
        head comes after all maps and is not in it.
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
        weights: a safetensors file of the backbone's state, in our layout of keys or in
            torchvision's, or for `cnn_f` MatConvNet's `imagenet-vgg-f.mat`; None for the weights
            that come with the package (`small`), or for torchvision's ImageNet weights, downloaded
            once (`resnet18`, `mobilenet_v2`, `vgg19`: 575 MB).

    Raises:
        ValueError: no such name, or a file that is not this backbone's weights.
        FileNotFoundError: no such file; or none is given for `cnn_f`, which cannot be downloaded.
        ConnectionError: torchvision's weights are neither here nor can be downloaded.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"There is no backbone {name!r}: choose one of {', '.join(names())}.")
    if not pretrained and weights is not None:
        raise ValueError(f"weights={str(weights)!r} would not be read with pretrained=False.")
    backbone = Backbone(*ARCHITECTURES[name]())
    backbone.name = name
    if pretrained and weights is None and name in TORCHVISION:
        fill(backbone, name, *download(name))
    elif pretrained:
        path = WEIGHTS / f"{name}.safetensors" if weights is None else Path(weights)
        fill(backbone, name, read(path, name), path)
    return backbone


def names() -> tuple[str, ...]:
    """The backbones there are."""
    return tuple(ARCHITECTURES)
