"""NUS-WIDE by the protocols of all four papers, with photos, and from files that circulate."""

import shutil

import numpy as np
import pytest
import test_nuswide
from mat_cases import divided, write_v7, write_v73
from PIL import Image

from mmhash_nb.datasets import load, nuswide, splits, store

N, FREQUENT = test_nuswide.N, test_nuswide.FREQUENT
FEW = {"n_train": 40}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(nuswide, "check_published", lambda n: None)
    monkeypatch.setattr(store, "BLOCK", 16)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return test_nuswide.write_nuswide(tmp_path_factory.mktemp("written"))


@pytest.fixture
def folder(written, tmp_path):
    shutil.copytree(written, tmp_path / "root" / "nuswide")
    return tmp_path / "root" / "nuswide"


def write_photos(folder):
    """A photo each line of the list, whose colour tells the line; names repeat across classes."""
    lines = []
    for i in range(N):
        of_class, name = ("actor", "zebra")[i % 2], f"{i // 2:04}_{21244 + i // 2}.jpg"
        lines.append(f"{of_class}\\{name}")
        path = folder / "Flickr" / of_class / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 9), (i, 255 - i, 0)).save(path, quality=95)
    (folder / "ImageList").mkdir()
    (folder / "ImageList/Imagelist.txt").write_text("\r\n".join([*lines, ""]))


def test_photos_follow_the_list_of_images(folder):
    write_photos(folder)
    pairs = nuswide.read(folder, images="pixels", size=8, protocol="zhang2018", n_query=9, **FEW)
    selected = np.flatnonzero(test_nuswide.arrays()[0][:, FREQUENT].any(axis=1))
    assert isinstance(pairs.images, np.memmap) and pairs.images.shape == (len(selected), 3, 8, 8)
    np.testing.assert_allclose(pairs.images[:, 0].mean(axis=(1, 2)), selected, atol=3)
    assert pairs.modality_names == ("image", "Tags")


def test_a_list_of_another_length_or_a_missing_photo_is_named(folder):
    write_photos(folder)
    next((folder / "Flickr/zebra").glob("*.jpg")).unlink()
    options = {"images": "pixels", "size": 8, "protocol": "zhang2018", "n_query": 9, **FEW}
    with pytest.raises(FileNotFoundError, match=r"no photo zebra.*jpg \(1 of \d+ are missing\)"):
        nuswide.read(folder, **options)
    path = folder / "ImageList/Imagelist.txt"
    path.write_text("\n".join(path.read_text().split("\n")[3:]))
    with pytest.raises(ValueError, match=rf"Imagelist\.txt has {N - 3} lines, .* have {N}: they"):
        nuswide.read(folder, **options)
    path.unlink()
    with pytest.raises(
        FileNotFoundError, match=r"nuswide has no Imagelist\.txt \(what .*'none'\) in"
    ):
        load("nuswide", folder.parent, images="pixels", protocol="zhang2018")


def test_the_papers_draw_from_the_same_pairs_as_each_says(folder):
    labels = test_nuswide.arrays()[0]
    selected = labels[:, FREQUENT].any(axis=1).sum()
    masci = nuswide.read(folder, n_query_per_concept=2, **FEW)
    zhang = nuswide.read(folder, protocol="zhang2018", n_query=11, **FEW)
    zeng = nuswide.read(folder, protocol="zeng2022", n_query_per_concept=2, **FEW)
    assert len(masci) == len(zhang) == len(zeng) == selected
    assert (len(zhang.query), len(zhang.train), len(zhang.database)) == (11, 40, selected - 11)
    assert len(zeng.query) == 42 and zeng.fingerprint == masci.fingerprint
    assert zeng.source.endswith("zeng2022, split_seed 0")
    other = nuswide.read(folder, protocol="zhang2018", n_query=11, split_seed=1, **FEW)
    assert other.query.tolist() != zhang.query.tolist()


def test_liong2017_has_ten_concepts_and_learns_from_the_whole_gallery(folder):
    labels = test_nuswide.arrays()[0]
    ten = splits.most_frequent(labels, 10)
    pairs = nuswide.read(folder, protocol="liong2017", n_query=5)
    selected = labels[:, ten].any(axis=1)
    np.testing.assert_array_equal(pairs.labels, labels[selected][:, ten] == 1)
    assert pairs.train.tolist() == pairs.database.tolist() and len(pairs.database) == len(pairs) - 5
    assert f"{selected.sum()} of {N} images have one of the 10 concepts" in pairs.source


