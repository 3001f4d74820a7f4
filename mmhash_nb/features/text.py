"""Words into feature vectors: bags of words, and sentence embeddings as an optional extra."""

import importlib.util
import unicodedata
from collections import Counter
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

KINDS = ("word", "char")
#: length of a sentence embedding
DIMENSIONS = 256
_EXTRA = 'pip install "mmhash-nb[sentences]"'
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"


def tokens(text: str, kind: str = "word", *, n: int = 3) -> list[str]:
    """The tokens of a text, in order.

    Text is brought to Unicode's NFKC and to lower case first, so that two ways of writing a
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
    words = _words(text)
    if kind == "word":
        return [w for w in words if len(w) > 1]
    if not words:
        return []
    joined = " ".join(words)
    return [joined[i : i + n] for i in range(max(1, len(joined) - n + 1))]


def words_of_one_character(text: str) -> float:
    """The share of a text's words that have one character, which tokens of kind `word` leave out.

    0 where the text has no word.
    """
    words = _words(text)
    return sum(len(word) == 1 for word in words) / max(1, len(words))


def choose_vocabulary(
    texts: Sequence[str],
    kind: str = "word",
    *,
    n: int = 3,
    max_words: int = 2_000,
    min_count: int = 2,
    leave_out: Container[str] = (),
) -> tuple[str, ...]:
    """The tokens that most of the texts hold, in code point order.

    Of equally frequent tokens the first in code point order is taken.

    Args:
        texts: of the training set alone, never of the queries.
        kind: `word` or `char`; n: characters of an n-gram; as `tokens` takes them.
        max_words: length of the vocabulary at most.
        min_count: how many of the texts must hold a token.
        leave_out: tokens that are not taken.

    Raises:
        ValueError: another kind, `n` below 1, or no token is held by so many.
    """
    holding = Counter(token for text in texts for token in set(tokens(text, kind, n=n)))
    frequent = [t for t, count in holding.items() if count >= min_count and t not in leave_out]
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


def bag_of_words(
    texts: Sequence[str],
    *,
    fit_on: np.ndarray,
    max_words: int = 2_000,
    min_count: int = 2,
    stop_words: str | None = "english",
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which words each text holds, of a vocabulary chosen from some of the texts.

    No text but those at `fit_on` has a say in the vocabulary: pass the training set, never the
    queries.

    Args:
        texts: N texts.
        fit_on: `int [M]`, which of them choose the vocabulary.
        max_words, min_count: as `choose_vocabulary` takes them.
        stop_words: `english` leaves out scikit-learn's list of English function words; `None`.

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
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS  # takes long to import

    vocabulary = choose_vocabulary(
        [texts[i] for i in rows],
        max_words=max_words,
        min_count=min_count,
        leave_out=ENGLISH_STOP_WORDS if stop_words else (),
    )
    return bags(texts, vocabulary), vocabulary


def sentence_embeddings(texts: Sequence[str]) -> np.ndarray:
    """What each text means as 256 numbers, `float32 [N, 256]`, each row of unit length.

    A stand-in for the papers' Sent2Vec, which it resembles in kind (a mean of learned vectors of
    the parts of a text, whose order plays no role) but not in training. The vectors of 32,000
    parts of words are those of WordLlama (MIT licence), trained from the input embeddings of
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
    for i, parts in enumerate(tokenizer.encode_batch(list(texts), add_special_tokens=False)):
        if parts.ids:
            mean = vectors[parts.ids].mean(axis=0, dtype=np.float64)
            embedded[i] = mean / max(np.linalg.norm(mean), 1e-12)
    return embedded


def _words(text: str) -> list[str]:
    lower = unicodedata.normalize("NFKC", text).lower()
    apart = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in lower)
    return [word for word in apart.split() if any(c.isalpha() for c in word)]


def _check_strings(texts: Sequence[str]) -> None:
    if isinstance(texts, str):
        raise TypeError("texts must be a list of strings, but is one string: put it in a list.")
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(f"text {i} must be a string, but is {text!r}.")


def _wordllama() -> tuple[np.ndarray, Any]:
    """Vectors `float16 [32000, 256]` and tokenizer out of the installed package.

    They are read as files: importing the package sets up logging for the whole process, and its
    loader (0.4.0) looks for the tokenizer in a folder where its wheel does not have it, then
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
