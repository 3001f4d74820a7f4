import dataclasses
import os
import shutil

import numpy as np
import pytest
from on_disk import needs
from scipy import sparse

from mmhash_nb.datasets import available, load, nuswide, nuswide_tables

N = 150
CONCEPT_NAMES = [f"concept{i:02}" for i in range(81)]
WORDS = [f"tag{i}" for i in range(998)] + ["français", "the_end"]
SMALL = {"n_train": 40, "n_query_per_concept": 2}
LISTS, LABELS = "ConceptsList/Concepts81.txt", "Groundtruth/AllLabels"
TAGS, WORD_LIST = "NUS_WID_Tags/AllTags1k.txt", "NUS_WID_Tags/TagList1k.txt"
VISUAL_WORDS = "Low_Level_Features/BoW_int.dat"
#: the 21 most frequent of the small set, not next to each other in the list
FREQUENT = [*range(3, 63, 3), 80]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "nuswide"


def arrays():
    rng = np.random.default_rng(0)
    often = np.isin(np.arange(81), FREQUENT)
    labels = rng.random((N, 81)) < np.where(often, 0.12, 0.02)
    labels[:12] = False
    labels[np.arange(12), np.flatnonzero(~often)[:12]] = True  # rare concepts only: not selected
    tags = rng.random((N, 1000)) < 0.01
    tags[20:25] = False
    return labels.astype(int), tags.astype(int), rng.integers(0, 300, (N, 500))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_nuswide(tmp_path_factory.mktemp("written"))


def write_nuswide(root):
    """A small set in the official formats: tabs or spaces, and one more at the end of each line."""
    folder = root / "nuswide"
    labels, tags, words = arrays()
    for name in (LISTS, LABELS + "/x", TAGS, VISUAL_WORDS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / LISTS).write_text("".join(f"{name}\r\n" for name in CONCEPT_NAMES))
    (folder / WORD_LIST).write_text("\n".join(WORDS), encoding="utf-8")
    for c, name in enumerate(CONCEPT_NAMES):
        lines = "".join(f"{value}\n" for value in labels[:, c])
        (folder / LABELS / f"Labels_{name}.txt").write_text(lines)
    write_rows(folder / TAGS, tags, "\t")
    write_rows(folder / VISUAL_WORDS, words, " ")
    return folder


def write_rows(path, rows, between):
    path.write_text("".join("".join(f"{v}{between}" for v in row) + "\n" for row in rows))


@pytest.fixture
def root(written, tmp_path, monkeypatch):
    """A copy to damage, whose number of images passes; that check has a test of its own."""
    monkeypatch.setattr(nuswide, "check_published", lambda n: None)
    selected = int(arrays()[0][:, FREQUENT].any(axis=1).sum())
    small = dataclasses.replace(nuswide.PROTOCOLS["masci2014"], pairs=selected)
    monkeypatch.setitem(nuswide.PROTOCOLS, "masci2014", small)
    shutil.copytree(written, tmp_path / "root" / "nuswide")
    return tmp_path / "root"


def edit(path, number, change):
    """Change one line, counted from 1."""
    lines = path.read_text().split("\n")
    lines[number - 1] = change(lines[number - 1])
    path.write_text("\n".join(lines))


def test_pairs_are_the_rows_with_a_frequent_concept(root):
    labels, tags, words = arrays()
    pairs = load("nuswide", root, **SMALL)
    selected = labels[:, FREQUENT].any(axis=1)
    assert 100 < selected.sum() < N - 12 + 1 and not selected[:12].any()
    assert pairs.label_names == [CONCEPT_NAMES[c] for c in FREQUENT]
    np.testing.assert_array_equal(pairs.labels, labels[selected][:, FREQUENT].astype(bool))
    assert isinstance(pairs.texts, sparse.csr_matrix) and pairs.texts.dtype == np.float32
    np.testing.assert_array_equal(pairs.texts.toarray(), tags[selected])
    assert type(pairs.images) is np.ndarray and pairs.images.dtype == np.float32
    np.testing.assert_array_equal(pairs.images, words[selected])
    assert pairs.name == "nuswide" and pairs.modality_names == ("BoF", "Tags")


