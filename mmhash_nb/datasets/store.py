"""Photos decoded once: `uint8 [N, 3, S, S]` in the cache folder, memory-mapped, made in blocks."""

import hashlib
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock
from PIL import Image
from tqdm.auto import tqdm

from mmhash_nb.datasets.photos import MOST_SIDE
from mmhash_nb.io.cache import cache_folder

#: images that are decoded, written and marked as done together
BLOCK = 128
#: to be raised when `decode` changes what it gives
_VERSION = 1
_MARK = 16

#: gives one image of a file and a size, `uint8 [3, size, size]`
Decode = Callable[[Path, int], np.ndarray]
#: gives the images from the first index up to the second, `uint8 [n, 3, size, size]`
Read = Callable[[int, int], np.ndarray]


def decoded(
    paths: Sequence[Path], size: int, *, by: Decode | None = None, name: str | None = None
) -> np.memmap:
    """Photos scaled to squares, `uint8 [N, 3, size, size]`, mapped from the cache folder `images`.

    The first call decodes them on all cores, with a progress bar; when it is stopped, killed, or
    ends at a photo that cannot be read, the next call goes on with what was done. Later calls open
    the file alone, as long as the paths, lengths and times of the photos stay the same. The array
    can be written to, but what is written stays in memory.

    Args:
        paths: N image files.
        size: side in pixels.
        by: decodes in another way than `decode`; needs a name.
        name: what the images are, as for `filled`; their paths by default.

    Raises:
        ValueError: `size` is below 1, or a file is no whole image (names the file).
        OSError: the disk has no room for the array, or cannot take it.
    """
    if size < 1:
        raise ValueError(f"size must be at least 1 pixel, but is {size}.")
    resolved = [str(path.resolve()) for path in paths]
    stamps = []
    for start in range(0, len(paths), BLOCK):
        stamp = hashlib.sha256()
        for i in range(start, min(start + BLOCK, len(paths))):
            stat = paths[i].stat()
            stamp.update(f"{resolved[i]}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
        stamps.append(stamp.digest()[:_MARK])
    if name is None:
        name = "\n".join(resolved)

    def read(start: int, stop: int) -> np.ndarray:
        return np.stack([(by or decode)(path, size) for path in paths[start:stop]])

    return filled(f"{_VERSION}\n{name}", stamps, (len(paths), 3, size, size), read)


def decode(path: Path, size: int) -> np.ndarray:
    """One photo scaled to a square, `uint8 [3, size, size]`.

    Its sides are scaled each for itself, so that all of the photo is seen, by Pillow's bilinear
    filter, which smooths where it shrinks. A JPEG of at least twice the size is decoded at a half,
    quarter or eighth of its own, which is far faster and all but the same.

    Raises:
        ValueError: the file is no whole image (names the file).
    """
    try:
        with Image.open(path) as opened:
            if max(opened.size) > MOST_SIDE:
                raise ValueError(f"a side has {max(opened.size):,} pixels, over {MOST_SIDE:,}")
            # A part of the size is rounded up; the box says where in it the photo ends.
            _, box = opened.draft("RGB", (size, size)) or ("", None)
            photo = opened.convert("RGB").resize((size, size), Image.Resampling.BILINEAR, box)
    except Exception as error:
        # Pillow raises OSError, SyntaxError, ValueError, DecompressionBombError, ...
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"{path} is no whole image ({reason}): get it again.") from None
    return np.asarray(photo).transpose(2, 0, 1)


def filled(
    name: str, stamps: Sequence[bytes], shape: tuple[int, int, int, int], read: Read
) -> np.memmap:
    """An array of images that is kept in the cache, made in blocks where it is not there yet.

    Of several processes that want the same array one makes it, and the others wait.

    Args:
        name: what the images are; an unfinished array is gone on with under the same name, and a
            finished one of the same size, but other images, gives way to the new one.
        stamps: for each block of `BLOCK` images 16 bytes that change when its sources do. A block
            that was made from others is made again.
        shape: `[N, 3, size, size]`.
        read: called from several threads, once for each block that is not there.

    Raises:
        OSError: the disk has no room for the array, or cannot take it; and what `read` raises. The
            blocks that were done are kept.
    """
    folder = cache_folder("images")
    key = hashlib.sha256(f"{name}{shape[1:]}".encode())
    unfinished = folder / key.hexdigest()[:32]
    key.update(b"".join([str(shape[0]).encode(), *stamps]))
    kept = folder / f"{unfinished.name}-{key.hexdigest()[:32]}.npy"
    array = _mapped(kept, shape)
    if array is None:
        with FileLock(unfinished.with_suffix(".lock")):
            array = _mapped(kept, shape)
            if array is None:
                _fill(kept, unfinished, stamps, shape, read)
                array = _mapped(kept, shape)
    assert array is not None
    return array


