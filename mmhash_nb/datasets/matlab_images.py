"""Images in MATLAB files, read block by block into the store: a file may hold 30 GB of them."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from mmhash_nb.datasets import store
from mmhash_nb.io.matfiles import check_stored, read_first, unreadable, written_by_matlab

#: how the axes may lie as MATLAB shows them: image, channel, row, column
_AXES = ("hwcn", "nhwc", "nchw")
#: the longest side of an image in pixels
_MOST_SIDE = 1_024
_VERSION = 1


@dataclass(frozen=True)
class Section:
    """One array of images in a file.

    Args:
        path: of the file; variables: by which the array is known, the likeliest first.
        n: images it must hold.
    """

    path: Path
    variables: tuple[str, ...]
    n: int


def stored(sections: Sequence[Section], size: int) -> np.memmap:
    """The images of all sections, `uint8 [N, 3, size, size]`, mapped as `store.filled` does.

    The axes may lie as rows x columns x 3 x images, images x rows x columns x 3 or images x 3 x
    rows x columns. In an HDF5 file that MATLAB wrote they are reversed; one without MATLAB's mark
    was written by Python, and is taken as it lies. Images of another size are scaled as photos are.

    Raises:
        ValueError: a file is damaged, or an array has other axes or values than images have.
        OSError: the disk has no room for the array, or cannot take it.
    """
    readers = [_reader(section) for section in sections]
    ends = np.cumsum([section.n for section in sections])
    name, stamp = f"mat {_VERSION}", hashlib.sha256()
    for section in sections:
        stat = section.path.stat()
        name += f"\n{section.path.resolve()}|{'|'.join(section.variables)}|{section.n}"
        stamp.update(f"{stat.st_size}|{stat.st_mtime_ns}\n".encode())

    def read(start: int, stop: int) -> np.ndarray:
        blocks = []
        for reader, end, section in zip(readers, ends, sections, strict=True):
            first = end - section.n
            a, b = max(start, first) - first, min(stop, end) - first
            if a < b:
                blocks.append(_scaled(_bytes(reader(a, b), section), size))
        return np.concatenate(blocks)

    n = int(ends[-1])
    stamps = [stamp.digest()[:16]] * -(-n // store.BLOCK)
    return store.filled(name, stamps, (n, 3, size, size), read)


def rows(section: Section) -> Iterator[bytes]:
    """The bytes of each image as it lies in the file, to tell images apart by."""
    reader = _reader(section)
    for start in range(0, section.n, store.BLOCK):
        for image in reader(start, min(section.n, start + store.BLOCK)):
            yield image.tobytes()


def _reader(section: Section) -> Callable[[int, int], np.ndarray]:
    """What gives the images from one index up to another, `[n, 3, rows, columns]`."""
    if not h5py.is_hdf5(section.path):
        name, array = read_first(section.path, section.variables)
        order = _order(array.shape, section, name)
        images = array.transpose([order.index(axis) for axis in "nchw"])
        return lambda start, stop: images[start:stop]

    def read(start: int, stop: int) -> np.ndarray:
        try:
            with h5py.File(section.path, "r") as file:
                name = next((name for name in section.variables if name in file), "")
                if not name:
                    raise _OtherError(f"{section.path} has no variable {section.variables[0]!r}.")
                dataset = file[name]
                check_stored(dataset)
                by_matlab = written_by_matlab(file, dataset)
                shape = dataset.shape[::-1] if by_matlab else dataset.shape
                order = _order(shape, section, name)
                lies = order[::-1] if by_matlab else order
                at = tuple(slice(start, stop) if axis == "n" else slice(None) for axis in lies)
                return dataset[at].transpose([lies.index(axis) for axis in "nchw"])
        except _OtherError as error:
            raise ValueError(str(error)) from None
        except Exception as error:
            raise unreadable(section.path, error) from None

    return read


class _OtherError(ValueError):
    """A sound file holds something else than images."""


def _order(shape: tuple[int, ...], section: Section, name: str) -> str:
    """In which order the axes lie."""
    for order in _AXES:
        sides = dict(zip(order, shape, strict=False))
        right = len(shape) == 4 and sides["n"] == section.n and sides["c"] == 3
        if right and 0 < min(sides["h"], sides["w"]) <= max(sides["h"], sides["w"]) <= _MOST_SIDE:
            return order
    found = " x ".join(str(side) for side in shape)
    raise _OtherError(
        f"{name} in {section.path} is {found}, but must hold {section.n} images, as "
        f"rows x columns x 3 x {section.n} or {section.n} x rows x columns x 3: get it again from "
        "the source of the labels."
    )


def _bytes(block: np.ndarray, section: Section) -> np.ndarray:
    """Pixel values of any type as `uint8`."""
    if block.dtype == np.uint8:
        return block
    whole = block.dtype.kind in "uif" and np.isfinite(block).all()
    if not whole or ((block < 0) | (block > 255) | (block != np.floor(block))).any():
        raise ValueError(
            f"{' or '.join(section.variables)} in {section.path} holds values other than whole "
            "numbers from 0 to 255: these are no pixels, so "
            "get the file that has them, or load features."
        )
    return block.astype(np.uint8)


def _scaled(block: np.ndarray, size: int) -> np.ndarray:
    if block.shape[2:] == (size, size):
        return block
    images = (Image.fromarray(np.ascontiguousarray(one.transpose(1, 2, 0))) for one in block)
    square = ((size, size), Image.Resampling.BILINEAR)
    return np.stack([np.asarray(image.resize(*square)).transpose(2, 0, 1) for image in images])