@pytest.mark.parametrize(
    ("protocol", "option"),
    [
        *(("zhang2018", "n_query_per_concept"), ("liong2017", "n_query_per_concept")),
        *(("masci2014", "n_query"), ("zeng2022", "n_query")),
    ],
)
def test_the_other_way_of_drawing_is_refused(folder, protocol, option):
    right = {"n_query", "n_query_per_concept"} - {option}
    with pytest.raises(ValueError, match=rf"protocol {protocol} .*: give {right.pop()} instead"):
        nuswide.read(folder, protocol=protocol, **{option: 3})


@pytest.mark.parametrize(
    ("protocol", "counts"),
    [
        *(("masci2014", "195834"), ("zhang2018", "195834"), ("zeng2022", "195834")),
        ("liong2017", "186577"),
    ],
)
def test_other_counts_than_a_papers_are_refused(folder, protocol, counts):
    with pytest.raises(ValueError, match=rf"nuswide has {counts} pairs, 1000 tags and"):
        load("nuswide", folder.parent, protocol=protocol)


def arrays(concepts, n=30):
    rng = np.random.default_rng(concepts)
    labels = (rng.random((n, concepts)) < 0.3).astype(np.uint8)
    labels[:, 0] |= ~labels.any(axis=1)
    tags = (rng.random((n, 50)) < 0.1).astype(np.uint8)
    tags[3] = 0
    return tags, labels, rng.integers(0, 256, (n, 3, 8, 8), dtype=np.uint8), rng.random((n, 6))


@pytest.mark.parametrize("write", [write_v7, write_v73])
@pytest.mark.parametrize(("concepts", "protocol"), [(21, "zhang2018"), (10, "liong2017")])
def test_dcmhs_files_of_either_number_of_concepts(tmp_path, write, concepts, protocol):
    folder = tmp_path / f"NUS-WIDE-TC{concepts}"
    folder.mkdir()
    tags, labels, images, features = arrays(concepts)
    stem = f"nus-wide-tc{concepts}"
    write(folder / f"{stem}-yall.mat", YAll=tags)
    write(folder / f"{stem}-lall.mat", LAll=labels)
    write(folder / f"{stem}-iall.mat", IAll=images.transpose(2, 3, 1, 0))
    write(folder / f"{stem}-xall-vgg.mat", XAll=features)
    assert nuswide.find(tmp_path) == folder
    for option, expected in (("pixels", images), ("vgg", features.astype(np.float32))):
        pairs = nuswide.read(folder, images=option, size=8, protocol=protocol, n_query=4, n_train=9)
        np.testing.assert_array_equal(pairs.images, expected)
        np.testing.assert_array_equal(pairs.texts.toarray(), tags)
        np.testing.assert_array_equal(pairs.labels, labels == 1)
        assert (len(pairs.query), len(pairs.train)) == (4, 9)
    files = load(
        "nuswide", tmp_path, images="none", protocol="files", n_query_per_concept=1, n_train=5
    )
    assert files.labels.shape[1] == concepts and len(files.query) == concepts
    lacking = "images='bof' in files of the layout dcmh .* for images='none' or 'vgg' or 'pixels'"
    lacking = lacking if concepts == 21 else "Concepts81.txt in"
    with pytest.raises(FileNotFoundError, match=f"nuswide has no {lacking}"):
        load("nuswide", tmp_path)
    with pytest.raises(ValueError, match=r"these files hold 30, 50 and"):
        load("nuswide", tmp_path, images="none", protocol=protocol)


def test_divided_files_of_nuswide(tmp_path):
    folder = tmp_path / "nuswide"
    folder.mkdir()
    tags, labels, _, features = arrays(21)
    parts = {"db": slice(0, 25), "te": slice(25, 30), "tr": [2, 20, 5]}
    write_v73(folder / "nus_cnn.mat", **divided(parts, T=tags, L=labels, I=features))
    pairs = load("nuswide", tmp_path, images="vgg", protocol="files")
    assert pairs.train.tolist() == [2, 5, 20] and pairs.query.tolist() == [25, 26, 27, 28, 29]
    np.testing.assert_array_equal(pairs.texts.toarray(), tags)
