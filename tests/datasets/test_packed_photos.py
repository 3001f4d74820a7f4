"""Every collection of photos takes them from an archive as from a folder."""

import shutil

import numpy as np
import pytest
import test_cifar10
import test_flickr8k
import test_flipkart
import test_iaprtc12
import test_mirflickr25k_layouts
import test_nuswide
import test_nuswide_layouts
from packed_cases import pack

from mmhash_nb.datasets import cifar10_files, load, nuswide


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(nuswide, "check_published", lambda n: None)


def write_nuswide(root):
    test_nuswide_layouts.write_photos(test_nuswide.write_nuswide(root))


#: what writes a collection, its folder of photos, and how it is loaded
COLLECTIONS = {
    "flickr8k": (test_flickr8k.write_flickr8k, "flickr8k_1k/images", {"n_query": 3}),
    "flipkart": (
        lambda root: test_flipkart.write_flipkart(root, n=12),
        "flipkart/images",
        {"n_query": 3},
    ),
    "mirflickr25k": (
        test_mirflickr25k_layouts.write_official,
        "mirflickr25k/mirflickr",
        {"images": "pixels", "protocol": "files", "n_query": 3, "n_train": 5},
    ),
    "nuswide": (
        write_nuswide,
        "nuswide/Flickr",
        {"images": "pixels", "protocol": "files", "n_query_per_concept": 1, "n_train": 9},
    ),
    "iaprtc12": (
        test_iaprtc12.write_official,
        "iaprtc12/iaprtc12/images",
        {"images": "pixels", "protocol": "files", "n_query": 2, "n_train": 3},
    ),
}


def packed(folder, suffix):
    """The photos of a folder, in an archive beside it and not there."""
    photos = [p for p in folder.rglob("*") if p.suffix == ".jpg"]
    held = {f"{folder.name}/{p.relative_to(folder).as_posix()}": p.read_bytes() for p in photos}
    for photo in photos:
        photo.unlink()
    if not any(path.is_file() for path in folder.rglob("*")):
        shutil.rmtree(folder)
    return pack(folder.with_suffix(suffix), held)


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
@pytest.mark.parametrize("name", COLLECTIONS)
def test_the_pairs_are_those_of_the_photos_in_a_folder(tmp_path, name, suffix):
    write, photos, options = COLLECTIONS[name]
    write(tmp_path)
    loose = load(name, tmp_path, size=8, **options)
    archive = packed(tmp_path / photos, suffix)
    found = load(name, tmp_path, size=8, **options)
    np.testing.assert_array_equal(found.images, loose.images)
    assert found.fingerprint == loose.fingerprint
    if name == "iaprtc12":
        return  # its segments have copies of the photos
    archive.unlink()
    with pytest.raises(FileNotFoundError):
        load(name, tmp_path, size=8, **options)


def test_cifar10_is_found_in_a_tar_archive(tmp_path, monkeypatch):
    pixels, classes = test_cifar10.random_set(20)
    path = pack(tmp_path / "root/cifar10.tar", test_cifar10.image_files(pixels, classes, 10))
    assert cifar10_files.find(tmp_path / "root") == path
    found, labels = cifar10_files.pixels_and_classes(path)
    np.testing.assert_array_equal(found, pixels)
    np.testing.assert_array_equal(labels, classes)
