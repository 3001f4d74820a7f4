"""Files in zip and tar archives, each read without the archive being unpacked.

On clusters datasets of many small files stay packed. A tar archive must not be compressed: one file
of it could only be read after all that stand before it.
"""

import re
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mmhash_nb.io.download import DAMAGE

#: the endings of archives that are looked into
SUFFIXES = (".zip", ".tar")
#: bytes of one file, so that no archive unpacks without end
_MOST_BYTES = 50_000_000


@dataclass(frozen=True)
class PackedFile:
    """A file in an archive; `name`, `str` and `read_bytes` are as of a `Path`.

    Args:
        archive: that holds it.
        inside: its name there, with its folders.
        size: in bytes, unpacked.
    """

    archive: Path
    inside: str
    size: int
    _read: Callable[[], bytes] = field(repr=False, compare=False)

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders down to it and its name; the archive is a folder without its ending."""
        return (*self.archive.with_suffix("").parts, *re.split(r"[\\/]", self.inside))

    @property
    def name(self) -> str:
        """The last part of its name."""
        return self.parts[-1]

    def __str__(self) -> str:
        return f"{self.inside} in {self.archive}"

    def read_bytes(self) -> bytes:
        """What it holds.

        Raises:
            ValueError: it is damaged, encrypted or larger than 50 MB.
        """
        if self.size > _MOST_BYTES:
            raise ValueError(
                f"{self} has {self.size:,} bytes unpacked, over {_MOST_BYTES:,}: take it out."
            )
        try:
            data = self._read()
        except (*DAMAGE, OSError) as error:
            raise ValueError(
                f"{self} cannot be read ({_reason(error)}): get the archive again."
            ) from None
        if len(data) != self.size:
            raise ValueError(f"{self} ends too early: get the archive again.")
        return data


#: a file that lies in a folder or in an archive
AnyFile = Path | PackedFile


def identities(files: Sequence[AnyFile]) -> list[tuple[str, str]]:
    """Of each file its full name, and text that changes when the file or its archive does."""
    # An archive of thousands of files is looked at once.
    lies_in = [file if isinstance(file, Path) else file.archive for file in files]
    known = {path: (str(path.resolve()), path.stat()) for path in dict.fromkeys(lies_in)}
    found = []
    for file, path in zip(files, lies_in, strict=True):
        name, stat = known[path]
        name = name if isinstance(file, Path) else f"{name}|{file.inside}"
        found.append((name, f"{name}|{stat.st_size}|{stat.st_mtime_ns}"))
    return found


def files(archive: Path) -> list[PackedFile]:
    """The files in an archive, in its order, without links and without what is hidden.

    Raises:
        ValueError: it is damaged or no such archive.
    """
    kind = archive.suffix.lower()[1:]
    try:
        found = _of_zip(archive) if kind == "zip" else _of_tar(archive)
    except (*DAMAGE, OSError) as error:
        raise ValueError(
            f"{archive} is no whole {kind} archive ({_reason(error)}): get it again."
        ) from None
    return [file for file in found if not any(map(_hidden, re.split(r"[\\/]", file.inside)))]


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def _hidden(part: str) -> bool:
    return part.startswith(".") and part not in (".", "..")


def _of_zip(path: Path) -> list[PackedFile]:
    archive = zipfile.ZipFile(path)  # its files read from it, in several threads too
    return [
        PackedFile(path, info.filename, info.file_size, partial(archive.read, info))
        for info in archive.infolist()
        if not info.is_dir()
    ]


def _of_tar(path: Path) -> list[PackedFile]:
    def read(offset: int, size: int) -> bytes:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    with tarfile.open(path, "r:") as archive:
        members = [one for one in archive if one.isreg() and not one.issparse()]
    return [
        PackedFile(path, one.name, one.size, partial(read, one.offset_data, one.size))
        for one in members
    ]
