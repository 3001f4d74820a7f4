import importlib.util
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from table_cases import table_rows, with_arrays

from mmhash_nb.features import text
from mmhash_nb.features.text import (
    bag_of_words,
    bags,
    choose_vocabulary,
    sentence_embeddings,
    tokens,
)

HAS_WORDLLAMA = importlib.util.find_spec("wordllama") is not None
needs_wordllama = pytest.mark.skipif(
    not HAS_WORDLLAMA, reason="the optional extra `sentences` is not installed"
)


@pytest.mark.parametrize(("written", "expected"), table_rows("words"))
def test_words(written, expected):
    assert tokens(written) == expected


def test_words_of_one_character_are_tokens_among_characters():
    assert tokens("猫 и a 7 犬") == []
    assert tokens("猫 и a 7 犬", "char", n=1) == list("猫 и a 犬")


@pytest.mark.parametrize(("written", "n", "expected"), table_rows("character_ngrams"))
def test_character_ngrams(written, n, expected):
    assert tokens(written, "char", n=n) == expected


@given(st.text(max_size=40))
def test_words_are_lower_case_hold_a_letter_and_stay_as_they_are(written):
    words = tokens(written)
    for word in words:
        assert len(word) > 1 and word.split() == [word]
        assert any(c.isalpha() for c in word)
        assert not any(unicodedata.category(c) in ("Lu", "Lt") and c.lower() != c for c in word)


@given(st.text(alphabet="abc XYZ 12.,é", max_size=40))
def test_tokens_of_the_tokens_are_the_same(written):
    words = tokens(written)
    assert tokens(" ".join(words)) == words
    characters = tokens(written, "char", n=1)
    assert tokens("".join(characters), "char", n=1) == characters
    assert [word for word in "".join(characters).split() if len(word) > 1] == words


def test_tokens_refuse_another_kind_and_length():
    with pytest.raises(ValueError, match="tokens are one of word, char, not 'byte'"):
        tokens("a", "byte")
    with pytest.raises(ValueError, match="n must be at least 1 character, but is 0"):
        tokens("a", n=0)
    with pytest.raises(TypeError, match="text 0 must be a string, but is None"):
        tokens(None)


WRITTEN = ["a red dog runs", "the red dog", "red cat, red cat", "blue whale", "whale dog 99 whale"]


def test_the_vocabulary_and_the_counts_on_a_hand_made_set():
    bags, words = bag_of_words(WRITTEN, fit_on=np.arange(3), min_count=2)
    assert words == ("dog", "red")
    assert bags.dtype == np.float32
    assert bags.tolist() == [[1, 1], [1, 1], [0, 1], [0, 0], [1, 0]]


def test_the_most_frequent_words_are_taken_and_ties_go_by_code_point():
    # held by: red 3, dog 3, whale 2, and blue, cat, runs 1; "red cat, red cat" counts once
    for max_words, expected in ((1, ("dog",)), (2, ("dog", "red")), (4, None)):
        _, words = bag_of_words(WRITTEN, fit_on=np.arange(5), min_count=1, max_words=max_words)
        assert words == (expected or ("blue", "dog", "red", "whale"))


def test_stop_words_are_left_out_or_taken():
    assert bag_of_words(["the dog"], fit_on=[0], min_count=1)[1] == ("dog",)
    words = bag_of_words(["the dog"], fit_on=[0], min_count=1, stop_words=None)[1]
    assert words == ("dog", "the")


