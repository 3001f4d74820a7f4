"""The explorer's controls move what they should, and only offer what there is."""

import io
import re

import ipywidgets
import numpy as np
import pytest
from explorer_cases import check, codes_of, hits, in_plain_words, menu, shown
from figure_cases import N, some_pairs
from PIL import Image
from table_cases import table_rows

from mmhash_nb.experiments.collection import Collection
from mmhash_nb.explorer import Explorer, explore, widget
from mmhash_nb.explorer.controls import state_of
from mmhash_nb.explorer.search import Database


def some_collection(**changes: object) -> Collection:
    codes = {("mmnn_l2", 12): codes_of(12, 1), ("mmnn_l2", 32): codes_of(32, 2)}
    # KSH hashes each modality by itself: its codes of different modalities do not compare.
    codes |= {("ksh", 32): codes_of(32, 3), ("mah", 12): codes_of(12, 4, sides=["joint"])}
    return Collection(some_pairs(**changes), codes)


def some_explorer(**changes: object) -> Explorer:
    return explore(*some_collection(**changes))


def test_explore_gives_a_widget_with_a_picture() -> None:
    explorer = explore(some_pairs(), {("mmnn_l2", 12): codes_of(12, 1)})
    assert isinstance(explorer, ipywidgets.Widget)
    assert Image.open(io.BytesIO(explorer.picture.value)).format == "PNG"
    check(explorer)
    for control in ("dataset", "beside", "words", "upload", "ask", "attention"):
        assert not shown(getattr(explorer, control)), f"{control} has nothing to choose"


@pytest.mark.parametrize(("control", "value"), table_rows("explorer_controls"))
def test_moving_any_control_redraws_the_picture(control: str, value: object) -> None:
    explorer = some_explorer()
    before, words = explorer.picture.value, explorer.message.value
    getattr(explorer, control).value = value
    assert explorer.picture.value != before
    assert (explorer.message.value == words) == (control == "radius")
    if control != "beside":
        check(explorer)


def test_only_mistakes_stay_while_the_query_moves() -> None:
    explorer = some_explorer()
    explorer.mistakes.value = True
    for place in range(3):
        explorer.query.value = place
        assert ", relevant)" not in explorer.message.value
        assert "Nearest mistakes" in explorer.message.value
        check(explorer)


def test_menus_follow_the_method() -> None:
    explorer = some_explorer()
    assert menu(explorer.bits) == [12, 32]
    assert (explorer.radius.value, explorer.radius.max) == (2, 12)
    explorer.bits.value = 32
    explorer.direction.value = "text-text"
    assert explorer.radius.max == 32
    explorer.method.value = "ksh"
    assert menu(explorer.bits) == [32]
    assert menu(explorer.direction) == ["image-image", "text-text"]
    assert explorer.direction.value == "text-text", "the choice stays where it can"
    explorer.method.value = "mmnn_l2"
    assert explorer.bits.value == 32
    assert len(explorer.direction.options) == 4


def test_one_move_draws_one_picture(monkeypatch) -> None:
    explorer = some_explorer()
    explorer.radius.value = 9
    calls, original = [], widget.draw_results
    monkeypatch.setattr(widget, "draw_results", lambda *a: calls.append(a) or original(*a))
    explorer.method.value = "ksh"
    explorer.method.value = "mmnn_l2"
    explorer.bits.value = 12
    explorer.query.value = 1
    assert len(calls) == 4


def test_the_database_is_read_once_for_each_method_length_and_side(monkeypatch) -> None:
    made, original = [], Database.__init__

    def make(self, pairs, codes, side):
        made.append((codes[side].n_bits, side))
        original(self, pairs, codes, side)

    monkeypatch.setattr(Database, "__init__", make)
    explorer = some_explorer()
    for place in range(4):
        explorer.query.value = place
        explorer.radius.value = place
    assert made == [(12, "text")]
    for bits in (32, 12, 32):
        explorer.bits.value = bits
    explorer.direction.value = "text-image"
    explorer.direction.value = "image-image"
    assert made == [(12, "text"), (32, "text"), (32, "image")]
    explorer.beside.value = "ksh"
    explorer.query.value = 0
    assert len(made) == 4


def test_a_second_method_answers_the_same_query() -> None:
    explorer = some_explorer()
    assert menu(explorer.beside) == ["", "mah"], "of the same code length"
    explorer.bits.value = 32
    assert menu(explorer.beside) == ["", "ksh"]
    explorer.beside.value = "ksh"
    lines = explorer.message.value.split("<br>")
    ksh = explorer.retriever.codes["ksh", 32]
    assert lines[1].startswith("MM-NN L2, image → text: ")
    # KSH does not cross: it searches for the same picture among pictures.
    assert lines[2].startswith("KSH, image → image: ")
    assert lines[2].endswith(hits(explorer, ksh, "image-image"))
    explorer.direction.value = "text-text"
    assert hits(explorer, ksh, "text-text") in explorer.message.value.split("<br>")[2]
    explorer.method.value = "ksh"
    assert explorer.beside.value == "", "no method stands beside itself"


def test_an_item_is_the_query_until_the_slider_moves() -> None:
    explorer = some_explorer()
    pairs, codes = explorer.pairs, explorer.retriever.codes["mmnn_l2", 12]
    assert explorer.item.value == pairs.query[0]
    item = int(pairs.database[3])
    explorer.item.value = item
    found = in_plain_words(pairs, codes["text"], codes["image"][item], 10, pairs.labels[item])
    assert f"Query: sample {item}.<br>" in explorer.message.value
    assert found in explorer.message.value
    again = explore(*some_collection(), **state_of(explorer))
    assert again.picture.value == explorer.picture.value
    explorer.query.value = 2
    assert explorer.item.value == pairs.query[2]
    check(explorer)


