"""Every kind of file that comes from outside: a good one, made small, and what reads it.

A family is a function of an empty folder that writes good files there and gives the reader, a
function that reads them all. The builders are those of the tests of each loader.
"""

import io
import json
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest import mock

import h5py
import numpy as np
import scipy.io
import torch
from safetensors.numpy import save_file
from scipy import sparse
from torch import nn

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS / room) for room in ("cases", "datasets", "io")]

import mat_cases  # noqa: E402
import nasty_labels  # noqa: E402
import nasty_pictures  # noqa: E402
import packed_cases  # noqa: E402
import test_cifar10  # noqa: E402
import test_flickr8k  # noqa: E402
import test_flipkart  # noqa: E402
import test_iaprtc12  # noqa: E402
import test_matfiles  # noqa: E402
import test_mirflickr25k  # noqa: E402
import test_mirflickr25k_layouts  # noqa: E402
import test_mirflickr25k_lists  # noqa: E402
import test_nuswide  # noqa: E402
import test_nuswide_cs2108  # noqa: E402
import test_nuswide_layouts  # noqa: E402
import test_uci_digits  # noqa: E402
import test_wiki  # noqa: E402
import user_folder  # noqa: E402

from mmhash_nb import hashers  # noqa: E402
from mmhash_nb.cli.models import Gallery, load_model, save_model  # noqa: E402
from mmhash_nb.codes import HashCodes, load_codes, save_codes  # noqa: E402
from mmhash_nb.datasets import cifar10_files, iaprtc12, load, mirflickr25k, nuswide, wiki  # noqa: E402
from mmhash_nb.datasets.decoding import read_picture  # noqa: E402
from mmhash_nb.datasets.preprocessing import Preprocessing  # noqa: E402
from mmhash_nb.experiments import records  # noqa: E402
from mmhash_nb.experiments.runs import read_record  # noqa: E402
from mmhash_nb.features import pretrained  # noqa: E402
from mmhash_nb.io.download import extract  # noqa: E402
from mmhash_nb.io.matfiles import read_mat, read_strings  # noqa: E402
from mmhash_nb.runner import headless, job_records, notebook_parameters  # noqa: E402
from mmhash_nb.runner import jobs as batch  # noqa: E402
from mmhash_nb.shards import open_shards, write_shards  # noqa: E402
from mmhash_nb.training import checkpoints  # noqa: E402

Read = Callable[[], object]


def _mat(version: str, folder: Path) -> Read:
    path = test_matfiles.write(folder / "a.mat", version)
    return lambda: read_mat(path, list(test_matfiles.ARRAYS))


def mat_sparse(folder: Path) -> Read:
    matrix = test_matfiles.NUMBERS.astype(float)
    scipy.io.savemat(folder / "a.mat", {"x": sparse.csc_matrix(matrix)}, do_compression=True)
    with h5py.File(folder / "b.mat", "w", userblock_size=512) as file:
        mat_cases.sparse_v73(file, matrix)
    return lambda: [read_mat(folder / name, ["x"])["x"] for name in ("a.mat", "b.mat")]


def mat_classes(folder: Path) -> Read:
    """Numbers of each class that MATLAB saves, in both generations."""
    for version in ("5", "7.3"):
        for kind in mat_cases.CLASSES:
            mat_cases.write_class(folder / f"{version}_{kind}.mat", "x", [[0, 1, 1]], kind, version)
    return lambda: [read_mat(path, ["x"])["x"] for path in sorted(folder.glob("*.mat"))]


def mat_texts(folder: Path) -> Read:
    """Texts in cells, in both generations, and rows of characters."""
    texts = ["im1.jpg", "im20.jpg", "Köln 日本"]
    mat_cases.write_v7(folder / "a.mat", x=texts)
    mat_cases.write_v73(folder / "b.mat", x=texts)
    scipy.io.savemat(folder / "c.mat", {"x": np.array(["one", "three", "two"])})
    return lambda: [read_strings(path, ["x"]) for path in sorted(folder.glob("*.mat"))]


def wiki_files(folder: Path) -> Read:
    test_wiki.write_wiki(folder)
    return lambda: wiki.read(folder)


def uci_digits_file(folder: Path) -> Read:
    test_uci_digits.write(folder)
    return lambda: load("uci_digits", folder)


def mirflickr25k_files(folder: Path) -> Read:
    test_mirflickr25k.write_mirflickr(folder)
    return lambda: mirflickr25k.read(folder, images="vgg", n_query=4, n_train=6)


