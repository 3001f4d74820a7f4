import contextlib
import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mmhash_nb.datasets import decoding, store
from mmhash_nb.pairs import Pairs


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "BLOCK", 4)
    return tmp_path / "cache" / "images"


def write_photos(folder, n, seed=0):
    """Smooth photos of different sides and kinds, as cameras make them."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    paths = []
    for i in range(n):
        small = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        photo = Image.fromarray(small).resize((60 + 7 * (i % 5), 50), Image.Resampling.BICUBIC)
        paths.append(folder / f"im{i}.{'png' if i % 3 == 2 else 'jpg'}")
        photo.save(paths[-1])
    return paths


class Blocks:
    """Reads made-up images, and counts how often each block was read."""

    def __init__(self, n, size=2, fails=()):
        self.images = np.random.default_rng(1).integers(0, 256, (n, 3, size, size), dtype=np.uint8)
        self.reads, self.fails = Counter(), set(fails)

    def __call__(self, start, stop):
        self.reads[start // store.BLOCK] += 1
        if start // store.BLOCK in self.fails:
            raise ValueError("a.jpg is no whole image.")
        return self.images[start:stop]

    def filled(self, stamps=None, name="made up"):
        n = -(-len(self.images) // store.BLOCK)
        stamps = stamps or [bytes([i + 1]) * 16 for i in range(n)]
        return store.filled(name, stamps, self.images.shape, self)


def test_photos_are_decoded_once_and_mapped(tmp_path, cache, monkeypatch):
    paths = write_photos(tmp_path / "photos", 11)
    images = store.decoded(paths, 16)
    assert isinstance(images, np.memmap) and images.dtype == np.uint8
    assert images.shape == (11, 3, 16, 16)
    for image, path in zip(images, paths, strict=True):
        np.testing.assert_array_equal(image, decoding.stretched(path, 16))
    assert [path.suffix for path in cache.iterdir() if path.suffix != ".lock"] == [".npy"]
    monkeypatch.setattr(decoding, "opened", None)
    np.testing.assert_array_equal(store.decoded(paths, 16), images)


def test_another_size_list_or_photo_is_decoded_anew(tmp_path):
    paths = write_photos(tmp_path / "photos", 6)
    images = store.decoded(paths, 16)
    assert store.decoded(paths, 8).shape == (6, 3, 8, 8)
    np.testing.assert_array_equal(store.decoded(paths[::-1], 16), images[::-1])
    Image.new("RGB", (30, 30), (9, 8, 7)).save(paths[5])
    changed = store.decoded(paths, 16)
    assert (changed[5, 0] == 9).all() and (changed[5, 2] == 7).all()
    np.testing.assert_array_equal(changed[:5], images[:5])


def test_what_has_changed_takes_the_place_of_what_was_kept(tmp_path, cache):
    paths = write_photos(tmp_path / "photos", 6)
    old = store.decoded(paths, 8, name="mine")
    store.decoded(paths, 16, name="mine")
    store.decoded(paths, 8, name="yours")
    before = {path.name for path in cache.glob("*.npy")}
    more = store.decoded([*paths, *write_photos(tmp_path / "more", 2)], 8, name="mine")
    after = {path.name for path in cache.glob("*.npy")}
    assert len(before) == len(after) == 3 and len(before & after) == 2
    np.testing.assert_array_equal(more[:6], old)  # which is still mapped


def test_another_way_to_decode(tmp_path):
    paths = write_photos(tmp_path / "photos", 6)
    by_size = lambda path, size: np.full((3, size, size), path.stat().st_size % 251, np.uint8)  # noqa: E731
    images = store.decoded(paths, 4, by=by_size, name="sizes")
    assert images[:, 0, 0, 0].tolist() == [path.stat().st_size % 251 for path in paths]


def test_a_photo_that_does_not_decode_is_named_and_costs_its_block_alone(tmp_path, cache):
    paths = write_photos(tmp_path / "photos", 12)
    good = paths[6].read_bytes()
    paths[6].write_bytes(good[: len(good) // 2])
    for _ in range(2):
        with pytest.raises(ValueError, match=r"im6\.jpg is no whole picture \(.*\): get it"):
            store.decoded(paths, 16)
    assert not list(cache.glob("*.npy"))
    paths[6].write_bytes(good)
    np.testing.assert_array_equal(store.decoded(paths, 16)[6], decoding.stretched(paths[6], 16))


def test_what_was_done_before_an_error_is_not_done_again(cache):
    blocks = Blocks(30, fails=[5])
    with pytest.raises(ValueError, match="no whole image"):
        blocks.filled()
    assert blocks.reads[0] == blocks.reads[4] == 1
    blocks.fails.clear()
    np.testing.assert_array_equal(blocks.filled(), blocks.images)
    assert all(blocks.reads[i] == 1 for i in range(5)) and blocks.reads[5] == 2
    assert not list(cache.glob("*.part")) and not list(cache.glob("*.marks"))


def test_a_block_whose_sources_changed_is_made_again():
    blocks = Blocks(30, fails=[5])
    stamps = [bytes([i + 1]) * 16 for i in range(8)]
    with pytest.raises(ValueError):
        blocks.filled(stamps)
    blocks.fails.clear()
    stamps[2] = b"x" * 16
    blocks.images[8:12] += 1
    np.testing.assert_array_equal(blocks.filled(stamps), blocks.images)
    assert (blocks.reads[1], blocks.reads[2], blocks.reads[3]) == (1, 2, 1)


def test_a_killed_process_is_gone_on_with(tmp_path):
    code = (
        "import os, signal, sys, numpy as np\n"
        "from mmhash_nb.datasets import store\n"
        "store.BLOCK, store.os.cpu_count = 4, lambda: 1\n"
        "images = np.load(sys.argv[1])\n"
        "def read(start, stop):\n"
        "    if start == 24: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return images[start:stop]\n"
        "stamps = [bytes([i + 1]) * 16 for i in range(8)]\n"
        "store.filled('made up', stamps, images.shape, read)\n"
    )
    blocks = Blocks(30)
    np.save(tmp_path / "images.npy", blocks.images)
    killed = subprocess.run([sys.executable, "-c", code, tmp_path / "images.npy"], check=False)
    assert killed.returncode == -signal.SIGKILL
    np.testing.assert_array_equal(blocks.filled(), blocks.images)
    assert 0 not in blocks.reads and blocks.reads[6] == blocks.reads[7] == 1


def test_an_unfinished_array_of_another_length_is_not_taken_for_this_one(cache):
    blocks = Blocks(30, fails=[7])
    with pytest.raises(ValueError):
        blocks.filled()
    (part,) = cache.glob("*.part")
    os.truncate(part, part.stat().st_size - 1)
    blocks.fails.clear()
    np.testing.assert_array_equal(blocks.filled(), blocks.images)
    assert blocks.reads[0] == 2


def test_a_damaged_array_is_made_again(cache):
    blocks = Blocks(10)
    blocks.filled()
    (file,) = cache.glob("*.npy")
    os.truncate(file, file.stat().st_size - 5)
    np.testing.assert_array_equal(blocks.filled(), blocks.images)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n=st.integers(1, 40), block=st.integers(1, 9), fails=st.sets(st.integers(0, 39), max_size=3))
def test_any_number_of_images_and_errors_gives_the_same_array(n, block, fails, monkeypatch, cache):
    shutil.rmtree(cache, ignore_errors=True)
    monkeypatch.setattr(store, "BLOCK", block)
    blocks = Blocks(n, fails=fails)
    while blocks.fails:
        with contextlib.suppress(ValueError):
            blocks.filled()
        blocks.fails.pop()
    np.testing.assert_array_equal(blocks.filled(), blocks.images)


def test_two_at_once_make_it_once():
    blocks = Blocks(40)
    threads = [threading.Thread(target=blocks.filled) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(blocks.reads.values()) == {1} and len(blocks.reads) == 10


def test_no_room_is_said_before_anything_is_decoded(monkeypatch):
    monkeypatch.setattr(store.shutil, "disk_usage", lambda _: SimpleNamespace(free=100))
    blocks = Blocks(30)
    with pytest.raises(OSError, match=r"30 images need 0\.0 GB more .*: set MMHASH_CACHE"):
        blocks.filled()
    assert not blocks.reads


def test_a_disk_that_refuses_says_so_and_what_it_took_is_kept(monkeypatch):
    blocks = Blocks(40, size=10, fails=[9])
    with pytest.raises(ValueError):
        blocks.filled([bytes([i + 1]) * 16 for i in range(10)])
    changed = [bytes([i + 50]) * 16 for i in range(10)]
    blocks.fails.clear()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))
    try:
        with pytest.raises(OSError, match=r"cannot be written .* goes on where it") as caught:
            blocks.filled(changed)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG and caught.value.filename.endswith(".part")
    np.testing.assert_array_equal(blocks.filled(changed), blocks.images)
    assert blocks.reads[0] == 2


def test_pairs_take_the_map_as_it_is(tmp_path):
    images = store.decoded(write_photos(tmp_path / "photos", 5), 8)
    rows = np.arange(5)
    texts, labels = np.ones((5, 2), np.float32), np.ones((5, 1), bool)
    pairs = Pairs(images, texts, labels, ["a"], rows[:1], rows[1:], rows[1:])
    assert pairs.images is images and np.shares_memory(pairs.images, images)
    assert len(pairs.fingerprint) == 64 and pairs.take(rows[:2]).images.shape == (2, 3, 8, 8)
