"""GIST: images per second, batched torch FFTs against a loop over images and filters, in one run.

Run as: python benchmarks/gist.py [number of images]
"""

import sys
import time

import numpy as np

from mmhash_nb.features import gist as module

#: what single precision may differ by
TOLERANCE = 1e-3


def loop(images: np.ndarray) -> np.ndarray:
    """The same formula with NumPy, one image and one filter at a time, the filters made once."""
    pad, cells = module.PADDING, module.CELLS
    height, width = images.shape[2:]
    low_pass, gabors = (f.numpy() for f in module.filters(height + 2 * pad, width + 2 * pad))
    described = []
    for image in images:
        grey = np.log1p(image.mean(axis=0))
        padded = np.pad(grey, pad, mode="symmetric")
        high = padded - np.fft.ifft2(np.fft.fft2(padded) * low_pass).real
        power = np.fft.ifft2(np.fft.fft2(high**2) * low_pass).real
        prefiltered = high / (0.2 + np.sqrt(np.abs(power)))
        values = []
        for gabor in gabors:
            energy = np.abs(np.fft.ifft2(np.fft.fft2(prefiltered) * gabor))[pad:-pad, pad:-pad]
            for rows in np.split(energy, cells, axis=0):
                values.extend(cell.mean() for cell in np.split(rows, cells, axis=1))
        described.append(values)
    return np.array(described)


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 4096
    images = np.random.default_rng(0).integers(0, 256, (n, 3, 32, 32)).astype(np.uint8)
    few = images[: max(1, n // 16)]
    module.gist(few)  # makes the filters

    start = time.perf_counter()
    batched = module.gist(images)
    batched_rate = n / (time.perf_counter() - start)
    start = time.perf_counter()
    looped = loop(few)
    loop_rate = len(few) / (time.perf_counter() - start)

    difference = np.abs(batched[: len(few)] - looped).max()
    if not difference <= TOLERANCE:
        raise AssertionError(f"the loop and the batch differ by {difference:.1e}")
    print(f"batched: {batched_rate:.0f} images/s; 60,000 images in {60_000 / batched_rate:.0f} s")
    print(f"loop:    {loop_rate:.0f} images/s")
    print(f"ratio:   {batched_rate / loop_rate:.1f}; largest difference {difference:.1e}")


if __name__ == "__main__":
    main()