def mirflickr25k_archives(folder: Path) -> Read:
    made, *_ = test_mirflickr25k_layouts.write_official(folder)
    return lambda: mirflickr25k.read(made, images="pixels", size=8, n_query=3, n_train=5)


def mirflickr25k_packed(folder: Path) -> Read:
    test_mirflickr25k_lists.write_lists(folder)
    photos = sorted((folder / "photos").iterdir())
    for suffix, some in ((".zip", photos[:7]), (".tar", photos[7:])):
        packed_cases.pack(folder / f"some{suffix}", {one.name: one.read_bytes() for one in some})
    shutil.rmtree(folder / "photos")
    return lambda: test_mirflickr25k_lists.read(folder)


def _mirflickr25k_layout(layout: str, folder: Path) -> Read:
    write = mat_cases.write_v7 if layout == "captions" else mat_cases.write_v73
    test_mirflickr25k_layouts.write_layout(folder, layout, write)
    small = {"n_query": 3, "n_train": 5}
    return lambda: mirflickr25k.read(folder, images="pixels", size=8, protocol="files", **small)


def nuswide_files(folder: Path) -> Read:
    made = test_nuswide.write_nuswide(folder)
    nuswide.check_published = lambda n: None  # a small set passes for the whole
    return lambda: nuswide.read(made, **test_nuswide.SMALL)


def nuswide_photos(folder: Path) -> Read:
    made = test_nuswide.write_nuswide(folder)
    test_nuswide_layouts.write_photos(made)
    nuswide.check_published = lambda n: None
    options = {"images": "pixels", "size": 8, "protocol": "liong2017", "n_query": 5}
    return lambda: nuswide.read(made, **options)


def nuswide_cs2108_files(folder: Path) -> Read:
    test_nuswide_cs2108.write_part(folder)
    return lambda: load("nuswide_cs2108", folder, **test_nuswide_cs2108.SMALL)


def iaprtc12_files(folder: Path) -> Read:
    made = test_iaprtc12.write_official(folder)
    return lambda: iaprtc12.read(made, images="pixels", size=8, n_query=2, n_train=3)


def iaprtc12_rand(folder: Path) -> Read:
    test_iaprtc12.write_rand(folder, mat_cases.write_v7)
    return lambda: iaprtc12.read(folder, images="vgg", n_query=2, n_train=3)


def flipkart_files(folder: Path) -> Read:
    test_flipkart.write_flipkart(folder, n=12)
    return lambda: load("flipkart", folder, size=8, n_query=3, labels="both")


def flickr8k_files(folder: Path) -> Read:
    test_flickr8k.write_flickr8k(folder)
    return lambda: load("flickr8k", folder, size=8, n_query=3)


def cifar10_zip(folder: Path) -> Read:
    pixels, classes = test_cifar10.random_set(20)
    path = folder / "cifar10_images.zip"
    test_cifar10.write_zip(path, test_cifar10.image_files(pixels, classes, 10))
    return lambda: cifar10_files.pixels_and_classes(path)


def cifar10_batches(folder: Path) -> Read:
    # The sums are those of the good batches: whatever is damaged must be refused by them.
    test_cifar10.write_batches(folder, *test_cifar10.random_set(12), mock.Mock(setattr=setattr))
    return lambda: cifar10_files.pixels_and_classes(folder)


def zip_archive(folder: Path) -> Read:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("one/a.txt", "b.txt"):
            archive.writestr(name, name * 40)
    return lambda: _unpacked(folder / "a.zip")


def tar_archive(folder: Path) -> Read:
    with tarfile.open(folder / "a.tar.gz", "w:gz") as archive:
        for name in ("one/a.txt", "b.txt"):
            entry = tarfile.TarInfo(name)
            entry.size = 400
            archive.addfile(entry, io.BytesIO(b"x" * 400))
    return lambda: _unpacked(folder / "a.tar.gz")


def _unpacked(archive: Path) -> dict[str, bytes]:
    """Unpack two levels down, and see that nothing appears above; what was unpacked."""
    inside = archive.parent / "deep" / "deeper"
    shutil.rmtree(inside, ignore_errors=True)
    inside.mkdir(parents=True)
    extract(archive, inside)
    found = {path.name for path in archive.parent.iterdir()} | {
        path.name for path in inside.parent.iterdir()
    }
    assert found == {archive.name, "deep", "deeper"}, f"{archive} wrote {found}"
    files = (path for path in inside.rglob("*") if path.is_file())
    return {path.relative_to(inside).as_posix(): path.read_bytes() for path in files}