def test_the_vocabulary_names_the_columns_of_the_tags(root):
    pairs = load("nuswide", root, **SMALL)
    _, tags, _ = arrays()
    assert list(pairs.vocabulary) == WORDS
    selected = arrays()[0][:, FREQUENT].any(axis=1)
    for word in ("tag0", "tag517", "français", "the_end"):
        column = pairs.texts[:, list(pairs.vocabulary).index(word)].toarray().ravel()
        np.testing.assert_array_equal(column, tags[selected, WORDS.index(word)])


def test_images_without_tags_are_kept_and_counted_beside_the_published_number(root):
    labels, tags, _ = arrays()
    selected = labels[:, FREQUENT].any(axis=1)
    untagged = int((tags[selected].sum(axis=1) == 0).sum())
    pairs = load("nuswide", root, **SMALL)
    assert untagged > 0 and (pairs.texts.sum(axis=1) == 0).sum() == untagged
    for part in (f"{selected.sum()} of {N} images", "195,839", f"{untagged} of them no tag"):
        assert part in pairs.source


def test_loading_again_reads_the_cache_and_gives_the_same(root, cache, monkeypatch):
    first = load("nuswide", root, **SMALL)
    assert len(list(cache.glob("*.npy"))) == 83
    with monkeypatch.context() as patched:
        patched.setattr(np, "loadtxt", None)
        assert load("nuswide", root, **SMALL).fingerprint == first.fingerprint
    edit(root / "nuswide" / VISUAL_WORDS, 100, lambda line: "12345 " + line.split(" ", 1)[1])
    assert load("nuswide", root, **SMALL).fingerprint != first.fingerprint
    for path in cache.glob("*.npy"):
        path.write_bytes(path.read_bytes()[:-10])
    again = load("nuswide", root, **SMALL)
    assert 12345 in again.images and len(again) == len(first)


def test_a_file_longer_than_a_block_is_read_in_order(root, monkeypatch):
    whole = load("nuswide", root, **SMALL)
    shutil.rmtree(os.environ["MMHASH_CACHE"])
    monkeypatch.setattr(nuswide_tables, "_LINES", 7)
    assert load("nuswide", root, **SMALL).fingerprint == whole.fingerprint
    edit(root / "nuswide" / TAGS, 147, lambda line: line.replace("0", "2", 1))
    with pytest.raises(ValueError, match=r"line 147 of .*AllTags1k\.txt holds 2,"):
        load("nuswide", root, **SMALL)


@pytest.mark.parametrize("name", ["NUS-WIDE", "NUS_WIDE", "NusWide"])
def test_the_folder_and_deeper_unpacked_files_are_found(root, name):
    expected = load("nuswide", root, **SMALL).fingerprint
    (root / "nuswide").rename(root / name)
    features = root / name / "NUS_WID_Low_Level_Features"
    features.mkdir()
    (root / name / "Low_Level_Features").rename(features / "Low_Level_Features")
    assert nuswide.find(root) == root / name
    assert load("nuswide", root, **SMALL).fingerprint == expected


@pytest.mark.parametrize("value", ["-1130179", "-1", "2", "0.5", "nan", "x", "9" * 20])
def test_a_label_out_of_range_names_file_and_line(root, value):
    edit(root / "nuswide" / LABELS / "Labels_concept40.txt", 78, lambda line: value)
    with pytest.raises(ValueError, match=rf"line 78 of .*Labels_concept40\.txt holds {value}, but"):
        load("nuswide", root, **SMALL)


def test_the_published_mistake_is_refused_at_its_line(tmp_path):
    path = tmp_path / "Labels_lake.txt"
    path.write_text("0\n" * 78_371 + "-1130179\n" + "1\n" * 10)
    with pytest.raises(ValueError, match=r"line 78372 of .*Labels_lake\.txt holds -1130179, but"):
        nuswide_tables.table(path, 1, 1)


