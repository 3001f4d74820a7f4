"""CIFAR-10's pixels from any packaging: official python batches, image folder, archive of one."""

import hashlib
import io
import os
import pickle
import re
import tarfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmhash_nb.datasets.about import about
from mmhash_nb.datasets.colours import rgb
from mmhash_nb.datasets.decoding import opened
from mmhash_nb.io.archives import Archive
from mmhash_nb.io.cache import cached_array
from mmhash_nb.io.download import check_members, digest_of
from mmhash_nb.io.finding import files_below
from mmhash_nb.io.packed import SUFFIXES, AnyFile, PackedFile
from mmhash_nb.io.packed import files as files_in

BATCHES = "cifar-10-batches-py"
_ABOUT = about("cifar10")
PAGE, CLASSES = _ABOUT["page"], tuple(_ABOUT["classes"])
ARCHIVES = [Archive(**row) for row in _ABOUT["archives"]]
URL, ARCHIVE = ARCHIVES[0].url, ARCHIVES[0].holds
ARCHIVE_MD5: str = _ABOUT["archives"][0]["md5"]
#: in the official order: five batches of training images, one of test images
BATCH_MD5 = _ABOUT["md5"]
SPLITS = ("train", "test")
SIDE = 32
#: of one re-packaged image: of this size none has more, so that no archive unpacks without end
_MOST_BYTES = 1 << 20


def find(root: Path) -> Path | None:
    """The best packaging under `root`, `root/cifar10` or a sub-folder of `root` named `cifar…`.

    Official batches come before re-packaged images.
    """
    if not root.is_dir():
        return None
    named = [p for p in sorted(root.iterdir()) if p.is_dir() and p.name.lower().startswith("cifar")]
    folders = sorted([root, *named], key=lambda p: p.name != "cifar10")
    of_kinds = zip(*(_packagings(folder) for folder in folders), strict=True)
    return next((path for kind in of_kinds for path in kind if path is not None), None)


def _packagings(folder: Path) -> list[Path | None]:
    """What a folder holds: batches, their archive, images, images in one; the best first."""
    batches = [one for one in (folder, folder / BATCHES) if (one / "data_batch_1").is_file()]
    archive = folder / ARCHIVE
    # `train/` and `test/` alone say little: another dataset may have them too.
    whole_set = all((folder / split / name).is_dir() for split in SPLITS for name in CLASSES)
    packed = (p for p in sorted(folder.iterdir()) if _is_packed(p))
    return [
        next(iter(batches), None),
        archive if archive.is_file() else None,
        folder if whole_set else None,
        next(packed, None),
    ]


def _is_packed(path: Path) -> bool:
    return path.name.lower().startswith("cifar") and path.suffix.lower() in SUFFIXES


def is_official(path: Path) -> bool:
    """Whether what `find` gave holds the official batches, and not re-packaged images."""
    return path.name == ARCHIVE or (path / "data_batch_1").is_file()