def user_folder_files(folder: Path) -> Read:
    rows = user_folder.write_folder(folder / "user", n=18, split=True)
    for row, cell in zip(rows, nasty_labels.SAME["nothing of no width"], strict=False):
        row[2] = cell
    user_folder.write_table(folder / "user", rows)
    return lambda: load("folder", folder / "user", size=8)


def user_new_items(folder: Path) -> Read:
    rows = user_folder.write_folder(folder / "user", n=9)
    rows[0][1] = rows[1][0] = ""
    user_folder.write_table(folder / "user", rows, user_folder.HEADER[:3])
    given = {"size": 8, "vocabulary": ("βάρκα", "σκύλος"), "on_error": "skip"}

    def read() -> None:  # gives nothing to compare: items that are not read are left out
        for modality in ("image", "text", "both"):
            load("folder", folder / "user", modality=modality, **given)

    return read


def user_model(folder: Path) -> Read:
    method = hashers.create("scm", 8)
    rng = np.random.default_rng(0)
    method.state = {f"image.{i}": rng.normal(size=(4, 8)) for i in range(3)}
    save_model(folder / "model", method, Preprocessing(vocabulary=("βάρκα", "σκύλος")))
    return lambda: load_model(folder / "model")


def user_codes(folder: Path) -> Read:
    some = HashCodes.from_signs(np.random.default_rng(0).normal(size=(9, 20)))
    items = [(i + 2, f"photos/{i}.jpg", "ένας σκύλος") for i in range(9)]
    Gallery(some, "image", items, "0" * 64).save(folder / "user.npz")
    return lambda: Gallery.load(folder / "user.npz")


def codes(folder: Path) -> Read:
    rng = np.random.default_rng(0)
    some = {m: HashCodes.from_signs(rng.normal(size=(9, 20))) for m in ("image", "text")}
    save_codes(folder / "codes.npz", some)
    return lambda: load_codes(folder / "codes.npz")


def run_records(folder: Path) -> Read:
    lines = [
        f"wiki2,{method},wiki,official,image-text,{bits},0,mAP,0.{bits},1.5,cpu,693,13"
        for method in ("ssh", "mmnn_l2")
        for bits in (16, 32, 64)
    ]
    text = "\n".join([",".join([*records.COLUMNS, *records.COUNTS]), *lines])
    (folder / "wiki2_wiki.csv").write_text(text + "\n")
    return lambda: records.read("wiki2", folder)


def run_record(folder: Path) -> Read:
    made = {"metrics": {"image-text": {"mAP": 0.5}}, "evaluator": "0", "configuration": {"bits": 8}}
    (folder / "record.json").write_text(json.dumps(made))
    return lambda: read_record(folder)


def checkpoint(folder: Path) -> Read:
    torch.manual_seed(0)
    network = nn.Linear(6, 4)
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.ones(2, 6)).sum().backward()
    optimiser.step()
    checkpoints.save(folder / "c.safetensors", network, [optimiser], [1.0, 0.5])

    def read() -> object:
        other = nn.Linear(6, 4)
        before = other.weight.clone()
        optimisers = [torch.optim.Adam(other.parameters())]
        history = checkpoints.resume(folder / "c.safetensors", other, optimisers)
        assert history or torch.equal(other.weight, before), "another network, but not resumed"
        other(torch.ones(2, 6)).sum().backward()
        optimisers[0].step()  # what was resumed can be trained on
        return (history, other.weight.detach().numpy()) if history else None

    return read


def fitted_method(folder: Path) -> Read:
    method = hashers.create("mmnn_l2", 8)
    rng = np.random.default_rng(0)
    method.state = {f"image.{i}": rng.normal(size=(4, 8)).astype(np.float32) for i in range(3)}
    method.save(folder)
    return lambda: vars(hashers.load(folder))


def weights(folder: Path) -> Read:
    backbone = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    state = {key: value.numpy() for key, value in backbone.state_dict().items()}
    save_file(state, folder / "w.safetensors")

    def read() -> object:
        found = pretrained.read(folder / "w.safetensors", "small")
        pretrained.fill(backbone, "small", found, folder / "w.safetensors")
        return {key: value.numpy().copy() for key, value in backbone.state_dict().items()}

    return read


def cnn_f_weights(folder: Path) -> Read:
    rng = np.random.default_rng(0)
    layers = [
        {"name": "conv1", "weights": np.array([rng.random((2, 2, 3, 4)), rng.random((1, 4))], "O")},
        *({"name": f"norm{i}", "param": np.array([5, 2, 1e-4, 0.75])} for i in (1, 2)),
    ]
    wrapped = np.empty((1, len(layers)), dtype=object)
    for i, layer in enumerate(layers):
        wrapped[0, i] = layer
    mean = {"normalization": {"averageImage": rng.random((4, 4, 3))}}
    scipy.io.savemat(folder / "w.mat", {"layers": wrapped, "meta": mean})
    return lambda: pretrained.read(folder / "w.mat", "cnn_f")


