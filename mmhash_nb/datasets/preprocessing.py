"""How a user's pictures and texts become arrays: what encoding new ones needs."""

import dataclasses
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mmhash_nb.datasets.about import DISPLAY, check_option
from mmhash_nb.datasets.decoding import fitted
from mmhash_nb.datasets.label_cells import shown
from mmhash_nb.features import KINDS as DESCRIPTORS
from mmhash_nb.features import describe
from mmhash_nb.features.text import KINDS, bags, choose_vocabulary, words_of_one_character
from mmhash_nb.io.files import whole
from mmhash_nb.pairs import SPLITS, Pairs

#: what a picture becomes: its pixels, a descriptor, or the vector of a backbone
IMAGES = (*DESCRIPTORS, "vectors")
MOST_SIZE, MOST_NGRAM = 1024, 10
#: the one label of new items, which are in no split and never judged
UNLABELLED = "unlabelled"
_CHARACTERS = "tokens='char', ngram={0} (in a shell --tokens char --ngram {0})"


@dataclass(frozen=True)
class Preprocessing:
    """How pictures and texts become arrays: what encoding new items needs beside a fitted method.

    Args:
        images: `pixels`, `gist`, `hog`, `hog_colour` or `vectors`.
        size: side of the pixels, up to 1,024.
        tokens: `word`, or `char` for n-grams of `ngram` characters.
        vocabulary: columns of the texts; None where it is still to be chosen.
        backbone, weights: of the vectors, as `features.backbones.create` takes them.

    Raises:
        ValueError: another value.
    """

    images: str = "pixels"
    size: int = 128
    tokens: str = "word"
    ngram: int = 3
    vocabulary: tuple[str, ...] | None = None
    backbone: str = "small"
    weights: str | None = None

    def __post_init__(self) -> None:
        check_option("folder", "images", self.images, IMAGES)
        check_option("folder", "tokens", self.tokens, KINDS)
        for option, most in (("size", MOST_SIZE), ("ngram", MOST_NGRAM)):
            value = getattr(self, option)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise ValueError(f"{option} must be an integer from 1 to {most:,}, not {value!r}.")
        words = self.vocabulary
        if words is not None and not all(isinstance(word, str) for word in words):
            raise ValueError("vocabulary must be a list of texts.")
        if words is not None and len(set(words)) < len(words):
            raise ValueError("vocabulary names a token twice: give it as it was chosen.")

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        with whole(path) as aside:
            text = json.dumps(dataclasses.asdict(self), ensure_ascii=False, indent=1)
            aside.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Preprocessing":
        """Read what `save` wrote.

        Raises:
            ValueError: it is not whole or something else.
        """
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**fields, "vocabulary": tuple(fields["vocabulary"])})
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} does not say how data is read ({error}).") from None

    def pairs(self, pixels: np.ndarray | None, texts: Sequence[str] | None, **fields: Any) -> Pairs:
        """Pairs of N items; a modality that is None has no columns, so that nothing can use it.

        Args:
            pixels: `uint8 [N, 3, size, size]`; texts: N.
            fields: all others of `Pairs`; new items have none, and need none.
        """
        n = len(texts or ()) if pixels is None else len(pixels)
        none = np.zeros((n, 0), dtype=np.float32)
        words = self.vocabulary or () if texts is not None else ()
        new = {
            "labels": np.ones((n, 1), dtype=bool),
            "label_names": [UNLABELLED],
            **{split: np.arange(0) for split in SPLITS},
        }
        return Pairs(
            images=none if pixels is None else self.described(pixels),
            texts=none if texts is None else bags(texts, words, self.tokens, n=self.ngram),
            vocabulary=words,
            thumbnails=pixels,
            modality_names=(DISPLAY[self.images], "text"),
            name="folder",
            **{**new, **fields},
        )

    def described(self, pixels: np.ndarray) -> np.ndarray:
        """What a method sees of pictures `uint8 [N, 3, S, S]`: these or `float32 [N, d]`."""
        if self.images != "vectors":
            return describe(pixels, self.images)
        from mmhash_nb.features import backbones, vectors  # PyTorch, which others need not import

        network = backbones.create(self.backbone, weights=self.weights)
        return vectors.feature_vectors(network, pixels, size=self.size)

    def one(self, text: str | None, picture: Image.Image | None) -> Pairs:
        """Pairs of one new item."""
        pixels = None
        if picture is not None:
            pixels = fitted(picture, self.size, self.size).transpose(2, 0, 1)[None].copy()
        return self.pairs(pixels, None if text is None else [text])

    def lost(self, texts: Sequence[str], learned: Sequence[str]) -> list[str]:
        """Sentences on texts that lose all or most of their words, and on tokens that keep them.

        Args:
            texts: N; learned: those that choose a vocabulary.
        """
        found, n = [], len(texts)
        short = [text for text in texts if words_of_one_character(text) > 0.5]
        if short and self.tokens == "word":
            found.append(
                f"{len(short)} of {n} texts lose most of their words, which have one character, "
                f"such as {shown(short[0])}: {_CHARACTERS.format(1)} keeps them."
            )
        known = bags(texts, self.vocabulary or (), self.tokens, n=self.ngram).any(axis=1)
        if known.all():
            return found
        example, none = shown(texts[int(np.argmin(known))]), int((~known).sum())
        sentence = f"{none} of {n} texts hold no token of the vocabulary, such as {example}"
        with suppress(ValueError):  # no n-gram is in two texts
            pairs = bags(texts, choose_vocabulary(learned, "char", n=2), "char", n=2)
            if 2 * (still := int((~pairs.any(axis=1)).sum())) < none:
                sentence += f": with {_CHARACTERS.format(2)} they would be {still}"
        return [*found, f"{sentence}."]
