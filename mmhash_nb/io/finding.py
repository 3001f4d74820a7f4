"""Where files lie under a folder, however an archive was unpacked."""

import fnmatch
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path

_PHOTOS = frozenset((".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp"))


def named(root: Path, *names: str) -> list[Path]:
    """The sub-folders of `root` of one of the names, whatever their case, with `-`, `_`, or none.

    Args:
        names: lower case, letters and digits alone.
    """
    if not root.is_dir():
        return []
    plain = {path: re.sub(r"[^a-z0-9]", "", path.name.lower()) for path in root.iterdir()}
    return sorted(path for path, name in plain.items() if name in names and path.is_dir())


def locate(folder: Path, *names: str) -> Path | None:
    """The first file or folder of one of the names in `folder`, or up to two levels below.

    Hidden folders do not count: an archive is unpacked in one, and a kill leaves half of it there.
    """
    for name in names:
        for level in ("", "*/", "*/*/"):
            for path in sorted(folder.glob(level + name)):
                if not any(part.startswith(".") for part in path.relative_to(folder).parts):
                    return path
    return None


def files_below(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """The files of a name at every depth below a folder, sorted in each; links count as well.

    Hidden folders do not count, and of a folder that several links lead to the first does.

    Args:
        pattern: of the name, such as `*.jpg`.
    """
    seen = set()
    for base, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if (real := os.path.realpath(base)) in seen:  # a link to a folder above leads here again
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(base, name) for name in fnmatch.filter(sorted(names), pattern))


class Photos:
    """The image files under a folder, by name.

    Args:
        folder: looked through at every depth.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_name: dict[str, list[Path]] = {}
        for path in files_below(folder):
            if path.suffix.lower() in _PHOTOS:
                self._by_name.setdefault(_plain(path.name), []).append(path)

    def __len__(self) -> int:
        return sum(map(len, self._by_name.values()))

    def find_all(self, names: Iterable[str]) -> list[Path]:
        """The files of all names, which may begin with folders and their `/` or backslashes.

        Of the files of the same last name that one is taken whose folders agree the furthest. One
        whose folder does not agree is taken if no other of the names ends so. A disk or an archive
        may have changed the case of a name, or how its accents are encoded: where no file has the
        very name, such a one is taken.

        Raises:
            FileNotFoundError: some are not there; names the first and says how many.
        """
        parts = [re.split(r"[\\/]", name.strip()) for name in names]
        often = Counter(last for *_, last in parts)
        paths: list[Path] = []
        missing = []
        for *folders, last in parts:
            found = self._by_name.get(_plain(last), [])
            found = [path for path in found if path.name == last] or found
            best = max(found, key=lambda path: _agree(path, folders), default=None)
            if best and (_agree(best, folders) or often[last] == 1):
                paths.append(best)
            else:
                missing.append("/".join([*folders, last]))
        if missing:
            raise FileNotFoundError(
                f"{self._folder} has no photo {missing[0]} ({len(missing):,} of {len(parts):,} "
                "are missing): put the photos there, in any sub-folder."
            )
        return paths


def _plain(name: str) -> str:
    """A name as disks compare it that know no case, or have their own encoding of accents."""
    return unicodedata.normalize("NFC", name).casefold()


def _agree(path: Path, folders: Sequence[str]) -> int:
    """How many of the last folders of a path are those given."""
    pairs = zip(path.parts[-2::-1], folders[::-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
