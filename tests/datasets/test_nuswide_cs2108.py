"""The small real part of NUS-WIDE, and what the whole ground truth beside it says of `nuswide`."""

import csv

import numpy as np
import pytest
from on_disk import needs
from packed_cases import pack
from PIL import Image

from mmhash_nb.datasets import data_root, load, nuswide, nuswide_cs2108
from mmhash_nb.datasets.decoding import padded
from mmhash_nb.datasets.nuswide_official import selected
from mmhash_nb.io.finding import Photos

CONCEPTS = [*(f"concept{i}" for i in range(79)), "cat", "sky"]
HEADER = ("name", "flickr_id", "split", "labels81", "tags")
#: labels and tags of each photo; the last three are not taken, or only with `untagged`
ITEMS = [
    *([("cat", "kitten cats"), ("sky cat", "cats blue"), ("sky", "blue kitten")] * 3),
    *(("none", "cats blue"), ("", "cats blue"), ("cat", "")),
]
SMALL = {"size": 8, "n_query": 3}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))


def write_part(root):
    """A small set in the layout of the real one."""
    folder = root / "nuswide_cs2108"
    (folder / "photos").mkdir(parents=True)
    rows, photos = [HEADER], {}
    for i, (labels, tags) in enumerate(ITEMS):
        name = f"{i:04}_{100 + i}"
        rows.append((name, str(100 + i), "train", labels, tags))
        Image.new("RGB", (20, 20), (20 * i,) * 3).save(path := folder / "photos" / f"{name}.png")
        photos[f"{name}.jpg"] = path.read_bytes()
        path.unlink()
    (folder / "photos").rmdir()
    pack(folder / "images240.zip", photos)
    with open(folder / "items.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    (folder / "Concepts81.txt").write_text("\n".join([*CONCEPTS, ""]))
    return folder


def test_photos_with_a_concept_and_tags_are_taken(tmp_path):
    write_part(tmp_path)
    pairs = load("nuswide_cs2108", tmp_path, **SMALL)
    assert len(pairs) == 9 and list(pairs.label_names) == CONCEPTS
    assert pairs.images[:, 0, 4, 4].tolist() == [20 * i for i in range(9)]
    assert pairs.labels[:3, -2:].tolist() == [[True, False], [True, True], [False, True]]
    assert (
        set(pairs.vocabulary) == {"kitten", "cats", "blue"} and (pairs.texts.sum(axis=1) == 2).all()
    )
    assert len(pairs.query) == 3 and pairs.database.tolist() == pairs.train.tolist()
    assert sorted([*pairs.query, *pairs.database]) == [*range(9)]
    assert pairs.source == "9 of 12 photos have one of the 81 concepts and tags"
    assert pairs.captions[1] == "cats blue"


def test_photos_without_tags_have_empty_texts(tmp_path):
    write_part(tmp_path)
    pairs = load("nuswide_cs2108", tmp_path, untagged=True, **SMALL)
    assert len(pairs) == 10 and pairs.texts[9].sum() == 0 and pairs.images[9, 0, 0, 0] == 220


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        (
            "items.csv",
            "sky cat",
            "sky dog",
            r"line 3 of .*items\.csv has concept 'dog', wh",
        ),
        ("items.csv", "labels81", "labels", r"items\.csv has no column 'labels81'"),
        ("items.csv", "0003_103", "0002_102", r"line 5 .* names 0002_102\.jpg, as does line 4"),
        ("Concepts81.txt", "cat\n", "", r"Concepts81\.txt must hold 81 names, but holds 80"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, file, old, new, fault):
    path = write_part(tmp_path) / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ValueError, match=fault):
        load("nuswide_cs2108", tmp_path, **SMALL)


def test_a_photo_that_lacks_is_named_with_its_line(tmp_path):
    path = write_part(tmp_path) / "items.csv"
    path.write_text(path.read_text().replace("0003_103", "0099_99"))
    with pytest.raises(FileNotFoundError, match=r"line 5 of .* names 0099_99\.jpg, but"):
        load("nuswide_cs2108", tmp_path, **SMALL)


@pytest.fixture(scope="module")
def truth():
    """The official labels of all images, zeros and ones: of the training side and the test side."""
    path = data_root() / "nuswide_cs2108" / "groundtruth_TrainTestLabels.npz"
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    with np.load(path, allow_pickle=False) as held:
        names = [str(name) for name in held["concepts"]]
        sides = {s: np.unpackbits(held[s], axis=1)[:, : len(names)] for s in ("train", "test")}
    return names, sides


@needs(nuswide_cs2108)
def test_the_papers_selections_come_out_of_the_official_ground_truth(truth):
    names, sides = truth
    labels = np.concatenate([sides["train"], sides["test"]])
    assert labels.shape == (269_648, 81)
    for paper, concepts in (("zhang2018", 21), ("liong2017", 10)):
        chosen, rows = selected(labels, concepts)
        assert len(rows) == nuswide.PROTOCOLS[paper].pairs == {21: 195_834, 10: 186_577}[concepts]
        rarest = {21: {"vehicle", "rocks"}, 10: {"lake", "plants"}}[concepts]
        assert rarest <= {names[i] for i in chosen}


@needs(nuswide_cs2108)
def test_the_real_files(truth):
    pairs = load("nuswide_cs2108", size=32)
    assert pairs.images.shape == (857, 3, 32, 32) and len(pairs.query) == 200
    (photo,) = Photos(data_root() / "nuswide_cs2108").find_all(["0202_741494.jpg"])
    np.testing.assert_array_equal(pairs.images[0], padded(photo, 32))
    names, sides = truth
    assert list(pairs.label_names) == names
    known = {row.tobytes() for side in sides.values() for row in side}
    assert all(row.astype(np.uint8).tobytes() in known for row in pairs.labels)
    cat = pairs.labels[:, names.index("cat")]
    assert cat.sum() > 20 and pairs.texts[cat][:, pairs.vocabulary.index("cat")].mean() > 0.5