def pixels_and_classes(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels `uint8 [N, 3, 32, 32]` and classes `int64 [N]` (0..9), training images first.

    They are decoded once; then the pixels are memory-mapped from the cache folder `cifar10`.

    Raises:
        FileNotFoundError: one of the official batches is missing.
        ValueError: a wrong MD5 (nothing is unpickled then), a damaged archive, an archive with
            paths that leave its folder, or an image that does not decode.
    """
    files = [path] if path.is_file() else sorted(files_below(path))
    flat = cached_array("cifar10", [str(path), *files], partial(_flat, path), mapped=True)
    n = len(flat) // (3 * SIDE * SIDE + 1)
    return flat[:-n].reshape(n, 3, SIDE, SIDE), flat[-n:].astype(np.int64)


def _flat(path: Path) -> np.ndarray:
    """All pixels, then all classes: one array, so that the two are always of one source."""
    if is_official(path):
        pixels, classes = _from_batches(path)
    else:
        pixels, classes = _from_images(path, _files_of(path))
    return np.concatenate([pixels.ravel(), classes.astype(np.uint8)])


def _from_batches(path: Path) -> tuple[np.ndarray, np.ndarray]:
    if path.is_dir():
        missing = [name for name in BATCH_MD5 if not (path / name).is_file()]
        if missing:
            raise FileNotFoundError(
                f"{path} lacks {missing[0]}: get {ARCHIVE} from {PAGE} and unpack it again."
            )
        contents = {name: (path / name).read_bytes() for name in BATCH_MD5}
    else:
        _check_md5(path, digest_of(path, "md5"), ARCHIVE_MD5)
        with tarfile.open(path) as archive:
            check_members(path, archive.getnames())
            members = {name: archive.extractfile(f"{BATCHES}/{name}") for name in BATCH_MD5}
            contents = {name: file.read() for name, file in members.items() if file is not None}
    # All sums are checked before the first byte is unpickled.
    for name, data in contents.items():
        _check_md5(path / name, hashlib.md5(data).hexdigest(), BATCH_MD5[name])
    batches = [_NumpyOnly(io.BytesIO(data), encoding="latin1").load() for data in contents.values()]
    pixels = np.concatenate([b["data"].reshape(-1, 3, SIDE, SIDE) for b in batches])
    return pixels, np.concatenate([np.array(b["labels"], dtype=np.int64) for b in batches])


def _check_md5(path: Path, found: str, expected: str) -> None:
    if found != expected:
        raise ValueError(
            f"{path} has MD5 {found} instead of CIFAR-10's {expected}: it is a pickle, so it is "
            "not loaded; get it again from the official page."
        )


class _NumpyOnly(pickle.Unpickler):
    """An unpickler that can make arrays and built-in values, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        # `numpy.core` became `numpy._core` in NumPy 2; the function is the one arrays reduce to.
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return np.empty(0).__reduce__()[0]
        raise pickle.UnpicklingError(f"a CIFAR-10 batch holds arrays only, not {module}.{name}.")


def _files_of(path: Path) -> dict[str, AnyFile]:
    """All files in a folder or archive by their names there."""
    if path.is_dir():
        files = [p for split in SPLITS for p in files_below(path / split)]
        return {file.relative_to(path).as_posix(): file for file in files}
    packed = {file.inside: file for file in files_in(path)}
    check_members(path, packed)
    return dict(packed)


def _from_images(path: Path, files: dict[str, AnyFile]) -> tuple[np.ndarray, np.ndarray]:
    order = sorted(image for name in files if (image := _image(path, name)) is not None)
    if not order:
        raise ValueError(f"{path} holds no images train/CLASS/NUMBER.jpg or test/CLASS/NUMBER.jpg.")
    pixels = np.empty((len(order), 3, SIDE, SIDE), dtype=np.uint8)
    for i, (_, _, _, name) in enumerate(order):
        label = f"image {name} in {path}"
        with opened(_bytes(files[name], label), label) as picture:
            wide, high = picture.size
            if (wide, high) == (SIDE, SIDE):  # others are refused before their pixels take memory
                pixels[i] = np.asarray(rgb(picture)).transpose(2, 0, 1)  # [3, 32, 32]
        if (wide, high) != (SIDE, SIDE):
            raise ValueError(f"{label} is {wide} x {high} pixels; CIFAR-10's are {SIDE} x {SIDE}.")
    return pixels, np.array([label for _, _, label, _ in order], dtype=np.int64)


def _bytes(file: AnyFile, label: str) -> bytes:
    if isinstance(file, PackedFile) and file.size > _MOST_BYTES:
        raise ValueError(
            f"{label} does not decode (it has {file.size:,} bytes unpacked): get it again."
        )
    return file.read_bytes()


def _image(path: Path, name: str) -> tuple[int, int, int, str] | None:
    """Split, number, class and name of an image: sorted, they give the official order."""
    *_, split, label, file = ("", "", *name.split("/"))
    stem, suffix = os.path.splitext(file)
    is_image = suffix.lower() in (".jpg", ".jpeg", ".png") and not stem.startswith(".")
    if split not in SPLITS or not is_image:
        return None
    if label not in CLASSES:
        raise ValueError(f"{path} holds {name}, but {label!r} is no class of CIFAR-10.")
    number = re.search(r"\d+", stem)
    if number is None:
        raise ValueError(f"{path} holds {name}, whose name has no number to order it by.")
    return SPLITS.index(split), int(number[0]), CLASSES.index(label), name
