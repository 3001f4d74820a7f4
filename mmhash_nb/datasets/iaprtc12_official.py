"""IAPR TC-12's official files: photos, English captions, and the labels of SAIAPR's segments."""

import re
from pathlib import Path

import numpy as np

from mmhash_nb.datasets import store
from mmhash_nb.datasets.about import numbered, wrong
from mmhash_nb.datasets.selection import Selection, count, no_images, required
from mmhash_nb.datasets.splits import most_frequent
from mmhash_nb.io.finding import Photos, files_below, has_photo, locate

CAPTIONS, LABELS, LABEL_LIST = "annotations_complete_eng", "labels.txt", "wlist.txt"
#: photos; one of them has no English caption
N_PHOTOS = 20_000
_ELEMENT = r"<{0}>(.*?)</{0}>"


def missing(folder: Path, images: str) -> str | None:
    """The first file that `folder` lacks for one of the values of the option `images`."""
    if locate(folder, CAPTIONS) is None:
        return CAPTIONS
    if images == "pixels" and not has_photo(folder):
        return "photo (images/*/*.jpg)"
    return next((n for n in (LABEL_LIST, LABELS) if not any(files_below(folder, n))), None)


def contents(folder: Path) -> dict[str, tuple[int, int]]:
    """How many files of each kind are there, and how many are needed."""
    photos = files_below(folder, "*.jpg")
    photos = (p for p in photos if p.stem.isdecimal() and "images" in p.parts[-3:-2])
    return {
        "photos": (len({path.name for path in photos}), N_PHOTOS),
        "captions": (count(locate(folder, CAPTIONS), "*.eng"), N_PHOTOS - 1),
        "list of labels": (int(any(files_below(folder, LABEL_LIST))), 1),
        "labels of segments": (int(any(files_below(folder, LABELS))), 1),
    }


def read(folder: Path, images: str, size: int, frequent: int | None = None) -> Selection:
    """The photos that have a caption and a label, in the order of their numbers.

    A photo has the labels of its segments. Of the 275 labels those that no segment has are left
    out, which leaves 255; with `frequent` so many of them, those of the most photos. Other
    arguments and errors are those of `Distributions.read_official`.
    """
    names = _names(min(files_below(folder, LABEL_LIST)))
    labels_of = _labels(folder, names)
    texts = _texts(required(folder, CAPTIONS))
    numbers = sorted(texts.keys() & labels_of.keys())
    if not numbers:
        raise ValueError(f"no photo in {folder} has both a caption and a label: get them again.")
    listed = sorted({label for number in numbers for label in labels_of[number]})
    labels = np.array([[label in labels_of[number] for label in listed] for number in numbers])
    chosen = most_frequent(labels, len(listed) if frequent is None else frequent)
    rows = np.flatnonzero(labels[:, chosen].any(axis=1))
    pixels = no_images(len(rows))
    if images == "pixels":
        wanted = [f"images/{numbers[i] // 1000:02}/{numbers[i]}.jpg" for i in rows]
        pixels = store.decoded(Photos(folder).find_all(wanted), size)
    return Selection(
        images=pixels,
        labels=labels[rows][:, chosen],
        tags=None,
        captions=[texts[numbers[i]] for i in rows],
        label_names=[names[listed[c]] for c in chosen],
        source=f"official files, {len(rows):,} of {len(texts):,} captions have a photo with one of "
        f"the {len(chosen)} labels" + ("" if images == "pixels" else "; without image features"),
    )


def _names(path: Path) -> dict[int, str]:
    """The names of the labels by their numbers."""
    names = {}
    for number, line in numbered(path, "latin-1"):
        fields = line.split(None, 1)
        if len(fields) != 2 or not fields[0].isdecimal() or int(fields[0]) in names:
            raise wrong(path, number, line, "a new number and a label")
        names[int(fields[0])] = fields[1].strip()
    return names


def _labels(folder: Path, names: dict[int, str]) -> dict[int, set[int]]:
    """The labels of each photo: a line has photo, segment and label, or no label."""
    labels_of: dict[int, set[int]] = {}
    for path in sorted(files_below(folder, LABELS)):
        for number, line in numbered(path, "latin-1"):
            fields = line.split()
            if not all(field.isdecimal() for field in fields) or len(fields) not in (2, 3):
                raise wrong(path, number, line, "the numbers of a photo, a segment and a label")
            if len(fields) == 3:
                if int(fields[2]) not in names:
                    raise ValueError(
                        f"line {number} of {path} has label {fields[2]}, which {LABEL_LIST} does "
                        "not name: get both again."
                    )
                labels_of.setdefault(int(fields[0]), set()).add(int(fields[2]))
    return labels_of


def _texts(folder: Path) -> dict[int, str]:
    """The captions by the numbers of their photos."""
    texts = {}
    for path in sorted(files_below(folder, "*.eng")):
        text = path.read_text(encoding="latin-1")
        photo = re.search(_ELEMENT.format("IMAGE"), text)
        caption = re.search(_ELEMENT.format("DESCRIPTION"), text, re.DOTALL)
        number = photo and re.fullmatch(r".*?(\d{1,9})\.jpg", photo[1].strip(), re.ASCII)
        if caption is None or not number:
            raise ValueError(
                f"{path} has no <DESCRIPTION> or no <IMAGE> with a photo's number: get it again."
            )
        texts[int(number[1])] = " ".join(caption[1].split())
    return texts
