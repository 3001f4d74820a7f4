"""What MIRFlickr-25K, NUS-WIDE and IAPR TC-12 share: options, reading, counts and split.

Each of them is a subclass of `PhotoCollection` in a module of its name. The subclass declares what
is particular to it: folders, protocols and the `Distributions` in which its files come.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from mmhash_nb.datasets.about import DISPLAY, about, check_option, missing
from mmhash_nb.datasets.distributions import Distributions
from mmhash_nb.datasets.matlab_selection import Rules
from mmhash_nb.datasets.selection import Selection
from mmhash_nb.datasets.splits import Protocol, Split
from mmhash_nb.features.text import bag_of_words
from mmhash_nb.io.archives import Archive, get
from mmhash_nb.io.finding import named
from mmhash_nb.pairs import Pairs

#: the protocol that takes files as they are, whatever their counts
FILES = "files"


class PhotoCollection(ABC):
    """Photos with texts and labels, in the selections that papers use.

    Attributes:
        NAME: of the dataset; put, folders, protocols, archives: as in the file `NAME.toml`,
            the protocols by the short name of the paper, the default first.
        IMAGES: values of the option `images`, the default first.
        TEXTS: what the text modality is called.
        EMPTY_TAGS: whether a sample may have no tag; BINARY_TAGS: whether tags are zeros and ones,
            and not counts.
    """

    NAME: ClassVar[str]
    IMAGES: ClassVar[Sequence[str]] = ("none", "vgg", "pixels")
    TEXTS: ClassVar[str] = "Tags"
    EMPTY_TAGS: ClassVar[bool] = False
    BINARY_TAGS: ClassVar[bool] = True

    def __init__(self) -> None:
        known = about(self.NAME)
        self.put, self.folders = known["put"], known["folders"]
        sizes = tuple(known.get("label_sizes", ()))
        self.protocols = {
            paper: Protocol(**rule, label_sizes=sizes) for paper, rule in known["protocols"].items()
        }
        self.archives = [Archive(**row) for row in known.get("archives", ())]

    @abstractmethod
    def distributions(self, protocol: str) -> Sequence[Distributions]:
        """What may hold the selection of a protocol; several where its labels differ in number."""

    def candidates(self, root: Path) -> list[Path]:
        """The folders that may hold the files, the likeliest first; `root` for official ones."""
        return named(root, *self.folders)

    def counts(self, found: Selection, rule: Protocol) -> tuple[int, int, int]:
        """Pairs, words and labels of a selection, to be compared with the published ones."""
        return found.counts

    def find(self, root: Path) -> Path | None:
        """The folder that holds the files of a distribution, without images at least."""
        return self._that_has(root, "none", FILES)

    def contents(self, root: Path) -> dict[str, tuple[int, int]]:
        """How many of the official files of each kind are there, and how many are needed."""
        return self.distributions(FILES)[0].contents(self._folder(root))

    def images_there(self, root: Path) -> list[str]:
        """The values of the option `images` that there are files for."""
        folder, kinds = self._folder(root), self.distributions(FILES)
        return [images for images in self.IMAGES if any(k.has(folder, images) for k in kinds)]

    def fetch_all(self, root: Path) -> None:
        """Fetch and unpack those of `archives` that are not there; errors as of `archives.get`."""
        get(self.archives, self._folder(root))

    def load(
        self,
        root: str | os.PathLike[str],
        *,
        images: str | None = None,
        size: int = 224,
        protocol: str | None = None,
        split_seed: int = 0,
        n_query: int | None = None,
        n_train: int | None = None,
        n_query_per_concept: int | None = None,
    ) -> Pairs:
        """The selection of a paper with its split; the class says what the papers took.

        Args:
            root: the folder that holds the dataset's folder, with the official files unpacked or
                with files that circulate. Of several distributions the first with these images is
                read. Photos may lie in zip or (uncompressed) tar archives there.
            images: `none`, features without columns (`float32 [N, 0]`), for methods of texts;
                `vgg`, where a file has features (`float32 [N, d]`); `pixels` (`uint8 [N, 3, size,
                size]`, mapped from the cache); or `bof`, visual words (`float32 [N, 500]`), of
                NUS-WIDE alone. The first of `IMAGES` by default.
            size: side of pixels.
            protocol: the short name of a paper, whose counts the files must have; or `files`, which
                takes files whatever they hold, with the split that they have. The first of
                `protocols` by default.
            split_seed: draws queries and training samples; the queries depend on nothing else.
            n_query: queries, where the protocol draws them from all; the rest is the database.
            n_train: training samples, out of the database; the paper's number by default.
            n_query_per_concept: queries of each label, where the protocol draws them so.

        Raises:
            FileNotFoundError: a file is missing; the message says where to get it.
            ValueError: an unknown value of an option, too few samples for the split, a file that is
                not what it should be (with its line), or counts other than the published ones.
            OSError: the disk has no room for decoded images.
        """
        root = Path(root)
        images, protocol, _ = self._known(images, protocol)
        folder = self._that_has(root, images, protocol)
        if folder is None:
            folder = self._folder(root)
            kind = self.distributions(protocol)[0]
            lacks = kind.lacks(folder, images, self.IMAGES, official=folder == root)
            raise missing(self.NAME, lacks, folder, root)
        drawn = split_seed, n_query, n_train, n_query_per_concept
        return self.read(folder, images, size, protocol, *drawn, published=protocol != FILES)

    def read(
        self,
        folder: Path,
        images: str | None = None,
        size: int = 224,
        protocol: str | None = None,
        split_seed: int = 0,
        n_query: int | None = None,
        n_train: int | None = None,
        n_query_per_concept: int | None = None,
        published: bool = False,
    ) -> Pairs:
        """The files of `folder` as pairs, whatever their number; options and errors as for `load`.

        Args:
            published: whether to refuse other counts than the paper's.
        """
        images, protocol, rule = self._known(images, protocol)
        n_query = rule.numbers(self.NAME, protocol, n_query, n_query_per_concept)
        kinds = self.distributions(protocol)
        kind = next((k for k in kinds if k.has(folder, images)), kinds[0])
        rules = Rules(rule.words, kind.labels or rule.labels, self.EMPTY_TAGS, self.BINARY_TAGS)
        found = kind.read(folder, images, size, rules)
        counts, fix = self.counts(found, rule), f"put {self.put}"
        if published:
            rule.check(self.NAME, counts, fix)
            if found.label_names is not None:
                rule.check_labels(self.NAME, found.labels, found.label_names, fix)
        names, n = found.label_names, found.labels.shape[1]
        if names is None or len(names) != n:
            names = [f"label {i}" for i in range(n)]
        split, how = found.split, "split of the files"
        if protocol != FILES or n_query is not None or n_train is not None or split is None:
            usable = np.setdiff1d(np.arange(len(found.labels)), found.twins)
            drawn = rule.split(found.labels[usable], names, split_seed, n_query, n_train)
            split = (usable[drawn[0]], usable[drawn[1]], usable[drawn[2]])
            how = f"{protocol}, split_seed {split_seed}"
        pairs = self._pairs(found, images, names, split, rule.words, how)
        if published:  # words of captions are counted after the split, which chooses them
            rule.check(self.NAME, (counts[0], pairs.texts.shape[1], counts[2]), fix)
        return pairs

    def _known(self, images: str | None, protocol: str | None) -> tuple[str, str, Protocol]:
        """The two options with their defaults, and the protocol; of `files` it is the first."""
        images = self.IMAGES[0] if images is None else images
        protocol = next(iter(self.protocols)) if protocol is None else protocol
        check_option(self.NAME, "images", images, self.IMAGES)
        if protocol != FILES and protocol not in self.protocols:
            known = ", ".join([*self.protocols, FILES])
            raise ValueError(f"protocol of {self.NAME} is one of {known}, not {protocol!r}.")
        rule = self.protocols.get(protocol) or next(iter(self.protocols.values()))
        return images, protocol, rule

    def _that_has(self, root: Path, images: str, protocol: str) -> Path | None:
        """The first candidate with the images; MATLAB files of `root` may be another dataset's."""
        kinds = self.distributions(protocol)
        for folder in self.candidates(root):
            if any(kind.has(folder, images, official=folder == root) for kind in kinds):
                return folder
        return None

    def _folder(self, root: Path) -> Path:
        """Where the files lie, or would be put."""
        return self.find(root) or next(iter(self.candidates(root)), root / self.folders[0])

    def _pairs(
        self,
        found: Selection,
        images: str,
        names: Sequence[str],
        split: Split,
        words: int,
        how: str,
    ) -> Pairs:
        """Pairs with a split, drawn as `how` says; tags without names are numbered."""
        query, database, train = split
        texts, vocabulary = found.tags, found.vocabulary
        if texts is not None and vocabulary is None:
            vocabulary = [f"tag {i}" for i in range(texts.shape[1])]
        if texts is None:
            assert found.captions is not None
            fit_on = np.union1d(database, train)
            texts, vocabulary = bag_of_words(found.captions, fit_on=fit_on, max_words=words)
        return Pairs(
            images=found.images,
            texts=texts,
            labels=found.labels,
            label_names=names,
            query=query,
            database=database,
            train=train,
            captions=found.captions,
            vocabulary=vocabulary,
            modality_names=(DISPLAY[images], self.TEXTS),
            name=self.NAME,
            source=f"{found.source}; {how}",
        )