def user_pictures(folder: Path) -> Read:
    for name, (data, *_) in nasty_pictures.FILES.items():
        (folder / name).write_bytes(data)

    def read() -> object:
        paths = sorted(folder.iterdir())
        return [np.asarray(read_picture(path.read_bytes(), path.name)) for path in paths]

    return read


def shards_in_files(folder: Path) -> Read:
    rng = np.random.default_rng(0)
    sizes = (5, 1, 9)
    codes = (HashCodes.from_signs(rng.normal(size=(n, 20))) for n in sizes)
    write_shards(folder, ((some, rng.random((len(some), 9)) < 0.3) for some in codes))
    return lambda: [(codes.bits.copy(), labels) for codes, labels in open_shards(folder)]


def _notebook(path: Path) -> Path:
    """A notebook with parameters and a cell of text."""
    cells = [("code", "bits = 16\nseeds: list[int] = [0]\n", ["parameters"]), ("markdown", "#", [])]
    made = [
        {"cell_type": kind, "source": source.splitlines(True), "metadata": {"tags": tags}}
        for kind, source, tags in (*cells, ("code", "print(bits)", []))
    ]
    path.write_text(json.dumps({"cells": made, "nbformat": 4}))
    return path


def batch_file(folder: Path) -> Read:
    notebook = _notebook(folder.parent / "n.ipynb")
    job = f"- notebooks: {notebook}\n  parameters: {{bits: 32}}\n  grid: {{seeds: [0, 1]}}\n"
    # As people write them: a text in place of a list, and numbers that YAML reads otherwise.
    other = job.replace("32", "'016'").replace("[0, 1]", "['0', 1e0, 1_2]")
    (folder / "batch.yaml").write_text(job + job.replace("32", "64") + other)
    return lambda: batch.from_file(folder / "batch.yaml", folder.parent / "out")


def job_record(folder: Path) -> Read:
    output = folder / "n.ipynb"
    job = batch.Job(_notebook(folder.parent / "n.ipynb"), {"bits": 32}, output, "n")
    job_records.end(job, 64 * "0", headless.Outcome("n", 1.5, ""))
    return lambda: job_records.read(job_records.record_path(job))


def notebook_cells(folder: Path) -> Read:
    path = _notebook(folder / "n.ipynb")
    return lambda: notebook_parameters.code_cells(path)


#: Each family with how many cases it has in a run: fewer where reading takes long.
CASES: dict[Callable[[Path], Read], int] = {
    **{
        **{mat_sparse: 60, mat_classes: 60, mat_texts: 60},
        cnn_f_weights: 60,
        wiki_files: 70,
        uci_digits_file: 50,
        mirflickr25k_files: 50,
    },
    **{nuswide_files: 16, nuswide_photos: 8, iaprtc12_files: 60, iaprtc12_rand: 40},
    **{mirflickr25k_archives: 50, mirflickr25k_packed: 50, nuswide_cs2108_files: 50},
    **{flipkart_files: 50, flickr8k_files: 50, cifar10_zip: 60, cifar10_batches: 30},
    **{zip_archive: 60, tar_archive: 60, codes: 70, run_records: 70, run_record: 40},
    **{checkpoint: 60, fitted_method: 60, weights: 50, user_pictures: 90},
    **{user_folder_files: 90, user_new_items: 60, user_model: 60, user_codes: 70},
    **{shards_in_files: 60, batch_file: 60, job_record: 60, notebook_cells: 60},
}
FAMILIES: dict[str, tuple[Callable[[Path], Read], int]] = {
    "mat_5": (partial(_mat, "5"), 90),
    "mat_5_compressed": (partial(_mat, "5z"), 60),
    "mat_7_3": (partial(_mat, "7.3"), 90),
    **{
        f"mirflickr25k_{layout}": (partial(_mirflickr25k_layout, layout), count)
        for layout, count in {"one_file": 60, "raw": 50, "lists": 60, "captions": 60}.items()
    },
    **{family.__name__: (family, count) for family, count in CASES.items()},
}
#: families whose format has a checksum over the content of all that is read
EXACT = (
    *("mat_5_compressed", "cifar10_zip", "cifar10_batches"),
    *("zip_archive", "tar_archive", "codes", "checkpoint"),
)
