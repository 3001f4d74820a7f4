"""IAPR TC-12 as three papers use it: photos or features, captions, 255 labels or 22."""

from functools import partial

from mmhash_nb.datasets import iaprtc12_official as official
from mmhash_nb.datasets.distributions import Distributions, TextFiles
from mmhash_nb.datasets.matlab_layouts import layout
from mmhash_nb.datasets.photo_collection import FILES, PhotoCollection
from mmhash_nb.datasets.selection import Selection
from mmhash_nb.datasets.splits import Protocol

#: one photo of the official files has segments and no English caption, so that others found 19,999
_NEARLY = 1


class IAPRTC12(PhotoCollection):
    """IAPR TC-12 (Grubinger et al., 2006), labelled by the segments of Escalante et al. (2010).

    zhang2018 and zeng2022 follow DCMH: 20,000 photos, 255 labels, 2,912 words, 2,000 random
    queries, 10,000 training samples. liong2017 has the 22 most frequent labels and the 19,627
    photos that have one, 500 words, and draws 100 queries of each label.

    Which words the papers took, none of them says. From the official files they are the most
    frequent ones of the captions outside the queries, without English function words, up to the
    paper's number. Only `iapr-tc12-rand.mat` has DCMH's columns.
    """

    NAME = "iaprtc12"
    TEXTS = "Captions"
    EMPTY_TAGS, BINARY_TAGS = True, False

    def distributions(self, protocol: str) -> tuple[Distributions]:
        """All of DCMH's labels; or the most frequent, of the official files alone."""
        rule = None if protocol == FILES else self.protocols[protocol]
        frequent = rule.labels if rule is not None and rule.frequent else None
        return (
            Distributions(
                same=(layout("rand"),) if frequent is None else (),
                official=TextFiles(official.missing, partial(official.read, frequent=frequent)),
                contents=official.contents,
                other=(layout("lists"), layout("captions")) if frequent is None else (),
            ),
        )

    def counts(self, found: Selection, rule: Protocol) -> tuple[int, int, int]:
        """Of captions the words are not counted yet, and one photo less than published will do."""
        n, words, labels = found.counts
        if found.tags is not None:
            return n, words, labels
        return n + (n == rule.pairs - _NEARLY), rule.words, labels


COLLECTION = IAPRTC12()
PROTOCOLS = COLLECTION.protocols
find, load, read = COLLECTION.find, COLLECTION.load, COLLECTION.read
contents, images_there = COLLECTION.contents, COLLECTION.images_there
