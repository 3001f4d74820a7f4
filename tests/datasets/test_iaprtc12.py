"""IAPR TC-12 from its own two distributions, and from the files that circulate."""

import shutil

import numpy as np
import pytest
from mat_cases import write_v7, write_v73
from PIL import Image
from table_cases import table_rows

from mmhash_nb.datasets import iaprtc12, load, splits, store

#: number of the photo, caption, numbers of the labels of its segments
PHOTOS = {
    25: ("a dark-skinned boy is leaning on a grey wall;", [120, 3, 3]),
    998: ("Tafí del Valle: a man & a woman on a dry slope;", [120, 7]),
    1000: ("a brown, bald mountain landscape;", [7]),
    1069: ("a large bed with red bedcovers;", [200]),
    2808: ("a grey wall and\n a lake;", [3, 7]),
    3001: ("nobody knows;", []),
    40001: ("a boy on a grey slope;", [120]),
}
NAMES = {3: "wall", 7: "mountain", 50: "never seen", 120: "child-boy", 200: "bed"}
SMALL = {"n_query": 2, "n_train": 3}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "BLOCK", 4)


def write_official(root):
    """Both distributions, with thumbnails and the segments' own copies of the photos."""
    folder = root / "iaprtc12"
    benchmark = folder / "saiaprtc12ok/benchmark"
    for place, (number, (caption, labels)) in enumerate(PHOTOS.items()):
        part = f"{number // 1000:02}"
        paths = {
            "photo": folder / f"iaprtc12/images/{part}/{number}.jpg",
            "thumbnail": folder / f"iaprtc12/thumbnails/{part}/{number}.jpg",
            "copy": benchmark / f"saiapr_tc-12/{part}/images/{number}.jpg",
        }
        for kind, path in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            grey = 20 * place + 10 if kind == "photo" else 255
            Image.new("RGB", (48, 36), (grey,) * 3).save(path)
        text = (
            f"<DOC>\n<DOCNO>annotations/{part}/{number}.eng</DOCNO>\n<TITLE>Niño</TITLE>\n"
            f"<DESCRIPTION>{caption}</DESCRIPTION>\n<NOTES></NOTES>\n"
            f"<IMAGE>images/{part}/{number}.jpg</IMAGE>\n"
            f"<THUMBNAIL>thumbnails/{part}/{number}.jpg</THUMBNAIL>\n</DOC>\n"
        )
        path = folder / f"iaprtc12/annotations_complete_eng/{part}/{number}.eng"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="latin-1")
        lines = [f"{number}\t{i + 1}\t{label}" for i, label in enumerate(labels)]
        with open(benchmark / f"saiapr_tc-12/{part}/labels.txt", "a") as file:
            file.write("\n".join([*lines, f"{number}\t9", ""]))
    with open(benchmark / "saiapr_tc-12/00/labels.txt", "a") as file:
        file.write("77\t1\t200\n")  # a photo without a caption
    listed = "".join(f"{number}\t{name}\r\n" for number, name in NAMES.items())
    (benchmark / "wlist.txt").write_text(listed)
    return folder


def test_photos_captions_and_labels_of_segments_go_together(tmp_path):
    folder = write_official(tmp_path)
    pairs = iaprtc12.read(folder, images="pixels", size=8, **SMALL)
    selected = [25, 998, 1000, 1069, 2808, 40001]
    assert pairs.label_names == ["wall", "mountain", "child-boy", "bed"]
    for row, number in enumerate(selected):
        labelled = {NAMES[label] for label in PHOTOS[number][1]}
        assert {pairs.label_names[c] for c in np.flatnonzero(pairs.labels[row])} == labelled
        assert pairs.captions[row] == " ".join(PHOTOS[number][0].split())
    greys = [20 * list(PHOTOS).index(number) + 10 for number in selected]
    np.testing.assert_allclose(pairs.images.mean(axis=(1, 2, 3)), greys, atol=1)
    assert pairs.modality_names == ("image", "Captions")
    assert "6 of 7 captions have a photo with one of the 4 labels" in pairs.source
    assert (len(pairs.query), len(pairs.database), len(pairs.train)) == (2, 4, 3)


def test_photos_and_captions_may_be_links_to_another_disk(tmp_path):
    folder = write_official(tmp_path)
    before = iaprtc12.read(folder, images="pixels", size=8, **SMALL)
    for name in ("iaprtc12/images", "iaprtc12/annotations_complete_eng", "saiaprtc12ok"):
        moved = tmp_path / "disk" / name
        moved.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder / name, moved)
        (folder / name).symlink_to(moved)
    assert iaprtc12.find(tmp_path) == folder
    after = iaprtc12.read(folder, images="pixels", size=8, **SMALL)
    assert after.fingerprint == before.fingerprint
    n = len(PHOTOS)
    assert [there for there, _ in iaprtc12.contents(tmp_path).values()] == [n, n, 1, 1]


def test_words_come_from_the_captions_outside_the_queries(tmp_path):
    folder = write_official(tmp_path)
    chosen = set()
    for seed in range(8):  # queries have a say in the words of none of the splits
        pairs = iaprtc12.read(folder, split_seed=seed, **SMALL)
        words = list(pairs.vocabulary)
        assert words and "the" not in words and "with" not in words
        held = [caption.replace(";", "").split() for caption in pairs.captions]
        assert all(sum(word in held[i] for i in pairs.database) >= 2 for word in words)
        for word in words:
            has = [word in text for text in held]
            np.testing.assert_array_equal(pairs.texts[:, words.index(word)] > 0, has)
        chosen.add(tuple(words))
    assert len(chosen) > 1


