"""The layouts in which the papers' selections circulate as MATLAB files: a table of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmhash_nb.io.finding import locate

#: the part of a file that is not divided
ALL = "all"
Variables = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Source:
    """Where one modality lies.

    Args:
        files: names of the file, the likeliest first.
        variables: for each part of the split (`database`, `query`, `train`; or `all`) the names of
            its array, the likeliest first.
    """

    files: tuple[str, ...]
    variables: Variables

    def find(self, folder: Path) -> Path | None:
        """The file, in `folder` or up to two levels below."""
        return locate(folder, *self.files)


@dataclass(frozen=True)
class Layout:
    """Which file has what.

    Args:
        name: what messages call it.
        labels: zeros and ones, a row each sample.
        tags: a bag of words each; or captions: a text each.
        pixels: the images; features: vectors of them; photos: the names of their files.
    """

    name: str
    labels: Source
    tags: Source | None = None
    captions: Source | None = None
    pixels: Source | None = None
    features: Source | None = None
    photos: Source | None = None

    def begun(self, folder: Path) -> bool:
        """Whether any of its files is in `folder`."""
        sources = (self.labels, self.tags, self.captions, self.pixels, self.features, self.photos)
        return any(source is not None and source.find(folder) for source in sources)

    def missing(self, folder: Path, images: str) -> str | None:
        """The first file that `folder` lacks for one of the values of the option `images`."""
        needed = [self.tags or self.captions, self.labels]
        if images not in ("none", "vgg", "pixels"):
            return f"images={images!r} in files of the layout {self.name}"
        if images == "vgg":
            needed.append(self.features)
        elif images == "pixels" and (self.photos is None or self.photos.find(folder) is None):
            needed.append(self.pixels or self.photos)
        for source in needed:
            if source is None:
                return f"images={images!r} in files of the layout {self.name}"
            if source.find(folder) is None:
                return source.files[0]
        return None


def _whole(files: tuple[str, ...], *variables: str) -> Source:
    return Source(files, {ALL: variables})


def _parts(file: str, letter: str) -> Source:
    """The arrays of a file that holds the parts of its split one by one."""
    parts = {"database": "db", "query": "te", "train": "tr"}
    return Source((file,), {part: (f"{letter}_{end}",) for part, end in parts.items()})


def three_files(stem: str) -> Layout:
    """DCMH's files: `STEM-yall.mat`, `STEM-lall.mat` and, for images, `STEM-iall.mat`."""
    return Layout(
        "dcmh",
        labels=_whole((f"{stem}-lall.mat",), "LAll"),
        tags=_whole((f"{stem}-yall.mat",), "YAll"),
        pixels=_whole((f"{stem}-iall.mat",), "IAll"),
        features=_whole(
            (f"{stem}-iall-vgg.mat", f"{stem}-xall-vgg.mat"), *("XAll", "IAll", "FAll")
        ),
        photos=_whole((f"{stem}-fall.mat",), "FAll"),
    )


def one_file(*files: str) -> Layout:
    """All in one file, as of FLICKR-25K.mat."""
    return Layout(
        "one_file",
        labels=_whole(files, "LAll"),
        tags=_whole(files, "YAll"),
        pixels=_whole(files, "images", "IAll"),
        features=_whole(files, "XAll"),
    )


def divided(short: str) -> tuple[Layout, Layout]:
    """`SHORT_cnn.mat` and `raw_SHORT.mat`, which hold the parts of a split one by one."""
    cnn, raw = f"{short}_cnn.mat", f"raw_{short}.mat"
    return (
        Layout("cnn", labels=_parts(cnn, "L"), tags=_parts(cnn, "T"), features=_parts(cnn, "I")),
        Layout("raw", labels=_parts(raw, "L"), tags=_parts(raw, "T"), pixels=_parts(raw, "I")),
    )


#: tag and label matrices beside the names of the photos
LISTS = Layout(
    "lists",
    labels=_whole(("labelList.mat",), "LAll", "labels"),
    tags=_whole(("tagList.mat",), "YAll", "tags"),
    photos=_whole(("imgList.mat",), "FAll", "imgs"),
)
#: captions as text, and the paths of the photos
CAPTIONS = Layout(
    "captions",
    labels=_whole(("label.mat",), "category", "label"),
    captions=_whole(("caption.mat",), "caption"),
    photos=_whole(("index.mat",), "index"),
)
#: IAPR TC-12 in a fixed order, whose last 2,000 are the queries
IAPR_RAND = Layout(
    "rand",
    labels=Source(("iapr-tc12-rand.mat",), {"database": ("databaseL",), "query": ("testL",)}),
    tags=Source(("iapr-tc12-rand.mat",), {"database": ("YDatabase",), "query": ("YTest",)}),
    features=Source(("iapr-tc12-rand.mat",), {"database": ("VDatabase",), "query": ("VTest",)}),
)
