"""Vocabularies of words or of n-grams of characters, and bags of them, in any language."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from mmhash_nb.features.text import tokens

__all__ = ["bags", "choose_vocabulary"]


def choose_vocabulary(
    texts: Sequence[str],
    kind: str = "word",
    *,
    n: int = 3,
    max_words: int = 2_000,
    min_count: int = 2,
) -> tuple[str, ...]:
    """The tokens that most of the texts hold, in code point order.

    Of words it is the vocabulary of `text.bag_of_words` without its list of English function words.
    Of equally frequent tokens the first in code point order is taken.

    Args:
        texts: of the training set alone, never of the queries.
        kind: `word` or `char`; n: characters of an n-gram; as `text.tokens` takes them.
        max_words: length of the vocabulary at most.
        min_count: how many of the texts must hold a token.

    Raises:
        ValueError: another kind, `n` below 1, or no token is held by so many.
    """
    holding = Counter(token for text in texts for token in set(tokens(text, kind, n=n)))
    frequent = [token for token, count in holding.items() if count >= min_count]
    if not frequent:
        raise ValueError(
            f"no {kind} token is held by {min_count} of the {len(texts)} training texts: give more "
            "texts, or take them apart otherwise, such as by tokens='char'."
        )
    ranked = sorted(frequent, key=lambda token: (-holding[token], token))
    return tuple(sorted(ranked[:max_words]))


def bags(
    texts: Sequence[str], vocabulary: Sequence[str], kind: str = "word", *, n: int = 3
) -> np.ndarray:
    """Which tokens of a vocabulary each text holds, as ones and zeros.

    Args:
        texts: N texts.
        vocabulary: V tokens; kind, n: as it was chosen with.

    Returns:
        `float32 [N, V]`, a row of zeros where a text holds none.
    """
    column = {token: j for j, token in enumerate(vocabulary)}
    held = np.zeros((len(texts), len(vocabulary)), dtype=np.float32)
    for row, text in enumerate(texts):
        held[row, [column[token] for token in tokens(text, kind, n=n) if token in column]] = 1
    return held
