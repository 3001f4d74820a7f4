"""A folder of the user is read as it is meant, and every mistake in it gets its line."""

import csv
import io
import os
import re
import unicodedata
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from table_cases import table_rows
from test_decoding import bomb
from user_folder import HEADER, KINDS, write_folder, write_table

from mmhash_nb.datasets import available, decoding, folder, load, pairs_table
from mmhash_nb.datasets.preprocessing import Preprocessing
from mmhash_nb.features.text import choose_vocabulary


def written(path: Path) -> str:
    return (path / "pairs.csv").read_text(encoding="utf-8")


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(written(path), newline="")))[1:]


def edit(path: Path, old: str, new: str) -> None:
    """Replace what is there once in the table."""
    text = written(path)
    assert text.count(old) >= 1, old
    (path / "pairs.csv").write_bytes(text.replace(old, new, 1).encode())


def refused(path: Path, **options) -> str:
    with pytest.raises(ValueError) as caught:
        load("folder", path, size=8, **options)
    fault = str(caught.value)
    assert "\n" not in fault and str(path / "pairs.csv") in fault and fault.endswith(".")
    return fault


@pytest.fixture
def user(tmp_path):
    """Sixty items, and their rows: item i is on line i + 2."""
    write_folder(tmp_path)
    return tmp_path


# What is meant


def test_pictures_texts_and_labels_are_those_of_the_files(user):
    pairs = load("folder", user, size=16)
    assert pairs.name == "folder" and len(pairs) == 60 and pairs.source == "60 of 60 rows"
    assert pairs.images.shape == (60, 3, 16, 16) and pairs.images.dtype == np.uint8
    assert pairs.label_names == sorted(
        f"{label}{part}" for *_, label in KINDS for part in ("", " 0", " 1")
    )
    for i in (0, 1, 5):
        names = {pairs.label_names[c] for c in np.flatnonzero(pairs.labels[i])}
        label = KINDS[i % 3][2]
        assert names == {label, f"{label} {i // 3 % 2}"}
        colour = pairs.images[i, :, 8, 8].astype(int)
        assert np.abs(colour - KINDS[i % 3][1]).max() < 45
    words = [word for word, *_ in KINDS]
    held = pairs.texts[:, [pairs.vocabulary.index(word) for word in words]]
    np.testing.assert_array_equal(held, np.eye(3)[np.arange(60) % 3])
    assert pairs.captions[1].split()[1] == "βάρκα,"


def test_the_split_is_drawn_by_its_seed_and_chooses_the_vocabulary(user):
    pairs = load("folder", user, size=8)
    assert len(pairs.query) == 12 and sorted([*pairs.query, *pairs.database]) == list(range(60))
    np.testing.assert_array_equal(pairs.database, pairs.train)
    assert load("folder", user, size=8).fingerprint == pairs.fingerprint
    other = load("folder", user, size=8, split_seed=1, n_query=20)
    assert len(other.query) == 20 and other.query.tolist()[:12] != pairs.query.tolist()
    learned = [pairs.captions[i] for i in pairs.train]
    assert pairs.vocabulary == choose_vocabulary(learned)
    query = int(pairs.query[0])
    edit(user, pairs.captions[query], "μονάδα μονάδα")
    again = load("folder", user, size=8)
    assert again.vocabulary == pairs.vocabulary and not again.texts[query].any()


def test_the_column_split_is_followed(tmp_path):
    rows = write_folder(tmp_path, n=36, split=True)
    pairs = load("folder", tmp_path, size=8)
    for split in ("query", "train"):
        assert getattr(pairs, split).tolist() == [i for i in range(36) if rows[i][3] == split]
    assert pairs.database.tolist() == [i for i in range(36) if rows[i][3] != "query"]
    edit(tmp_path, "query", "train")
    assert "query" not in load("folder", tmp_path, size=8).source


