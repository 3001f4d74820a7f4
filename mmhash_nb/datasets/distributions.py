"""All forms in which the files of a dataset may lie, and which of them is read."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmhash_nb.datasets import community
from mmhash_nb.datasets.community import Found, Rules
from mmhash_nb.datasets.layouts import Layout


@dataclass(frozen=True)
class Distributions:
    """The forms of one selection of a dataset, in the order in which they are looked for.

    Args:
        same: MATLAB files that hold the papers' selection.
        missing: the first file of the official distribution that a folder lacks for a value of the
            option `images`, or `None`.
        read_official: reads the distribution, with `images` and `size`.
        other: MATLAB files that may hold another selection, read where nothing else is there.
        label_names: of `same`, whose files do not name them.
    """

    same: tuple[Layout, ...]
    missing: Callable[[Path, str], str | None]
    read_official: Callable[[Path, str, int], Found]
    other: tuple[Layout, ...]
    label_names: Sequence[str] | None = None

    def has(self, folder: Path, images: str) -> bool:
        """Whether the files of any form are in `folder`, with the images asked for."""
        layout = community.choose((*self.same, *self.other), folder, images)
        return layout is not None or self.missing(folder, images) is None

    def images(self, folder: Path, known: Sequence[str]) -> list[str]:
        """Those of the known values of the option `images` that `folder` has the files for."""
        return [images for images in known if self.has(folder, images)]

    def lacks(self, folder: Path, images: str, known: Sequence[str], official: bool = False) -> str:
        """What `folder` lacks for one of the known values of the option `images`, for a message.

        Of several forms that is the one some of whose files are there, or the official one.
        """
        begun = (one for one in (*self.same, *self.other) if one.begun(folder))
        layout = None if official else next(begun, None)
        missing = self.missing if layout is None else layout.missing
        have = self.images(folder, known)
        if official:
            have = [value for value in known if self.missing(folder, value) is None]
        there = [repr(value) for value in have]
        hint = f" (what is there is for images={' or '.join(there)})" if there else ""
        return f"{missing(folder, images) or missing(folder, 'none')}{hint}"

    def read(self, folder: Path, images: str, size: int, rules: Rules) -> Found:
        """The first form that has the images asked for; errors as of `community.read`.

        Raises:
            FileNotFoundError: none has.
        """
        layout = community.choose(self.same, folder, images)
        if layout is None and self.missing(folder, images) is None:
            return self.read_official(folder, images, size)
        names = None if layout is None else self.label_names
        source = "" if layout is None else "matrices of DCMH's selection"
        layout = layout or community.choose(self.other, folder, images)
        if layout is None:
            first = self.same[0].missing if self.same else self.missing
            raise FileNotFoundError(
                f"there is no {first(folder, images)} in {folder}: put it there (a "
                "row for each photo, in the order of the tags), or load with images='none'."
            )
        found = community.read(folder, layout, images, size, rules)
        source = source or f"files of the form {layout.name}"
        without = "; without image features" if images == "none" else ""
        source = f"{source}, no checksum published{without}{found.source}"
        return dataclasses.replace(found, label_names=names, source=source)
