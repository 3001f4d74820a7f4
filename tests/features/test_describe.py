from functools import partial

import numpy as np
import pytest

from mmhash_nb import features
from mmhash_nb.features import describe, image_cache
from mmhash_nb.features import gist as gist_module
from mmhash_nb.features.gist import gist
from mmhash_nb.features.hog import hog, hog_colour


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path))
    monkeypatch.setattr(image_cache, "FEW", 5)
    return tmp_path / "features"


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (5, 3, 32, 32)).astype(np.uint8)


@pytest.fixture
def calls(monkeypatch):
    """How often GIST is computed and not read."""
    made = []

    def counted(x):
        made.append(len(x))
        return gist(x)

    monkeypatch.setattr(gist_module, "gist", counted)
    return made


def test_pixels_are_the_images_as_they_are(images, cache):
    assert describe(images, "pixels") is images
    assert not cache.exists()


def test_gist_and_hog_are_what_their_modules_give(images):
    np.testing.assert_array_equal(describe(images, "gist"), gist(images))
    np.testing.assert_array_equal(describe(images, "hog"), hog(images))
    np.testing.assert_array_equal(describe(images, "hog_colour"), hog_colour(images))


def test_the_second_time_is_read_from_the_cache(images, calls):
    first = describe(images, "gist")
    np.testing.assert_array_equal(describe(images.copy(), "gist"), first)
    assert calls == [5]


def test_one_changed_pixel_is_described_anew(images, calls):
    first = describe(images, "gist")
    changed = images.copy()
    changed[4, 2, 31, 31] ^= 255
    assert not np.array_equal(describe(changed, "gist"), first)
    assert calls == [5, 5]


def test_same_bytes_in_another_shape_are_described_anew(calls):
    flat = np.random.default_rng(1).integers(0, 256, (2, 3, 16, 64)).astype(np.uint8)
    describe(flat, "gist")
    describe(flat.reshape(2, 3, 64, 16), "gist")
    assert calls == [2, 2]


def test_few_images_are_not_cached(images, calls, cache):
    describe(images[:4], "gist")
    describe(images[:4], "gist")
    assert calls == [4, 4] and not cache.exists()


def test_an_unknown_kind_names_the_known_ones(images):
    with pytest.raises(ValueError, match="pixels, gist, hog, hog_colour, not by 'sift'"):
        describe(images, "sift")


@pytest.mark.parametrize(
    "function", [gist, hog, *(partial(describe, kind=kind) for kind in features.KINDS)]
)
def test_images_of_another_shape_or_dtype_are_refused(images, function):
    for wrong in (images.astype(np.float32), images.transpose(0, 2, 3, 1), images[0]):
        with pytest.raises(ValueError, match=r"images must be uint8 \[N, 3, H, W\], but is "):
            function(wrong)