def test_without_train_rows_nothing_can_be_learned(tmp_path):
    write_folder(tmp_path, n=12, split=True)
    (tmp_path / "pairs.csv").write_text(written(tmp_path).replace("train", "database"))
    assert "no row of split train, which is learned from: mark some" in refused(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r\n\r\n").encode(),
        lambda text: text.replace("\n", "\n,,\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
        lambda text: text.rstrip("\n").encode(),
    ],
    ids=["byte-order mark", "Windows", "blank lines", "blank rows", "old Macintosh", "no last end"],
)
def test_what_editors_and_spreadsheets_add_makes_no_difference(user, change):
    plain = load("folder", user, size=8)
    (user / "pairs.csv").write_bytes(change(written(user).replace("\r\n", "\n")))
    assert load("folder", user, size=8).fingerprint == plain.fingerprint


def test_columns_come_in_any_order_with_others_between(user):
    plain = load("folder", user, size=8)
    rows = list(csv.reader(io.StringIO(written(user), newline="")))
    write_table(
        user, [[r[2], "x", r[0], r[1]] for r in rows[1:]], [" labels", "id", "image ", "text"]
    )
    assert load("folder", user, size=8).fingerprint == plain.fingerprint


def test_descriptors_of_the_pictures(user):
    pairs = load("folder", user, images="hog", size=32)
    assert pairs.images.shape == (60, 486) and pairs.modality_names == ("HOG", "text")
    assert pairs.thumbnails.shape == (60, 3, 32, 32)


def test_n_grams_of_characters(user):
    pairs = load("folder", user, size=8, tokens="char", ngram=4)
    assert {len(token) for token in pairs.vocabulary} == {4} and "σκύλ" in pairs.vocabulary


# New items, and items that lack a modality


def test_new_items_take_the_vocabulary_and_need_no_labels(user, tmp_path_factory):
    first = load("folder", user, size=8)
    new = tmp_path_factory.mktemp("new")
    rows = write_folder(new, n=4)
    rows[3][1] = "άγνωστη λέξη"
    write_table(new, [row[:2] for row in rows], HEADER[:2])
    pairs = load("folder", new, size=8, vocabulary=first.vocabulary)
    assert pairs.vocabulary == first.vocabulary and len(pairs) == 4
    word = pairs.vocabulary.index("σκύλος")
    assert pairs.texts[:, word].tolist() == [1, 0, 0, 0] and not pairs.texts[3].any()
    assert not len(pairs.query) and not len(pairs.database) and not len(pairs.train)
    assert pairs.label_names == ["unlabelled"]
    write_table(new, [[*row[:2], "", "anything"] for row in rows])  # labels and split are not read
    again = load("folder", new, size=8, vocabulary=first.vocabulary)
    assert again.fingerprint == pairs.fingerprint


def test_a_vocabulary_that_is_none_is_refused(user):
    for words, fault in ((["a", "a"], "names a token twice"), ([1], "must be a list of texts")):
        with pytest.raises(ValueError, match=fault):
            load("folder", user, vocabulary=words)


@pytest.mark.parametrize(("modality", "other"), [("image", "text"), ("text", "image")])
def test_an_item_is_never_taken_for_what_it_lacks(user, modality, other):
    rows = rows_of(user)
    place = HEADER.index(other)
    for row in rows[:5]:
        row[place] = ""
    rows[7][HEADER.index(modality)] = ""
    write_table(user, rows, HEADER[:3])
    fault = refused(user)
    assert f"line 6: no {other}; line 9: no {modality}" in fault and "6 of the 60 rows" in fault
    with pytest.warns(
        UserWarning, match=rf"^left out: 1 of the 60 rows of .* have no {modality}\.$"
    ):
        pairs = load("folder", user, size=8, modality=modality)
    assert len(pairs) == 59 and pairs.features(other).shape == (59, 0)
    assert pairs.vocabulary == () if modality == "image" else pairs.vocabulary
    # and without the column at all
    write_table(
        user,
        [[r[HEADER.index(modality)], r[2]] for r in rows if r[HEADER.index(modality)]],
        (modality, "labels"),
    )
    assert len(load("folder", user, size=8, modality=modality)) == 59


def test_a_row_that_has_nothing_is_a_mistake_whatever_is_needed(user):
    edit(user, "photos/εικόνα 0.png", "")
    text = written(user).split('"')[1]
    edit(user, f'"{text}"', "")
    assert "line 2: no image" in refused(user, modality="image")
    assert "line 2: no text" in refused(user, modality="text")
    assert "line 2: no image and no text" in refused(user)


