"""The layouts in which the papers' selections circulate as MATLAB files; see `layouts.toml`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmhash_nb.datasets.about import about
from mmhash_nb.io.finding import locate

#: the part of a file that is not divided
ALL = "all"
_LAYOUTS = about("layouts")


@dataclass(frozen=True)
class Source:
    """Where one modality lies.

    Args:
        files: names of the file, the likeliest first.
        variables: for each part of the split (`database`, `query`, `train`; or `all`) the names of
            its array, the likeliest first.
    """

    files: tuple[str, ...]
    variables: Mapping[str, tuple[str, ...]]

    def find(self, folder: Path) -> Path | None:
        """The file, in `folder` or up to two levels below."""
        return locate(folder, *self.files)


@dataclass(frozen=True)
class Layout:
    """Which file has what.

    Args:
        name: what messages call it; the other fields are explained in `layouts.toml`.
    """

    name: str
    labels: Source
    tags: Source | None = None
    captions: Source | None = None
    pixels: Source | None = None
    features: Source | None = None
    photos: Source | None = None

    def begun(self, folder: Path) -> bool:
        """Whether any of its files is in `folder`."""
        sources = (value for value in vars(self).values() if isinstance(value, Source))
        return any(source.find(folder) for source in sources)

    def missing(self, folder: Path, images: str) -> str | None:
        """The first file that `folder` lacks for one of the values of the option `images`."""
        needed = [self.tags or self.captions, self.labels]
        if images not in ("none", "vgg", "pixels"):
            return f"images={images!r} in files of the layout {self.name}"
        if images == "vgg":
            needed.append(self.features)
        elif images == "pixels" and (self.photos is None or self.photos.find(folder) is None):
            needed.append(self.pixels or self.photos)
        for source in needed:
            if source is None:
                return f"images={images!r} in files of the layout {self.name}"
            if source.find(folder) is None:
                return source.files[0]
        return None


def layout(name: str, *of: str) -> Layout:
    """The layout of that name, in the files that a dataset calls so."""
    return Layout(name, **{what: _source(of, **row) for what, row in _LAYOUTS[name].items()})


def _source(of: Sequence[str], files: Sequence[str], **variables: Sequence[str]) -> Source:
    found = tuple(file.format(one) for file in files for one in of or ("",))
    return Source(found, {part: tuple(names) for part, names in variables.items()})
