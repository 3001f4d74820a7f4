"""Where files lie under a folder, however an archive was unpacked."""

import fnmatch
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, takewhile
from pathlib import Path

from mmhash_nb.io.packed import SUFFIXES, AnyFile, files

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
    """The image files under a folder, by name, also those in zip and tar archives there.

    Args:
        folder: looked through at every depth. Archives are looked into where photos do not lie in
            the folders of their names.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._loose = _by_name(_loose(folder))
        self._packed: dict[str, list[AnyFile]] | None = None

    def __len__(self) -> int:
        return sum(map(len, chain(self._loose.values(), self._in_archives().values())))

    def find(self, names: Iterable[str]) -> list[AnyFile | None]:
        """The file of each name, or None; names may begin with folders, with `/` or backslashes.

        Of the files of the same last name that one is taken whose folders agree the furthest. One
        whose folder does not agree is taken if no other of the names ends so. A disk or an archive
        may have changed the case of a name, or how its accents are encoded: where no file has the
        very name, such a one is taken.

        Raises:
            ValueError: an archive that is looked into is damaged.
        """
        wanted = [split(name) for name in names]
        often = Counter(last for *_, last in wanted)
        found = [_best(self._loose.get(_plain(of[-1]), []), of, often) for of in wanted]
        if all(
            one and _agree(one, of) == len(of) for one, (*of, _) in zip(found, wanted, strict=True)
        ):
            return found
        packed = self._in_archives()
        keys = (_plain(last) for *_, last in wanted)
        both = ([*self._loose.get(key, []), *packed.get(key, [])] for key in keys)
        return [_best(photos, parts, often) for photos, parts in zip(both, wanted, strict=True)]

    def find_all(self, names: Iterable[str]) -> list[AnyFile]:
        """The files of all names, as of `find`.

        Raises:
            FileNotFoundError: some are not there, or links that lead nowhere; names the first and
                says how many.
        """
        names = list(names)
        found = self.find(names)
        missing = [
            (name, file)
            for name, file in zip(names, found, strict=True)
            if file is None or (isinstance(file, Path) and not file.exists())
        ]
        if missing:
            name, link = missing[0]
            leads = f", {link} is a link that leads nowhere" if link is not None else ""
            raise FileNotFoundError(
                f"{self._folder.absolute()} has no photo {'/'.join(split(name))} ({len(missing):,} "
                f"of {len(names):,} are missing{leads}): put the photos there, in any sub-folder "
                "or in a zip or tar archive."
            )
        return [file for file in found if file is not None]

    def _in_archives(self) -> dict[str, list[AnyFile]]:
        if self._packed is None:
            self._packed = _by_name(_packed(self._folder))
        return self._packed


def has_photo(folder: Path, name: str = "") -> bool:
    """Whether a folder, or an archive in it, has a photo, or one of that last name."""
    return any(name in ("", file.name) for file in chain(_loose(folder), _packed(folder)))


def split(name: str) -> list[str]:
    """The folders of a file's name, and its last part."""
    return re.split(r"[\\/]", name.strip())


def _walk(folder: Path, suffixes: Iterable[str]) -> Iterator[Path]:
    """The files under a folder that end so, but for hidden ones."""
    for path in files_below(folder):
        if os.path.splitext(path.name)[1].lower() in suffixes and not path.name.startswith("."):
            yield path


def _loose(folder: Path) -> Iterator[Path]:
    """The photos in folders."""
    return _walk(folder, _PHOTOS)


def _packed(folder: Path) -> Iterator[AnyFile]:
    """The photos in archives."""
    for archive in _walk(folder, SUFFIXES):
        for file in files(archive):
            if os.path.splitext(file.name)[1].lower() in _PHOTOS:
                yield file


def _by_name(photos: Iterable[AnyFile]) -> dict[str, list[AnyFile]]:
    by_name: dict[str, list[AnyFile]] = {}
    for photo in photos:
        by_name.setdefault(_plain(photo.name), []).append(photo)
    return by_name


def _plain(name: str) -> str:
    """A name as disks compare it that know no case, or have their own encoding of accents."""
    return unicodedata.normalize("NFC", name).casefold()


def _best(photos: Sequence[AnyFile], wanted: Sequence[str], often: Counter[str]) -> AnyFile | None:
    """That of the photos whose folders agree the furthest; `often`: how many names end so."""
    *folders, last = wanted
    photos = [photo for photo in photos if photo.name == last] or photos
    best = max(photos, key=lambda photo: _agree(photo, folders), default=None)
    return best if best and (_agree(best, folders) or often[last] == 1) else None


def _agree(photo: AnyFile, folders: Sequence[str]) -> int:
    """How many of the last folders of a photo are those given."""
    pairs = zip(photo.parts[-2::-1], folders[::-1], strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