def test_pictures_are_decoded_once_with_the_broken_ones_among_them(user, monkeypatch):
    (user / "broken.png").write_bytes(b"no picture")
    Image.new("RGB", (9, 9), "white").save(user / "photos/white.png")
    edit(user, "photos/εικόνα 1.png", "broken.png")
    edit(user, "photos/εικόνα 2.png", "photos/white.png")
    seen, whole = [], decoding.upright
    monkeypatch.setattr(decoding, "upright", lambda *a: (seen.append(a[0].name), whole(*a))[1])
    assert "1 of the 60 rows" in refused(user)
    assert Counter(seen) == Counter([row[0].split("/")[-1] for row in rows_of(user)]) + Counter(
        ["broken.png", "white.png"]
    )
    del seen[:]
    with pytest.warns(UserWarning, match=r"line 3: broken\.png is no picture"):
        pairs = load("folder", user, size=8, on_error="skip")
    assert sorted(seen) == ["broken.png", "white.png"], "those alone that are white"
    assert len(pairs) == 59 and (pairs.images[1] == 255).all()


def test_pictures_of_the_same_name_length_and_time_are_not_mixed_up(tmp_path):
    for place, colour in (("dogs", (200, 0, 0)), ("cats", (0, 0, 200))):
        (tmp_path / place).mkdir()
        for i in range(4):
            path = tmp_path / place / f"{i}.bmp"
            Image.new("RGB", (9, 9), (*colour[:1], 10 * i, *colour[2:])).save(path)
            os.utime(path, (1e9, 1e9))
    for first, second in (("dogs", "cats"), ("cats", "dogs")):
        rows = [
            [f"{place}/{i}.bmp", f"a {place}", place] for place in (first, second) for i in range(4)
        ]
        write_table(tmp_path, rows, HEADER[:3])
        pairs = load("folder", tmp_path, size=8)
        red = pairs.images[:, 0, 4, 4] > 150
        assert red.tolist() == [caption == "a dogs" for caption in pairs.captions]


def test_a_picture_that_did_not_decode_for_once_is_seen_the_next_time(user, monkeypatch):
    whole, short = decoding.upright, []

    def busy(path, size):
        if path.name == "εικόνα 4.png" and len(short) < 2:
            short.append(path)
            raise ValueError(f"{path.name} is no whole picture (out of memory).")
        return whole(path, size)

    monkeypatch.setattr(decoding, "upright", busy)
    assert "line 6: εικόνα 4.png is no whole picture" in refused(user)
    pairs = load("folder", user, size=8)
    np.testing.assert_array_equal(pairs.images[4], whole(user / "photos/εικόνα 4.png", 8))


def test_words_are_chosen_by_the_training_rows_alone(tmp_path):
    rows = write_folder(tmp_path, n=36, split=True)
    for row in rows:
        row[1] += {"query": " ερώτηση", "database": " βάση", "train": " μάθηση"}[row[3]]
    write_table(tmp_path, rows)
    words = load("folder", tmp_path, size=8).vocabulary
    assert "μάθηση" in words and not {"ερώτηση", "βάση"} & {*words}


def test_queries_must_share_a_label_with_what_is_searched(tmp_path):
    rows = write_folder(tmp_path, n=36, split=True)
    for row in rows:
        if row[3] == "query":
            row[2] = "alone"
    write_table(tmp_path, rows)
    assert "shares a label with a row that is searched" in refused(tmp_path)


def test_one_picture_may_have_several_texts_where_pictures_are_not_read(user):
    words = load("folder", user, size=8).vocabulary
    rows = [[rows_of(user)[0][0], text] for text in ("σκύλος", "μεγάλο σκύλος")]
    write_table(user, rows, HEADER[:2])
    assert len(load("folder", user, vocabulary=words, modality="text")) == 2
    assert len(load("folder", user, size=8, vocabulary=words, modality="image")) == 2


def test_a_name_may_be_written_with_letters_and_marks_apart(user):
    for normal in ("NFC", "NFD"):
        edit(user, rows_of(user)[2][0], unicodedata.normalize(normal, rows_of(user)[2][0]))
        assert len(load("folder", user, size=8)) == 60


