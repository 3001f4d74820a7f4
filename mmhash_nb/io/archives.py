"""Archives of datasets: their addresses as data, fetched and unpacked whole or not at all."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mmhash_nb.io.download import extract, fetch
from mmhash_nb.io.finding import locate


@dataclass(frozen=True)
class Archive:
    """An archive that has a stable address.

    Args:
        url: of a zip or tar file; folder: what it is unpacked into, in the dataset's folder.
        holds: one of its files or folders; where that lies in the dataset's folder already, at
            most two levels down, the archive is not fetched.
        size: in bytes, where it is known.
        md5: its sum, where one is published.
    """

    url: str
    folder: str
    holds: str
    size: int | None = None
    md5: str | None = None


def get(archives: Sequence[Archive], folder: Path) -> None:
    """Put what the archives hold into `folder`; what is there already is left alone.

    A transfer that breaks goes on where it stopped, at the next call too. The archive is deleted
    once it is unpacked.

    Raises:
        ConnectionError: no network, or the server does not have the file.
        OSError: the disk cannot take it, or a folder of the archive's name holds something else.
        ValueError: a sum differs, or an archive is damaged; nothing of it stays.
    """
    for archive in archives:
        if locate(folder, archive.holds) is not None:
            continue
        target = folder / archive.folder
        if target.exists():
            raise FileExistsError(
                f"{target} is there but holds no {archive.holds}: move it away, so that the "
                "archive can be unpacked."
            )
        with unpacked(archive.url, folder, archive.md5) as found:
            if locate(found, archive.holds) is None:
                raise ValueError(
                    f"the archive from {archive.url} holds no {archive.holds} and was not "
                    f"unpacked: get it by hand and unpack it in {folder}."
                )
            os.replace(found, target)


@contextmanager
def unpacked(url: str, folder: Path, md5: str | None = None) -> Iterator[Path]:
    """All that an archive holds, in a folder that goes with the block; errors as of `get`.

    The archive is fetched into `folder`, and deleted with the block, unless the disk is at fault.
    """
    path = fetch(url, folder / url.rsplit("/", 1)[-1], md5=md5)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacked-") as aside:
            yield extract(path, Path(aside) / "all")
    except ValueError:
        path.unlink()  # a bad archive must not pass for a good one next time
        raise
    path.unlink()
