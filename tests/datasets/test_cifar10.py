import hashlib
import inspect
import io
import os
import pickle
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mmhash_nb.datasets import cifar10, cifar10_files, load
from mmhash_nb.datasets.cifar10_files import BATCH_MD5, CLASSES, find, pixels_and_classes
from mmhash_nb.features.gist import gist
from mmhash_nb.features.hog import hog, hog_colour

DATA = os.environ.get("MMHASH_DATA")
HAS_CIFAR = DATA is not None and find(Path(DATA)) is not None


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "cifar10"


@pytest.fixture
def small(monkeypatch):
    """Small sets pass for the whole; the check of the counts has a test of its own."""
    monkeypatch.setattr(cifar10, "check_published", lambda classes: None)


def random_set(n, seed=0):
    rng = np.random.default_rng(seed)
    classes = np.arange(n) % 10
    rng.shuffle(classes)
    return rng.integers(0, 256, (n, 3, 32, 32)).astype(np.uint8), classes


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(file, format="PNG")
    return file.getvalue()


def image_files(pixels, classes, n_train):
    """Names and bytes as re-packagings have them, in an order that is not the official one."""
    files = {}
    for i in reversed(range(len(pixels))):
        split, number = ("train", i) if i < n_train else ("test", i - n_train)
        files[f"{split}/{CLASSES[classes[i]]}/{number}.png"] = png(pixels[i])
    return files


def write_folder(folder, files):
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def write_zip(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_batches(folder, pixels, classes, monkeypatch):
    """Six batches in the official format, whose sums are made the known ones."""
    folder.mkdir(parents=True, exist_ok=True)
    per_batch = len(pixels) // 6
    sums = {}
    for i, name in enumerate(BATCH_MD5):
        part = slice(i * per_batch, (i + 1) * per_batch)
        batch = {
            "batch_label": name,
            "labels": [int(c) for c in classes[part]],
            "data": pixels[part].reshape(per_batch, 3072),
            "filenames": ["x.png"] * per_batch,
        }
        (folder / name).write_bytes(pickle.dumps(batch, protocol=4))
        sums[name] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    monkeypatch.setattr(cifar10_files, "BATCH_MD5", sums)


def write_archive(path, folder, monkeypatch):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, cifar10_files.BATCHES)
    monkeypatch.setattr(cifar10_files, "ARCHIVE_MD5", hashlib.md5(path.read_bytes()).hexdigest())


