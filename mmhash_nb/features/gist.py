"""GIST: how strongly each part of an image holds each orientation at each scale."""

import math
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
import torch
from torch.nn.functional import avg_pool2d

from mmhash_nb.pairs import check_array

ORIENTATIONS = 8
SCALES = 3
CELLS = 4
DIMENSIONS = ORIENTATIONS * SCALES * CELLS * CELLS  # 384

#: centre frequency of the finest scale, cycles per pixel, and the ratio between scales
FINEST, RATIO = 0.3, 1.85
#: mirrored pixels added on each side, so that the FFT does not join opposite borders
PADDING = 8
#: cut-off of the prefilter, cycles per (padded) image
CUT_OFF = 4.0


def gist(images: np.ndarray, batch_size: int = 32) -> np.ndarray:
    r"""GIST descriptors of RGB images, `float32 [N, 384]`.

    Grey level (the mean of R, G and B), $i = \log(1 + \mathrm{grey})$, mirrored borders; then with
    the low-pass filter $L(f) = 2^{-f^2/4^2}$, $f$ in cycles per image,

    $$ h = i - L * i, \qquad p = \frac{h}{0.2 + \sqrt{L * h^2}}, $$

    and the energy $|G_{s\theta} * p|$ averaged over each of 4 x 4 cells, where the Gabor filter of
    scale $s$ and orientation $\theta$ is, at frequency $f$ (cycles per pixel) and angle $\varphi$,

    $$ G_{s\theta}(f, \varphi) = \exp\left(-3.5\,(f/f_s - 1)^2 - 2\pi(\varphi - \theta)^2\right),
       \qquad f_s = 0.3 / 1.85^s, \quad \theta = 0, \pi/8, \dots, 7\pi/8 . $$

    Source: Oliva and Torralba, Modeling the Shape of the Scene, IJCV 42(3), 2001, with the
    constants of the authors' published implementation.

    Args:
        images: `uint8 [N, 3, H, W]`, H and W multiples of 4, at least 8 pixels.
        batch_size: images per FFT batch; 32 keep the responses in a processor's cache.

    Returns:
        `float32 [N, 384]`, ordered by scale (fine to coarse), orientation, cell row, cell column.

    Raises:
        ValueError: another shape, size or dtype.
    """
    check_array("images", images, np.uint8, "N", 3, "H", "W")
    height, width = images.shape[2:]
    if height % CELLS or width % CELLS or min(height, width) < PADDING:
        raise ValueError(
            f"GIST needs images whose sides are multiples of {CELLS} and at least {PADDING} "
            f"pixels, but they are {height} x {width}: resize them."
        )
    result = np.empty((len(images), DIMENSIONS), dtype=np.float32)

    def describe(start: int) -> None:
        batch = np.array(images[start : start + batch_size], dtype=np.float32)
        result[start : start + batch_size] = _gist_of_batch(torch.from_numpy(batch)).numpy()

    # A thread for each batch: threads inside these short operations would spend most of their time
    # waiting for one another, and all of it where other processes hold the cores.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(describe, range(0, len(images), batch_size)))
    finally:
        torch.set_num_threads(threads)
    return result


def _gist_of_batch(rgb: torch.Tensor) -> torch.Tensor:
    height, width = rgb.shape[2:]
    low_pass, gabors = filters(height + 2 * PADDING, width + 2 * PADDING)
    image = torch.log1p(rgb.mean(dim=1))  # [B, H, W]
    # The prefilter removes the mean anyhow; without it float32 has more digits left.
    image = image - image.mean(dim=(1, 2), keepdim=True)
    rows, columns = (np.pad(np.arange(side), PADDING, "symmetric") for side in (height, width))
    image = image[:, rows][:, :, columns]  # [B, H + 16, W + 16]

    high = image - torch.fft.ifft2(torch.fft.fft2(image) * low_pass).real
    local_power = torch.fft.ifft2(torch.fft.fft2(high.square()) * low_pass).real
    prefiltered = high / (0.2 + local_power.abs().sqrt())

    spectrum = torch.fft.fft2(prefiltered)[:, None]  # [B, 1, H + 16, W + 16]
    energies = []
    for of_one_scale in gabors.split(ORIENTATIONS):
        responses = torch.fft.ifft2(spectrum * of_one_scale)  # [B, 8, H + 16, W + 16]
        inner = responses[..., PADDING:-PADDING, PADDING:-PADDING]  # [B, 8, H, W]
        # `abs` of a complex tensor guards against overflow, which takes several times as long.
        energy = (inner.real.square() + inner.imag.square()).sqrt_()
        energies.append(avg_pool2d(energy, (height // CELLS, width // CELLS)))  # [B, 8, 4, 4]
    return torch.cat(energies, dim=1).flatten(1)  # [B, 384]


@lru_cache(maxsize=4)
def filters(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The low-pass filter `[H, W]` and the Gabor filters `[24, H, W]`, in the layout of `fft2`."""
    fy = torch.fft.fftfreq(height, dtype=torch.float64)[:, None]
    fx = torch.fft.fftfreq(width, dtype=torch.float64)[None, :]
    in_image = (fy * height).square() + (fx * width).square()
    low_pass = torch.exp2(-in_image / CUT_OFF**2)

    frequency = torch.hypot(fx, fy)
    angle = torch.atan2(fy.expand(height, width), fx.expand(height, width))
    gabors = []
    for scale in range(SCALES):
        radial = -3.5 * (frequency / (FINEST / RATIO**scale) - 1).square()
        for orientation in range(ORIENTATIONS):
            apart = angle - math.pi * orientation / ORIENTATIONS
            apart = torch.remainder(apart + math.pi, 2 * math.pi) - math.pi
            gabors.append(torch.exp(radial - 2 * math.pi * apart.square()))
    # Complex, since a product of complex and real is converted anew for each batch.
    return low_pass.float(), torch.stack(gabors).to(torch.complex64)
