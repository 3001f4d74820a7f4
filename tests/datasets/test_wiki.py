import hashlib
import os
import shutil
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from mmhash_nb.datasets import load, wiki

DATA = os.environ.get("MMHASH_DATA")
HAS_WIKI = DATA is not None and wiki.find(Path(DATA)) is not None
NAMES = ["art", "biology", "geography"]


def write_wiki(folder, train=(1, 2, 3, 1), test=(3, 2), **changes):
    """A small set in the official formats."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    arrays = {
        "I_tr": rng.random((len(train), 6)),
        "T_tr": rng.random((len(train), 4)),
        "I_te": rng.random((len(test), 6)),
        "T_te": rng.random((len(test), 4)),
    } | changes
    scipy.io.savemat(folder / "raw_features.mat", arrays)
    for split, classes in (("train", train), ("test", test)):
        lines = [f"text{i}\timage{i}\t{c}\n" for i, c in enumerate(classes)]
        (folder / f"{split}set_txt_img_cat.list").write_text("".join(lines))
    (folder / "categories.list").write_text("".join(f"{name}\n" for name in NAMES))
    return arrays


def test_rows_labels_and_split_are_those_of_the_files(tmp_path):
    arrays = write_wiki(tmp_path)
    pairs = wiki.read(tmp_path)
    images = np.concatenate([arrays["I_tr"], arrays["I_te"]]).astype(np.float32)
    texts = np.concatenate([arrays["T_tr"], arrays["T_te"]]).astype(np.float32)
    np.testing.assert_array_equal(pairs.images, images)
    np.testing.assert_array_equal(pairs.texts, texts)
    assert pairs.labels.sum(axis=1).tolist() == [1] * 6
    assert pairs.labels.argmax(axis=1).tolist() == [0, 1, 2, 0, 2, 1]
    assert pairs.label_names == NAMES
    assert pairs.train.tolist() == pairs.database.tolist() == [0, 1, 2, 3]
    assert pairs.query.tolist() == [4, 5]
    assert pairs.vocabulary == ["topic 1", "topic 2", "topic 3", "topic 4"]
    assert pairs.modality_names == ("image", "text")
    assert "differs from the recorded checksum" in pairs.source


@pytest.mark.parametrize("variable", ["I_tr", "T_tr", "I_te", "T_te"])
def test_rows_that_differ_from_the_list_are_refused(tmp_path, variable):
    write_wiki(tmp_path, **{variable: np.ones((3, 6 if variable[0] == "I" else 4))})
    with pytest.raises(ValueError, match=rf"{variable} in .* has 3 rows but .* has [24] lines"):
        wiki.read(tmp_path)


def test_columns_that_differ_between_train_and_test_are_refused(tmp_path):
    write_wiki(tmp_path, T_te=np.ones((2, 5)))
    with pytest.raises(ValueError, match="T_tr has 4 columns but T_te 5"):
        wiki.read(tmp_path)


@pytest.mark.parametrize("label", ["0", "4", "-1", "", "art", "1.0"])
def test_a_class_out_of_range_names_file_and_line(tmp_path, label):
    write_wiki(tmp_path, train=(1, 2, label, 1))
    with pytest.raises(ValueError, match=rf"line 3 of .*trainset.* has class '{label}'.* 1 to 3"):
        wiki.read(tmp_path)


def test_a_line_without_a_class_names_file_and_line(tmp_path):
    write_wiki(tmp_path)
    with open(tmp_path / "testset_txt_img_cat.list", "a") as file:
        file.write("text image 3\n")
    with pytest.raises(ValueError, match=r"line 3 of .*testset.* tab separated"):
        wiki.read(tmp_path)


def test_an_empty_list_of_categories_is_refused(tmp_path):
    write_wiki(tmp_path)
    (tmp_path / "categories.list").write_text("\n")
    with pytest.raises(ValueError, match=r"categories\.list names no category"):
        wiki.read(tmp_path)


def test_nan_features_name_the_sample(tmp_path):
    write_wiki(tmp_path, I_te=np.array([[0, 1, 2, 3, 4, 5], [0, 1, np.nan, 3, 4, 5]]))
    with pytest.raises(ValueError, match="images of sample 5 holds nan"):
        wiki.read(tmp_path)


def test_a_truncated_mat_gives_one_clear_sentence(tmp_path):
    write_wiki(tmp_path)
    path = tmp_path / "raw_features.mat"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"raw_features\.mat"):
        wiki.read(tmp_path)


def test_other_counts_than_published_are_refused(tmp_path):
    write_wiki(tmp_path / "wiki")
    with pytest.raises(ValueError, match=r"2173 training samples, 693 queries .* hold 4, 2 and 3"):
        load("wiki", tmp_path)


def test_the_published_counts_pass(tmp_path):
    rng = np.random.default_rng(0)
    write_wiki(tmp_path, rng.integers(1, 11, 2173), rng.integers(1, 11, 693))
    (tmp_path / "categories.list").write_text("\n".join("abcdefghij"))
    pairs = wiki.read(tmp_path)
    wiki.check_published(pairs)
    with pytest.raises(ValueError, match="hold 2173, 692 and 10"):
        wiki.check_published(pairs.take(np.arange(2865)))


def test_a_missing_file_is_named(tmp_path):
    write_wiki(tmp_path / "wiki")
    (tmp_path / "wiki" / "testset_txt_img_cat.list").unlink()
    with pytest.raises(FileNotFoundError, match=r"^wiki has no testset_txt_img_cat\.list in"):
        load("wiki", tmp_path)


@pytest.fixture
def official(tmp_path, monkeypatch):
    """Stands for the official archive: a small set, its checksums, and a fetch that copies it."""
    write_wiki(tmp_path / "archive" / "wikipedia_dataset")
    digests = {
        name: hashlib.sha256((tmp_path / "archive/wikipedia_dataset" / name).read_bytes())
        for name in wiki.FILES
    }
    monkeypatch.setattr(wiki, "SHA256", {name: d.hexdigest() for name, d in digests.items()})
    monkeypatch.setattr(wiki, "check_published", lambda pairs: None)

    def fetch(url, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        made = shutil.make_archive(str(tmp_path / "made"), "zip", tmp_path / "archive")
        return Path(shutil.copy(made, path))

    monkeypatch.setattr(wiki, "fetch", fetch)
    return tmp_path / "archive" / "wikipedia_dataset"


def test_download_keeps_the_four_files_once_their_checksums_agree(official, tmp_path):
    pairs = load("wiki", tmp_path / "root", download=True)
    assert len(pairs) == 6 and pairs.source == "official files (SHA-256 recorded)"
    assert sorted(p.name for p in (tmp_path / "root/wiki").iterdir()) == sorted(wiki.FILES)


def test_of_two_that_load_at_once_one_downloads(official, tmp_path, monkeypatch):
    fetch, began, requests = wiki.fetch, threading.Barrier(2), []

    def slow(url, path):
        requests.append(url)
        time.sleep(0.3)
        return fetch(url, path)

    def loaded(_):
        began.wait()
        return load("wiki", tmp_path / "root", download=True)

    monkeypatch.setattr(wiki, "fetch", slow)
    with ThreadPoolExecutor(2) as both:
        first, second = both.map(loaded, range(2))
    assert requests == [wiki.URL] and np.array_equal(first.images, second.images)


@pytest.mark.parametrize("damage", ["changed", "absent", "no zip"])
def test_a_download_with_a_wrong_checksum_is_kept_out(official, tmp_path, monkeypatch, damage):
    former = tmp_path / "root" / "wiki" / "categories.list"
    former.parent.mkdir(parents=True)
    former.write_text("previous")
    if damage == "changed":
        (official / "raw_features.mat").write_bytes(b"changed")
    elif damage == "absent":
        (official / "raw_features.mat").unlink()
    else:
        monkeypatch.setattr(wiki, "fetch", lambda url, path: path.write_text("x") and path)
    with pytest.raises(ValueError, match=r"raw_features\.mat in the archive|damaged"):
        load("wiki", tmp_path / "root", download=True)
    assert [p.name for p in former.parent.iterdir()] == ["categories.list"]
    assert former.read_text() == "previous"


def test_an_archive_that_leaves_its_folder_is_refused(official, tmp_path, monkeypatch):
    def fetch(url, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("../../escaped.txt", "x")
        return path

    monkeypatch.setattr(wiki, "fetch", fetch)
    with pytest.raises(ValueError, match="leaves its folder"):
        load("wiki", tmp_path / "root", download=True)
    assert not list(tmp_path.rglob("escaped.txt"))


@pytest.mark.skipif(not HAS_WIKI, reason="MMHASH_DATA holds no wiki/")
def test_the_official_files():
    pairs = load("wiki")
    assert pairs.images.shape == (2866, 128) and pairs.texts.shape == (2866, 10)
    assert (len(pairs.train), len(pairs.database), len(pairs.query)) == (2173, 2173, 693)
    assert pairs.label_names[0] == "art" and pairs.label_names[9] == "warfare"
    train = [138, 272, 244, 248, 202, 178, 186, 144, 214, 347]
    assert pairs.labels[pairs.train].sum(axis=0).tolist() == train
    query = [34, 88, 96, 85, 65, 58, 51, 41, 71, 104]
    assert pairs.labels[pairs.query].sum(axis=0).tolist() == query
    np.testing.assert_allclose(pairs.images.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(pairs.texts.sum(axis=1), 1, rtol=1e-5)
    assert pairs.source == "official files (SHA-256 recorded)"
    assert np.argmax(pairs.labels[0]) + 1 == 6  # the first line of the training list
