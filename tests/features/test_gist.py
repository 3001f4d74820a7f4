import contextlib
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhash_nb.features.gist import DIMENSIONS, gist


def naive_gist(image: np.ndarray) -> np.ndarray:
    """The docstring's formula for one image `[3, H, W]`, one filter and one cell at a time."""
    _, height, width = image.shape
    pad = 8
    grey = image.astype(np.float64).sum(axis=0) / 3
    padded = np.pad(np.log(1 + grey), pad, mode="symmetric")
    rows, columns = padded.shape
    fy, fx = np.meshgrid(np.fft.fftfreq(rows), np.fft.fftfreq(columns), indexing="ij")
    low = 2.0 ** (-((fy * rows) ** 2 + (fx * columns) ** 2) / 16)

    def filtered(x, transfer):
        return np.fft.ifft2(np.fft.fft2(x) * transfer)

    high = padded - filtered(padded, low).real
    prefiltered = high / (0.2 + np.sqrt(np.abs(filtered(high**2, low).real)))
    values = []
    for scale in range(3):
        centre = 0.3 / 1.85**scale
        for orientation in range(8):
            transfer = np.empty((rows, columns))
            for y in range(rows):
                for x in range(columns):
                    f = math.sqrt(fx[y, x] ** 2 + fy[y, x] ** 2)
                    t = math.atan2(fy[y, x], fx[y, x]) - math.pi * orientation / 8
                    t = min((t + 2 * math.pi * k for k in (-1, 0, 1)), key=abs)
                    transfer[y, x] = math.exp(-3.5 * (f / centre - 1) ** 2 - 2 * math.pi * t * t)
            energy = np.abs(filtered(prefiltered, transfer))[pad:-pad, pad:-pad]
            for i in range(4):
                for j in range(4):
                    h, w = height // 4, width // 4
                    values.append(energy[i * h : (i + 1) * h, j * w : (j + 1) * w].mean())
    return np.array(values)


def random_images(n: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (n, 3, height // 4, width // 4))
    fine = rng.integers(-20, 20, (n, 3, height, width))
    return np.clip(coarse.repeat(4, axis=2).repeat(4, axis=3) + fine, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [(32, 32), (64, 64), (16, 24)])
def test_equals_the_naive_formula(size):
    images = random_images(2, *size)
    described = gist(images)
    assert described.shape == (2, DIMENSIONS) == (2, 384) and described.dtype == np.float32
    expected = np.stack([naive_gist(image) for image in images])
    np.testing.assert_allclose(described, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("scale", range(3))
def test_gratings_excite_their_orientation_and_scale(size, scale):
    y, x = np.mgrid[:size, :size]
    frequency = 0.3 / 1.85**scale
    for orientation in range(8):
        theta = math.pi * orientation / 8
        phase = 2 * math.pi * frequency * (x * math.cos(theta) + y * math.sin(theta))
        image = np.broadcast_to(128 + 40 * np.cos(phase), (1, 3, size, size)).astype(np.uint8)
        energy = gist(image).reshape(3, 8, 16).mean(axis=2)
        assert np.unravel_index(energy.argmax(), energy.shape) == (scale, orientation)


def test_a_texture_shows_in_its_own_cell_only():
    image = np.full((1, 3, 32, 32), 100, dtype=np.uint8)
    image[:, :, 8:16, 24:32] += (np.arange(8) % 2 * 80).astype(np.uint8)  # cell row 1, column 3
    energy = gist(image).reshape(24, 16).sum(axis=0)
    assert energy.argmax() == 1 * 4 + 3
    assert energy[3 * 4 + 0] < 0.05 * energy.max()


@pytest.mark.parametrize("grey", [0, 1, 137, 255])
def test_a_constant_image_gives_zeros(grey):
    image = np.full((3, 3, 32, 32), grey, dtype=np.uint8)
    np.testing.assert_allclose(gist(image), 0, atol=1e-6)


@settings(max_examples=10)
@given(n=st.integers(0, 9), batch_size=st.integers(1, 12))
def test_the_batch_size_changes_nothing(n, batch_size):
    images = random_images(n, 32, 32, seed=n)
    np.testing.assert_allclose(gist(images, batch_size), gist(images), rtol=1e-5, atol=1e-6)


def test_a_brighter_exposure_changes_little():
    image = random_images(1, 32, 32) // 2 + 40
    brighter = np.minimum(image * 1.4, 255).astype(np.uint8)
    a, b = gist(image)[0], gist(brighter)[0]
    assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > 0.99


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 3, 32, 30), dtype=np.uint8), "32 x 30: resize"),
        (np.zeros((2, 3, 4, 4), dtype=np.uint8), "at least 8 pixels"),
    ],
)
def test_sides_that_do_not_divide_into_cells_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        gist(images)


@pytest.mark.parametrize("size", [32, 30])
def test_torchs_threads_are_left_as_they_were(size):
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        with contextlib.suppress(ValueError):
            gist(random_images(2, 32, 32)[:, :, :, :size])
        assert torch.get_num_threads() == threads + 1
    finally:
        torch.set_num_threads(threads)
