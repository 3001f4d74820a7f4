"""Words and pictures of the user take the shape of the dataset, or are refused in a sentence."""

import dataclasses

import numpy as np
import pytest
from figure_cases import WORDS, some_pairs
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mmhash_nb.datasets import load
from mmhash_nb.explorer.user_query import find_words, needs, user_query

WORD, PICTURE = frozenset({"words"}), frozenset({"picture"})


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def described():
    """GIST and HOG of the same pictures, as masci2014 has them."""
    return load("scenes", n=40, images="gist", texts="hog")


# Words


def test_words_are_found_as_the_dataset_writes_them() -> None:
    pairs = some_pairs()
    assert find_words(pairs, "  A CAT, on the snow; cat $5 ") == ([2, 4, 5], ["on", "the"])
    assert find_words(pairs, "cat's sky") == ([0, 2], [])
    pairs = some_pairs(vocabulary=["Été", "365", "two words", "x", "sky", "c-d"])
    assert find_words(pairs, "E\u0301TE\u0301 365 x c-d words") == ([0, 1, 3, 5], ["words"])


def test_unknown_words_are_named_once() -> None:
    with pytest.raises(ValueError, match=r"^None of these words is known to made-up: dog, the\."):
        find_words(some_pairs(), "Dog the dog")
    message = "There is no word in the box: type some, such as sky, water, cat."
    for nothing in ("", "  ", "?!", ",;"):
        with pytest.raises(ValueError, match=message):
            find_words(some_pairs(), nothing)


@given(st.sets(st.sampled_from(WORDS), min_size=1), st.lists(st.text(max_size=8), max_size=4))
def test_known_words_are_found_among_any_others(known, others) -> None:
    text = " ".join([*others, *known])
    columns, unknown = find_words(some_pairs(), text)
    assert {WORDS[column] for column in columns} >= known
    assert not set(unknown) & set(WORDS)


# What is needed


def test_what_a_query_is_made_of_depends_on_the_dataset(described) -> None:
    pairs = some_pairs()
    assert needs(pairs, "text") == WORD and needs(pairs, "image") == PICTURE
    assert needs(pairs, "joint") == WORD | PICTURE
    assert needs(described, "image") == needs(described, "text") == PICTURE
    # Vectors that are not GIST of the pictures shown, and names of topics, which no text holds.
    other = dataclasses.replace(described, images=described.images + 1)
    topics = some_pairs("features", vocabulary=[f"topic {i}" for i in range(6)])
    for some, side, name in (
        (other, "image", "GIST of scenes"),
        (topics, "text", "text of made-up"),
        (topics, "image", "image of made-up"),
        (topics, "joint", "image of made-up"),
        (some_pairs(vocabulary=None), "text", "text of made-up"),
    ):
        with pytest.raises(ValueError, match=f"^The {name} is a vector that cannot be made here"):
            needs(some, side)


# The sample


def test_words_become_a_row_of_the_datasets_texts() -> None:
    pairs = some_pairs()
    made = user_query(pairs, WORD, "snow, cat and dog")
    texts = made.pairs.texts
    assert texts.tolist() == [[0, 0, 1, 0, 0, 1]] and texts.dtype == np.float32
    assert made.unknown == ["and", "dog"] and made.name == "your words"
    assert made.labels is None
    captioned = dataclasses.replace(pairs, captions=["a caption"] * len(pairs))
    assert user_query(captioned, WORD, " snow,\n cat ").pairs.captions == ["snow, cat"]


def test_a_picture_becomes_pixels_of_the_datasets_size() -> None:
    pairs, pixels = some_pairs(), noise(8, 8)
    made = user_query(pairs, PICTURE, picture=Image.fromarray(pixels))
    assert np.array_equal(made.pairs.images[0], pixels.transpose(2, 0, 1))
    wide = user_query(pairs, PICTURE, picture=Image.new("RGB", (400, 200), "black"))
    assert (wide.pairs.images[0, :, 2:6] == 0).all(), "scaled to the width"
    assert (wide.pairs.images[0, :, [0, 1, 6, 7]] == 255).all(), "padded with white"
    both = user_query(pairs, WORD | PICTURE, "sky", Image.fromarray(pixels))
    assert both.name == "your words and picture" and both.pairs.texts[0, 0] == 1


def test_a_picture_becomes_the_descriptors_that_the_dataset_has_of_its_own(described) -> None:
    picture = Image.fromarray(described.thumbnails[7].transpose(1, 2, 0))
    made = user_query(described, PICTURE, picture=picture)
    assert np.allclose(made.pairs.images[0], described.images[7], atol=1e-5)
    assert np.allclose(made.pairs.texts[0], described.texts[7], atol=1e-5)
    assert np.array_equal(made.pairs.thumbnails[0], described.thumbnails[7])


def test_a_missing_picture_gets_a_sentence() -> None:
    with pytest.raises(ValueError, match="No picture is chosen: upload one"):
        user_query(some_pairs(), WORD | PICTURE, "sky")


def test_nothing_of_the_readers_picture_is_stored(described, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path))
    user_query(described, needs(described, "image"), picture=Image.fromarray(noise(9, 9)))
    assert not list(tmp_path.rglob("*"))
