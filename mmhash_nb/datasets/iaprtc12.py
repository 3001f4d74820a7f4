"""IAPR TC-12 as three papers use it: photos or features, captions, 255 labels or 22."""

import os
from functools import partial
from pathlib import Path

from mmhash_nb.datasets import community, iaprtc12_official, selections
from mmhash_nb.datasets.community import Rules
from mmhash_nb.datasets.distributions import Distributions
from mmhash_nb.datasets.layouts import CAPTIONS, IAPR_RAND, LISTS
from mmhash_nb.datasets.photos import check_option
from mmhash_nb.datasets.splits import Protocol
from mmhash_nb.io.finding import expected, named
from mmhash_nb.pairs import Pairs

__all__ = ["IMAGES", "PAGE", "PROTOCOLS", "PUT", "find", "load", "read"]

PAGE = "https://www.imageclef.org/photodata"
SEGMENTS_PAGE = "https://www.imageclef.org/SIAPRdata"
PUT = (
    "iaprtc12/ with iaprtc12.tgz (images/, annotations_complete_eng/) and, from "
    f"{SEGMENTS_PAGE}, saiaprtc12ok.part1.rar to part3 (labels.txt of each folder, wlist.txt) "
    "unpacked; or with iapr-tc12-rand.mat (VDatabase, YDatabase, databaseL, VTest, YTest, testL); "
    "or imgList.mat, tagList.mat and labelList.mat, or index.mat, caption.mat and label.mat"
)
IMAGES = community.IMAGES
PROTOCOLS = {
    "zeng2022": Protocol(20_000, 2_912, 255, n_query=2_000, n_train=10_000),
    "zhang2018": Protocol(20_000, 2_912, 255, n_query=2_000, n_train=10_000),
    # "100 pairs per class"; the shallow methods learn from the whole gallery
    "liong2017": Protocol(19_627, 500, 22, 100, None, per_label=True, option="n_query_per_concept"),
}
#: folders that may hold it; the first is where it is put
_NAMES = ("iaprtc12", "iapr", "saiaprtc12")
#: one photo of the official files has segments and no English caption, so that others found 19,999
_NEARLY = 1


def find(root: Path) -> Path | None:
    """The folder that holds the files of one of the forms, without images at least."""
    return next((folder for folder in _folders(root) if _forms(None).has(folder, "none")), None)


def contents(root: Path) -> dict[str, tuple[int, int]]:
    """How many of the official files of each kind are there, and how many are needed."""
    return iaprtc12_official.contents(_folder(root))


def images_there(root: Path) -> list[str]:
    """The values of the option `images` that there are files for."""
    return _forms(None).images(_folder(root), IMAGES)


def load(
    root: str | os.PathLike[str],
    *,
    images: str = "none",
    size: int = 224,
    protocol: str = "zeng2022",
    split_seed: int = 0,
    n_train: int | None = None,
    n_query: int | None = None,
    n_query_per_concept: int | None = None,
) -> Pairs:
    """IAPR TC-12 (Grubinger et al., 2006), labelled by the segments of Escalante et al. (2010).

    zhang2018 and zeng2022 follow DCMH: 20,000 photos, 255 labels, 2,912 words, 2,000 random
    queries, 10,000 training samples. liong2017 keeps the 22 most frequent labels and the 19,627
    photos that have one, 500 words, and draws 100 queries of each label.

    Which words the papers took, none of them says. From the official files they are the most
    frequent ones of the captions outside the queries, without English function words, up to the
    paper's number; only `iapr-tc12-rand.mat` has DCMH's own columns.

    Args:
        root: the folder that holds `iaprtc12/`, with the official files unpacked or one of the
            forms that circulate; of several the first that has the images asked for is read.
        images: `none`, features without columns; `vgg` (`float32 [N, d]`), where a file has
            features; or `pixels` (`uint8 [N, 3, size, size]`, mapped from the cache).
        size: side of pixels.
        protocol: `zeng2022` or `zhang2018`, which are the same here; `liong2017`; or `files`, which
            takes files whatever they hold, and their own split where they have one.
        split_seed: draws queries and training samples.
        n_train: training samples, out of the database; the paper's number by default.
        n_query: queries, where the protocol draws them from all; the rest is the database.
        n_query_per_concept: queries of each label, where it draws them so.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: an unknown value of an option, too few samples for the split, a file that is
            not what it should be, or counts other than the published ones.
        OSError: the disk has no room for decoded images.
    """
    root = Path(root)
    rule = selections.protocol_of("iaprtc12", PROTOCOLS, protocol)
    check_option("iaprtc12", "images", images, IMAGES)
    forms = _forms(_frequent(protocol))
    folder = next((f for f in _folders(root) if forms.has(f, images)), None)
    if folder is None:
        where = expected(root, *_NAMES)
        raise FileNotFoundError(
            f"iaprtc12 has no {forms.lacks(where, images, IMAGES)} in {where}: "
            f"see {PAGE} for the set, and put {PUT} under {root}."
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
        rules=Rules(words=rule.words, labels=rule.labels, empty_tags=True, binary_tags=False),
        published=protocol != selections.FILES,
    )


def read(
    folder: Path,
    *,
    images: str = "none",
    size: int = 224,
    protocol: str = "zeng2022",
    split_seed: int = 0,
    n_train: int | None = None,
    n_query: int | None = None,
    n_query_per_concept: int | None = None,
    rules: Rules | None = None,
    published: bool = False,
) -> Pairs:
    """The files of `folder` as pairs, whatever their number; options and errors as for `load`.

    Args:
        rules: what the matrices must be like.
        published: whether to refuse other counts than the paper's.
    """
    rule = selections.protocol_of("iaprtc12", PROTOCOLS, protocol)
    given = rule.numbers("iaprtc12", protocol, n_query, n_query_per_concept)
    rules = rules or Rules(empty_tags=True, binary_tags=False)
    found = _forms(_frequent(protocol)).read(folder, images, size, rules)
    n, words, labels = found.counts
    if found.tags is None:
        words = rule.words  # counted out to the paper's number, below
        n += n == rule.pairs - _NEARLY
    if published:
        rule.check("iaprtc12", (n, words, labels), f"put {PUT}")
    pairs = selections.assemble(
        "iaprtc12",
        found,
        images,
        rule,
        protocol,
        split_seed=split_seed,
        n_query=given,
        n_train=n_train,
        text_name="Captions",
    )
    if published:
        rule.check("iaprtc12", (n, pairs.texts.shape[1], labels), f"put {PUT}")
    return pairs


def _folder(root: Path) -> Path:
    """Where the files lie, or would be put."""
    return find(root) or expected(root, *_NAMES)


def _folders(root: Path) -> list[Path]:
    return named(root, *_NAMES)


def _frequent(protocol: str) -> int | None:
    return PROTOCOLS[protocol].labels if protocol == "liong2017" else None


def _forms(frequent: int | None) -> Distributions:
    """The forms of the selection with so many labels, or all."""
    return Distributions(
        same=(IAPR_RAND,) if frequent is None else (),
        missing=iaprtc12_official.missing,
        read_official=partial(iaprtc12_official.read, frequent=frequent),
        other=(LISTS, CAPTIONS) if frequent is None else (),
    )