def test_pictures_that_occur_twice_are_told_and_stay_on_one_side_of_a_drawn_split(user):
    rows = rows_of(user)
    for i in range(20):  # under its name again, and as a copy under another name
        twin = user / f"copy {i}.png"
        twin.write_bytes((user / rows[i][0]).read_bytes())
        rows += [[f"./{rows[i][0]}", *rows[i][1:]], [twin.name, *rows[i][1:]]]
    write_table(user, rows, HEADER[:3])
    with pytest.warns(UserWarning, match=r"40 rows of .*\(line 62 that of line 2, .* 37 more\)"):
        pairs = load("folder", user, size=8)
    groups = [{i, 60 + 2 * i, 61 + 2 * i} for i in range(20)]
    query, rest = set(pairs.query.tolist()), set(pairs.database.tolist())
    assert query | rest == set(range(100)) and any(group <= query for group in groups)
    assert all(group <= query or group <= rest for group in groups)


def test_a_query_whose_picture_is_searched_as_well_is_moved_to_the_database(tmp_path):
    rows = write_folder(tmp_path, n=24, split=True)
    query = next(i for i, row in enumerate(rows) if row[3] == "query")
    write_table(tmp_path, [*rows, [*rows[query][:3], "train"]])
    with pytest.warns(UserWarning, match="a query whose picture is also searched is moved"):
        pairs = load("folder", tmp_path, size=8)
    assert query not in pairs.query and query in pairs.database and query not in pairs.train
    assert 24 in pairs.train


def test_links_in_the_folder_may_lead_out_of_it_and_the_table_may_not(user, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    before = load("folder", user, size=8).fingerprint
    (user / "photos").rename(elsewhere / "photos")
    (user / "photos").symlink_to(elsewhere / "photos")
    assert load("folder", user, size=8).fingerprint == before
    name = rows_of(user)[1][0]
    edit(user, name, f"photos/../../{elsewhere.name}/{name}")
    assert "lies outside the folder" in refused(user)


def test_texts_of_one_character_are_texts_where_characters_are_tokens(user):
    rows = rows_of(user)
    for i, row in enumerate(rows):
        row[1] = "猫犬鳥"[i % 3]
    write_table(user, rows, HEADER[:3])
    assert "line 2: the text '猫' holds no word of two letters or more" in refused(user)
    pairs = load("folder", user, size=8, tokens="char", ngram=1)
    assert sorted(pairs.vocabulary) == sorted("猫犬鳥") and (pairs.texts.sum(axis=1) == 1).all()
    edit(user, "猫", "42")
    assert "line 2: the text '42' holds no letter" in refused(user, tokens="char")


# Mistakes in rows

SECOND = "photos/εικόνα 1.png"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [*table_rows("wrong_folder_rows"), (SECOND, "x" * 5000, "the image 'xxx")],
)
def test_a_row_that_is_wrong_has_its_line_and_reason(user, old, new, reason):
    (user / "broken.png").write_bytes(b"no picture")
    whole = (user / SECOND).read_bytes()
    (user / "cut.png").write_bytes(whole[: len(whole) // 2])
    (user / "loop").symlink_to(user / "loop")
    (user / "bomb.png").write_bytes(bomb(9_000, 9_000))
    edit(user, old, new)
    fault = refused(user)
    assert fault.startswith("1 of the 60 rows of ") and f"(line 3: {reason}" in fault
    assert "mend them; on_error='skip', or --on-error skip in a shell, goes on" in fault
    with pytest.warns(UserWarning, match=r"^left out: 1 of the 60 rows .*line 3: .*\.$"):
        pairs = load("folder", user, size=8, on_error="skip")
    assert len(pairs) == 59 and pairs.source == "59 of 60 rows"
    assert pairs.captions[1].split()[1] == "μήλο,", "line 3 is the one left out"


def test_a_row_separated_otherwise_has_its_line(user):
    edit(user, written(user).splitlines()[2], "photos/x.png;ένα μήλο;φρούτο")
    assert "(line 3: no comma where the header has 3 columns)" in refused(user)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "no text"), ("12 !", "the text '12 !' holds no word"), ("  ", "no text")],
)
def test_an_empty_text_has_its_line(user, text, reason):
    rows = rows_of(user)
    rows[4][1] = text
    write_table(user, rows, HEADER[:3])
    assert f"(line 6: {reason}" in refused(user)


