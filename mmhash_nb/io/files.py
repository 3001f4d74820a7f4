"""Files written whole or not at all, or in parts that a later call goes on with."""

import csv
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_GOES_ON = "free space on the disk and call again, it goes on where it stopped"
_LONGEST = (1 << 31) - 1  # the largest C long of Windows
FULL = "the disk is full: free some space and run the same command again."


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path beside `path` to write to; rename it to `path` only if the block succeeds.

    A full disk, an exception or a kill leaves the previous `path` as it was. The yielded name
    ends as `path` does, since NumPy and Matplotlib choose a format by its suffix.

    Raises:
        OSError: the disk cannot sync or rename, as a network's may not; names `path`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".{path.stem}-", suffix=f".part{path.suffix}", dir=path.parent
    )
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        with _kept(path), open(aside, "r+b") as written:  # Windows syncs what may be written alone
            _sync(written)
        # mkstemp makes files private; a result is as readable as any other new file.
        umask = os.umask(0)
        os.umask(umask)
        with suppress(OSError):  # of a disk without permissions, such as a network's
            aside.chmod(0o666 & ~umask)
        with _kept(path):
            os.replace(aside, path)
    finally:
        with suppress(OSError):  # of a disk that is gone, which would hide the cause
            aside.unlink(missing_ok=True)


def _sync(file: BinaryIO) -> None:
    """Wait until a file is on the disk, where the file system can tell."""
    try:
        os.fsync(file.fileno())
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise


@contextmanager
def _kept(path: Path) -> Iterator[None]:
    """Say in errors of the disk that the previous file stays, and name it, as `disk_errors`."""
    try:
        yield
    except OSError as error:
        reason = (
            f"a file cannot be written ({error.strerror}) and is as it was before: "
            "run the same command again, or write to a disk of this machine"
        )
        raise OSError(error.errno, reason, str(path.absolute())) from None


@contextmanager
def disk_errors(what: str, file: BinaryIO) -> Iterator[None]:
    """Say in errors of writing `what` to a file that nothing is lost, and name the file.

    The name tells a disk that fails, where another attempt is in vain, from a network that does.
    """
    try:
        yield
    except OSError as error:
        reason = f"{what} cannot be written ({error.strerror}): {_GOES_ON}"
        raise OSError(error.errno, reason, str(file.name)) from None


@contextmanager
def any_length() -> Iterator[None]:
    """Let fields of CSV files have any length: Python's limit, 131,072 characters, is global."""
    former = csv.field_size_limit(_LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(former)


def write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    """Write all of `data` to a file without a buffer, which may take a part of it at a time."""
    left = memoryview(data).cast("B")
    while left:
        left = left[file.write(left) :]