def _mapped(path: Path, shape: tuple[int, ...]) -> np.memmap | None:
    """The array of a file, unless that is absent or holds another."""
    try:
        # Copy on write: PyTorch warns of arrays that cannot be written to.
        array = np.load(path, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return array if array.shape == shape and array.dtype == np.uint8 else None


def _fill(
    kept: Path,
    unfinished: Path,
    stamps: Sequence[bytes],
    shape: tuple[int, int, int, int],
    read: Read,
) -> None:
    """Write the blocks that are missing; give the file its name once it is whole."""
    part, marks = unfinished.with_suffix(".part"), unfinished.with_suffix(".marks")
    n, each = shape[0], int(np.prod(shape[1:]))
    with _opened(part) as file, _opened(marks) as marker:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": shape}
        )
        first = file.tell()
        if part.stat().st_size != first + n * each:
            marker.truncate(0)  # what lies there is another array
        done = marker.read()
        spans = [(start, min(n, start + BLOCK)) for start in range(0, n, BLOCK)]
        todo = deque(i for i, s in enumerate(stamps) if done[i * _MARK :][:_MARK] != s)
        images = sum(spans[i][1] - spans[i][0] for i in todo)
        _check_room(part.parent, images * each, n)
        with _disk_errors(file):
            file.truncate(first + n * each)
        marker.truncate(len(stamps) * _MARK)
        waiting: deque[tuple[int, Future[np.ndarray]]] = deque()
        workers = os.cpu_count() or 1
        with (
            ThreadPoolExecutor(workers) as pool,
            tqdm(desc="images", total=n, initial=n - images, unit="image", delay=3.0) as bar,
        ):
            try:
                while todo or waiting:
                    # A few blocks ahead: what is read faster than written must not fill the memory.
                    while todo and len(waiting) < workers + 2:
                        i = todo.popleft()
                        waiting.append((i, pool.submit(read, *spans[i])))
                    i, future = waiting.popleft()
                    block = np.ascontiguousarray(future.result())
                    # On the disk before it is marked: what is marked is not made again.
                    _write(file, first + spans[i][0] * each, block.data)
                    _write(marker, i * _MARK, stamps[i])
                    bar.update(len(block))
            finally:
                for _, future in waiting:
                    future.cancel()
    os.replace(part, kept)
    marks.unlink()
    for former in kept.parent.glob(f"{unfinished.name}-*.npy"):
        if former != kept:
            with suppress(OSError):  # in use, on systems that do not remove such files
                former.unlink()


def _opened(path: Path) -> BinaryIO:
    """A file to read and write, made where it is not there."""
    path.touch()
    return path.open("r+b", buffering=0)


def _write(file: BinaryIO, at: int, data: bytes | memoryview) -> None:
    """Put `data` at a place of the file, and onto the disk."""
    with _disk_errors(file):
        file.seek(at)
        left = memoryview(data).cast("B")
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())


@contextmanager
def _disk_errors(file: BinaryIO) -> Iterator[None]:
    """Say in errors of writing that nothing is lost."""
    try:
        yield
    except OSError as error:
        raise OSError(
            error.errno,
            f"the decoded images cannot be written ({error.strerror}): free space on the disk and "
            "call again, it goes on where it stopped",
            file.name,
        ) from None


def _check_room(folder: Path, needed: int, n: int) -> None:
    """Refuse to begin what the disk cannot hold."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(
            f"{n:,} images need {needed / 1e9:.1f} GB more in {folder}, where {free / 1e9:.1f} GB "
            "are free: set MMHASH_CACHE to a folder on a larger disk, or load a smaller size."
        )