def test_an_unknown_split(tmp_path):
    rows = write_folder(tmp_path, n=12, split=True)
    rows[5][3], rows[6][3], rows[7][3] = "test", "", "Train"
    write_table(tmp_path, rows)
    fault = refused(tmp_path)
    assert fault.startswith("3 of the 12 rows")
    assert "line 7: the split 'test' is none of query, database, train" in fault
    assert "line 8: the split '' is none" in fault and "line 9: the split 'Train' is none" in fault


def test_bytes_that_are_not_utf_8_are_told_row_by_row(user):
    data = (user / "pairs.csv").read_bytes()
    lines = data.split(b"\r\n")
    lines[4] = lines[4].replace(b",", "é,".encode("latin-1"), 1)
    (user / "pairs.csv").write_bytes(b"\r\n".join(lines))
    assert "(line 5: the byte 0xE9 is not UTF-8 (save the file as CSV UTF-8))" in refused(user)
    with pytest.warns(UserWarning, match="line 5: the byte 0xE9"):
        assert len(load("folder", user, size=8, on_error="skip")) == 59


def test_lines_are_counted_as_an_editor_does(user):
    rows = rows_of(user)
    rows[0][1] = "σκύλος\nσε δύο\r\nκαι τρεις γραμμές"
    rows[3][2] = ""
    write_table(user, rows, HEADER[:3])
    assert "(line 7: no labels)" in refused(user)
    rows[3][2] = "ζώο"
    write_table(user, rows, HEADER[:3])
    assert load("folder", user, size=8).captions[0] == "σκύλος σε δύο και τρεις γραμμές"


def test_a_text_may_be_a_book(user):
    rows = rows_of(user)
    rows[0][1] = "σκύλος " * 40_000
    write_table(user, rows, HEADER[:3])
    pairs = load("folder", user, size=8)
    assert len(pairs.captions[0]) > 200_000 and pairs.texts[0, pairs.vocabulary.index("σκύλος")]
    rows[3][2] = ""
    write_table(user, rows, HEADER[:3])
    with pytest.warns(UserWarning, match="left out: 1 of the 60 rows .*line 5: no labels"):
        assert len(load("folder", user, size=8, on_error="skip")) == 59
    assert csv.field_size_limit() == 131_072


def test_twenty_are_listed_and_the_others_counted(user):
    (user / "pairs.csv").write_text(written(user).replace("ζώο", "").replace("φρούτο", ""))
    fault = refused(user)
    assert fault.count("line ") == 20 and "; and 20 more)" in fault and "40 of the 60" in fault


def test_pictures_that_do_not_decode_are_listed_with_the_other_mistakes(user):
    for i in (3, 9):
        (user / f"photos/εικόνα {i}.png").write_bytes(b"")
    edit(user, "θάλασσα; θάλασσα 0", "")
    fault = refused(user)
    assert [fault.index(f"line {line}: ") for line in (3, 5, 11)] == sorted(
        fault.index(f"line {line}: ") for line in (3, 5, 11)
    )
    assert "3 of the 60" in fault


# Mistakes in the table


@pytest.mark.parametrize(("content", "fault"), table_rows("no_folder_tables"))
def test_a_table_that_is_none_is_one_sentence(tmp_path, content, fault):
    (tmp_path / "pairs.csv").write_bytes(content.encode("latin-1"))
    for on_error in ("raise", "skip"):
        with pytest.raises(ValueError, match=fault) as caught:
            load("folder", tmp_path, on_error=on_error)
        assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_one_label_everywhere_is_refused(user):
    (user / "pairs.csv").write_text(re.sub(r"; \w+ \d", ";x", written(user)))
    assert "has the label 'x', so that any result would be right" in refused(user)


def test_labels_that_no_two_rows_share_are_refused(user):
    lines = iter(range(99))
    (user / "pairs.csv").write_text(
        re.sub(r"[\w ]+; \w+ \d", lambda found: f'"one,{next(lines)}"', written(user))
    )
    assert "no two rows" in (fault := refused(user)) and "separated by ';'" in fault


