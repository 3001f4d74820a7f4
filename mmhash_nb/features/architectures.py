"""What the backbones are made of: stages of PyTorch's and torchvision's modules alone."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

VGG19_WIDTHS = (64, 128, 256, 512, 512)
CNN_F_WIDTHS = (64, 256, 256, 256, 256)
FULLY_CONNECTED = 4096  # units of fc6 and of fc7
SIDE = 224  # pixels of the images that a head is for
#: size, k, alpha and beta of CNN-F's local response normalisation x / (k + alpha Σ x²)^beta, where
#: the sum is over `size` channels around: MatConvNet's order and its alpha
LRN = (5, 2.0, 1e-4, 0.75)
#: mean and standard deviation of ImageNet's colour channels
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class Head(nn.Module):
    """VGG's fully connected layers behind the last map: pool5 → fc6 → ReLU → fc7 → ReLU.

    fc8, which names ImageNet's classes, is left out. In training half of what each ReLU gives is
    dropped, as in Simonyan and Zisserman 2015 (§3.1) and in Chatfield et al. 2014: the second
    dropout belongs to what replaces fc8. In evaluation the output is the ReLU of fc7.

    Args:
        channels, side: of the map `[B, channels, side, side]`.
        kernel: side of pool5's windows, at a stride of 2.

    Attributes:
        n_features: units of fc7.
    """

    def __init__(self, channels: int, side: int, kernel: int) -> None:
        super().__init__()
        self.side, self.n_features = side, FULLY_CONNECTED
        self.pool5 = nn.MaxPool2d(kernel, 2)
        windows = ((side - kernel) // 2 + 1) ** 2
        self.fc6 = nn.Linear(channels * windows, FULLY_CONNECTED)
        self.fc7 = nn.Linear(FULLY_CONNECTED, FULLY_CONNECTED)
        self.dropout = nn.Dropout(0.5)
        _start(self)

    def forward(self, last: Tensor) -> Tensor:
        """Features `[B, n_features]` from a map `[B, channels, side, side]`.

        Raises:
            ValueError: a map of another size.
        """
        height, width = last.shape[2:]
        if (height, width) != (self.side, self.side):
            raise ValueError(
                f"the fully connected layers take the {self.side}×{self.side} map of {SIDE}×{SIDE} "
                f"pixels, but the map is {height}×{width}: scale the images with size={SIDE}."
            )
        x = self.dropout(functional.relu(self.fc6(self.pool5(last).flatten(1))))
        return self.dropout(functional.relu(self.fc7(x)))


class Architecture(NamedTuple):
    """The arguments of a `Backbone`, its weights random."""

    stages: Sequence[nn.Module]
    widths: tuple[int, ...]
    mean: tuple[float, float, float] | Tensor
    std: tuple[float, float, float]
    head: Head | None = None


def _small() -> Architecture:
    """64×64 pixels to 32×32×24, 16×16×48, 8×8×88 and 8×8×128 maps; 247 thousand parameters."""
    stages = [
        nn.Sequential(_convolution(3, 24, 1), _convolution(24, 24, 2)),
        nn.Sequential(_convolution(24, 48, 2), _convolution(48, 48, 1)),
        nn.Sequential(_convolution(48, 88, 2), _convolution(88, 88, 1)),
        _convolution(88, 128, 1),
    ]
    return Architecture(stages, (24, 48, 88, 128), (0.47, 0.45, 0.44), (0.2, 0.19, 0.2))


def _convolution(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def _resnet18() -> Architecture:
    """64, 128, 256 and 512 channels at 1/4 to 1/32 of the pixels' size; 11.2 million parameters.

    The last two maps are Conv4_2 and Conv5_2 of the paper on modal-aware features.
    """
    from torchvision.models import resnet18  # a second that users of `small` need not wait

    # By torchvision's names, so that its keys are ours after `stages.i.`.
    layers = _layers(**dict(resnet18().named_children()))
    stages = [layers[first:end] for first, end in pairwise((0, 5, 6, 7, 8))]
    return Architecture(stages, (64, 128, 256, 512), *_IMAGENET)


def _mobilenet_v2() -> Architecture:
    """16, 24, 32, 96 and 1280 channels at 1/2 to 1/32 of the pixels' size; 2.2 million."""
    from torchvision.models import mobilenet_v2

    blocks = mobilenet_v2().features
    stages = [blocks[first:end] for first, end in pairwise((0, 2, 4, 7, 14, 19))]
    return Architecture(stages, (16, 24, 32, 96, 1280), *_IMAGENET)


