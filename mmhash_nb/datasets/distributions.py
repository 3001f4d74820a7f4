"""The distributions in which a selection of a dataset may come, and which of them is read."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmhash_nb.datasets import matlab_selection
from mmhash_nb.datasets.matlab_layouts import Layout
from mmhash_nb.datasets.matlab_selection import Rules
from mmhash_nb.datasets.selection import Selection


@dataclass(frozen=True)
class Distributions:
    """The distributions of one selection of a dataset, in the order in which they are looked for.

    Args:
        same: MATLAB files that hold the papers' selection.
        missing: the first official file that a folder lacks for a value of the option `images`
            other than `vgg`, or `None`.
        contents: how many official files of each kind a folder has, and how many are needed.
        read_official: reads the official files of a folder, with one of the values of the option
            `images` but `vgg`, and the side of pixels. It raises `FileNotFoundError` where a file
            is missing, and `ValueError` where a line cannot be read or holds a value out of range
            (with file and line), or a photo does not decode.
        other: MATLAB files that may hold another selection, read where nothing else is there.
        label_names: of `same`, whose files do not name them.
        labels: how many; `None` for the protocol's number.
    """

    same: tuple[Layout, ...]
    missing: Callable[[Path, str], str | None]
    contents: Callable[[Path], dict[str, tuple[int, int]]]
    read_official: Callable[[Path, str, int], Selection]
    other: tuple[Layout, ...]
    label_names: Sequence[str] | None = None
    labels: int | None = None

    def has(self, folder: Path, images: str, *, official: bool = False) -> bool:
        """Whether `folder` has the files of any distribution, or the official ones, with images."""
        if self._official_lacks(folder, images) is None:
            return True
        layouts = () if official else (*self.same, *self.other)
        return matlab_selection.choose(layouts, folder, images) is not None

    def lacks(self, folder: Path, images: str, known: Sequence[str], *, official: bool) -> str:
        """What `folder` lacks for one of the known values of the option `images`, for a message.

        It is a file of the MATLAB files some of which are there, or of the official ones.
        """
        begun = (one for one in (*self.same, *self.other) if one.begun(folder))
        layout = None if official else next(begun, None)
        missing = self._official_lacks if layout is None else layout.missing
        there = [repr(value) for value in known if self.has(folder, value, official=official)]
        hint = f" (what is there is for images={' or '.join(there)})" if there else ""
        return f"{missing(folder, images) or missing(folder, 'none')}{hint}"

    def read(self, folder: Path, images: str, size: int, rules: Rules) -> Selection:
        """The first distribution with the images; errors as of `matlab_selection.read`.

        Raises:
            FileNotFoundError: none has them.
        """
        layout = matlab_selection.choose(self.same, folder, images)
        if layout is None and self._official_lacks(folder, images) is None:
            return self.read_official(folder, images, size)
        names = None if layout is None else self.label_names
        source = "" if layout is None else "matrices of DCMH's selection"
        layout = layout or matlab_selection.choose(self.other, folder, images)
        if layout is None:
            lacks = self.lacks(folder, images, ["none"], official=False)
            raise FileNotFoundError(f"there is no {lacks} in {folder}: put it there.")
        found = matlab_selection.read(folder, layout, images, size, rules)
        source = source or f"files of the layout {layout.name}"
        without = "; without image features" if images == "none" else ""
        source = f"{source}, no checksum published{without}{found.source}"
        return dataclasses.replace(found, label_names=names, source=source)

    def _official_lacks(self, folder: Path, images: str) -> str | None:
        return "features of the photos" if images == "vgg" else self.missing(folder, images)
