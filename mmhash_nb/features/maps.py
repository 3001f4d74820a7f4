"""Maps of a backbone's earlier stages, computed once: from them the later ones are fine-tuned."""

import copy
from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from mmhash_nb.features.backbones import Backbone
from mmhash_nb.features.image_cache import cached_of_images
from mmhash_nb.io.output import progress_bar
from mmhash_nb.pairs import check_array
from mmhash_nb.training.memory import halved

_LARGEST = float(np.finfo(np.float16).max)
#: images passed at a time, at most
BATCH = 128
#: pixels that a CPU passes through a backbone at a time, ten images of 224 x 224: what a larger
#: batch makes on its way leaves the caches, and MobileNetV2 was seen to take twice as long
_PIXELS = 1 << 19


def resized(images: Tensor, size: int) -> Tensor:
    """Images `[N, 3, H, W]` on the CPU as squares `[N, 3, size, size]` of the same dtype.

    Bilinear, smoothed where it shrinks (as Pillow does); the sides are scaled independently.

    Raises:
        ValueError: `size` is no whole number above 0.
    """
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise ValueError(f"size must be a whole number of pixels, at least 1, but is {size!r}.")
    if images.shape[2:] == (size, size):
        return images
    return interpolate(images, size=(size, size), mode="bilinear", antialias=True)


def stage_maps(
    backbone: Backbone,
    images: np.ndarray,
    upto: int,
    *,
    device: str | torch.device = "cpu",
    size: int | None = None,
) -> np.ndarray:
    """The map after the first `upto` stages, in evaluation mode and without gradients.

    Maps of many images are cached in the folder `maps`, by the pixels, the size, the backbone's
    modules and weights up to there, and the kind of device. 10,000 images of 224 pixels take 1 GB
    after the third stage of `resnet18`.

    Args:
        backbone: is not changed or moved.
        images: `uint8 [N, 3, H, W]`, N at least 1.
        upto: how many stages, 1 to all.
        device: where to compute.
        size: pixels to which images are scaled first, by `resized`; None leaves them.

    Returns:
        `float16 [N, c, h, w]`; `float32` where a value is beyond float16, above 65504.

    Raises:
        ValueError: images of another shape or dtype, `upto` or `size` out of range,
            or a backbone whose maps are not finite.
    """
    check_images(images, size)
    if not 1 <= upto <= len(backbone.stages):
        raise ValueError(
            f"upto must be 1 to {len(backbone.stages)}, the stages of backbone {backbone.name}, "
            f"but is {upto}."
        )
    device = torch.device(device)
    compute = partial(_maps, backbone, images, upto, device, size)
    key = [upto, size, device.type, backbone.identity(upto)]
    return cached_of_images("maps", images, key, compute)


def check_images(images: np.ndarray, size: int | None) -> None:
    """Refuse what no maps can be made of, by a ValueError, before anything is read."""
    check_array("images", images, np.uint8, "N", 3, "H", "W")
    if not len(images):
        raise ValueError("images must be uint8 [N, 3, H, W], at least one.")
    if size is not None:
        resized(torch.zeros(1, 3, 1, 1), size)


def _maps(
    backbone: Backbone,
    images: np.ndarray,
    upto: int,
    device: torch.device,
    size: int | None,
    dtype: type[np.floating] = np.float16,
) -> np.ndarray:
    maps = np.empty(0)
    start = 0
    for batch in passed(copy.deepcopy(backbone), images, upto, device, size):
        if dtype is np.float16 and beyond_float16(batch):
            # One array has one precision: start again.
            return _maps(backbone, images, upto, device, size, np.float32)
        if start == 0:
            maps = np.empty((len(images), *batch.shape[1:]), dtype=dtype)
        maps[start : start + len(batch)] = batch.cpu().numpy()
        start += len(batch)
    return maps


def beyond_float16(batch: Tensor) -> bool:
    """Whether a value is above 65504."""
    return float(batch.abs().amax()) > _LARGEST


@torch.inference_mode()
def passed(
    backbone: Backbone,
    images: np.ndarray,
    upto: int,
    device: torch.device,
    size: int | None,
) -> Iterator[Tensor]:
    """The maps of one batch after another on the device; arguments and errors as of `stage_maps`.

    The backbone is put in evaluation mode and moved to the device.

    Yields:
        `float32 [B, c, h, w]`.
    """
    backbone.eval().to(device).to(memory_format=torch.channels_last)  # faster on the CPU

    def through(pixels: Tensor) -> Tensor:
        # Maps are cached, and must not be those of whatever precision the caller computes in.
        with torch.autocast(device.type, enabled=False):
            batch = backbone.normalise(pixels.contiguous(memory_format=torch.channels_last))
            for stage in backbone.stages[:upto]:
                batch = stage(batch)
            return batch

    batch_size = BATCH
    if device.type == "cpu":
        height, width = (size, size) if size else images.shape[2:]
        batch_size = min(batch_size, max(1, _PIXELS // (height * width)))
    starts = range(0, len(images), batch_size)
    for start in progress_bar(starts, f"maps of {backbone.name}", unit="batch", leave=False):
        pixels = torch.from_numpy(images[start : start + batch_size])
        if size is not None:
            pixels = resized(pixels, size)
        batch = halved(through, pixels.to(device))
        if not batch.isfinite().all():
            raise ValueError(
                f"stage {upto} of backbone {backbone.name} gives values that are not finite: its "
                "weights are broken."
            )
        yield batch