def _vgg19() -> Architecture:
    """64, 128, 256, 512 and 512 channels at the pixels' size to 1/16 of it; 139.6 million.

    Configuration E of Simonyan and Zisserman 2015. A stage ends with the ReLU of its last
    convolution and begins with the pool of the one before, so that the last map is conv5_4 of
    zhang2018 (§4.1): 14×14×512 of 224 pixels. The head has 119.5 million of the parameters.
    """
    from torchvision.models.vgg import make_layers  # `vgg19` itself makes a head of 124 million

    plan: list[str | int] = []
    for convolutions, width in zip((2, 2, 4, 4, 4), VGG19_WIDTHS, strict=True):
        plan += [*[width] * convolutions, "M"]
    features = make_layers(plan)
    _start(features)
    pools = [i for i, layer in enumerate(features) if isinstance(layer, nn.MaxPool2d)]
    # A slice keeps the numbers of torchvision's features.
    stages = [features[first:end] for first, end in pairwise([0, *pools])]
    return Architecture(stages, VGG19_WIDTHS, *_IMAGENET, Head(VGG19_WIDTHS[-1], 14, kernel=2))


def _cnn_f() -> Architecture:
    """64 and four times 256 channels; 54×54, 27×27 and 13×13 positions of 224 pixels; 56.7 million.

    CNN-F of Chatfield et al. 2014 (Table 1), as in MatConvNet's `imagenet-vgg-f`: RGB on a
    scale of 0 to 255 less a mean image, which is learned, and so part of the state. Without learned
    weights it is ImageNet's mean colour. A stage ends with a ReLU; normalisation and pool begin the
    next. The head has 54.5 million of the parameters.
    """
    one, two, three, four, five = CNN_F_WIDTHS
    size, k, alpha, beta = LRN

    def normalisation() -> nn.Module:
        return nn.LocalResponseNorm(size, size * alpha, beta, k)  # torch divides by the size

    stages = nn.Sequential(
        _layers(conv1=nn.Conv2d(3, one, 11, stride=4), relu1=nn.ReLU(inplace=True)),
        _layers(
            norm1=normalisation(),
            pool1=nn.MaxPool2d(3, 2, ceil_mode=True),  # padded on the right and below alone
            conv2=nn.Conv2d(one, two, 5, padding=2),
            relu2=nn.ReLU(inplace=True),
        ),
        _layers(
            norm2=normalisation(),
            pool2=nn.MaxPool2d(3, 2),
            conv3=nn.Conv2d(two, three, 3, padding=1),
            relu3=nn.ReLU(inplace=True),
        ),
        _layers(conv4=nn.Conv2d(three, four, 3, padding=1), relu4=nn.ReLU(inplace=True)),
        _layers(conv5=nn.Conv2d(four, five, 3, padding=1), relu5=nn.ReLU(inplace=True)),
    )
    _start(stages)
    mean = torch.tensor(_IMAGENET[0])[:, None, None].repeat(1, SIDE, SIDE)
    head = Head(five, 13, kernel=3)
    return Architecture(list(stages), CNN_F_WIDTHS, mean, (1 / 255,) * 3, head)


def _layers(**layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(layers))


def _start(layers: nn.Module) -> None:
    """Random values that keep the scale from layer to layer (He et al. 2015): nothing else does."""
    for layer in layers.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)


ARCHITECTURES: dict[str, Callable[[], Architecture]] = {
    "small": _small,
    "resnet18": _resnet18,
    "mobilenet_v2": _mobilenet_v2,
    "vgg19": _vgg19,
    "cnn_f": _cnn_f,
}