def test_liong2017_keeps_the_most_frequent_labels_and_the_photos_that_have_one(
    tmp_path, monkeypatch
):
    folder = write_official(tmp_path)
    small = splits.Protocol(5, 2, 2, 1, None, per_label=True, frequent=True)
    monkeypatch.setitem(iaprtc12.PROTOCOLS, "liong2017", small)
    pairs = load("iaprtc12", tmp_path, protocol="liong2017")
    assert pairs.label_names == ["mountain", "child-boy"] and len(pairs) == 5
    assert pairs.train.tolist() == pairs.database.tolist() and len(pairs.query) == 2
    assert pairs.labels[pairs.query].any(axis=0).all()
    assert iaprtc12.read(folder, protocol="liong2017").fingerprint == pairs.fingerprint


@pytest.mark.parametrize(
    ("pairs", "words", "passes"),
    [(6, 2, True), (7, 2, True), (8, 2, False), (5, 2, False), (6, 30, False)],
)
def test_counts_are_asserted_with_the_one_photo_that_has_no_caption(
    tmp_path, monkeypatch, pairs, words, passes
):
    write_official(tmp_path)
    rule = splits.Protocol(pairs, words, 4, 2, 3)
    monkeypatch.setitem(iaprtc12.PROTOCOLS, "zeng2022", rule)
    if passes:
        assert len(load("iaprtc12", tmp_path)) == 6
        return
    sentence = rf"{pairs} pairs, {words} tags and 4 labels, .* hold 6, \d and 4"
    with pytest.raises(ValueError, match=sentence):
        load("iaprtc12", tmp_path)


@pytest.mark.parametrize(("name", "text", "fault"), table_rows("wrong_iaprtc12_files"))
def test_what_cannot_be_read_names_its_file(tmp_path, name, text, fault):
    folder = write_official(tmp_path)
    next(iter(sorted(folder.rglob(name)))).write_text(text)
    with pytest.raises(ValueError, match=fault):
        iaprtc12.read(folder, **SMALL)


@pytest.mark.parametrize("name", ["annotations_complete_eng", "wlist.txt", "labels.txt"])
def test_a_missing_file_is_named(tmp_path, name):
    folder = write_official(tmp_path)
    assert iaprtc12.find(tmp_path) == folder
    for path in list(folder.rglob(name)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(FileNotFoundError, match=rf"iaprtc12 has no {name} in {tmp_path}"):
        load("iaprtc12", tmp_path)
    assert iaprtc12.find(tmp_path) is None


def test_a_missing_photo_is_named(tmp_path):
    folder = write_official(tmp_path)
    for path in list(folder.rglob("2808.jpg")):
        path.unlink()
    with pytest.raises(FileNotFoundError, match=r"no photo images/02/2808\.jpg \(1 of 6"):
        iaprtc12.read(folder, images="pixels", size=8, **SMALL)


def rand(n=12, words=9, labels=5):
    rng = np.random.default_rng(4)
    tags = rng.integers(0, 3, (n, words)).astype(np.uint8)
    marks = (rng.random((n, labels)) < 0.4).astype(np.uint8)
    marks[:, 0] |= ~marks.any(axis=1)
    tags[3] = 0
    return tags, marks, rng.random((n, 7)).astype(np.float32)


def write_rand(folder, write, n_test=2, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    tags, marks, features = rand()
    held = {
        "VDatabase": features[:-n_test],
        "YDatabase": tags[:-n_test],
        "databaseL": marks[:-n_test],
        "VTest": features[-n_test:],
        "YTest": tags[-n_test:],
        "testL": marks[-n_test:],
    }
    write(folder / "iapr-tc12-rand.mat", **(held | changes))


@pytest.mark.parametrize("write", [write_v7, write_v73])
def test_the_file_in_a_fixed_order(tmp_path, write):
    write_rand(tmp_path / "IAPR-TC12", write)
    tags, marks, features = rand()
    pairs = load("iaprtc12", tmp_path, images="vgg", protocol="files")
    np.testing.assert_array_equal(pairs.texts.toarray(), tags)
    np.testing.assert_array_equal(pairs.labels, marks == 1)
    np.testing.assert_array_equal(pairs.images, features)
    assert pairs.query.tolist() == [10, 11] and pairs.train.tolist() == list(range(10))
    drawn = iaprtc12.read(tmp_path / "IAPR-TC12", images="vgg", n_query=4, n_train=3)
    assert len(drawn.query) == 4 and drawn.source.endswith("zeng2022, split_seed 0")
    with pytest.raises(ValueError, match=r"20000 pairs, 2912 tags and 255 .* hold 12, 9 and 5"):
        load("iaprtc12", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"iaprtc12 has no annotations_complete_eng"):
        load("iaprtc12", tmp_path, protocol="liong2017")


def test_swapped_axes_and_wrong_values_of_the_file(tmp_path, monkeypatch):
    tags, marks, _ = rand()
    write_rand(tmp_path, write_v7, YDatabase=tags[:-2].T, databaseL=marks[:-2].T)
    monkeypatch.setitem(iaprtc12.PROTOCOLS, "zeng2022", splits.Protocol(12, 9, 5, 2, 2))
    pairs = iaprtc12.read(tmp_path)
    np.testing.assert_array_equal(pairs.texts.toarray(), tags)
    write_rand(tmp_path, write_v7, YTest=np.full((2, 9), -1.0))
    with pytest.raises(ValueError, match=r"YTest in .*rand\.mat holds -1\.0 in row 1, .* counts"):
        iaprtc12.read(tmp_path, **SMALL)
    write_rand(tmp_path, write_v7, YTest=tags[-3:])
    with pytest.raises(ValueError, match=r"YTest in .* is 3 x 9 but testL in .* is 2 x 5"):
        iaprtc12.read(tmp_path, **SMALL)