@pytest.mark.parametrize(
    ("file", "change", "fault"),
    [
        (TAGS, lambda line: "3001 " + line, "holds 1001 values, but must hold 1000"),
        (TAGS, lambda line: line[2:], "holds 999 values, but must hold 1000"),
        (TAGS, lambda line: "", "holds 0 values, but must hold 1000"),
        (TAGS, lambda line: "7" + line[1:], "holds 7, but must hold whole numbers from 0 to 1:"),
        (VISUAL_WORDS, lambda line: line + "1", "holds 501 values, but must hold 500"),
        (VISUAL_WORDS, lambda line: line[: len(line) // 2], r"values, but must hold 500"),
        (VISUAL_WORDS, lambda line: "-3 " + line.split(" ", 1)[1], "holds -3, but must hold"),
        (VISUAL_WORDS, lambda line: "70000 " + line.split(" ", 1)[1], "holds 70000, .* 65535:"),
        (VISUAL_WORDS, lambda line: "é " + line.split(" ", 1)[1], "but must hold whole numbers"),
    ],
)
@pytest.mark.parametrize("number", [1, 99])
def test_a_wrong_row_names_file_and_line(root, cache, file, change, fault, number):
    path = root / "nuswide" / file
    edit(path, number, change)
    with pytest.raises(ValueError, match=rf"line {number} of .*{path.name} .*{fault}"):
        load("nuswide", root, **SMALL)
    assert not list(cache.glob(".*")), "nothing half-written is left"


@pytest.mark.parametrize("file", [f"{LABELS}/Labels_concept33.txt", TAGS, VISUAL_WORDS])
def test_files_whose_lines_differ_in_number_are_refused(root, file):
    path = root / "nuswide" / file
    path.write_text("\n".join(path.read_text().split("\n")[:-2]) + "\n")
    match = rf"{path.name} has {N - 1} lines, but the labels of the first concept have {N}"
    with pytest.raises(ValueError, match=match):
        load("nuswide", root, **SMALL)


@pytest.mark.parametrize("file", [f"{LABELS}/Labels_concept00.txt", TAGS, VISUAL_WORDS])
def test_an_empty_file_is_refused(root, file):
    (root / "nuswide" / file).write_text("")
    with pytest.raises(ValueError, match=r"is empty"):
        load("nuswide", root, **SMALL)


@pytest.mark.parametrize(("file", "n"), [(LISTS, 81), (WORD_LIST, 1000)])
def test_a_list_with_a_wrong_number_of_names_is_refused(root, file, n):
    path = root / "nuswide" / file
    lines = path.read_text(encoding="utf-8").strip().split("\n")
    path.write_text("\n".join(lines[:-1]), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"{path.name} must hold {n} names, but holds {n - 1}"):
        load("nuswide", root, **SMALL)
    assert available(root).set_index("name").present["nuswide"]
    path.write_text("\n".join([*lines[:-1], lines[0]]), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"{path.name} names {lines[0].strip()} more than once"):
        load("nuswide", root, **SMALL)


@pytest.mark.parametrize(
    "file", [LISTS, LABELS, f"{LABELS}/Labels_concept80.txt", TAGS, WORD_LIST, VISUAL_WORDS]
)
def test_a_missing_file_says_where_to_get_it_and_where_to_put_it(root, file):
    assert nuswide.find(root) == root / "nuswide"
    path = root / "nuswide" / file
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    # Without the visual words all but images='bof' can be loaded.
    assert (nuswide.find(root) is None) == (file != VISUAL_WORDS)
    with pytest.raises(FileNotFoundError) as caught:
        load("nuswide", root)
    message = str(caught.value)
    there = " (what is there is for images='none')" if file == VISUAL_WORDS else ""
    for part in (f"{path.name}{there} in ", "AllTags1k.txt", f"under {root}"):
        assert part in message
    assert "\n" not in message


def test_other_numbers_of_images_than_published_are_refused(written):
    nuswide.check_published(269_648)
    with pytest.raises(ValueError, match=f"has 269648 images, but these files have {N} lines"):
        load("nuswide", written.parent)


def test_an_unknown_protocol_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(ValueError, match=r"one of masci2014, zhang2018, .*, not 'dcmh'"):
        load("nuswide", tmp_path, protocol="dcmh")


def test_too_few_samples_name_the_concept_and_the_option(root):
    with pytest.raises(ValueError, match=r"concept\d\d has \d+ samples left, too few for 49"):
        load("nuswide", root, n_train=40, n_query_per_concept=49)
    with pytest.raises(ValueError, match=r"database has \d+ samples, too few for 140 training"):
        load("nuswide", root, n_train=140, n_query_per_concept=2)


@pytest.mark.slow
@needs(nuswide)
def test_the_official_files():
    pairs = load("nuswide")
    assert pairs.images.shape[1] == 500 and pairs.texts.shape[1] == 1000
    assert (len(pairs.query), len(pairs.train)) == (2100, 5000)
    # The published count, give or take the five that masci2014 and later papers differ by.
    assert len(pairs) == nuswide.PROTOCOLS["masci2014"].pairs, pairs.source
