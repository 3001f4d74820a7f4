"""HOG: histograms of oriented gradients, 486 numbers per image."""

import joblib
import numpy as np

from mmhash_nb.features.image_cache import check_pixels

SIDE = 32
ORIENTATIONS = 6
PIXELS_PER_CELL = 6
CELLS_PER_BLOCK = 3
#: 32 // 6 = 5 cells a side, so 3 x 3 overlapping blocks of 3 x 3 cells of 6 orientations
_BLOCKS = SIDE // PIXELS_PER_CELL - CELLS_PER_BLOCK + 1
DIMENSIONS = (_BLOCKS * CELLS_PER_BLOCK) ** 2 * ORIENTATIONS

_CHUNK = 1000  # images per task: about a second of work against milliseconds of hand-over


def hog(images: np.ndarray) -> np.ndarray:
    """HOG descriptors of RGB images, `float32 [N, 486]`.

    masci2014 gives only the length, 486 = 6 x 3^4. Square blocks of square cells on a square image
    make it (cells x blocks)^2 x orientations, so 6 orientations and 9 cells x blocks; cells of at
    least 4 pixels on 32 x 32 leave one setting: 6 unsigned orientations (30 degrees each), cells of
    6 x 6 pixels, blocks of 3 x 3 cells, 3 x 3 blocks a cell apart. 3 x 3 cells of 6 x 6 pixels is
    also what Dalal and Triggs (CVPR 2005) found best for their task. Blocks are normalised by
    L2-Hys; each pixel takes the gradient of its strongest colour channel. The five cells a side
    cover 30 pixels; the last two rows and columns enter only through their neighbours' gradients.

    Args:
        images: `uint8 [N, 3, H, W]`; sizes other than 32 x 32 are resized to it first.

    Raises:
        ValueError: another shape or dtype.
    """
    check_pixels(images)
    chunks = [_resized(images[i : i + _CHUNK]) for i in range(0, len(images), _CHUNK)]
    # A second process pays only when there is more than one chunk for it to take.
    jobs = min(joblib.cpu_count(), len(chunks)) or 1
    parts = joblib.Parallel(n_jobs=jobs)(joblib.delayed(_hog_of_chunk)(chunk) for chunk in chunks)
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


def _resized(images: np.ndarray) -> np.ndarray:
    if images.shape[2:] == (SIDE, SIDE):
        return images
    # Not at the top: the processes that compute HOG need no torch, and it takes long to start.
    import torch
    from torch.nn.functional import interpolate

    pixels = torch.from_numpy(np.array(images, dtype=np.float32))
    smaller = interpolate(pixels, (SIDE, SIDE), mode="bilinear", antialias=True)
    return smaller.round().clamp(0, 255).to(torch.uint8).numpy()
