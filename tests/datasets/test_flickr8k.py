import csv
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmhash_nb.datasets import flickr8k, load

DATA = os.environ.get("MMHASH_DATA")
HAS_FLICKR8K = DATA is not None and flickr8k.find(Path(DATA)) is not None


def write_flickr8k(root, n=12):
    """A small set in the layout of the real one; photo 4 has no concept."""
    folder = root / "flickr8k_1k"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    concepts, captions = [], []
    for i in range(n):
        pixels = rng.integers(0, 256, (24, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"photo{i}.jpg")
        dog, snow = int(i % 2 == 0), int(i % 3 == 0)
        dog, snow = (0, 0) if i == 4 else (dog, max(snow, 1 - dog))
        concepts.append([f"photo{i}.jpg", dog, snow])
        captions.append([f"photo{i}.jpg", f"The first of {i} , a {'dog' if dog else 'cat'} ."])
    captions += [[f"photo{i}.jpg", "Snow falls ."] for i in range(n) if concepts[i][2]]
    captions.append(["unlisted.jpg", "Unlisted unlisted"])
    for name, rows in (
        (flickr8k.CONCEPTS, [["image", "dog", "snow"], *concepts]),
        (flickr8k.CAPTIONS, [["image", "caption"], *captions]),
    ):
        with open(folder / name, "w", newline="") as file:
            csv.writer(file).writerows(rows)
    return folder


def edit(path, old, new):
    content = path.read_text()
    assert old in content
    path.write_text(content.replace(old, new))


def test_photos_captions_and_concepts_are_those_of_the_files(tmp_path):
    write_flickr8k(tmp_path)
    pairs = load("flickr8k", tmp_path, size=16, n_query=3)
    selected = [i for i in range(12) if i != 4]
    assert pairs.name == "flickr8k" and len(pairs) == 11
    assert pairs.images.shape == (11, 3, 16, 16) and pairs.images.dtype == np.uint8
    assert pairs.label_names == ["dog", "snow"]
    assert pairs.labels[:, 0].tolist() == [i % 2 == 0 for i in selected]
    assert pairs.captions[:2] == ["The first of 0 , a dog .", "The first of 1 , a cat ."]
    # all captions of a photo are its text; "the", "of" and "first" are function words
    assert pairs.vocabulary == ("cat", "dog", "falls", "snow")
    assert pairs.texts[:3].tolist() == [[0, 1, 1, 1], [1, 0, 1, 1], [0, 1, 0, 0]]
    assert pairs.source.startswith("11 of 12 photos")


def test_labels_are_no_option(tmp_path):
    with pytest.raises(TypeError, match="dataset flickr8k has no option 'labels'"):
        load("flickr8k", tmp_path, labels="both")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (flickr8k.CONCEPTS, "photo2.jpg,1", "photo2.jpg,2", r"line 4 of .* has '2' for dog: write"),
        (flickr8k.CONCEPTS, "photo2.jpg,1", "photo2.jpg,", r"line 4 of .* has '' for dog: write 0"),
        (flickr8k.CONCEPTS, "image,", "name,", r"has no column 'image' \(it has name, dog, snow\)"),
        (flickr8k.CONCEPTS, "photo2.jpg", "photo1.jpg", r"line 4 of .* names photo1\.jpg, as does"),
        (flickr8k.CAPTIONS, ",caption", ",text", r"captions\.txt has no column 'caption'"),
        (flickr8k.CAPTIONS, "photo2.jpg", "photoX.jpg", r"captions\.txt has no caption of photo2"),
        (flickr8k.CAPTIONS, "Snow falls .", "", r"line 14 of .*captions\.txt has no caption: fill"),
    ],
)
def test_a_wrong_line_names_file_and_line(tmp_path, name, old, new, message):
    edit(write_flickr8k(tmp_path) / name, old, new)
    with pytest.raises(ValueError, match=message):
        load("flickr8k", tmp_path, n_query=3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("image\nphoto0.jpg\n", "has no column but image: add one for each concept"),
        ("image,dog\nphoto0.jpg,0\nphoto1.jpg,0\n", "gives no photo a concept"),
    ],
)
def test_a_table_without_concepts_is_refused(tmp_path, content, message):
    (write_flickr8k(tmp_path) / flickr8k.CONCEPTS).write_text(content)
    with pytest.raises(ValueError, match=message):
        load("flickr8k", tmp_path, n_query=3)


@pytest.mark.skipif(not HAS_FLICKR8K, reason="MMHASH_DATA holds no flickr8k_1k/")
def test_the_real_files():
    pairs = load("flickr8k")
    assert pairs.images.shape == (970, 3, 128, 128)
    assert (len(pairs.query), len(pairs.database), len(pairs.train)) == (200, 770, 770)
    counts = [257, 262, 134, 363, 213, 56, 97, 57, 44, 132, 84, 91, 88, 70]
    assert pairs.labels.sum(axis=0).tolist() == counts
    assert pairs.captions[1] == "A black dog and a spotted dog are fighting"
    assert 1_100 < len(pairs.vocabulary) <= 2_000 and pairs.texts.any(axis=1).all()
