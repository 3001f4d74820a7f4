"""HOG: histograms of oriented gradients, 486 numbers per image, in either of two readings."""

from collections.abc import Callable

import joblib
import numpy as np

from mmhash_nb.pairs import check_array

SIDE = 32
ORIENTATIONS = 6
PIXELS_PER_CELL = 6
CELLS_PER_BLOCK = 3
#: 32 // 6 = 5 cells a side, so 3 x 3 overlapping blocks of 3 x 3 cells of 6 orientations
_BLOCKS = SIDE // PIXELS_PER_CELL - CELLS_PER_BLOCK + 1
DIMENSIONS = (_BLOCKS * CELLS_PER_BLOCK) ** 2 * ORIENTATIONS
#: of `hog_colour`: signed orientations, and cells a side
DIRECTIONS, CELLS = 18, 3

_CHUNK = 1000  # images per task: about a second of work against milliseconds of hand-over


def hog(images: np.ndarray) -> np.ndarray:
    """HOG descriptors of RGB images, `float32 [N, 486]`.

    masci2014 gives only the length, 486; `hog_colour` is another reading of it. This one has the
    cells and blocks of Dalal and Triggs (CVPR 2005): cells of 6 x 6 pixels, blocks of 3 x 3 cells,
    3 x 3 blocks a cell apart. Orientations are 6, unsigned (30 degrees each). Blocks are normalised
    by L2-Hys; each pixel takes the gradient of its strongest colour channel. The five cells a side
    cover 30 pixels; the last two rows and columns enter only through their neighbours' gradients.

    Args:
        images: `uint8 [N, 3, H, W]`; sizes other than 32 x 32 are resized to it first.

    Raises:
        ValueError: another shape or dtype.
    """
    return _in_chunks(_hog_of_chunk, images)


def hog_colour(images: np.ndarray) -> np.ndarray:
    """HOG of each colour channel, `float32 [N, 486]`: the other reading of masci2014's length.

    In order: 3 channels, 3 x 3 cells that tile the image (11, 11 and 10 pixels a side), 18 signed
    orientations of 20 degrees. A pixel's gradient is shared linearly between the two orientations
    whose middles are nearest. All 486 sums of an image are one block, normalised by L1-sqrt, one of
    the four ways of Dalal and Triggs: the square root of each one's share of their total.

    Held-out images of CIFAR-10, none of them a query, chose sharing and L1-sqrt: KSH at 48 bits has
    31.6 with both and 29.4 without sharing, without L1-sqrt 31.1 and with L2-Hys of each channel in
    its place 30.2; `hog` has 27.6.

    Args, Raises: as `hog`.
    """
    return _in_chunks(_hog_colour_of_chunk, images)


def _in_chunks(describe: Callable[[np.ndarray], np.ndarray], images: np.ndarray) -> np.ndarray:
    check_array("images", images, np.uint8, "N", 3, "H", "W")
    chunks = [_resized(images[i : i + _CHUNK]) for i in range(0, len(images), _CHUNK)]
    # A second process pays only when there is more than one chunk for it to take.
    jobs = min(joblib.cpu_count(), len(chunks)) or 1
    parts = joblib.Parallel(n_jobs=jobs)(joblib.delayed(describe)(chunk) for chunk in chunks)
    return np.concatenate(parts) if parts else np.empty((0, DIMENSIONS), dtype=np.float32)


def _hog_of_chunk(images: np.ndarray) -> np.ndarray:
    from skimage.feature import hog as hog_of_image  # a third of a second to import

    result = np.empty((len(images), DIMENSIONS), dtype=np.float32)
    for i, image in enumerate(images.transpose(0, 2, 3, 1)):  # [32, 32, 3]
        result[i] = hog_of_image(
            image,
            orientations=ORIENTATIONS,
            pixels_per_cell=(PIXELS_PER_CELL, PIXELS_PER_CELL),
            cells_per_block=(CELLS_PER_BLOCK, CELLS_PER_BLOCK),
            block_norm="L2-Hys",
            channel_axis=-1,
        )
    return result


def _hog_colour_of_chunk(images: np.ndarray) -> np.ndarray:
    pixels = images.astype(np.float64)  # [n, 3, 32, 32]
    dy, dx = np.zeros_like(pixels), np.zeros_like(pixels)
    dy[:, :, 1:-1] = pixels[:, :, 2:] - pixels[:, :, :-2]
    dx[..., 1:-1] = pixels[..., 2:] - pixels[..., :-2]
    size = np.hypot(dy, dx)
    # In orientations, from the middle of the first.
    angle = np.arctan2(dy, dx) % (2 * np.pi) / (2 * np.pi / DIRECTIONS) - 0.5
    below = np.floor(angle).astype(int)
    cell = np.arange(SIDE) * CELLS // SIDE
    block = np.arange(3 * len(images)).reshape(-1, 3, 1, 1)
    first = ((block * CELLS + cell[:, None]) * CELLS + cell) * DIRECTIONS
    sums = np.zeros(len(images) * DIMENSIONS)
    for bins, share in ((below, 1 - angle + below), (below + 1, angle - below)):
        at = first + bins % DIRECTIONS
        sums += np.bincount(at.ravel(), (share * size).ravel(), minlength=len(sums))
    described = sums.reshape(len(images), DIMENSIONS)
    total = np.maximum(described.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return np.sqrt(described / total).astype(np.float32)


def _resized(images: np.ndarray) -> np.ndarray:
    if images.shape[2:] == (SIDE, SIDE):
        return images
    # Not at the top: the processes that compute HOG need no torch, and it takes long to start.
    import torch
    from torch.nn.functional import interpolate

    pixels = torch.from_numpy(np.array(images, dtype=np.float32))
    smaller = interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True)
    return smaller.round().clamp(0, 255).to(torch.uint8).numpy()
