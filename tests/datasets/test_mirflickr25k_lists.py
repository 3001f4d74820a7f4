"""MIRFlickr-25K's selection as lists of text, its photos packed, and the names of its columns."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mat_cases import write_v7
from on_disk import needs
from packed_cases import pack
from table_cases import table_rows
from test_mirflickr25k_layouts import SMALL, WORDS, arrays, write_layout, write_photos

from mmhash_nb.datasets import data_root, load, mirflickr25k, mirflickr25k_official, splits, store

LISTS = ("all_imgs.txt", "all_tags.txt", "all_labels.txt")
NAMES = ("label_names.txt", "tag_names.txt")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "BLOCK", 4)


def write_lists(folder, n=14, names=True):
    """The lists, and the photos in the folder `photos`; one line repeats a tag."""
    folder.mkdir(parents=True, exist_ok=True)
    tags, labels, *_ = arrays(n)
    has = [[word for word, there in zip(WORDS, row, strict=True) if there] for row in tags]
    has[3].append(has[3][0])
    lines = {
        "all_imgs.txt": [f"mirflickr/im{i + 1}.jpg" for i in range(n)],
        "all_tags.txt": [",".join(of_photo[::-1]) for of_photo in has],
        "all_labels.txt": [" ".join(map(str, row)) for row in labels],
    }
    if names:
        concepts = mirflickr25k_official.CONCEPTS
        lines |= {"tag_names.txt": WORDS, "label_names.txt": [f"my {name}" for name in concepts]}
    for name, of_file in lines.items():
        (folder / name).write_text("\n".join([*of_file, ""]), "utf-8")
    write_photos(folder / "photos", n)
    return folder


def read(folder, **options):
    return mirflickr25k.read(folder, **{"images": "pixels", "size": 8} | SMALL | options)


@pytest.mark.parametrize("packed", ["", ".zip", ".tar"])
def test_lists_give_photos_tags_labels_and_names(tmp_path, packed):
    tags, labels, images, _ = arrays()
    folder = write_lists(tmp_path / "mirflickr25k")
    if packed:
        held = {path.name: path.read_bytes() for path in (folder / "photos").iterdir()}
        pack(folder / f"images{packed}", held)
        shutil.rmtree(folder / "photos")
    pairs = load("mirflickr25k", tmp_path, images="pixels", size=8, protocol="files", **SMALL)
    np.testing.assert_array_equal(pairs.texts.toarray(), tags)
    np.testing.assert_array_equal(pairs.labels, labels == 1)
    np.testing.assert_allclose(pairs.images, images, atol=2)
    assert list(pairs.vocabulary) == WORDS and pairs.label_names[0] == "my animals"
    assert set(pairs.captions[0].split()) == {WORDS[i] for i in np.flatnonzero(tags[0])}
    assert pairs.source.startswith("lists of photos, tags and labels, no checksum published; files")
    without = read(folder, images="none")
    assert without.images.shape == (14, 0) and "without image features" in without.source


def test_without_names_tags_come_by_frequency_and_labels_are_the_annotations(tmp_path):
    tags, *_ = arrays()
    folder = write_lists(tmp_path, names=False)
    pairs = read(folder)
    often = Counter(dict(zip(WORDS, tags.sum(axis=0).tolist(), strict=True)))
    assert list(pairs.vocabulary) == sorted(WORDS, key=lambda word: (-often[word], word))
    order = [WORDS.index(word) for word in pairs.vocabulary]
    np.testing.assert_array_equal(pairs.texts.toarray(), tags[:, order])
    assert tuple(pairs.label_names) == mirflickr25k_official.CONCEPTS


def test_the_matrices_take_the_names_beside_them_and_the_lists_the_photos(tmp_path):
    folder = write_lists(tmp_path)
    tags, labels, *_ = arrays()
    write_v7(folder / "mirflickr25k-yall.mat", YAll=tags)
    write_v7(folder / "mirflickr25k-lall.mat", LAll=labels)
    matrices, listed = read(folder, images="none"), read(folder)
    assert matrices.source.startswith("matrices") and listed.source.startswith("lists")
    for one in (matrices, listed):
        assert list(one.vocabulary) == WORDS and one.label_names[23] == "my water"
    assert (matrices.texts != listed.texts).nnz == 0
    np.testing.assert_array_equal(matrices.labels, listed.labels)
    (folder / "tag_names.txt").write_text("sky\nexplore\n")
    with pytest.raises(ValueError, match=r"tag_names\.txt names 2 columns, but .* has 6"):
        read(folder, images="none")


@pytest.mark.parametrize("layout", ["lists", "raw"])
def test_other_matrices_take_the_names_too(tmp_path, layout):
    write_layout(tmp_path, layout, write_v7)
    (tmp_path / "label_names.txt").write_text("\n".join(f"l{i}" for i in range(24)))
    pairs = read(tmp_path, protocol="files")
    assert list(pairs.label_names) == [f"l{i}" for i in range(24)]
    assert pairs.vocabulary[0] == "tag 0"


@pytest.mark.parametrize(("file", "old", "new", "fault"), table_rows("wrong_mirflickr25k_lists"))
def test_a_line_that_is_wrong_is_named(tmp_path, file, old, new, fault):
    path = write_lists(tmp_path) / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ValueError, match=fault):
        read(tmp_path)


def test_lists_without_their_photos_say_which_is_missing(tmp_path):
    folder = write_lists(tmp_path / "mirflickr25k")
    (folder / "photos/im7.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"no photo mirflickr/im7\.jpg \(1 of 14 are missi"):
        read(folder)
    shutil.rmtree(folder / "photos")
    assert mirflickr25k.images_there(tmp_path) == ["none"]
    with pytest.raises(FileNotFoundError, match=r"has no im1\.jpg \(what is there is for imag"):
        load("mirflickr25k", tmp_path, images="pixels")
    (folder / "all_imgs.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"has no all_imgs\.txt \(what is there"):
        load("mirflickr25k", tmp_path, images="pixels")


def test_other_counts_and_label_sizes_than_published_are_refused(tmp_path, monkeypatch):
    write_lists(tmp_path / "mirflickr25k")
    with pytest.raises(ValueError, match=r"20015 pairs, 1386 tags and 24 .* hold 14, 6 and 24"):
        load("mirflickr25k", tmp_path, images="none")
    sizes = arrays()[1].sum(axis=0).tolist()
    for wrong in (0, 1):
        sizes[5] += wrong
        known = splits.Protocol(14, 6, 24, n_query=3, n_train=5, label_sizes=sizes)
        monkeypatch.setitem(mirflickr25k.PROTOCOLS, "zeng2022", known)
        if wrong:
            fault = rf"has {sizes[5]} pairs with the label my dog, but .* hold {sizes[5] - 1}: put"
            with pytest.raises(ValueError, match=fault):
                load("mirflickr25k", tmp_path, images="none")
        else:
            assert len(load("mirflickr25k", tmp_path, images="none")) == 14
    assert len(load("mirflickr25k", tmp_path, images="none", protocol="files")) == 14


def of_mirflickr(file):
    """A file beside the real ones; skips the test where it is not there."""
    path = data_root() / "mirflickr25k" / file
    if not path.is_file():
        pytest.skip(f"there is no {path}")
    return path


@pytest.fixture
def both(tmp_path):
    """Links to the real matrices in one folder and to the lists in another, with the names."""
    for kind, files in (
        ("matrices", ("mirflickr25k-yall.mat", "mirflickr25k-lall.mat")),
        ("lists", (*LISTS, *NAMES)),
    ):
        (tmp_path / kind / "mirflickr25k").mkdir(parents=True)
        for file in files:
            (tmp_path / kind / "mirflickr25k" / file).symlink_to(of_mirflickr(file))
    return tmp_path


@needs(mirflickr25k)
def test_the_real_lists_and_matrices_are_equal(both):
    matrices, listed = (load("mirflickr25k", both / kind) for kind in ("matrices", "lists"))
    assert listed.texts.shape == (20_015, 1_386) and listed.labels.shape == (20_015, 24)
    assert (matrices.texts != listed.texts).nnz == 0
    np.testing.assert_array_equal(matrices.labels, listed.labels)
    assert tuple(matrices.label_names) == tuple(listed.label_names)
    assert matrices.vocabulary[0] == "tag 0" and list(listed.vocabulary)[:2] == ["explore", "sky"]
    for split in ("query", "database", "train"):
        np.testing.assert_array_equal(getattr(matrices, split), getattr(listed, split))


@needs(mirflickr25k)
def test_the_real_labels_are_the_official_annotations(both):
    """Those of what a photo may show; the relevant ones (`_r1`) are no part of the selection."""
    table = of_mirflickr("annotations38_all25000.txt")
    header = table.read_text().split("\n", 1)[0].split()
    official = np.loadtxt(table, dtype=np.int32, skiprows=1)
    assert official.shape == (25_000, 39) and (official[:, 0] == np.arange(1, 25_001)).all()
    column = dict(zip(header, official.T == 1, strict=True))
    pairs = load("mirflickr25k", both / "lists")
    names = of_mirflickr("all_imgs.txt").read_text().split()
    numbers = np.array([int(Path(name).stem.removeprefix("im")) for name in names])
    assert len(set(numbers)) == 20_015
    for name, ours in zip(pairs.label_names, pairs.labels.T, strict=True):
        np.testing.assert_array_equal(column[name][numbers - 1], ours, err_msg=name)
    assert sum(name.endswith("_r1") for name in header) == 14


@needs(mirflickr25k)
def test_the_real_photos_are_taken_out_of_their_archive(tmp_path):
    archive = of_mirflickr("images128.zip")
    folder = tmp_path / "mirflickr25k"
    folder.mkdir()
    (folder / "images128.zip").symlink_to(archive)
    rows = [0, 1, 10_000, 20_014]
    for file in LISTS:
        lines = of_mirflickr(file).read_text("utf-8").split("\n")
        (folder / file).write_text("\n".join(lines[row] for row in rows), "utf-8")
    pairs = read(folder, size=128, n_query=1, n_train=2)
    assert pairs.images.shape == (4, 3, 128, 128) and pairs.images.std(axis=(1, 2, 3)).min() > 10
