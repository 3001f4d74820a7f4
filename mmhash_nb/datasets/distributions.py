"""The distributions in which a selection of a dataset may come, and which of them is read."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmhash_nb.datasets import matlab_selection
from mmhash_nb.datasets.column_names import LABEL_NAMES, TAG_NAMES, names_beside
from mmhash_nb.datasets.matlab_layouts import Layout
from mmhash_nb.datasets.matlab_selection import Rules
from mmhash_nb.datasets.selection import Selection


@dataclass(frozen=True)
class TextFiles:
    """Files of text that hold a selection, with photos beside them.

    Args:
        missing: the first file that a folder lacks for a value of the option `images` other than
            `vgg`, or `None`.
        read: reads the files of a folder, with one of these values and the side of pixels. It
            raises `FileNotFoundError` where a file is missing, and `ValueError` where a line cannot
            be read or holds a value out of range (with file and line), or a photo does not decode.
    """

    missing: Callable[[Path, str], str | None]
    read: Callable[[Path, str, int], Selection]

    def lacks(self, folder: Path, images: str) -> str | None:
        """What `folder` lacks for a value of the option `images`, or `None`."""
        return "features of the photos" if images == "vgg" else self.missing(folder, images)


@dataclass(frozen=True)
class Distributions:
    """The distributions of one selection of a dataset, in the order in which they are looked for.

    Args:
        same: MATLAB files that hold the papers' selection.
        official: the official files.
        contents: how many official files of each kind a folder has, and how many are needed.
        lists: files of text with the papers' selection, where such circulate.
        other: MATLAB files that may hold another selection, read where nothing else is there.
        label_names: of `same` and `lists`, whose files may not name them.
        labels: how many; `None` for the protocol's number.
    """

    same: tuple[Layout, ...]
    official: TextFiles
    contents: Callable[[Path], dict[str, tuple[int, int]]]
    other: tuple[Layout, ...]
    lists: TextFiles | None = None
    label_names: Sequence[str] | None = None
    labels: int | None = None

    def has(self, folder: Path, images: str, *, official: bool = False) -> bool:
        """Whether `folder` has the files of any distribution, or the official ones, with images."""
        if self._texts(folder, images, official) is not None:
            return True
        layouts = () if official else (*self.same, *self.other)
        return matlab_selection.choose(layouts, folder, images) is not None

    def lacks(self, folder: Path, images: str, known: Sequence[str], *, official: bool) -> str:
        """What `folder` lacks for one of the known values of the option `images`, for a message.

        It is a file of the MATLAB files some of which are there, or of the official ones.
        """
        begun = (one for one in (*self.same, *self.other) if one.begun(folder))
        layout = None if official else next(begun, None)
        texts = self._texts(folder, "none", official) or self.official
        missing = texts.lacks if layout is None else layout.missing
        there = [repr(value) for value in known if self.has(folder, value, official=official)]
        hint = f" (what is there is for images={' or '.join(there)})" if there else ""
        return f"{missing(folder, images) or missing(folder, 'none')}{hint}"

    def read(self, folder: Path, images: str, size: int, rules: Rules) -> Selection:
        """The first distribution with the images; errors as of `matlab_selection.read`.

        Raises:
            FileNotFoundError: none has them.
        """
        layout = matlab_selection.choose(self.same, folder, images)
        if layout is None and (texts := self._texts(folder, images)) is not None:
            found = texts.read(folder, images, size)
            return found if texts is self.official else self._named(found, folder, known=True)
        known = layout is not None
        source = "matrices of DCMH's selection" if known else ""
        layout = layout or matlab_selection.choose(self.other, folder, images)
        if layout is None:
            lacks = self.lacks(folder, images, ["none"], official=False)
            raise FileNotFoundError(f"there is no {lacks} in {folder}: put it there.")
        found = matlab_selection.read(folder, layout, images, size, rules)
        source = source or f"files of the layout {layout.name}"
        without = "; without image features" if images == "none" else ""
        source = f"{source}, no checksum published{without}{found.source}"
        return self._named(dataclasses.replace(found, source=source), folder, known)

    def _texts(self, folder: Path, images: str, official: bool = False) -> TextFiles | None:
        """The first files of text that a folder has with the images."""
        kinds = [self.official] if official or self.lists is None else [self.official, self.lists]
        return next((kind for kind in kinds if kind.lacks(folder, images) is None), None)

    def _named(self, found: Selection, folder: Path, known: bool) -> Selection:
        """A selection with the names of its columns, from lists beside its files where they are.

        Args:
            known: whether the labels are `label_names` where no list is there.
        """
        _, words, labels = found.counts
        names = names_beside(folder, LABEL_NAMES, labels) or (self.label_names if known else None)
        vocabulary = found.vocabulary
        if vocabulary is None and found.tags is not None:
            vocabulary = names_beside(folder, TAG_NAMES, words)
        return dataclasses.replace(found, label_names=names, vocabulary=vocabulary)