@pytest.mark.parametrize("direction", ["image-text", "text-image"])
def test_each_result_has_a_button_of_its_sample_with_a_name_in_words(direction: str) -> None:
    explorer = explore(*some_collection(), direction=direction, k=5, bits=12)
    buttons = re.findall(
        r'<button type="button" value="(\d+)" style="[^"]*" title="([^"]*)"', explorer.buttons.value
    )
    found = re.findall(r"(\d+) \((\d+)(, relevant)?\)", explorer.message.value)
    assert [sample for sample, _ in buttons] == [sample for sample, *_ in found]
    for (sample, name), (_, distance, relevant) in zip(buttons, found, strict=True):
        judged = "relevant" if relevant else "not relevant"
        assert f"MM-NN L2, result {buttons.index((sample, name)) + 1}: sample {sample}, " in name
        assert f" distance {distance}, {judged}; " in name
    explorer = some_explorer(query=np.arange(0))
    assert explorer.buttons.value == "", "no picture, no buttons"


def test_datasets_stand_in_a_menu() -> None:
    few = {"query": np.arange(2), "database": np.arange(9, 15), "train": np.arange(9, 12)}
    other = Collection(some_pairs(name="other", **few), {("ksh", 8): codes_of(8, 7)})
    explorer = explore({"one": some_collection(), "two": other})
    assert shown(explorer.dataset) and menu(explorer.dataset) == ["one", "two"]
    explorer.query.value, explorer.k.value, explorer.radius.value = 5, 9, 11
    explorer.dataset.value = "two"
    assert explorer.pairs is other.pairs
    assert (explorer.query.value, explorer.query.max) == (1, 1)
    assert (explorer.k.value, explorer.radius.value) == (6, 8)
    check(explorer)
    explorer.dataset.value = "one"
    check(explorer)
    plain = explore({"one": some_collection()[:2], "two": (other.pairs, other.codes)})
    assert menu(plain.method) == ["mmnn_l2", "ksh", "mah"]


def test_an_empty_radius_offers_the_nearest_with_results() -> None:
    explorer = some_explorer()
    code, keys = (explorer.retriever.codes["mmnn_l2", 12][side] for side in ("image", "text"))
    query, pairs = int(explorer.pairs.query[0]), explorer.pairs
    apart = (code[[query]].signs() != keys[pairs.database].signs()).sum(axis=1)
    explorer.radius.value = 0
    assert shown(explorer.widen) == bool(apart.min())
    explorer.widen.click()
    assert explorer.radius.value == apart.min() and not shown(explorer.widen)


def test_codes_of_a_gallery_are_explored_under_its_names() -> None:
    explorer = explore(some_pairs(), {"My method": codes_of(12, 1), "Another": codes_of(12, 2)})
    assert menu(explorer.method) == ["My method", "Another"] and menu(explorer.bits) == [12]
    assert explorer.direction.value == "image-text"
    check(explorer)


def test_states_without_a_picture_get_a_sentence() -> None:
    explorer = some_explorer(query=np.arange(0))
    assert "made-up has an empty query split" in explorer.message.value
    assert not shown(explorer.picture)
    explorer = some_explorer(database=np.arange(0))
    assert "made-up has an empty database" in explorer.message.value
    short = explore(some_pairs(), {("mmnn_l2", 12): codes_of(12, 1, n=N - 1)})
    assert f"there are {N - 1} image codes for {N} samples" in short.message.value


def test_it_opens_at_what_is_given() -> None:
    opening = {"radius": 5, "k": 4, "query": 3, "direction": "text-image", "bits": 32}
    explorer = explore(*some_collection(), method="mmnn_l2", **opening, mistakes=True)
    for name, value in opening.items():
        assert getattr(explorer, name).value == value, name
    check(explorer)
    explorer.query.value = 0
    check(explorer)


def test_it_opens_at_another_dataset_and_a_second_method() -> None:
    collections = {"one": some_collection(), "two": some_collection(name="other")}
    explorer = explore(collections, beside="ksh", bits=32, dataset="two")
    assert explorer.dataset.value == "two" and explorer.pairs.name == "other"
    assert [column.key for column in explorer.columns] == [("mmnn_l2", 32), ("ksh", 32)]
    assert "KSH, image → image: " in explorer.message.value
    assert explore(*collections["one"], dataset="made-up").pairs is collections["one"].pairs


@pytest.mark.parametrize(("opening", "sentence"), table_rows("explorer_openings"))
def test_what_is_not_offered_cannot_be_opened_at(opening: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)) as refused:
        explore(*some_collection(), **opening)
    assert str(refused.value).startswith("the explorer cannot open at ")
    explore(*some_collection(), radius=12)


def test_a_control_that_is_not_there_cannot_be_opened_at() -> None:
    with pytest.raises(TypeError, match="cannot open at bit=…: its controls are dataset, method,"):
        explore(*some_collection(), bit=12)


def test_no_codes_are_refused() -> None:
    for given in ((some_pairs(), {}), ({},), ({"one": (some_pairs(), {})},), (some_pairs(),)):
        with pytest.raises(ValueError, match="needs codes of at least one method"):
            explore(*given)
