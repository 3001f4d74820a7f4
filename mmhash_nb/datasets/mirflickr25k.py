"""MIRFlickr-25K as DCMH, zhang2018 and zeng2022 use it: photos or features, tags, 24 labels."""

from pathlib import Path

from mmhash_nb.datasets import mirflickr25k_lists as lists
from mmhash_nb.datasets import mirflickr25k_official as official
from mmhash_nb.datasets.distributions import Distributions, TextFiles
from mmhash_nb.datasets.matlab_layouts import layout
from mmhash_nb.datasets.photo_collection import PhotoCollection
from mmhash_nb.io.finding import locate

#: the folder that mirflickr25k.zip holds
_UNPACKED = "mirflickr"
_DISTRIBUTIONS = Distributions(
    same=(layout("dcmh", "mirflickr25k"), layout("one_file", "FLICKR-25K.mat", "FLICKR-25k.mat")),
    official=TextFiles(official.missing, official.read),
    contents=official.contents,
    lists=TextFiles(lists.missing, lists.read),
    other=(layout("lists"), layout("cnn", "mir"), layout("raw", "mir"), layout("captions")),
    label_names=official.CONCEPTS,
)


class MIRFlickr25K(PhotoCollection):
    """MIRFlickr-25K (Huiskes and Lew, MIR 2008) in the selection of DCMH (Jiang and Li, CVPR 2017).

    20,015 photos with at least one of the 1,386 tags that occur 20 times or more and of the 24
    labels. 2,000 random ones are queries, the other 18,015 the database, and 10,000 out of these
    are for training; the papers publish no list of them. (zhang2018 speaks of pairs with at least
    20 tags, but follows DCMH and has its numbers.)

    The selection also circulates as lists of text: `all_imgs.txt`, `all_tags.txt` and
    `all_labels.txt`. Photos are taken by the names in the list, from a folder or an archive.

    DCMH's files name neither tags nor labels. Names are those of `label_names.txt` and
    `tag_names.txt`, where they lie beside. Without these, label columns are in the alphabetical
    order of the annotations' names, and tags are numbered. Other MATLAB files have numbered labels.
    """

    NAME = "mirflickr25k"

    def distributions(self, protocol: str) -> tuple[Distributions]:
        """The same for all protocols."""
        return (_DISTRIBUTIONS,)

    def candidates(self, root: Path) -> list[Path]:
        """As for all, and `root` itself where both archives were unpacked in it."""
        first, last = (f"{official.CONCEPTS[i]}.txt" for i in (0, -1))
        both = (root / _UNPACKED).is_dir() and locate(root / _UNPACKED, first) is None
        both = both and locate(root, first, last) is not None
        return [root] * both + super().candidates(root)


COLLECTION = MIRFlickr25K()
PROTOCOLS = COLLECTION.protocols
ARCHIVES, fetch_all = COLLECTION.archives, COLLECTION.fetch_all
find, load, read = COLLECTION.find, COLLECTION.load, COLLECTION.read
contents, images_there = COLLECTION.contents, COLLECTION.images_there
