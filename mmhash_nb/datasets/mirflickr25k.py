"""MIRFlickr-25K as DCMH, zhang2018 and zeng2022 use it: photos or features, tags, 24 labels."""

from pathlib import Path

from mmhash_nb.datasets import mirflickr25k_official as official
from mmhash_nb.datasets.distributions import Distributions
from mmhash_nb.datasets.matlab_layouts import CAPTIONS, LISTS, divided, one_file, three_files
from mmhash_nb.datasets.photo_collection import PhotoCollection
from mmhash_nb.datasets.splits import Protocol
from mmhash_nb.io.finding import locate

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
PROTOCOLS = {
    "zeng2022": Protocol(20_015, 1_386, 24, n_query=2_000, n_train=10_000),
    "zhang2018": Protocol(20_015, 1_386, 24, n_query=2_000, n_train=10_000),
}
#: the folder that mirflickr25k.zip holds
_UNPACKED = "mirflickr"
_DISTRIBUTIONS = Distributions(
    same=(three_files("mirflickr25k"), one_file("FLICKR-25K.mat", "FLICKR-25k.mat")),
    missing=official.missing,
    contents=official.contents,
    read_official=official.read,
    other=(LISTS, *divided("mir"), CAPTIONS),
    label_names=official.CONCEPTS,
)


class MIRFlickr25K(PhotoCollection):
    """MIRFlickr-25K (Huiskes and Lew, MIR 2008) in the selection of DCMH (Jiang and Li, CVPR 2017).

    20,015 photos with at least one of the 1,386 tags that occur 20 times or more and of the 24
    labels. 2,000 random ones are queries, the other 18,015 the database, and 10,000 out of these
    are for training; the papers publish no list of them. (zhang2018 speaks of pairs with at least
    20 tags, but follows DCMH and has its numbers.)

    DCMH's files name neither tags nor labels. Their label columns are in the alphabetical order of
    the annotations' names, and tags are numbered. Other MATLAB files have numbered labels too.
    """

    NAME, PAGE, PUT, PROTOCOLS = "mirflickr25k", PAGE, PUT, PROTOCOLS
    FOLDERS = ("mirflickr25k", "mirflickr", "flickr25k")
    ARCHIVES = official.ARCHIVES

    def distributions(self, protocol: str) -> tuple[Distributions]:
        """The same for all protocols."""
        return (_DISTRIBUTIONS,)

    def candidates(self, root: Path) -> list[Path]:
        """As for all, and `root` itself where both archives were unpacked in it."""
        return [root] * _both_unpacked_in(root) + super().candidates(root)


def _both_unpacked_in(root: Path) -> bool:
    first, last = (f"{concept}.txt" for concept in official.CONCEPTS[:: len(official.CONCEPTS) - 1])
    there = (root / _UNPACKED).is_dir() and locate(root / _UNPACKED, first) is None
    return there and locate(root, first, last) is not None


_COLLECTION = MIRFlickr25K()
ARCHIVES = _COLLECTION.ARCHIVES
find, load, read = _COLLECTION.find, _COLLECTION.load, _COLLECTION.read
contents, images_there = _COLLECTION.contents, _COLLECTION.images_there
fetch_all = _COLLECTION.fetch_all
