"""A query of the user's words and picture, as arrays like those of the dataset."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from mmhash_nb.datasets.decoding import fitted
from mmhash_nb.explorer.search import Query
from mmhash_nb.features import KINDS, describe
from mmhash_nb.features.text import tokens
from mmhash_nb.figures.items import feature_vector
from mmhash_nb.figures.nearest import side_name
from mmhash_nb.pairs import Pairs


@dataclass(frozen=True, eq=False)
class UserQuery(Query):
    """A sample that the user made, with unknown labels.

    Attributes:
        pairs: of this one sample; their labels mean nothing.
        made_of: `words`, `picture` or both.
        unknown: words that the dataset does not know.
    """

    made_of: frozenset[str] = frozenset()
    unknown: Sequence[str] = ()


def needs(pairs: Pairs, side: str) -> frozenset[str]:
    """What a user's query is made of on one side: `words`, `picture` or both.

    Raises:
        ValueError: the dataset's vectors cannot be made here.
    """
    if side == "joint":
        return needs(pairs, "image") | needs(pairs, "text")
    if side == "text" and known_words(pairs):
        return frozenset({"words"})
    if (side == "image" and pairs.images.ndim == 4) or _description(pairs, side):
        return frozenset({"picture"})
    raise ValueError(
        f"The {side_name(pairs, side)} of {pairs.name} is a vector that cannot be made here from "
        "words or a picture, so only its own samples can be queries."
    )


def user_query(
    pairs: Pairs, made_of: frozenset[str], words: str = "", picture: Image.Image | None = None
) -> UserQuery:
    """Words and a picture as one sample of a dataset.

    Args:
        made_of: as `needs` says; what it does not name stays empty in the sample.
        picture: as from `decoding.read_picture`; None where there is none yet.

    Raises:
        ValueError: what the sample is made of is not there, or no word is known.
    """
    images = np.zeros((1, *pairs.images.shape[1:]), pairs.images.dtype)
    texts = np.zeros((1, pairs.texts.shape[1]), np.float32)
    thumbnails = None
    unknown: list[str] = []
    if "picture" in made_of:
        if picture is None:
            raise ValueError("No picture is chosen: upload one, a PNG or JPEG file for instance.")
        if pairs.images.ndim == 4:
            images = _fitted(picture, pairs.images.shape)
        if pairs.thumbnails is not None:
            thumbnails = _fitted(picture, pairs.thumbnails.shape)
            for side, filled in (("image", images), ("text", texts)):
                if kind := _description(pairs, side):
                    filled[:] = describe(thumbnails, kind)
    if "words" in made_of:
        columns, unknown = find_words(pairs, words)
        texts[0, columns] = 1
    pair = replace(
        pairs,
        images=images,
        texts=texts,
        labels=np.ones((1, pairs.labels.shape[1]), dtype=bool),  # a sample must have some
        query=np.arange(0),
        database=np.arange(0),
        train=np.arange(0),
        captions=None if pairs.captions is None else [" ".join(words.split())],
        masks=None,
        thumbnails=thumbnails,
    )
    name = "your " + " and ".join(sorted(made_of, reverse=True))
    return UserQuery(pair, 0, name, None, made_of, unknown)


def known_words(pairs: Pairs) -> dict[str, int]:
    """The words of a dataset's vocabulary and their columns; names of several words are none."""
    words = {_normal(word): column for column, word in enumerate(pairs.vocabulary or ())}
    return {word: column for word, column in words.items() if len(word.split()) == 1}


def find_words(pairs: Pairs, text: str) -> tuple[list[int], list[str]]:
    """The columns of the words that a dataset knows, and the words that it does not.

    Raises:
        ValueError: there is no word, or none that is known.
    """
    known = known_words(pairs)
    columns, unknown = set(), []
    for written in re.split(r"[\s,;]+", _normal(text)):
        # A tag such as 365 or d80 counts as it stands; a sentence is taken apart as datasets are.
        for word in [written] if written in known else tokens(written):
            if word in known:
                columns.add(known[word])
            else:
                unknown.append(word)
    unknown = list(dict.fromkeys(unknown))
    if not columns:
        such = ", ".join(list(known)[:3])
        if unknown:
            raise ValueError(
                f"None of these words is known to {pairs.name}: {', '.join(unknown)}. It knows "
                f"{len(known):,}, such as {such}."
            )
        raise ValueError(f"There is no word in the box: type some, such as {such}.")
    return sorted(columns), unknown


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def _description(pairs: Pairs, side: str) -> str:
    """The kind of descriptor that one side is of its thumbnails; empty where it is of none.

    That the name says so is not enough: the first sample must come out the same.
    """
    kind = pairs.modality_names[side == "text"].lower()
    if kind not in KINDS or kind == "pixels" or pairs.thumbnails is None:
        return ""
    vector = describe(pairs.thumbnails[:1], kind)[0]
    stored = feature_vector(pairs, 0, side)
    same = vector.shape == stored.shape and np.allclose(vector, stored, atol=1e-4)
    return kind if same else ""


def _fitted(picture: Image.Image, shape: tuple[int, ...]) -> np.ndarray:
    """A picture in the frame of a dataset's `[N, 3, H, W]`, `uint8 [1, 3, H, W]`."""
    return fitted(picture, shape[3], shape[2]).transpose(2, 0, 1)[None].copy()
