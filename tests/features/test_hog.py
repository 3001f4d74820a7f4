import numpy as np
import pytest

from mmhash_nb.features import hog as module
from mmhash_nb.features.hog import DIMENSIONS, hog, hog_colour


def naive_hog(image: np.ndarray) -> np.ndarray:
    """Six orientations, 6 x 6-pixel cells, 3 x 3-cell blocks, L2-Hys, one pixel at a time."""
    pixels = image.astype(np.float64)
    cells = np.zeros((5, 5, 6))
    for y in range(30):
        for x in range(30):
            gradients = []
            for channel in pixels:
                dy = channel[y + 1, x] - channel[y - 1, x] if y > 0 else 0.0
                dx = channel[y, x + 1] - channel[y, x - 1] if x > 0 else 0.0
                gradients.append((np.hypot(dy, dx), dy, dx))
            magnitude, dy, dx = max(gradients, key=lambda g: g[0])
            angle = np.rad2deg(np.arctan2(dy, dx)) % 180
            cells[y // 6, x // 6, int(angle // 30) % 6] += magnitude / 36
    blocks = []
    for i in range(3):
        for j in range(3):
            block = cells[i : i + 3, j : j + 3].ravel()
            block = block / np.sqrt((block**2).sum() + 1e-10)
            block = np.minimum(block, 0.2)
            blocks.append(block / np.sqrt((block**2).sum() + 1e-10))
    return np.concatenate(blocks)


def naive_hog_colour(image: np.ndarray) -> np.ndarray:
    """Three channels of 3 x 3 cells of 18 signed orientations, L1-sqrt, one pixel at a time."""
    sums = np.zeros((3, 3, 3, 18))
    for cells, channel in zip(sums, image.astype(np.float64), strict=True):
        for y in range(32):
            for x in range(32):
                dy = channel[y + 1, x] - channel[y - 1, x] if 0 < y < 31 else 0.0
                dx = channel[y, x + 1] - channel[y, x - 1] if 0 < x < 31 else 0.0
                degrees = np.rad2deg(np.arctan2(dy, dx)) % 360
                edges = (11, 22)  # the first pixels of the second and third cells
                cell = sum(y >= e for e in edges), sum(x >= e for e in edges)
                for k in range(18):
                    away = abs((degrees - (20 * k + 10) + 180) % 360 - 180)  # from its middle
                    cells[(*cell, k)] += max(0, 1 - away / 20) * np.hypot(dy, dx)
    return np.sqrt(sums / sums.sum()).ravel()


BOTH = pytest.mark.parametrize("function", [hog, hog_colour])


@pytest.mark.parametrize(("function", "naive"), [(hog, naive_hog), (hog_colour, naive_hog_colour)])
def test_equals_the_naive_formula(function, naive):
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (3, 3, 32, 32)).astype(np.uint8)
    described = function(images)
    assert described.shape == (3, DIMENSIONS) == (3, 486) and described.dtype == np.float32
    expected = np.stack([naive(image) for image in images])
    np.testing.assert_allclose(described, expected, atol=1e-6)


@pytest.mark.parametrize(("direction", "bin_"), [("columns", 0), ("rows", 3)])
def test_stripes_fall_into_their_orientation(direction, bin_):
    ramp = np.broadcast_to(np.arange(32, dtype=np.uint8) * 7, (32, 32))
    image = np.broadcast_to(ramp if direction == "columns" else ramp.T, (1, 3, 32, 32))
    histogram = hog(np.ascontiguousarray(image)).reshape(-1, 6).sum(axis=0)
    assert histogram.argmax() == bin_ and histogram[bin_] == pytest.approx(histogram.sum())


def test_colour_tells_channels_and_the_way_of_a_ramp_apart():
    ramp = np.broadcast_to(np.arange(32, dtype=np.uint8) * 7, (32, 32))
    image = np.stack([ramp, ramp[:, ::-1], np.zeros_like(ramp)])[None]
    red, green, blue = (hog_colour(image) ** 2).reshape(3, 9, 18).sum(axis=1)
    # Gradients at 0 and at 180 degrees, each half way between two middles.
    assert red[[17, 0]] == pytest.approx(0.25) and red.sum() == pytest.approx(0.5)
    assert green[[8, 9]] == pytest.approx(0.25) and green.sum() == pytest.approx(0.5)
    assert not blue.any()


@BOTH
def test_a_constant_image_gives_zeros(function):
    assert not function(np.full((1, 3, 32, 32), 90, dtype=np.uint8)).any()


def test_other_sizes_are_resized_first():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (2, 3, 32, 32)).astype(np.uint8)
    smooth = small.repeat(2, axis=2).repeat(2, axis=3)  # [2, 3, 64, 64]
    assert hog(smooth).shape == (2, 486)
    assert (module._resized(smooth).astype(int) - small).std() < 40
    flat = np.full((1, 3, 50, 70), 13, dtype=np.uint8)
    assert (module._resized(flat) == 13).all() and module._resized(flat).shape == (1, 3, 32, 32)


@BOTH
def test_chunks_in_two_processes_give_the_same(monkeypatch, function):
    images = np.random.default_rng(1).integers(0, 256, (7, 3, 32, 32)).astype(np.uint8)
    together = function(images)
    monkeypatch.setattr(module, "_CHUNK", 3)
    monkeypatch.setattr(module.joblib, "cpu_count", lambda: 2)
    np.testing.assert_array_equal(function(images), together)


@BOTH
def test_no_images_give_no_rows(function):
    assert function(np.empty((0, 3, 32, 32), dtype=np.uint8)).shape == (0, 486)
