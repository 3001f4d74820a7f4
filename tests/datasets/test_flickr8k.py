import csv

import numpy as np
from on_disk import needs
from PIL import Image

from mmhash_nb.datasets import flickr8k, load


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


@needs(flickr8k)
def test_the_real_files():
    pairs = load("flickr8k")
    assert pairs.images.shape == (970, 3, 128, 128)
    assert (len(pairs.query), len(pairs.database), len(pairs.train)) == (200, 770, 770)
    counts = [257, 262, 134, 363, 213, 56, 97, 57, 44, 132, 84, 91, 88, 70]
    assert pairs.labels.sum(axis=0).tolist() == counts
    assert pairs.captions[1] == "A black dog and a spotted dog are fighting"
    assert 1_100 < len(pairs.vocabulary) <= 2_000 and pairs.texts.any(axis=1).all()
