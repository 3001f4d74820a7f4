"""How much of a text's attention is on the words that name what is in the image (zhang2018)."""

import numpy as np
import pandas as pd

from mmhash_nb.datasets.concepts import CONCEPT_WORDS, LABEL_NAMES
from mmhash_nb.pairs import Pairs


def concept_words(pairs: Pairs) -> np.ndarray:
    """Whether a word names a concept that is in the picture, for `scenes`, `bool [N, V]`.

    A concept's words are the six of `datasets.concepts`, each a single tag (apple, fruit,
    orchard). A word of two concepts names either. Those of a setting or of the photo name none.

    Raises:
        ValueError: the pairs are not `scenes` with tags.
    """
    if tuple(pairs.label_names) != LABEL_NAMES or pairs.vocabulary is None:
        raise ValueError(
            f"{pairs.name} has not the concepts and tags of scenes: load scenes with texts='tags'."
        )
    owned = np.array([[word in words for word in pairs.vocabulary] for words in CONCEPT_WORDS])
    return pairs.labels @ owned


def text_scores(shares: np.ndarray, texts: np.ndarray, names: np.ndarray) -> pd.DataFrame:
    """How much of a text's attention is on the words that name what is in the image.

    Args:
        shares: attention of each word, `float [N, V]`, at least 0, and 0 for words not in the text;
            rows need not sum to one.
        texts: `float [N, V]`; positive where the text has the word.
        names: whether a word names something in the image, `bool [N, V]`.

    Returns:
        A row a sample, by its number: `attended`, the share of the weight on naming words;
        `chance`, the share of the words that are naming ones; `difference` of the two. Samples
        without a naming word, without another one, or without any weight are left out.

    Raises:
        ValueError: arrays do not fit, or no sample is left.
    """
    if not shares.shape == texts.shape == names.shape or names.dtype != np.bool_:
        raise ValueError(
            "shares, texts and names must be [N, V], and names bool, but they are "
            f"{list(shares.shape)}, {list(texts.shape)} and {names.dtype} {list(names.shape)}."
        )
    present = texts > 0
    wrong = ~np.isfinite(shares) | (shares < 0) | ((shares > 0) & ~present)
    if wrong.any():
        n, v = np.argwhere(wrong)[0]
        raise ValueError(
            f"shares must be at least 0, and 0 for words that are not in the text, but that of "
            f"word {v} in sample {n} is {shares[n, v]}."
        )
    naming = present & names
    words, named, weight = (array.sum(axis=1) for array in (present, naming, shares))
    counted = np.flatnonzero((named > 0) & (named < words) & (weight > 0))
    if not counted.size:
        raise ValueError("no sample has attention, a naming word and another word.")
    attended = (shares * naming).sum(axis=1)[counted] / weight[counted]
    chance = (named / words.clip(1))[counted]
    columns = {"attended": attended, "chance": chance, "difference": attended - chance}
    return pd.DataFrame(columns, index=counted)
