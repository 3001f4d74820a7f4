"""Vocabularies that are kept, against the bags of words that are made at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmhash_nb.features.text import bag_of_words
from mmhash_nb.features.vocabulary import bags, choose_vocabulary

TEXTS = st.lists(st.text("ab cé ", max_size=12), min_size=1, max_size=8)


@given(TEXTS, st.integers(1, 3), st.integers(1, 4))
def test_words_are_those_of_bag_of_words(texts, min_count, max_words):
    rows = np.arange((len(texts) + 1) // 2)
    settings = {"min_count": min_count, "max_words": max_words}
    try:
        expected, words = bag_of_words(texts, fit_on=rows, stop_words=None, **settings)
    except ValueError:
        with pytest.raises(ValueError, match=f"^no word token is held by {min_count} of the "):
            choose_vocabulary([texts[i] for i in rows], **settings)
        return
    assert choose_vocabulary([texts[i] for i in rows], **settings) == words
    np.testing.assert_array_equal(bags(texts, words), expected)


def test_character_n_grams_of_a_language_without_spaces():
    texts = ["黑狗在海边", "黑狗在公园", "白猫"]
    assert choose_vocabulary(texts, "char", n=2) == ("狗在", "黑狗")
    found = bags(["一只黑狗", "白猫", ""], ("狗在", "黑狗"), "char", n=2)
    assert found.dtype == np.float32 and found.tolist() == [[0, 1], [0, 0], [0, 0]]
    assert choose_vocabulary(texts[:2], "char", n=3) == ("黑狗在",)


def test_without_a_vocabulary_there_are_no_columns():
    assert bags(["a text", "another"], ()).shape == (2, 0)


def test_another_kind_is_refused():
    with pytest.raises(ValueError, match="tokens are one of word, char, not 'byte'"):
        choose_vocabulary(["ab"], "byte")
