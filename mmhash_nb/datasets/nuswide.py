"""NUS-WIDE as the four papers use it: the 21 or 10 most frequent concepts, tags, and images."""

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np

from mmhash_nb.datasets import nuswide_official as official
from mmhash_nb.datasets.distributions import Distributions, TextFiles
from mmhash_nb.datasets.matlab_layouts import layout
from mmhash_nb.datasets.nuswide_tables import PAGE
from mmhash_nb.datasets.photo_collection import FILES, PhotoCollection
from mmhash_nb.datasets.selection import Selection

#: how many concepts a selection may have
SIZES = (21, 10)


class NUSWIDE(PhotoCollection):
    """NUS-WIDE (Chua et al., CIVR 2009), with the concepts and the split of a paper.

    Of the 269,648 images those with at least one of the most frequent concepts are selected, and
    these concepts are their labels. Images without any of the 1,000 tags are among them, with an
    all-zero text. That gives the counts of all papers but masci2014, whose 195,839 images are five
    more than the 195,834 of the others. `source` says how many were found.

    masci2014 has 21 concepts, 100 queries of each and 5,000 training samples; zhang2018 21, 2,100
    queries of all and 10,500; zeng2022 21, 100 of each and 10,000; liong2017 10 concepts, 1 %
    queries and all others for training.

    The official files lie in sub-folders; any two levels of folders are looked through, and for
    photos all. Parsed files are cached, so that the second load takes seconds. Pixels at a side of
    224 take 30 GB.
    """

    NAME = "nuswide"
    IMAGES = ("bof", "none", "vgg", "pixels")
    EMPTY_TAGS = True

    def distributions(self, protocol: str) -> tuple[Distributions, ...]:
        """One for each number of concepts that the selection may have."""
        if protocol == FILES:
            return tuple(_distributions(concepts) for concepts in SIZES)
        rule = self.protocols[protocol]
        return (_distributions(rule.labels, rule.note),)


def _distributions(concepts: int, note: str = "") -> Distributions:
    """Those of the selection of so many concepts; a note is for the source of the official one."""
    return Distributions(
        same=(
            layout("dcmh", f"nus-wide-tc{concepts}"),
            layout("one_file", f"NUS-WIDE-TC{concepts}.mat"),
        ),
        official=TextFiles(official.missing, partial(_official, concepts, note)),
        contents=official.contents,
        other=(layout("lists"), layout("cnn", "nus"), layout("raw", "nus"), layout("captions")),
        labels=concepts,
    )


def _official(concepts: int, note: str, folder: Path, images: str, size: int) -> Selection:
    found, n = official.read(folder, images, size, concepts)
    check_published(n)
    assert found.tags is not None
    untagged = int((np.diff(found.tags.indptr) == 0).sum())
    return dataclasses.replace(
        found,
        source=(
            f"official text files, {len(found.labels):,} of {n:,} images have one of the "
            f"{concepts} concepts{note}, {untagged:,} of them no tag"
        ),
    )


def check_published(n_images: int) -> None:
    """Refuse anything but 269,648 images."""
    if n_images != official.N_IMAGES:
        raise ValueError(
            f"NUS-WIDE has {official.N_IMAGES} images, but these files have {n_images} lines: get "
            f"them again from {PAGE}."
        )


COLLECTION = NUSWIDE()
PROTOCOLS = COLLECTION.protocols
ARCHIVES, fetch_all = COLLECTION.archives, COLLECTION.fetch_all
find, load, read = COLLECTION.find, COLLECTION.load, COLLECTION.read
contents, images_there = COLLECTION.contents, COLLECTION.images_there
