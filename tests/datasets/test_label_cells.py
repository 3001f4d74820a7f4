"""Labels are read as people see them; what is a list, a vector or a missing value is told."""

import csv
import os
import unicodedata
import warnings
from pathlib import Path

import nasty_labels
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nasty_labels import DOUBTED, REFUSED, SAME
from user_folder import HEADER, write_table

from mmhash_nb.datasets import label_cells, load

WORDS = ("dog", "sees", "the", "sea")


def write(folder, cells):
    """A table of texts with labels in these cells."""
    rows = [[f"a {WORDS[i % 4]} and {WORDS[i % 3]}", cell] for i, cell in enumerate(cells)]
    write_table(folder, rows, HEADER[1:3])


def read(folder, **options):
    return load("folder", folder, modality="text", **options)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_label_is_refused_with_the_fix(tmp_path, name):
    cells, sentence = REFUSED[name]
    write(tmp_path, cells)
    with pytest.raises(ValueError) as caught:
        read(tmp_path)
    assert sentence in str(caught.value) and str(tmp_path / "pairs.csv") in str(caught.value)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")
    if name.startswith("missing"):
        with pytest.warns(UserWarning, match=r"left out: 1 of the 12 rows"):
            assert len(read(tmp_path, on_error="skip")) == 11
    write_table(tmp_path, [["a dog", cells[0]]], HEADER[1:3])
    assert len(read(tmp_path, vocabulary=["dog"])) == 1, "labels of new items are not read"


@pytest.mark.parametrize("name", SAME)
def test_what_cannot_be_seen_makes_no_other_label(tmp_path, name):
    write(tmp_path, SAME[name])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pairs = read(tmp_path)
    assert tuple(pairs.label_names) == nasty_labels.NAMES
    found = [{pairs.label_names[c] for c in np.flatnonzero(row)} for row in pairs.labels]
    assert found == [{*row} for row in nasty_labels.MEANT]


@pytest.mark.parametrize("name", DOUBTED)
def test_what_may_be_meant_otherwise_is_said_with_counts(tmp_path, name):
    cells, sentence = DOUBTED[name]
    write(tmp_path, cells)
    with pytest.warns(UserWarning) as caught:
        pairs = read(tmp_path)
    assert len(pairs) == 12
    assert [sentence in str(warning.message) for warning in caught].count(True) == 1


@pytest.mark.parametrize(
    "cells",
    [
        [f"{kind} {i % 4}" for i, kind in enumerate(["dog", "cat", "sea"] * 8)],
        ["10", "11", "12"] * 4,
        ["0", "1"] * 6,
        ["R&B", "AC/DC", "hip-hop", "rock_n_roll"] * 3,
        ["'s-Hertogenbosch", "C++", "C#", "(other)"] * 3,
        ["日本", "中国"] * 6,
    ],
)
def test_names_that_hold_marks_are_names(tmp_path, cells):
    write(tmp_path, cells)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*nothing to find")
        assert {*read(tmp_path).label_names} == {*cells}


def test_letters_and_marks_apart_are_the_same_label_and_joiners_between_letters_stay():
    for label in ("café", "Ångström", "한국"):
        one, other = (unicodedata.normalize(f, label) for f in ("NFC", "NFD"))
        assert label_cells.read_labels(f"{one}; {other}") == (one,)
    persian = "می\u200cخواهم"
    assert label_cells.visible(f"\u200c{persian}\u200c") == persian
    assert label_cells.visible("do\u200cg") == "dog"
    assert label_cells.visible("👩\u200d🚀\ufe0f") == "👩\u200d🚀"


@given(
    st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=6), min_size=1), min_size=1)
)
def test_any_cells_give_labels_or_one_sentence(rows):
    try:
        labels = [label_cells.read_labels(";".join(row)) for row in rows]
        label_cells.refuse("a.csv", labels)
    except ValueError as error:
        assert "\n" not in str(error)
        return
    assert all(label and label == label_cells.visible(label) for row in labels for label in row)
    for sentence in label_cells.doubts("a.csv", labels):
        assert sentence.endswith(".") and "\n" not in sentence


REAL = Path(os.environ.get("MMHASH_DATA", "")) / "nuswide_cs2108" / "items.csv"


@pytest.mark.skipif(not REAL.is_file(), reason="MMHASH_DATA holds no nuswide_cs2108/items.csv")
@pytest.mark.parametrize("mark", [", ", "|", " "])
def test_lists_of_real_concepts_are_seen(mark):
    """A comma made several times as many labels of them, and few pairs were relevant."""
    with REAL.open(encoding="utf-8") as file:
        cells = [row["labels81"] for row in csv.DictReader(file)]
    of_row = [cell.split() for cell in cells if cell not in ("", "none")][:300]
    labels = [label_cells.read_labels(mark.join(row)) for row in of_row]
    if mark == " ":
        assert "may be lists" in label_cells.doubts("a.csv", labels)[0]
        return
    with pytest.raises(ValueError, match=r"different labels have \d+ parts alone"):
        label_cells.refuse("a.csv", labels)


SENTENCES = [f"{'白黒赤青'[i % 4]}い{'猫犬鳥'[i % 3]}が{i}いる" for i in range(10)]


@pytest.mark.parametrize(
    ("texts", "sentence", "n"),
    [
        (["猫 白", "犬 黒", "鳥 白"] * 4, "no word of two letters or more (tokens='char', or", 0),
        (["猫 白 可愛い", "犬 黒 可愛い"] * 6, "12 of 12 texts lose most of their words", 1),
        (SENTENCES, "no word token is held by 2 of the", 0),
        ([*SENTENCES, *["良い 猫"] * 10], "10 of 20 texts hold no token of the vocabulary", 1),
    ],
)
def test_texts_that_lose_their_words_are_counted(tmp_path, texts, sentence, n):
    rows = [[text, "ab"[i % 2]] for i, text in enumerate(texts)]
    write_table(tmp_path, rows, HEADER[1:3])
    if n == 0:
        with pytest.raises(ValueError) as refused:
            read(tmp_path)
        assert sentence in str(refused.value) and "tokens='char'" in str(refused.value)
    else:
        with pytest.warns(UserWarning) as caught:
            read(tmp_path)
        assert any(sentence in str(warning.message) for warning in caught)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pairs = read(tmp_path, tokens="char", ngram=1)
    assert pairs.texts.any(axis=1).all()
