"""Words into feature vectors: bags of words, and sentence embeddings as an optional extra."""

import importlib.util
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from sklearn.feature_extraction.text import CountVectorizer

__all__ = ["DIMENSIONS", "KINDS", "bag_of_words", "sentence_embeddings", "tokens"]

KINDS = ("word", "char")
#: length of a sentence embedding
DIMENSIONS = 256
_EXTRA = 'pip install "mmhash-nb[sentences]"'
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"


def tokens(text: str, kind: str = "word", *, n: int = 3) -> list[str]:
    """The tokens of a text, in order.

    Text is brought to Unicode's form NFKC and lower case first, so that two ways of writing a
    letter are one. A word is a run of letters, digits and combining marks with at least one letter,
    so that numbers are dropped.

    Args:
        text: any text.
        kind: `word`, of two characters or more; or `char`, the n-grams of characters of the words
            joined by single spaces, those of one character among them, which in some languages say
            as much as any.
        n: characters of an n-gram. Of a shorter text the whole is the only token.

    Raises:
        TypeError: `text` is not a string.
        ValueError: another kind, or `n` below 1.
    """
    _check_strings([text])
    if kind not in KINDS:
        raise ValueError(f"tokens are one of {', '.join(KINDS)}, not {kind!r}.")
    if n < 1:
        raise ValueError(f"n must be at least 1 character, but is {n}.")
    lower = unicodedata.normalize("NFKC", text).lower()
    apart = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in lower)
    words = [w for w in apart.split() if any(c.isalpha() for c in w)]
    if kind == "word":
        return [w for w in words if len(w) > 1]
    if not words:
        return []
    joined = " ".join(words)
    return [joined[i : i + n] for i in range(max(1, len(joined) - n + 1))]


def bag_of_words(
    texts: Sequence[str],
    *,
    fit_on: np.ndarray,
    max_words: int = 2_000,
    min_count: int = 2,
    stop_words: str | None = "english",
    binary: bool = True,
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which words each text holds, of a vocabulary chosen from some of the texts.

    The vocabulary are the words that most of the texts at `fit_on` hold, and no other text has a
    say in it: pass the training set, never the queries. Of equally frequent words the first in
    code point order is taken, and the columns are in code point order.

    Args:
        texts: N texts.
        fit_on: `int [M]`, which of them choose the vocabulary.
        max_words: length of the vocabulary at most.
        min_count: of the texts at `fit_on`, how many must hold a word.
        stop_words: `english` leaves out scikit-learn's list of English function words; `None`.
        binary: ones and zeros; otherwise how often a text holds the word.

    Returns:
        `float32 [N, V]`, a row of zeros where a text holds none of the words; and the V words.

    Raises:
        TypeError: a text is not a string.
        ValueError: `fit_on` is empty or out of range, another `stop_words`, a number below 1, or
            no word is left.
    """
    if stop_words not in ("english", None):
        raise ValueError(f"stop_words is 'english' or None, not {stop_words!r}.")
    for option, value in (("max_words", max_words), ("min_count", min_count)):
        if value < 1:
            raise ValueError(f"{option} must be at least 1, but is {value}.")
    _check_strings(texts)
    rows = np.unique(np.asarray(fit_on))
    if not rows.size or not np.issubdtype(rows.dtype, np.integer):
        raise ValueError("fit_on must name by index the texts that choose the words, at least one.")
    if rows[0] < 0 or rows[-1] >= len(texts):
        wrong = rows[0] if rows[0] < 0 else rows[-1]
        raise ValueError(f"fit_on holds index {wrong}, but there are {len(texts)} texts.")
    counter = CountVectorizer(
        tokenizer=tokens, token_pattern=None, lowercase=False, stop_words=stop_words
    )
    try:
        counts = counter.fit_transform([texts[i] for i in rows])  # [M, all words]
    except ValueError:
        raise ValueError(f"the {len(rows)} texts at fit_on hold no word at all.") from None
    words = counter.get_feature_names_out()
    holding = np.bincount(counts.indices, minlength=len(words))
    # A stable sort of our own: max_features of CountVectorizer leaves equal counts to chance.
    ranked = np.argsort(-holding, kind="stable")[:max_words]
    chosen = np.sort(ranked[holding[ranked] >= min_count])
    if not chosen.size:
        raise ValueError(
            f"no word is held by {min_count} of the {len(rows)} texts at fit_on: lower min_count."
        )
    vocabulary = tuple(str(word) for word in words[chosen])
    bags = CountVectorizer(
        tokenizer=tokens,
        token_pattern=None,
        lowercase=False,
        vocabulary=vocabulary,
        binary=binary,
        dtype=np.float32,
    ).transform(texts)
    return bags.toarray(), vocabulary


def sentence_embeddings(texts: Sequence[str]) -> np.ndarray:
    """What each text means as 256 numbers, `float32 [N, 256]`, each row of unit length.

    A stand-in for the papers' Sent2Vec, which it resembles in kind (a mean of learned vectors of
    the parts of a text, whose order plays no role) but not in training. The vectors of 32,000
    pieces of words are those of WordLlama (MIT licence), trained from the input embeddings of
    large language models; they and the tokenizer lie inside the PyPI package `wordllama`, and
    nothing is downloaded. Text is taken as it is, upper case, numbers and all. An empty text is a
    row of zeros.

    Raises:
        ImportError: the optional extra is not installed.
        TypeError: a text is not a string.
    """
    _check_strings(texts)
    vectors, tokenizer = _wordllama()
    embedded = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for i, pieces in enumerate(tokenizer.encode_batch(list(texts), add_special_tokens=False)):
        if pieces.ids:
            mean = vectors[pieces.ids].mean(axis=0, dtype=np.float64)
            embedded[i] = mean / max(np.linalg.norm(mean), 1e-12)
    return embedded


def _check_strings(texts: Sequence[str]) -> None:
    if isinstance(texts, str):
        raise TypeError("texts must be a list of strings, but is one string: put it in a list.")
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"text {i} must be a string, but is {text!r}.")


def _wordllama() -> tuple[np.ndarray, Any]:
    """Vectors `float16 [32000, 256]` and tokenizer out of the installed package.

    They are read as files: importing the package sets up logging for the whole process, and its
    own loader (0.4.0) looks for the tokenizer in a folder where its wheel does not have it, then
    tries to download it.
    """
    package = importlib.util.find_spec("wordllama")
    if package is None or not package.submodule_search_locations:
        raise ImportError(f"sentence embeddings need the package wordllama: {_EXTRA}.")
    from tokenizers import Tokenizer  # comes with wordllama

    folder = Path(package.submodule_search_locations[0])
    for name in (_WEIGHTS, _TOKENIZER):
        if not (folder / name).is_file():
            raise ImportError(f"this version of wordllama lacks {name}: {_EXTRA} installs one.")
    tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    with safe_open(folder / _WEIGHTS, framework="numpy") as file:
        return file.get_tensor("embedding.weight"), tokenizer
