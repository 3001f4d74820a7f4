"""Wikipedia: 2,866 featured articles as 128 visual words (SIFT) and 10 topics (LDA), 10 classes."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from mmhash_nb.datasets import about
from mmhash_nb.datasets.about import wrong
from mmhash_nb.io.archives import unpacked
from mmhash_nb.io.download import digest_of
from mmhash_nb.io.files import locked
from mmhash_nb.io.matfiles import read_mat, stacked
from mmhash_nb.pairs import Pairs

_ABOUT = about.about("wiki")
URL, SHA256, FILES = _ABOUT["url"], _ABOUT["sha256"], _ABOUT["files"]

N_TRAIN, N_QUERY, N_CLASSES = 2173, 693, 10

find = partial(about.find, "wiki")


def contents(root: Path) -> dict[str, tuple[int, int]]:
    """How many files are there, and how many are needed."""
    return {"files": (len(FILES) - len(about.lacking("wiki", root)), len(FILES))}


def fetch_all(root: Path) -> None:
    """Fetch the official archive where files are missing; errors as of `unpacked`.

    The four files are taken once all four checksums agree.
    """
    if find(root) is not None:
        return
    with unpacked(URL, root / "wiki") as aside:
        found = {path.name: path for path in aside.rglob("*") if path.name in SHA256}
        for name, expected in SHA256.items():
            if name not in found or digest_of(found[name], "sha256") != expected:
                raise ValueError(
                    f"{name} in the archive from {URL} is missing or differs from the recorded "
                    f"checksum, so nothing was unpacked: put a good copy into {root / 'wiki'}."
                )
        for name, path in found.items():
            os.replace(path, root / "wiki" / name)


def load(root: str | os.PathLike[str], *, download: bool = False) -> Pairs:
    """The Wikipedia set of Rasiwasia et al. (ACM Multimedia 2010), split as published.

    693 queries; the other 2,173 are both training set and database (masci2014, Table 1).

    Args:
        root: the folder that holds `wiki/`.
        download: fetch the official archive where the files are missing.

    Raises:
        FileNotFoundError: the files are missing.
        ValueError: a file is not what it should be, or the counts are not the published ones.
    """
    root = Path(root)
    if download and find(root) is None:
        root.mkdir(parents=True, exist_ok=True)
        with locked(root / ".wiki.lock"):
            fetch_all(root)  # unless another process got them meanwhile
    pairs = read(about.required("wiki", root, download=True))
    check_published(pairs)
    return pairs


def read(folder: Path) -> Pairs:
    """The four files of `folder` as pairs, whatever their number.

    Raises:
        ValueError: the rows of the features and of the lists differ in number, a list has a line
            that cannot be read, or a file is damaged.
    """
    names = _text(folder / "categories.list").split()
    if not names:
        raise ValueError(f"{folder / 'categories.list'} names no category.")
    arrays = read_mat(folder / "raw_features.mat", ("I_tr", "T_tr", "I_te", "T_te"))
    classes = []
    for split, part in (("train", "tr"), ("test", "te")):
        path = folder / f"{split}set_txt_img_cat.list"
        classes.append(_classes(path, len(names)))
        for variable in (f"I_{part}", f"T_{part}"):
            shape = arrays[variable].shape
            if len(shape) != 2 or shape[0] != len(classes[-1]):
                raise ValueError(
                    f"{variable} in {folder / 'raw_features.mat'} has {shape[0]} rows but "
                    f"{path.name} has {len(classes[-1])} lines: they must align."
                )
    n_train, n = len(classes[0]), len(classes[0]) + len(classes[1])
    labels = np.zeros((n, len(names)), dtype=np.bool_)
    labels[np.arange(n), np.concatenate(classes) - 1] = True
    images, texts = (stacked(arrays, view, folder / "raw_features.mat") for view in "IT")
    return Pairs(
        images=images.astype(np.float32),
        texts=texts.astype(np.float32),
        labels=labels,
        label_names=names,
        query=np.arange(n_train, n),
        database=np.arange(n_train),
        train=np.arange(n_train),
        vocabulary=[f"topic {i}" for i in range(1, texts.shape[1] + 1)],
        name="wiki",
        source=_source(folder),
    )


def check_published(pairs: Pairs) -> None:
    """Refuse anything but 2,173 training samples, 693 queries and 10 classes."""
    found = (len(pairs.train), len(pairs.query), pairs.labels.shape[1])
    if found != (N_TRAIN, N_QUERY, N_CLASSES):
        raise ValueError(
            f"wiki has {N_TRAIN} training samples, {N_QUERY} queries and {N_CLASSES} classes, but "
            f"these files hold {found[0]}, {found[1]} and {found[2]}: get them again from "
            f"{_ABOUT['page']}."
        )


def _classes(path: Path, n_classes: int) -> np.ndarray:
    """The class of each line of a list, `int64 [n]`, counted from 1."""
    classes = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        fields = line.split("\t")
        if len(fields) != 3:
            raise wrong(path, number, line, "text id, image id and class, tab separated")
        label = fields[2].strip()
        if not label.isdecimal() or not 1 <= int(label) <= n_classes:
            raise ValueError(
                f"line {number} of {path} has class {label!r}, but classes run from 1 to "
                f"{n_classes}."
            )
        classes.append(int(label))
    return np.array(classes, dtype=np.int64)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text in UTF-8 ({error}): get it again.") from None


def _source(folder: Path) -> str:
    for name, expected in SHA256.items():
        if digest_of(folder / name, "sha256") != expected:
            return f"{name} differs from the recorded checksum"
    return "official files (SHA-256 recorded)"