@given(
    st.lists(st.text(alphabet="abcd ", max_size=12), min_size=4, max_size=8),
    st.lists(st.text(alphabet="abcd ", max_size=12), min_size=4, max_size=8),
)
def test_no_text_outside_fit_on_has_a_say_in_the_vocabulary(fitted, others):
    fitted = ["aa bb", *fitted]
    rows = np.arange(len(fitted))
    alone, words = bag_of_words(fitted, fit_on=rows, min_count=1, stop_words=None)
    both, same = bag_of_words([*fitted, *others], fit_on=rows, min_count=1, stop_words=None)
    assert same == words == tuple(sorted(words))
    np.testing.assert_array_equal(both[: len(fitted)], alone)
    # against a naive count
    naive = [[float(w in tokens(written)) for w in words] for written in [*fitted, *others]]
    np.testing.assert_array_equal(both, np.array(naive, dtype=np.float32))


@pytest.mark.parametrize(("changes", "message"), table_rows("wrong_text_options"))
def test_bad_options_are_one_clear_sentence(changes, message):
    with pytest.raises(ValueError, match=message):
        bag_of_words(WRITTEN, **{"fit_on": np.arange(5)} | with_arrays(changes))


def test_texts_without_words_or_that_are_no_strings_are_refused():
    with pytest.raises(ValueError, match="no word token is held by 2 of the 2 training texts"):
        bag_of_words(["1 2 3", "...", "word"], fit_on=[0, 1])
    with pytest.raises(TypeError, match="text 1 must be a string, but is nan"):
        bag_of_words(["word", float("nan")], fit_on=[0])
    with pytest.raises(TypeError, match="one string: put it in a list"):
        bag_of_words("word", fit_on=[0])


def test_character_n_grams_of_a_language_without_spaces():
    texts = ["黑狗在海边", "黑狗在公园", "白猫"]
    assert choose_vocabulary(texts, "char", n=2) == ("狗在", "黑狗")
    found = bags(["一只黑狗", "白猫", ""], ("狗在", "黑狗"), "char", n=2)
    assert found.dtype == np.float32 and found.tolist() == [[0, 1], [0, 0], [0, 0]]
    assert choose_vocabulary(texts[:2], "char", n=3) == ("黑狗在",)


def test_without_a_vocabulary_there_are_no_columns():
    assert bags(["a text", "another"], ()).shape == (2, 0)


@needs_wordllama
def test_embeddings_are_unit_vectors_that_know_what_is_alike():
    written = ["a dog runs over the grass", "a puppy on a lawn", "the stock market fell", ""]
    embedded = sentence_embeddings(written)
    assert embedded.shape == (4, text.DIMENSIONS) and embedded.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embedded[:3], axis=1), 1, rtol=1e-6)
    assert not embedded[3].any()
    assert embedded[0] @ embedded[1] > embedded[0] @ embedded[2] + 0.1
    np.testing.assert_array_equal(sentence_embeddings(written[1:2])[0], embedded[1])
    assert sentence_embeddings([]).shape == (0, text.DIMENSIONS)


@needs_wordllama
def test_embeddings_are_those_of_the_package():
    from wordllama.inference import WordLlamaInference

    written = ["A black dog and a spotted dog are fighting .", "4 GB of memory", "हिन्दी"]
    theirs = WordLlamaInference(*text._wordllama()).embed(written, norm=True)
    np.testing.assert_allclose(sentence_embeddings(written), theirs, atol=1e-6)


@needs_wordllama
def test_embeddings_need_strings():
    with pytest.raises(TypeError, match="text 1 must be a string, but is 3"):
        sentence_embeddings(["a", 3])


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(text.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'wordllama: pip install "mmhash-nb\[sentences\]"\.$'):
        sentence_embeddings(["a"])


def test_a_version_of_the_package_without_its_files_is_refused(monkeypatch, tmp_path):
    pytest.importorskip("tokenizers", reason="the optional extra `sentences` is not installed")
    spec = importlib.util.spec_from_file_location(
        "wordllama", tmp_path / "__init__.py", submodule_search_locations=[str(tmp_path)]
    )
    monkeypatch.setattr(text.importlib.util, "find_spec", lambda name: spec)
    with pytest.raises(ImportError, match=r"this version of wordllama lacks weights/"):
        sentence_embeddings(["a"])
