"""What networks take of samples: pixels, maps or vectors of images, and texts, batch by batch."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from mmhash_nb.features.backbones import Backbone
from mmhash_nb.training.prefetch import Ahead, HostSamples, in_batches

#: all samples: images `[n, C, h, w]` or `[n, d]`, texts `[n, V]`; None where they are not read
Inputs = tuple[Tensor | HostSamples | None, Tensor | None]
#: some of them, images and texts
Given = tuple[Tensor | None, Tensor | None]
BATCH = 200  # samples encoded at a time


def ahead(inputs: Inputs) -> Ahead | None:
    """What is told of the next batch of `inputs` before it is used, if anything."""
    return inputs[0].ahead if isinstance(inputs[0], HostSamples) else None


def all_rows(inputs: Inputs, n: int, device: torch.device) -> Iterator[Given]:
    """All `n` samples of `inputs` as `rows` gives them, `BATCH` at a time."""
    for part in in_batches(torch.arange(n), BATCH, device, ahead(inputs)):
        yield rows(inputs, part)


def rows(inputs: Inputs, batch: Tensor) -> Given:
    """The samples `batch` of `inputs`, maps as float32 and channels last."""
    images, text = inputs
    image = None
    if images is not None:
        image = images[batch]
        if image.dtype == torch.float16:
            image = image.float()
        if image.ndim == 4:
            image = image.contiguous(memory_format=torch.channels_last)
    return image, None if text is None else text[batch]


def only(image: Tensor | None, text: Tensor | None) -> Tensor:
    """The one of the two that is there."""
    (given,) = (x for x in (image, text) if x is not None)
    return given


class Normalise(nn.Module):
    """A backbone's scaling of pixels, as a first stage."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.register_buffer("mean", backbone.mean, persistent=False)
        self.register_buffer("std", backbone.std, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return Backbone.normalise(self, images)  # type: ignore[arg-type]
