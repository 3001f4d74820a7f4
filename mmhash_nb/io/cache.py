"""The one cache of arrays that can be computed again, and its one rule for when one is stale."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from mmhash_nb.io.files import locked, whole
from mmhash_nb.io.imports import closure, code_hash, module_file, read_loaded
from mmhash_nb.io.project import runs_folder, variable, writable, written_folder

#: what a cached array may depend on
Part = str | int | float | bool | None | np.ndarray | Path | Sequence["Part"] | Mapping[str, "Part"]


def cache_folder(name: str) -> Path:
    """The folder `name` of the cache, for what can be computed again.

    The cache is `$MMHASH_CACHE`, else `mmhash_nb/` of the user's cache folder (`$XDG_CACHE_HOME`,
    else `~/.cache`). Where there is no home, or none that can be written, it is `runs/cache`.

    Raises:
        OSError: the folder cannot be written; names it.
    """
    by = "the variable MMHASH_CACHE"
    if (base := written_folder("MMHASH_CACHE")) is not None:
        return writable(base / name, by)
    with suppress(PermissionError, RuntimeError):  # of a user without a home
        users = variable("XDG_CACHE_HOME")  # a relative one does not count, by its specification
        base = Path(users) if os.path.isabs(users) else Path.home() / ".cache"
        return writable(base / "mmhash_nb" / name, by)
    return writable(runs_folder() / "cache" / name, by)


def cached_array(
    folder: str,
    key: Sequence[Part],
    compute: Callable[[], np.ndarray],
    *,
    mapped: bool = False,
    cached: bool = True,
) -> np.ndarray:
    """The array of `compute`, from the cache where it was computed before.

    It is stale, and computed again, where anything in `key` changes or the code that `compute` can
    execute: its module's and that of all modules it imports. A file that is damaged counts as none.
    Of several processes that want the same array one computes it, and the others wait.

    Args:
        folder: of the cache, by what its arrays are: `maps`.
        key: what the array depends on. Of a NumPy array its shape, dtype and bytes count, of a
            `Path` its full name, size and time of change; sequences and mappings may be nested.
        compute: a function, or a `partial` of one.
        mapped: give the array as a file mapped into memory, not read; what is written to it stays
            in memory (copy on write).
        cached: False computes, and neither reads nor writes files.

    Raises:
        FileNotFoundError: a path in `key` is not there.
        TypeError: a part of `key` is of another type.
        OSError: the disk cannot take the array.
    """
    if not cached:
        return compute()
    path = cache_folder(folder) / f"{cache_key(key, compute)}.npy"
    array = read_array(path, mapped)
    if array is None:
        with locked(path.with_suffix(".lock")):
            array = read_array(path, mapped)
            if array is None:
                array = compute()
                with whole(path) as aside:
                    np.save(aside, array, allow_pickle=False)
                array = read_array(path, mapped) if mapped else array
    assert array is not None
    return array


def cache_key(key: Sequence[Part], compute: Callable[..., object]) -> str:
    """SHA-256 over `key` and over the code that `compute` can execute, in hexadecimal digits."""
    read_loaded()
    digest = hashlib.sha256()
    _update(digest, key)
    function = compute.func if isinstance(compute, partial) else compute
    file = module_file(function.__module__)
    if file is None:
        raise ValueError(f"{function} is of no source file, so that a change of it is not seen.")
    digest.update(code_hash(closure([file])).encode())
    return digest.hexdigest()


def _update(digest: "hashlib._Hash", part: Part) -> None:
    """Add a part of a key, with its type and length: no two keys give the same bytes."""
    if isinstance(part, np.ndarray) and not part.dtype.hasobject:
        digest.update(f"array {part.dtype.str} {part.shape}\n".encode())
        digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
    elif isinstance(part, Path):
        stat = part.stat()
        _update(digest, ["path", str(part.resolve()), stat.st_size, stat.st_mtime_ns])
    elif isinstance(part, Mapping):
        digest.update(b"mapping\n")
        _update(digest, [list(item) for item in part.items()])
    elif isinstance(part, Sequence) and not isinstance(part, str | bytes):
        digest.update(f"sequence {len(part)}\n".encode())
        for one in part:
            _update(digest, one)
    elif part is not None and not isinstance(part, str | int | float):
        raise TypeError(f"a key has no part such as {part!r}: give text, numbers or arrays.")
    else:
        text = repr(part)
        digest.update(f"{type(part).__name__} {len(text)} {text}\n".encode())


def read_array(path: Path, mapped: bool) -> np.ndarray | None:
    """The array of a file; None where it is absent or not whole."""
    try:
        # Copy on write: PyTorch warns of arrays that cannot be written to.
        return np.load(path, mmap_mode="c" if mapped else None, allow_pickle=False)
    except Exception:  # a damaged header can raise anything
        return None
