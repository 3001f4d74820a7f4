"""MIRFlickr-25K as DCMH, zhang2018 and zeng2022 use it: photos or features, tags, 24 labels."""

import os
from pathlib import Path

from mmhash_nb.datasets import community, mirflickr25k_official, selections
from mmhash_nb.datasets.community import Rules
from mmhash_nb.datasets.distributions import Distributions
from mmhash_nb.datasets.layouts import CAPTIONS, LISTS, divided, one_file, three_files
from mmhash_nb.datasets.mirflickr25k_official import ARCHIVES
from mmhash_nb.datasets.photos import check_option
from mmhash_nb.datasets.splits import Protocol
from mmhash_nb.datasets.splits import at_random as split
from mmhash_nb.io.archives import get
from mmhash_nb.io.finding import expected, locate, named
from mmhash_nb.pairs import Pairs

__all__ = ["ARCHIVES", "IMAGES", "PAGE", "PROTOCOLS", "PUT", "find", "load", "read", "split"]

PAGE = "https://press.liacs.nl/mirflickr/mirdownload.html"
TAGS, LABELS = "mirflickr25k-yall.mat", "mirflickr25k-lall.mat"
VGG = ("mirflickr25k-iall-vgg.mat", "mirflickr25k-xall-vgg.mat")
PUT = (
    "mirflickr25k/ with mirflickr25k.zip and mirflickr25k_annotations_v080.zip unpacked; or with "
    f"{TAGS} (variable YAll, 20015 x 1386) and {LABELS} (LAll, 20015 x 24), the selection that "
    f"circulates with DCMH, for images='vgg' {VGG[0]} (XAll, 20015 x 4096), for images='pixels' "
    "mirflickr25k-iall.mat; or FLICKR-25K.mat, mir_cnn.mat, raw_mir.mat, imgList.mat with "
    "tagList.mat and labelList.mat, or index.mat with caption.mat and label.mat"
)
IMAGES = community.IMAGES
#: folders that may hold it; the first is where it is put
_NAMES = ("mirflickr25k", "mirflickr", "flickr25k")
#: the folder that mirflickr25k.zip holds
_UNPACKED = "mirflickr"
PROTOCOLS = {
    "zeng2022": Protocol(20_015, 1_386, 24, n_query=2_000, n_train=10_000),
    "zhang2018": Protocol(20_015, 1_386, 24, n_query=2_000, n_train=10_000),
}
_FORMS = Distributions(
    same=(three_files("mirflickr25k"), one_file("FLICKR-25K.mat", "FLICKR-25k.mat")),
    missing=mirflickr25k_official.missing,
    read_official=mirflickr25k_official.read,
    other=(LISTS, *divided("mir"), CAPTIONS),
    label_names=mirflickr25k_official.CONCEPTS,
)


def find(root: Path) -> Path | None:
    """The folder that holds the files of one of the forms, without images at least."""
    return _that_has(root, "none")


def contents(root: Path) -> dict[str, tuple[int, int]]:
    """How many of the official files of each kind are there, and how many are needed."""
    return mirflickr25k_official.contents(_folder(root))


def images_there(root: Path) -> list[str]:
    """The values of the option `images` that there are files for."""
    return _FORMS.images(_folder(root), IMAGES)


def fetch_all(root: Path) -> None:
    """Fetch and unpack the official archives that are not there; errors as of `archives.get`."""
    get(ARCHIVES, _folder(root))


