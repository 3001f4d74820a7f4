"""What a dataset holds, in sentences: to be read before anything is learned from it."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from mmhash_nb.datasets.label_cells import shown
from mmhash_nb.pairs import Pairs

_LABELS, _LETTERS, _TEXTS = 12, 40, 2_000


def description(pairs: Pairs) -> Iterator[str]:
    """Sentences on items, labels, splits, pictures that occur twice, and texts."""
    n = len(pairs)
    each = pairs.labels.sum() / max(n, 1)
    yield f"{n:,} items with {pairs.labels.shape[1]:,} labels, {each:.1f} an item"
    yield from _labels(pairs)
    none = pairs.without_relevant
    most = f": at most {1 - none / max(1, len(pairs.query)):.3f} of mAP is possible" if none else ""
    yield (
        f"{len(pairs.query):,} queries over a database of {len(pairs.database):,}, "
        f"{len(pairs.train):,} items to learn from; {none:,} queries have nothing to find{most}"
    )
    if twice := repeated(pairs):
        yield f"{twice:,} pictures occur a second time"
    if pairs.captions is not None:
        yield f"texts: {scripts(pairs.captions)}; {pairs.texts.shape[1]:,} tokens are known"


def repeated(pairs: Pairs) -> int:
    """How many pictures have the pixels of an earlier one; 0 where images are vectors alone."""
    pixels = pairs.thumbnails if pairs.thumbnails is not None else pairs.images
    if pixels.ndim != 4:
        return 0
    return len(pixels) - len({hashlib.sha256(one.tobytes()).digest() for one in pixels})


def scripts(texts: Sequence[str]) -> str:
    """In which scripts some of the texts are written, as shares of their letters."""
    names: Counter[str] = Counter()
    for letter, times in Counter("".join(texts[:_TEXTS])).items():
        if letter.isalpha():
            names[unicodedata.name(letter, "UNKNOWN").partition(" ")[0].capitalize()] += times
    total = sum(names.values())
    if not total:
        return "no letters"
    shares = [f"{name} {100 * times / total:.0f} %" for name, times in names.most_common(3)]
    return ", ".join(share for share in shares if not share.endswith(" 0 %")) + " of their letters"


def _labels(pairs: Pairs) -> Iterator[str]:
    """The most frequent labels, each with its count and an item's text as an example."""
    counts = pairs.labels.sum(axis=0)
    order = np.argsort(-counts, kind="stable")
    for column in order[:_LABELS]:
        example = ""
        if pairs.captions is not None and counts[column]:
            first = int(np.argmax(pairs.labels[:, column]))
            example = f", such as {shown(pairs.captions[first], _LETTERS)}"
        yield f"  {pairs.label_names[int(column)]}: {counts[column]:,} items{example}"
    if len(order) > _LABELS:
        rest = counts[order[_LABELS:]]
        yield f"  and {len(rest):,} more labels of {rest.max():,} items or fewer"
