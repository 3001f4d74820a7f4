"""NUS-WIDE as the four papers use it: the 21 or 10 most frequent concepts, tags, and images."""

import dataclasses
import os
from functools import partial
from pathlib import Path

import numpy as np

from mmhash_nb.datasets import nuswide_official, selections
from mmhash_nb.datasets.community import Found, Rules
from mmhash_nb.datasets.distributions import Distributions
from mmhash_nb.datasets.layouts import CAPTIONS, LISTS, divided, one_file, three_files
from mmhash_nb.datasets.nuswide_official import (
    ARCHIVES,
    CONCEPTS,
    LABELS,
    N_IMAGES,
    TAG_LIST,
    TAGS,
    VISUAL_WORDS,
)
from mmhash_nb.datasets.nuswide_tables import PAGE
from mmhash_nb.datasets.photos import check_option
from mmhash_nb.datasets.selections import most_frequent
from mmhash_nb.datasets.splits import Protocol
from mmhash_nb.datasets.splits import for_each_label as split
from mmhash_nb.io.archives import get
from mmhash_nb.io.finding import expected, named
from mmhash_nb.pairs import Pairs

__all__ = [
    "ARCHIVES",
    "PAGE",
    "PROTOCOLS",
    "PUT",
    "check_published",
    "find",
    "load",
    "most_frequent",
    "split",
]

PUT = (
    f"nuswide/ with ConceptsList/{CONCEPTS}, Groundtruth/{LABELS}/Labels_*.txt (81 files), "
    f"NUS_WID_Tags/{TAG_LIST} and NUS_WID_Tags/{TAGS}, for images='bof' Low_Level_Features/"
    f"{VISUAL_WORDS}, for images='pixels' ImageList/{nuswide_official.IMAGE_LIST} and the photos; "
    "or with nus-wide-tc21-lall.mat and nus-wide-tc21-yall.mat (or tc10), for images='pixels' "
    "nus-wide-tc21-iall.mat; or NUS-WIDE-TC21.mat, nus_cnn.mat, raw_nus.mat, imgList.mat with "
    "tagList.mat and labelList.mat, or index.mat with caption.mat and label.mat"
)
IMAGES = ("bof", "none", "vgg", "pixels")
#: queries and database of masci2014, Table 1: five more than there are with its 21 concepts
PUBLISHED = 2_100 + 193_739
_CONCEPT = "n_query_per_concept"
#: folders that may hold it; the first is where it is put
_NAMES = ("nuswide", "nuswidetc21", "nuswidetc10")
PROTOCOLS = {
    "masci2014": Protocol(195_834, 1_000, 21, 100, 5_000, per_label=True, option=_CONCEPT),
    "zhang2018": Protocol(195_834, 1_000, 21, n_query=2_100, n_train=10_500),
    "zeng2022": Protocol(195_834, 1_000, 21, 100, 10_000, per_label=True, option=_CONCEPT),
    # 1 % of the pairs; the shallow methods learn from the whole gallery
    "liong2017": Protocol(186_577, 1_000, 10, n_query=1_866, n_train=None),
}


def find(root: Path) -> Path | None:
    """The sub-folder of `root` named NUS-WIDE (any case, `-`, `_` or neither) with its files."""
    return next(
        (f for f in _folders(root) if any(_forms(k).has(f, "none") for k in (21, 10))), None
    )


def contents(root: Path) -> dict[str, tuple[int, int]]:
    """How many of the official files of each kind are there, and how many are needed."""
    return nuswide_official.contents(_folder(root))


def images_there(root: Path) -> list[str]:
    """The values of the option `images` that there are files for, of 21 concepts or 10."""
    folder = _folder(root)
    there = {images for k in (21, 10) for images in _forms(k).images(folder, IMAGES)}
    return [images for images in IMAGES if images in there]


def fetch_all(root: Path) -> None:
    """Fetch and unpack the official text files; errors as of `archives.get`.

    Visual words and photos have no address that can be fetched from.
    """
    get(ARCHIVES, _folder(root))


