"""Photos decoded once: `uint8 [N, 3, S, S]` in the cache folder, memory-mapped, made in blocks.

`io.cached_array` computes an array whole. NUS-WIDE's photos take 30 GB and an hour, so they are
decoded on all cores, written block by block, and gone on with after a kill or a full disk.
"""

import hashlib
import os
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from mmhash_nb.datasets.decoding import stretched
from mmhash_nb.io.cache import cache_folder, cache_key, read_array
from mmhash_nb.io.files import disk_errors, locked, write_all
from mmhash_nb.io.output import progress_bar
from mmhash_nb.io.packed import AnyFile, identities

#: images that are decoded, written and marked as done together
BLOCK = 128
_MARK = 16
_WHAT = "the decoded images"

#: gives one image of a file and a size, `uint8 [3, size, size]`
Decode = Callable[[Any, int], np.ndarray]
#: gives the images from the first index up to the second, `uint8 [n, 3, size, size]`
Read = Callable[[int, int], np.ndarray]


def decoded(
    paths: Sequence[AnyFile], size: int, *, by: Decode = stretched, name: str | None = None
) -> np.memmap:
    """Photos scaled to squares, `uint8 [N, 3, size, size]`, mapped from the cache folder `images`.

    The first call decodes them on all cores, with a progress bar. When it is stopped, killed, or
    ends at a photo that cannot be read, the next call goes on with what was done. Later calls open
    the file alone, until the paths, lengths or times of the photos change, or the code that
    decodes. The array can be written to, but what is written stays in memory.

    Args:
        paths: N image files, in archives too; size: side in pixels.
        by: which function of `decoding` scales them.
        name: what the images are, as for `filled`; their paths by default.

    Raises:
        ValueError: `size` is below 1, or a file is no whole image (names the file).
        OSError: the disk has no room for the array, or cannot take it.
    """
    if size < 1:
        raise ValueError(f"size must be at least 1 pixel, but is {size}.")
    code = cache_key([by.__name__], by)
    known = identities(paths)
    of_file = [f"{state}\n" for _, state in known]
    of_block = ["".join(of_file[i : i + BLOCK]) for i in range(0, len(paths), BLOCK)]
    stamps = [hashlib.sha256(os.fsencode(code + one)).digest()[:_MARK] for one in of_block]

    def read(start: int, stop: int) -> np.ndarray:
        return np.stack([by(path, size) for path in paths[start:stop]])

    # Arrays of one name replace each other, so that the way of decoding is a part of it.
    name = f"{by.__name__}\n{name or chr(10).join(one for one, _ in known)}"
    return filled(name, stamps, (len(paths), 3, size, size), read)


def filled(
    name: str, stamps: Sequence[bytes], shape: tuple[int, int, int, int], read: Read
) -> np.memmap:
    """An array of images from the cache, made in blocks where it is not there yet.

    Of several processes that want the same array one makes it, and the others wait.

    Args:
        name: what the images are. An unfinished array is gone on with under the same name. A whole
            one of the same size, but other images, gives way to the new one.
        stamps: for each block of `BLOCK` images 16 bytes that change when its sources do. A block
            that was made from others is made again.
        shape: `[N, 3, size, size]`.
        read: called from several threads, once for each block that is not there.

    Raises:
        OSError: the disk has no room for the array, or cannot take it; and what `read` raises. The
            blocks that were done stay.
    """
    folder = cache_folder("images")
    key = hashlib.sha256(os.fsencode(f"{name}{shape[1:]}"))
    begun = folder / key.hexdigest()[:32]
    key.update(b"".join([str(shape[0]).encode(), *stamps]))
    path = folder / f"{begun.name}-{key.hexdigest()[:32]}.npy"
    array = _mapped(path, shape)
    if array is None:
        with locked(begun.with_suffix(".lock")):
            array = _mapped(path, shape)
            if array is None:
                _fill(path, begun, stamps, shape, read)
                array = _mapped(path, shape)
    assert array is not None
    return array


def _mapped(path: Path, shape: tuple[int, ...]) -> np.memmap | None:
    """The array of a file, unless that is absent or holds another."""
    array = read_array(path, mapped=True)
    if isinstance(array, np.memmap) and array.shape == shape and array.dtype == np.uint8:
        return array
    return None


def _fill(
    path: Path, begun: Path, stamps: Sequence[bytes], shape: tuple[int, int, int, int], read: Read
) -> None:
    """Write the blocks that are missing; give the file its name once it is whole."""
    part, marks = begun.with_suffix(".part"), begun.with_suffix(".marks")
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
        with disk_errors(_WHAT, file):
            file.truncate(first + n * each)
        marker.truncate(len(stamps) * _MARK)
        waiting: deque[tuple[int, Future[np.ndarray]]] = deque()
        workers = os.cpu_count() or 1
        with (
            ThreadPoolExecutor(workers) as pool,
            progress_bar(desc="images", total=n, initial=n - images, unit="image") as bar,
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
    os.replace(part, path)
    marks.unlink()
    for former in path.parent.glob(f"{begun.name}-*.npy"):
        if former != path:
            with suppress(OSError):  # in use, on systems that do not remove such files
                former.unlink()


def _opened(path: Path) -> BinaryIO:
    """A file to read and write, made where it is not there."""
    path.touch()
    return path.open("r+b", buffering=0)


def _write(file: BinaryIO, at: int, data: bytes | memoryview) -> None:
    """Put `data` at an offset of the file, and onto the disk."""
    with disk_errors(_WHAT, file):
        file.seek(at)
        write_all(file, data)
        os.fsync(file.fileno())


def _check_room(folder: Path, needed: int, n: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OSError(
            f"{n:,} images need {needed / 1e9:.1f} GB more in {folder}, where {free / 1e9:.1f} GB "
            "are free: set MMHASH_CACHE to a folder on a larger disk, or load a smaller size."
        )
