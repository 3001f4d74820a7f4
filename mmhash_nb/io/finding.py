"""Where files lie under a folder, however an archive was unpacked."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
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


class Photos:
    """The image files under a folder, by name.

    Args:
        folder: looked through at every depth.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_name: dict[str, list[Path]] = {}
        for base, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                if os.path.splitext(name)[1].lower() in _PHOTOS:
                    self._by_name.setdefault(name, []).append(Path(base, name))

    def __len__(self) -> int:
        return sum(map(len, self._by_name.values()))

    def find_all(self, names: Iterable[str]) -> list[Path]:
        """The files of all names, which may begin with folders and their `/` or backslashes.

        Of the files of the same last name that one is taken whose folders agree the furthest. One
        whose folder does not agree is taken if no other of the names ends so.

        Raises:
            FileNotFoundError: some are not there; names the first and says how many.
        """
        parts = [re.split(r"[\\/]", name.strip()) for name in names]
        often = Counter(last for *_, last in parts)
        paths: list[Path] = []
        missing = []
        for *folders, last in parts:
            found = self._by_name.get(last, [])
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


def _agree(path: Path, folders: Sequence[str]) -> int:
    """How many of the last folders of a path are those given."""
    pairs = zip(path.parts[-2::-1], folders[::-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
