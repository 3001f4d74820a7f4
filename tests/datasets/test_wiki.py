import hashlib
import shutil
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from on_disk import needs

from mmhash_nb.datasets import load, wiki
from mmhash_nb.io import archives

NAMES = ["art", "biology", "geography"]


def write_wiki(folder, train=(1, 2, 3, 1), test=(3, 2), names=NAMES, **changes):
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
    (folder / "categories.list").write_text("".join(f"{name}\n" for name in names))
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


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        *(
            ({name: np.ones((3, columns))}, rf"{name} in .* has 3 rows but .* has [24] lines")
            for name, columns in (("I_tr", 6), ("T_tr", 4), ("I_te", 6), ("T_te", 4))
        ),
        ({"T_te": np.ones((2, 5))}, "T_tr has 4 columns but T_te 5"),
        ({"I_te": np.vstack([np.ones(6), np.full(6, np.nan)])}, "images of sample 5 holds nan"),
        *(
            ({"train": (1, 2, c, 1)}, rf"line 3 of .*trainset.* has class '{c}'.* 1 to 3")
            for c in ("0", "4", "-1", "", "art", "1.0")
        ),
        ({"test": (3, "2\ntext image 3")}, r"line 3 of .*testset.* tab separated"),
        ({"names": [""]}, r"categories\.list names no category"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, changes, sentence):
    write_wiki(tmp_path, **changes)
    with pytest.raises(ValueError, match=sentence):
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

    def fetch(url, path, md5=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        made = shutil.make_archive(str(tmp_path / "made"), "zip", tmp_path / "archive")
        return Path(shutil.copy(made, path))

    monkeypatch.setattr(archives, "fetch", fetch)
    return tmp_path / "archive" / "wikipedia_dataset"


def test_download_keeps_the_four_files_once_their_checksums_agree(official, tmp_path):
    pairs = load("wiki", tmp_path / "root", download=True)
    assert len(pairs) == 6 and pairs.source == "official files (SHA-256 recorded)"
    assert sorted(p.name for p in (tmp_path / "root/wiki").iterdir()) == sorted(wiki.FILES)


def test_of_two_that_load_at_once_one_downloads(official, tmp_path, monkeypatch):
    fetch, began, requests = archives.fetch, threading.Barrier(2), []

    def slow(url, path, md5=None):
        requests.append(url)
        time.sleep(0.3)
        return fetch(url, path)

    def loaded(_):
        began.wait()
        return load("wiki", tmp_path / "root", download=True)

    monkeypatch.setattr(archives, "fetch", slow)
    with ThreadPoolExecutor(2) as both:
        first, second = both.map(loaded, range(2))
    assert requests == [wiki.URL] and np.array_equal(first.images, second.images)


def escaping(url, path, md5=None):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../escaped.txt", "x")
    return path


@pytest.mark.parametrize("damage", ["changed", "absent", "no zip", "escaping"])
def test_a_download_with_a_wrong_checksum_is_kept_out(official, tmp_path, monkeypatch, damage):
    former = tmp_path / "root" / "wiki" / "categories.list"
    former.parent.mkdir(parents=True)
    former.write_text("previous")
    if damage == "changed":
        (official / "raw_features.mat").write_bytes(b"changed")
    elif damage == "absent":
        (official / "raw_features.mat").unlink()
    else:
        no_zip = lambda url, path, md5: path.write_text("x") and path  # noqa: E731
        monkeypatch.setattr(archives, "fetch", no_zip if damage == "no zip" else escaping)
    sentence = r"raw_features\.mat in the archive|damaged|leaves its folder"
    with pytest.raises(ValueError, match=sentence):
        load("wiki", tmp_path / "root", download=True)
    assert not list(tmp_path.rglob("escaped.txt"))
    assert [p.name for p in former.parent.iterdir()] == ["categories.list"]
    assert former.read_text() == "previous"


@needs(wiki)
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