def load(
    root: str | os.PathLike[str],
    *,
    images: str = "bof",
    size: int = 224,
    protocol: str = "masci2014",
    split_seed: int = 0,
    n_train: int | None = None,
    n_query: int | None = None,
    n_query_per_concept: int | None = None,
) -> Pairs:
    """NUS-WIDE (Chua et al., CIVR 2009), with the concepts and the split of a paper.

    Of the 269,648 images those with at least one of the most frequent concepts are kept, and these
    concepts are their labels. Images without any of the 1,000 tags are kept too, with an all-zero
    text; that gives the counts of all papers but masci2014, whose 195,839 images are five more
    than the 195,834 of the others. `source` says how many were found.

    The official files lie in sub-folders; any two levels of folders are looked through, and for
    photos all. What was parsed is kept in the cache, so that the second load takes seconds.

    Args:
        root: the folder that holds `nuswide/` (or `NUS-WIDE/`), with the official files or one of
            the forms that circulate; of several the first that has the images asked for is read.
        images: `bof`, counts of 500 visual words (`float32 [N, 500]`); `none`, features without
            columns; `vgg`, where a file has features; or `pixels` (`uint8 [N, 3, size, size]`,
            mapped from the cache: 30 GB at 224 pixels).
        size: side of pixels.
        protocol: `masci2014` (21 concepts, 100 queries of each, 5,000 training samples);
            `zhang2018` (21, 2,100 queries of all, 10,500); `zeng2022` (21, 100 of each, 10,000);
            `liong2017` (10 concepts, 1 % queries, all others for training); or `files`, which takes
            files whatever they hold, and their own split where they have one.
        split_seed: draws queries and training samples.
        n_train: training samples, out of the database; the paper's number by default.
        n_query: queries, where the protocol draws them from all; the rest is the database.
        n_query_per_concept: queries of each concept, where it draws them so.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: an unknown value of an option, more samples asked for than there are, a line
            that cannot be read or holds a value out of range (with file and line), files whose
            lines differ in number, or counts other than the published ones.
        OSError: the disk has no room for decoded images.
    """
    rule = selections.protocol_of("nuswide", PROTOCOLS, protocol)
    check_option("nuswide", "images", images, IMAGES)
    root, sizes = Path(root), _sizes(rule, protocol)
    there = (f for f in _folders(root) if any(_forms(k).has(f, images) for k in sizes))
    folder = next(there, None)
    if folder is None:
        where = expected(root, *_NAMES)
        lacks = _forms(sizes[0]).lacks(where, images, IMAGES)
        raise FileNotFoundError(
            f"nuswide has no {lacks} in {where}: get Low-Level Features, Tags, Groundtruth and "
            f"Concept List from {PAGE} and put {PUT} under {root}."
        )
    return read(
        folder,
        images=images,
        size=size,
        protocol=protocol,
        split_seed=split_seed,
        n_train=n_train,
        n_query=n_query,
        n_query_per_concept=n_query_per_concept,
        published=True,
    )


def read(
    folder: Path,
    *,
    images: str = "bof",
    size: int = 224,
    protocol: str = "masci2014",
    split_seed: int = 0,
    n_train: int | None = None,
    n_query: int | None = None,
    n_query_per_concept: int | None = None,
    published: bool = False,
) -> Pairs:
    """The files of `folder` as pairs, as `load` gives them.

    Args:
        published: whether to refuse other counts than the paper's.
    """
    rule = selections.protocol_of("nuswide", PROTOCOLS, protocol)
    given = rule.numbers("nuswide", protocol, n_query, n_query_per_concept)
    sizes = _sizes(rule, protocol)
    k = next((k for k in sizes if _forms(k).has(folder, images)), sizes[0])
    rules = Rules(words=rule.words, labels=k, empty_tags=True)
    note = f" (its paper: {PUBLISHED:,})" if protocol == "masci2014" else ""
    found = _forms(k, note).read(folder, images, size, rules)
    if published and protocol != selections.FILES:
        rule.check("nuswide", found.counts, f"put {PUT}")
    return selections.assemble(
        "nuswide",
        found,
        images,
        rule,
        protocol,
        split_seed=split_seed,
        n_query=given,
        n_train=n_train,
    )


def check_published(n_images: int) -> None:
    """Refuse anything but 269,648 images."""
    if n_images != N_IMAGES:
        raise ValueError(
            f"NUS-WIDE has {N_IMAGES} images, but these files have {n_images} lines: get them "
            f"again from {PAGE}."
        )


def _folder(root: Path) -> Path:
    """Where the files lie, or would be put."""
    return find(root) or expected(root, *_NAMES)


def _folders(root: Path) -> list[Path]:
    return named(root, *_NAMES)


def _sizes(rule: Protocol, protocol: str) -> tuple[int, ...]:
    """How many concepts a selection may have."""
    return (21, 10) if protocol == selections.FILES else (rule.labels,)


def _forms(concepts: int, note: str = "") -> Distributions:
    """The forms of the selection of so many concepts; a note is for the official one's source."""
    size = f"tc{concepts}"
    return Distributions(
        same=(three_files(f"nus-wide-{size}"), one_file(f"NUS-WIDE-{size.upper()}.mat")),
        missing=nuswide_official.missing,
        read_official=partial(_official, concepts, note),
        other=(LISTS, *divided("nus"), CAPTIONS),
    )


def _official(concepts: int, note: str, folder: Path, images: str, size: int) -> Found:
    found, n = nuswide_official.read(folder, images, size, concepts)
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
