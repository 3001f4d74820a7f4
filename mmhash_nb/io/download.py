"""Files from the network, checked by their sums, and archives unpacked safely.

Why this is not left to a library: a transfer of gigabytes goes on where it broke, in another
process too. And an archive that would leave its folder, holds links or would fill the disk is
refused before it is unpacked.
"""

import errno
import hashlib
import http.client
import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from mmhash_nb.io.files import disk_errors, locked, write_all
from mmhash_nb.io.output import progress_bar

_BLOCK = 1 << 20
_ATTEMPTS = 4
#: What reading a damaged archive raises, beside an OSError of a seek to nowhere: also an unknown
#: version, an unknown compression, and a mark of encryption.
DAMAGE = (
    *(zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, struct.error),
    *(NotImplementedError, RuntimeError, UnicodeDecodeError, OverflowError),
)


def digest_of(path: str | os.PathLike[str], algorithm: str) -> str:
    """The `sha256` or `md5` sum of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def fetch(
    url: str,
    path: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    md5: str | None = None,
    timeout: float = 30.0,
) -> Path:
    """Download `url` to `path`; a transfer that breaks goes on where it stopped.

    What has come so far lies beside `path` as `NAME.part`, also across calls. It takes the name
    `path` once it is whole and its checksum agrees; until then a previous `path` stays as it was.
    Of several processes one downloads and the others wait for it, by the lock `.NAME.lock`.

    Args:
        url: an http or https address.
        path: the file to write. A copy already there whose checksum agrees (or any copy, where no
            checksum is given) is left alone.
        sha256, md5: the expected checksum, hexadecimal, or its first digits.
        timeout: seconds without an answer after which an attempt is given up.

    Raises:
        ConnectionError: no network, or the server does not have the file.
        OSError: the disk cannot take it; another call goes on from what it took.
        ValueError: the download's checksum differs; it is deleted.
    """
    path = Path(path)
    algorithm, expected = ("sha256", sha256) if sha256 else ("md5", md5)

    def there() -> bool:
        return path.is_file() and (not expected or digest_of(path, algorithm).startswith(expected))

    if there():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.with_name(f".{path.name}.lock")):
        if not there():  # or another process got it meanwhile
            _fetch(url, path, algorithm, expected, timeout)
    return path


def _fetch(url: str, path: Path, algorithm: str, expected: str | None, timeout: float) -> None:
    """Transfer, check and name the file; no other process may do so meanwhile."""
    part = path.with_name(path.name + ".part")
    for attempt in range(_ATTEMPTS):
        try:
            _transfer(url, part, timeout)
            break
        except (OSError, http.client.HTTPException) as error:
            missing = isinstance(error, urllib.error.HTTPError) and 400 <= error.code < 500
            disk = isinstance(error, OSError) and error.filename is not None and not missing
            if disk and not isinstance(error, urllib.error.URLError):
                raise
            if missing or attempt == _ATTEMPTS - 1:
                begun = not missing and part.is_file()
                raise ConnectionError(
                    f"could not download {url} ({_reason(error)}): "
                    f"{'the same call goes on where it stopped, or ' if begun else ''}"
                    f"get it by hand and put it at {path}."
                ) from None
    if expected and not (found := digest_of(part, algorithm)).startswith(expected):
        part.unlink()
        raise ValueError(
            f"the download of {url} has {algorithm} {found} instead of {expected} and was not "
            f"taken: try again, or put a good copy at {path}."
        )
    os.replace(part, path)


def _transfer(url: str, part: Path, timeout: float) -> None:
    """Append the rest of `url` to `part`; raise where the connection ends before the file does."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "mmhash-nb"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise
        # Nothing lies beyond what we have: the file is whole, or longer than the server's.
        if error.headers.get("Content-Range") == f"bytes */{have}":
            return
        part.unlink()
        raise http.client.HTTPException("the partial file was not the server's") from None
    with response:
        starts_at = re.match(rf"bytes {have}-", response.headers.get("Content-Range") or "")
        if response.status != 206 or not starts_at:
            have = 0  # the server sends the whole file
        length = response.headers.get("Content-Length")
        total = have + int(length) if length else None
        with (
            # Unbuffered: a block that the disk refused must not be written again by closing.
            open(part, "ab" if have else "wb", buffering=0) as file,
            progress_bar(
                desc=part.stem, total=total, initial=have, unit="B", unit_scale=True, disable=None
            ) as bar,
        ):
            while block := response.read(_BLOCK):
                with disk_errors("the download", file):
                    write_all(file, block)
                bar.update(len(block))
            with disk_errors("the download", file):
                os.fsync(file.fileno())
    if total is not None and (got := part.stat().st_size) < total:
        raise http.client.HTTPException(f"the connection ended after {got} of {total} bytes")


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    return str(error.reason if isinstance(error, urllib.error.URLError) else error)


def check_members(archive: str | os.PathLike[str], names: Iterable[str]) -> None:
    """Refuse an archive when one of its member names would leave the folder it is unpacked in."""
    for name in names:
        parts = re.split(r"[\\/]", name)
        if ".." in parts or parts[0] == "" or re.match(r"[A-Za-z]:", name):
            raise ValueError(
                f"{archive} holds {name!r}, a path that leaves its folder: it is not unpacked."
            )


def extract(archive: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Path:
    """Unpack a zip or tar archive into `folder`, after all of its members were checked.

    Raises:
        ValueError: the archive is damaged; or a member would leave the folder or is a link or
            device, or all of them take more than is free on the disk, and nothing is written.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                infos = zipped.infolist()
                _refuse_bombs(archive, (info.file_size for info in infos), Path(folder))
                check_members(archive, (info.filename for info in infos))
                links = [i.filename for i in infos if stat.S_ISLNK(i.external_attr >> 16)]
                _refuse_links(archive, links)
                zipped.extractall(folder)
        else:
            with tarfile.open(archive) as tarred:
                # While its headers are read: a bomb would take hours to be read to its end.
                _refuse_bombs(archive, (member.size for member in tarred), Path(folder))
                members = tarred.getmembers()
                while tarred.fileobj and tarred.fileobj.read(_BLOCK):
                    pass  # the checksum of what is compressed stands behind its end
                check_members(archive, (member.name for member in members))
                _refuse_links(archive, [m.name for m in members if not (m.isfile() or m.isdir())])
                tarred.extractall(folder, filter="data")
    except (*DAMAGE, OSError) as error:
        # A disk that cannot take what is unpacked is no fault of the archive.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"{archive} is damaged or is no zip or tar archive ({reason}).") from None
    return Path(folder)


def _refuse_bombs(archive: str | os.PathLike[str], sizes: Iterable[int], folder: Path) -> None:
    """Stop at the first member with which those so far are larger than what is free on the disk.

    Both kinds of archive write no more of a member than the size that they state for it.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free, total = shutil.disk_usage(there).free, 0
    for size in sizes:
        total += size
        if total > free:
            raise ValueError(
                f"{archive} unpacks to {total / 1e9:,.1f} GB or more, but {folder} has "
                f"{free / 1e9:,.1f} GB free: make room, or get the archive again."
            )


def _refuse_links(archive: str | os.PathLike[str], links: list[str]) -> None:
    if links:
        raise ValueError(f"{archive} holds {links[0]!r}, which is a link or device: not unpacked.")