def test_where_no_row_is_left_the_reasons_are_said(tmp_path):
    write_table(tmp_path, [["x.png", "a text", "y"]], HEADER[:3])
    fault = refused(tmp_path, on_error="skip")
    assert "1 of the 1 rows" in fault and "there is no file 'x.png'): none is left." in fault


def test_one_row_and_no_common_word_are_too_little(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    Image.new("RGB", (4, 5)).save(tmp_path / "b.png")
    write_table(tmp_path, [["a.png", "ένας σκύλος", "x"]], HEADER[:3])
    assert "has one item that can be read: give two or more" in refused(tmp_path)
    Image.new("RGB", (4, 6)).save(tmp_path / "c.png")
    rows = [["a.png", "σκύλος", "x;y"], ["b.png", "βάρκα", "x;z"], ["c.png", "μήλο", "y;z"]]
    write_table(tmp_path, rows, HEADER[:3])
    assert "no word token is held by 2 of the 2 training texts" in refused(tmp_path)


@pytest.mark.parametrize(("options", "fault"), table_rows("wrong_folder_options"))
def test_options_out_of_range_are_refused(user, options, fault):
    with pytest.raises(ValueError, match=fault):
        load("folder", user, **options)


def test_an_absent_table_says_what_to_put_where(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        load("folder", tmp_path)
    for part in (f"no pairs.csv in {tmp_path}", "image, text, labels", "split", "PNG"):
        assert part in str(caught.value)
    row = available(tmp_path).set_index("name").loc["folder"]
    assert not row.present and "pairs.csv" in row.put
    write_folder(tmp_path)
    assert available(tmp_path).set_index("name").present["folder"]


# What is cached, and any table


def test_decoded_pictures_are_cached_until_one_changes(user, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path_factory.mktemp("cache")))
    plain = load("folder", user, size=8)
    with monkeypatch.context() as patch:
        patch.setattr(decoding, "read_picture", None)
        assert load("folder", user, size=8).fingerprint == plain.fingerprint
    Image.new("RGB", (8, 8)).save(user / SECOND)
    os.utime(user / SECOND, ns=(1, 1))
    assert not load("folder", user, size=8).images[1].any()


def test_saved_preprocessing_makes_the_same_arrays(user, tmp_path):
    found = folder.read(user, Preprocessing(size=8, tokens="char", ngram=2))
    found.preprocessing.save(tmp_path / "data.json")
    loaded = Preprocessing.load(tmp_path / "data.json")
    assert loaded == found.preprocessing
    picture = decoding.read_picture(user / SECOND)
    one = loaded.one(found.rows[1].text, picture)
    np.testing.assert_array_equal(one.images[0], found.pairs.images[1])
    np.testing.assert_array_equal(one.texts[0], found.pairs.texts[1])
    assert (
        loaded.one("x", None).images.shape == (1, 0) and loaded.one(None, picture).texts.size == 0
    )
    for content in ("{", "[]", '{"vocabulary": 3}', '{"vocabulary": [], "size": "8"}'):
        (tmp_path / "data.json").write_text(content)
        with pytest.raises(ValueError, match=r"data\.json does not say how data is read"):
            Preprocessing.load(tmp_path / "data.json")


@given(
    st.lists(st.tuples(*[st.text(st.characters(codec="utf-8"), max_size=6)] * 4), max_size=4),
    st.lists(st.sampled_from(HEADER), max_size=5),
)
def test_any_table_gives_rows_or_one_sentence(tmp_path_factory, rows, header):
    path = tmp_path_factory.mktemp("any")
    write_table(path, rows, header)
    try:
        table = pairs_table.read_table(path, ("text",), labelled=True)
    except ValueError as error:
        fault = str(error)
        assert fault.endswith(".") and "\n" not in fault and str(path) in fault
        return
    assert len(table.rows) + len(table.wrong) + table.without == table.total
    for reason in table.wrong.values():
        assert "\n" not in reason and "\r" not in reason


def test_a_good_folder_warns_of_nothing(user):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load("folder", user, size=8)