PLACES = [".", "cifar10", "CIFAR-10", "cifar10_jpeg"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("packaging", ["folder", "zip", "batches", "archive"])
def test_every_packaging_is_found_and_gives_the_official_order(
    tmp_path, monkeypatch, packaging, place
):
    pixels, classes = random_set(60)
    root = tmp_path / "root"
    folder = root / place
    files = image_files(pixels, classes, 50)
    if packaging == "folder":
        # Every class has a folder in both splits, though it may be empty.
        for split in ("train", "test"):
            for name in CLASSES:
                (folder / split / name).mkdir(parents=True)
        write_folder(folder, files)
    elif packaging == "zip":
        write_zip(folder / "cifar10_images.zip", {f"CIFAR-master/{n}": d for n, d in files.items()})
    elif packaging == "batches":
        write_batches(folder / cifar10_files.BATCHES, pixels, classes, monkeypatch)
    else:
        write_batches(tmp_path / "made", pixels, classes, monkeypatch)
        write_archive(folder / cifar10_files.ARCHIVE, tmp_path / "made", monkeypatch)
    found, labels = pixels_and_classes(find(root))
    np.testing.assert_array_equal(found, pixels)
    np.testing.assert_array_equal(labels, classes)
    assert cifar10_files.is_official(find(root)) == (packaging in ("batches", "archive"))


def test_official_batches_come_before_repackaged_images(tmp_path, monkeypatch):
    pixels, classes = random_set(60)
    write_zip(tmp_path / "root/cifar10/cifar.zip", image_files(pixels, classes, 50))
    write_batches(tmp_path / "root" / cifar10_files.BATCHES, pixels, classes, monkeypatch)
    assert find(tmp_path / "root").name == cifar10_files.BATCHES


def test_other_data_is_not_taken_for_cifar(tmp_path):
    write_folder(tmp_path, {"train/dog/0.png": b"", "test/dog/0.png": b"", "flowers.zip": b""})
    assert find(tmp_path) is None and find(tmp_path / "nowhere") is None


def test_pixels_are_memory_mapped_and_decoded_once(tmp_path, monkeypatch, cache):
    pixels, classes = random_set(20)
    path = write_zip(tmp_path / "cifar.zip", image_files(pixels, classes, 10))
    first, _ = pixels_and_classes(path)
    assert isinstance(first, np.memmap)
    monkeypatch.setattr(cifar10_files, "_from_images", lambda *args: pytest.fail("decoded again"))
    second, labels = pixels_and_classes(path)
    np.testing.assert_array_equal(second, pixels)
    np.testing.assert_array_equal(labels, classes)
    assert len(list(cache.glob("*.npy"))) == 1


def test_a_changed_source_is_decoded_anew(tmp_path):
    for seed in (0, 1):
        pixels, classes = random_set(20, seed)
        path = write_zip(tmp_path / "cifar.zip", image_files(pixels, classes, 10))
        os.utime(path, ns=(seed, seed))
        np.testing.assert_array_equal(pixels_and_classes(path)[0], pixels)


@pytest.mark.parametrize("name", ["data_batch_4", "test_batch"])
def test_a_missing_batch_is_named_with_where_to_get_it(tmp_path, monkeypatch, name):
    folder = tmp_path / cifar10_files.BATCHES
    write_batches(folder, *random_set(60), monkeypatch)
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        load("cifar10", tmp_path)
    assert f"{folder} lacks {name}: get {cifar10_files.ARCHIVE} from {cifar10_files.PAGE}" in str(
        caught.value
    )


class Trace:
    """Unpickled, it leaves a file: what a malicious batch would do and worse."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_batch_with_a_wrong_md5_is_never_unpickled(tmp_path, monkeypatch):
    write_batches(tmp_path / "root" / cifar10_files.BATCHES, *random_set(60), monkeypatch)
    trace = tmp_path / "trace"
    bad = tmp_path / "root" / cifar10_files.BATCHES / "data_batch_4"
    bad.write_bytes(pickle.dumps(Trace(trace)))
    pickle.loads(bad.read_bytes()).close()
    assert trace.exists()  # the pickle does bite
    trace.unlink()
    unpickled = []
    monkeypatch.setattr(cifar10_files._NumpyOnly, "load", lambda self: unpickled.append(self))
    with pytest.raises(ValueError, match=r"data_batch_4 has MD5 .* so it is not loaded"):
        load("cifar10", tmp_path / "root")
    assert not trace.exists() and not unpickled


def test_an_archive_with_a_wrong_md5_is_never_unpickled(tmp_path, monkeypatch):
    write_batches(tmp_path / "made", *random_set(60), monkeypatch)
    trace = tmp_path / "trace"
    (tmp_path / "made" / "data_batch_1").write_bytes(pickle.dumps(Trace(trace)))
    path = tmp_path / "root" / cifar10_files.ARCHIVE
    write_archive(path, tmp_path / "made", monkeypatch)
    monkeypatch.setattr(cifar10_files, "ARCHIVE_MD5", cifar10.ARCHIVE_MD5)
    with pytest.raises(ValueError, match=r"cifar-10-python\.tar\.gz has MD5"):
        load("cifar10", tmp_path / "root")
    assert not trace.exists()


def test_even_with_the_right_md5_nothing_but_arrays_is_unpickled(tmp_path, monkeypatch):
    folder = tmp_path / "root" / cifar10_files.BATCHES
    write_batches(folder, *random_set(60), monkeypatch)
    trace = tmp_path / "trace"
    (folder / "test_batch").write_bytes(pickle.dumps(Trace(trace)))
    md5 = hashlib.md5((folder / "test_batch").read_bytes()).hexdigest()
    monkeypatch.setitem(cifar10_files.BATCH_MD5, "test_batch", md5)
    with pytest.raises(pickle.UnpicklingError, match="holds arrays only, not "):
        pixels_and_classes(folder)
    assert not trace.exists()


def test_the_official_pickles_of_python_2_are_read():
    # Opcodes as Python 2 wrote them: numpy.core, byte strings as keys and as the array's buffer.
    data = (
        b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\n"
        b"q\x04K\x00\x85U\x01b\x87Rq\x05(K\x01K\x01K\x03\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01"
        b"\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x03\x00\x80\xfftb"
        b"U\x06labelsq\x08]q\x09K\x06au."
    )
    batch = cifar10_files._NumpyOnly(io.BytesIO(data), encoding="latin1").load()
    assert batch["data"].tolist() == [[0, 128, 255]] and batch["labels"] == [6]


def test_the_known_sums_are_the_published_ones():
    datasets = pytest.importorskip("torchvision.datasets").CIFAR10
    known = [tuple(pair) for pair in datasets.train_list + datasets.test_list]
    assert list(BATCH_MD5.items()) == known
    assert datasets.tgz_md5 == cifar10.ARCHIVE_MD5
    assert datasets.url == cifar10.URL


@pytest.mark.parametrize("bad", ["../escaped/1.png", "train/../../cat/1.png", "/train/cat/1.png"])
def test_a_zip_whose_paths_leave_the_folder_is_refused(tmp_path, bad):
    files = image_files(*random_set(20), 10) | {bad: b"x"}
    path = write_zip(tmp_path / "cifar.zip", files)
    with pytest.raises(ValueError, match="a path that leaves its folder"):
        pixels_and_classes(path)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("train/cat/90.png", b"no image", r"image train/cat/90\.png in .* is no picture"),
        ("train/cat/90.png", png(np.ones((3, 32, 32), np.uint8))[:60], "is no whole picture"),
        ("test/cat/90.png", png(np.ones((3, 16, 32), np.uint8)), "is 32 x 16 pixels"),
        ("train/kitten/90.png", b"", "'kitten' is no class of CIFAR-10"),
        ("train/cat/last.png", b"", "no number to order it by"),
    ],
)
def test_an_image_that_cannot_be_used_is_named(tmp_path, name, data, message):
    path = write_zip(tmp_path / "cifar.zip", image_files(*random_set(20), 10) | {name: data})
    with pytest.raises(ValueError, match=message):
        pixels_and_classes(path)


def test_files_that_are_no_images_are_passed_over(tmp_path):
    pixels, classes = random_set(20)
    passed_over = ("train/cat/._3.jpg", "train/cat/Thumbs.db", "README", "x/cat/1.png")
    extra = dict.fromkeys(passed_over, b"")
    path = write_zip(tmp_path / "cifar.zip", image_files(pixels, classes, 10) | extra)
    np.testing.assert_array_equal(pixels_and_classes(path)[0], pixels)


def test_a_zip_without_images_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"holds no images train/CLASS/NUMBER\.jpg"):
        pixels_and_classes(write_zip(tmp_path / "cifar.zip", {"README": b""}))


FIXTURE = HealthCheck.function_scoped_fixture  # each example overwrites the files of the last


@settings(max_examples=40, suppress_health_check=[FIXTURE])
@given(fraction=st.floats(0, 1, exclude_max=True))
def test_a_truncated_zip_gives_a_clear_error(tmp_path, fraction):
    pixels, classes = random_set(20)
    path = write_zip(tmp_path / "cifar.zip", image_files(pixels, classes, 10))
    data = path.read_bytes()
    path.write_bytes(data[: int(fraction * len(data))])
    with pytest.raises(ValueError, match=r"cifar\.zip is no whole zip archive"):
        pixels_and_classes(path)


def test_the_published_counts_are_checked():
    classes = np.repeat(np.arange(10), 6000)
    cifar10.check_published(classes)
    with pytest.raises(ValueError, match="hold 5999 of class truck"):
        cifar10.check_published(classes[:-1])
    classes[0] = 1
    with pytest.raises(ValueError, match="hold 5999 of class airplane"):
        cifar10.check_published(classes)


def test_a_small_set_is_refused_under_the_official_name(tmp_path):
    write_zip(tmp_path / "root/cifar.zip", image_files(*random_set(60), 50))
    with pytest.raises(ValueError, match="6000 images of each class"):
        load("cifar10", tmp_path / "root")


@pytest.mark.parametrize(
    ("images", "names"),
    [
        *[("gist", ("GIST", "HOG")), ("pixels", ("image", "HOG")), ("hog", ("HOG", "HOG"))],
        ("hog_colour", ("HOG_colour", "HOG")),
    ],
)
def test_pairs_hold_the_two_views(tmp_path, small, images, names):
    pixels, classes = random_set(60)
    write_zip(tmp_path / "root/cifar10.zip", image_files(pixels, classes, 50))
    pairs = load(
        "cifar10", tmp_path / "root", images=images, n_query_per_class=1, n_train_per_class=2
    )
    view = {"gist": gist, "hog": hog, "hog_colour": hog_colour, "pixels": lambda x: x}
    np.testing.assert_array_equal(pairs.images, view[images](pixels))
    np.testing.assert_array_equal(pairs.texts, hog(pixels))
    np.testing.assert_array_equal(pairs.thumbnails, pixels)
    np.testing.assert_array_equal(pairs.labels.argmax(axis=1), classes)
    assert pairs.labels.sum() == 60 and tuple(pairs.label_names) == CLASSES
    assert (len(pairs.query), len(pairs.database), len(pairs.train)) == (10, 50, 20)
    colour = "_colour" if images == "hog_colour" else ""
    assert pairs.modality_names == names and pairs.name == "cifar10" + colour
    assert pairs.source == "cifar10.zip, images re-packaged"


def test_the_defaults_are_the_papers_views_and_split():
    parameters = inspect.signature(cifar10.load).parameters
    assert {name: p.default for name, p in parameters.items() if name != "root"} == {
        **{"images": "gist", "texts": "hog", "split_seed": 0},
        **{"n_train_per_class": 200, "n_query_per_class": 100, "download": False},
    }


def test_download_fetches_the_official_archive(tmp_path, monkeypatch, small):
    pixels, classes = random_set(60)
    write_batches(tmp_path / "made", pixels, classes, monkeypatch)
    write_archive(tmp_path / "made.tar.gz", tmp_path / "made", monkeypatch)
    requests = []

    def fetch(url, path, *, md5):
        requests.append((url, md5))
        path.parent.mkdir(parents=True)
        return Path(shutil.copy(tmp_path / "made.tar.gz", path))

    monkeypatch.setattr(cifar10, "fetch", fetch)
    options = {"n_query_per_class": 1, "n_train_per_class": 1, "download": True}
    for _ in range(2):
        pairs = load("cifar10", tmp_path / "root", **options)
        np.testing.assert_array_equal(pairs.thumbnails, pixels)
        assert pairs.source == "cifar-10-python.tar.gz, official (MD5 checked)"
    assert requests == [(cifar10.URL, "c58f30108f718f92721af3b95e74349a")]


@pytest.mark.slow
@pytest.mark.skipif(not HAS_CIFAR, reason="MMHASH_DATA holds no CIFAR-10")
def test_the_real_set_has_the_official_counts_and_order():
    pixels, classes = pixels_and_classes(find(Path(DATA)))
    assert pixels.shape == (60000, 3, 32, 32)
    cifar10.check_published(classes)
    assert (np.bincount(classes[:50000]) == 5000).all()
    # The first labels of data_batch_1 and of test_batch.
    assert classes[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert classes[50000:50010].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    # The first pixel of the first image is (59, 62, 63); JPEG moves it a little.
    assert np.abs(pixels[0, :, 0, 0].astype(int) - [59, 62, 63]).max() < 30
    query, database, train = cifar10.split(classes, 100, 200, 0)
    assert (len(query), len(database), len(train)) == (1000, 59000, 2000)