def load(
    root: str | os.PathLike[str],
    *,
    images: str = "none",
    size: int = 224,
    protocol: str = "zeng2022",
    split_seed: int = 0,
    n_query: int | None = None,
    n_train: int | None = None,
) -> Pairs:
    """MIRFlickr-25K (Huiskes and Lew, MIR 2008) in the selection of DCMH (Jiang and Li, CVPR 2017).

    20,015 photos with at least one of the 1,386 tags that occur 20 times or more and of the 24
    labels. 2,000 random ones are queries, the other 18,015 the database, and 10,000 out of these
    are for training; the papers publish no list of them. (zhang2018 speaks of pairs with at least
    20 tags, but follows DCMH and has its numbers.)

    DCMH's files name neither tags nor labels; their label columns are in the alphabetical order of
    the annotations' names, and tags are numbered. Labels of the other forms are numbered too.

    Args:
        root: the folder that holds `mirflickr25k/`, with the official archives unpacked or one of
            the forms that circulate; of several the first that has the images asked for is read.
        images: `none`, features without columns (`float32 [20015, 0]`), for what works on texts
            alone; `vgg` (`float32 [20015, d]`), where a file has features; or `pixels` (`uint8
            [20015, 3, size, size]`, mapped from the cache).
        size: side of pixels.
        protocol: `zeng2022` or `zhang2018`, which are the same here and refuse other counts; or
            `files`, which takes files whatever they hold, and their own split where they have one.
        split_seed: draws queries and training samples; the queries depend on nothing else.
        n_query: queries; the rest is the database.
        n_train: training samples, out of the database.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: an unknown value of an option, too few samples for the split, a file that is
            not what it should be, or counts other than the published ones.
        OSError: the disk has no room for decoded images.
    """
    root = Path(root)
    rule = selections.protocol_of("mirflickr25k", PROTOCOLS, protocol)
    check_option("mirflickr25k", "images", images, IMAGES)
    folder = _that_has(root, images)
    if folder is None:
        where, beside = _folder(root), _unpacked_beside(root)
        where = root if beside else where
        lacks = _FORMS.lacks(where, images, IMAGES, official=beside)
        raise FileNotFoundError(
            f"mirflickr25k has no {lacks} in {where}: see {PAGE} for the set, and put {PUT} under "
            f"{root}."
        )
    rules = Rules(words=rule.words, labels=rule.labels)
    return read(
        folder,
        images=images,
        size=size,
        protocol=protocol,
        split_seed=split_seed,
        n_query=n_query,
        n_train=n_train,
        rules=rules,
        published=protocol != selections.FILES,
    )


def read(
    folder: Path,
    *,
    images: str = "none",
    size: int = 224,
    protocol: str = "zeng2022",
    split_seed: int = 0,
    n_query: int | None = None,
    n_train: int | None = None,
    rules: Rules | None = None,
    published: bool = False,
) -> Pairs:
    """The files of `folder` as pairs, whatever their number; options and errors as for `load`.

    Args:
        rules: what the matrices must be like.
        published: whether to refuse other counts than the paper's.
    """
    rule = selections.protocol_of("mirflickr25k", PROTOCOLS, protocol)
    check_option("mirflickr25k", "images", images, IMAGES)
    found = _FORMS.read(folder, images, size, rules or Rules())
    if published:
        rule.check("mirflickr25k", found.counts, f"put {PUT}")
    return selections.assemble(
        "mirflickr25k",
        found,
        images,
        rule,
        protocol,
        split_seed=split_seed,
        n_query=n_query,
        n_train=n_train,
    )


def _folder(root: Path) -> Path:
    """Where the files lie, or would be put."""
    return find(root) or expected(root, *_NAMES)


def _that_has(root: Path, images: str) -> Path | None:
    """The folder that has one of the forms with such images.

    That is `root` itself where both archives were unpacked in it beside each other. MATLAB files of
    `root` are not looked for then, which may be another dataset's.
    """
    folders = (f for f in named(root, *_NAMES) if _FORMS.has(f, images))
    beside = _unpacked_beside(root) and mirflickr25k_official.missing(root, images) is None
    return next(folders, root if beside else None)


def _unpacked_beside(root: Path) -> bool:
    listed = f"{mirflickr25k_official.CONCEPTS[0]}.txt"
    there = (root / _UNPACKED).is_dir() and locate(root / _UNPACKED, listed) is None
    return there and locate(root, listed, f"{mirflickr25k_official.CONCEPTS[-1]}.txt") is not None
