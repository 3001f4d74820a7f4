import numpy as np
import pytest

from mmhash_nb import features
from mmhash_nb.features import describe
from mmhash_nb.features import gist as gist_module
from mmhash_nb.features.gist import gist
from mmhash_nb.features.hog import hog


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path))
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


def test_a_new_version_of_the_source_is_computed_anew(images, calls, tmp_path, monkeypatch):
    describe(images, "gist")
    other = tmp_path / "gist.py"
    other.write_text("# another version")
    monkeypatch.setattr(gist_module, "__file__", str(other))
    describe(images, "gist")
    assert calls == [5, 5]


@pytest.mark.parametrize("keep", [0, 5, 100, 1000, -1])
def test_a_truncated_cache_file_is_computed_again(images, calls, cache, keep):
    expected = describe(images, "gist")
    (path,) = cache.iterdir()
    path.write_bytes(path.read_bytes()[:keep])
    np.testing.assert_array_equal(describe(images, "gist"), expected)
    assert calls == [5, 5]
    describe(images, "gist")
    assert calls == [5, 5]


def test_a_cache_file_of_another_shape_is_not_trusted(images, calls, cache):
    describe(images, "gist")
    (path,) = cache.iterdir()
    np.save(path, np.zeros((4, 384), dtype=np.float32))
    assert describe(images, "gist").shape == (5, 384)
    assert calls == [5, 5]


def test_an_interrupted_write_leaves_nothing(images, cache, monkeypatch):
    def full_disk(*args, **kwargs):
        raise OSError("No space left on device")

    monkeypatch.setattr(features.np, "save", full_disk)
    with pytest.raises(OSError, match="No space"):
        describe(images, "gist")
    assert not list(cache.iterdir())


def test_an_unknown_kind_names_the_known_ones(images):
    with pytest.raises(ValueError, match="pixels, gist, hog, not by 'sift'"):
        describe(images, "sift")


@pytest.mark.parametrize("kind", features.KINDS)
def test_images_of_another_dtype_are_refused(images, kind):
    with pytest.raises(ValueError, match="images must be uint8"):
        describe(images.astype(np.float32), kind)
