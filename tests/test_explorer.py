"""The explorer's controls move what they should, and only offer what can be asked."""

import dataclasses
import io
import re
from datetime import UTC, datetime

import ipywidgets
import numpy as np
import pytest
from deep_cases import quick
from figure_cases import N, by_hand, some_pairs
from PIL import Image

from mmhash_nb import hashers
from mmhash_nb.codes import HashCodes
from mmhash_nb.explorer import Explorer, draw, explore, widget
from mmhash_nb.explorer.answers import Database
from mmhash_nb.results.kept import Collection

SIDES = ("image", "text")


def codes_of(n_bits: int, seed: int, n: int = N, sides=SIDES) -> dict[str, HashCodes]:
    rng = np.random.default_rng(seed)
    return {side: HashCodes.from_signs(rng.standard_normal((n, n_bits))) for side in sides}


def some_collection(**changes: object) -> Collection:
    codes = {("mmnn_l2", 12): codes_of(12, 1), ("mmnn_l2", 32): codes_of(32, 2)}
    # KSH hashes each modality by itself: its codes of different modalities do not compare.
    codes |= {("ksh", 32): codes_of(32, 3), ("mah", 12): codes_of(12, 4, sides=["joint"])}
    return Collection(some_pairs(**changes), codes)


def some_explorer(**changes: object) -> Explorer:
    return explore(*some_collection(**changes))


def hits(explorer: Explorer, codes: dict[str, HashCodes], direction: str) -> str:
    """The results in the words of the message, by a plain loop."""
    pairs = explorer.pairs
    query = int(pairs.query[explorer.query.value])
    distances, samples = by_hand(pairs, codes, direction, query, len(pairs))
    said = []
    for distance, sample in zip(distances, samples, strict=True):
        right = (pairs.labels[sample] & pairs.labels[query]).any()
        if not (right and explorer.mistakes.value):
            said.append(f"{sample} ({distance}{', relevant' if right else ''})")
    return ", ".join(said[: explorer.k.value]) + "."


def check(explorer: Explorer) -> None:
    """Message and picture are those of the controls."""
    pairs, bits = explorer.pairs, explorer.bits.value
    codes = explorer.desk.codes
    direction, query = explorer.direction.value, int(pairs.query[explorer.query.value])
    assert f"Query: sample {query}.<br>" in explorer.message.value
    assert hits(explorer, codes[explorer.method.value, bits], direction) in explorer.message.value
    shown = {m: codes[m, bits] for m in (explorer.method.value, explorer.beside.value) if m}
    if len(shown) == 1 or "ksh" not in shown:
        sheet = draw(
            pairs, shown, direction, query, explorer.k.value, explorer.radius.value,
            explorer.mistakes.value,
        )  # fmt: skip
        assert explorer.picture.value == sheet.png()


def menu(dropdown) -> list:
    return [value for _, value in dropdown.options]


def shown(control) -> bool:
    return control.layout.display != "none"


def upload(explorer: Explorer, data: bytes, name: str = "mine.png") -> None:
    file = {"name": name, "type": "image/png", "size": len(data), "content": memoryview(data)}
    explorer.upload.value = ({**file, "last_modified": datetime.now(tz=UTC)},)


def png_of(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def test_explore_gives_a_widget_with_a_picture() -> None:
    explorer = explore(some_pairs(), {("mmnn_l2", 12): codes_of(12, 1)})
    assert isinstance(explorer, ipywidgets.Widget)
    assert Image.open(io.BytesIO(explorer.picture.value)).format == "PNG"
    check(explorer)
    for control in ("dataset", "beside", "words", "upload", "ask", "attention"):
        assert not shown(getattr(explorer, control)), f"{control} has nothing to choose"


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("query", 3),
        ("k", 4),
        ("radius", 5),
        ("direction", "text-image"),
        ("bits", 32),
        ("method", "ksh"),
        ("mistakes", True),
        ("beside", "mah"),
    ],
)
def test_moving_any_control_redraws_the_picture(control: str, value: object) -> None:
    explorer = some_explorer()
    before, said = explorer.picture.value, explorer.message.value
    getattr(explorer, control).value = value
    assert explorer.picture.value != before
    assert (explorer.message.value == said) == (control == "radius")
    if control != "beside":
        check(explorer)


def test_what_is_said_equals_brute_force() -> None:
    explorer = some_explorer()
    explorer.k.value = 5
    for place, query in enumerate(explorer.pairs.query[:3]):
        explorer.query.value = place
        codes = explorer.desk.codes["mmnn_l2", 12]
        distances, samples = by_hand(explorer.pairs, codes, "image-text", query, 5)
        said = re.findall(r"(\d+) \((\d+)(, relevant)?\)", explorer.message.value)
        assert [(int(s), int(d)) for s, d, _ in said] == list(zip(samples, distances, strict=True))
        labels = explorer.pairs.labels
        right = (labels[samples] & labels[query]).any(axis=1)
        assert [bool(word) for *_, word in said] == right.tolist()


def test_only_mistakes_stay_when_they_are_asked_for() -> None:
    explorer = some_explorer()
    explorer.mistakes.value = True
    for place in range(3):
        explorer.query.value = place
        assert "relevant" not in explorer.message.value
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
    calls, original = [], widget.draw_answers
    monkeypatch.setattr(widget, "draw_answers", lambda *a: calls.append(a) or original(*a))
    explorer.method.value = "ksh"
    explorer.method.value = "mmnn_l2"
    explorer.bits.value = 12
    explorer.query.value = 1
    assert len(calls) == 4


def test_the_database_side_is_gathered_once_for_each_method_length_and_side(monkeypatch) -> None:
    gathered, original = [], Database.__init__

    def gather(self, pairs, codes, side):
        gathered.append((codes[side].n_bits, side))
        original(self, pairs, codes, side)

    monkeypatch.setattr(Database, "__init__", gather)
    explorer = some_explorer()
    for place in range(4):
        explorer.query.value = place
        explorer.radius.value = place
    assert gathered == [(12, "text")]
    for bits in (32, 12, 32):
        explorer.bits.value = bits
    explorer.direction.value = "text-image"
    explorer.direction.value = "image-image"
    assert gathered == [(12, "text"), (32, "text"), (32, "image")]
    explorer.beside.value = "ksh"
    explorer.query.value = 0
    assert len(gathered) == 4


def test_a_second_method_answers_the_same_query() -> None:
    explorer = some_explorer()
    assert menu(explorer.beside) == ["", "mah"], "of the same code length"
    explorer.bits.value = 32
    assert menu(explorer.beside) == ["", "ksh"]
    explorer.beside.value = "ksh"
    lines = explorer.message.value.split("<br>")
    ksh = explorer.desk.codes["ksh", 32]
    assert lines[1].startswith("mmnn_l2, image → text: ")
    # KSH does not cross: it is asked the same picture among pictures.
    assert lines[2].startswith("ksh, image → image: ")
    assert lines[2].endswith(hits(explorer, ksh, "image-image"))
    explorer.direction.value = "text-text"
    assert hits(explorer, ksh, "text-text") in explorer.message.value.split("<br>")[2]
    explorer.method.value = "ksh"
    assert explorer.beside.value == "", "no method stands beside itself"


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


def test_states_without_a_picture_get_a_sentence() -> None:
    explorer = some_explorer(query=np.arange(0))
    assert "made-up has an empty query split" in explorer.message.value
    assert not shown(explorer.picture)
    explorer = some_explorer(database=np.arange(0))
    assert "made-up has an empty database" in explorer.message.value
    short = explore(some_pairs(), {("mmnn_l2", 12): codes_of(12, 1, n=N - 1)})
    assert f"there are {N - 1} image codes for {N} samples" in short.message.value


def test_no_codes_are_refused() -> None:
    for given in ((some_pairs(), {}), ({},), ({"one": (some_pairs(), {})},), (some_pairs(),)):
        with pytest.raises(ValueError, match="needs codes of at least one method"):
            explore(*given)


# Queries of the reader's own


@pytest.fixture(scope="module")
def worded(tiny_pictures):
    """Pixels and words, and methods that were fitted to them."""
    words = [f"word{i}" for i in range(tiny_pictures.texts.shape[1])]
    pairs = dataclasses.replace(tiny_pictures, vocabulary=words)
    methods = {}
    for name in ("aadah_visual", "cvh", "concat", "texthash"):
        method = quick(name) if name == "aadah_visual" else hashers.create(name, 16, device="cpu")
        if name in ("concat", "texthash"):
            tiny = {"epochs": 1, "batch_size": 12, "text_hidden": 16, "text_features": 8}
            method = hashers.create(name, 16, device="cpu", **tiny)
        methods[name, 16] = method.fit(pairs)
    codes = {
        key: {side: method.encode(pairs, side) for side in method.modalities}
        for key, method in methods.items()
    }
    codes["random", 16] = codes_of(16, 5, n=len(pairs))
    return Collection(pairs, codes, {key: (lambda m=m: m) for key, m in methods.items()})


@pytest.fixture
def own(worded, monkeypatch) -> Explorer:
    monkeypatch.setattr(hashers.Method, "fit", lambda *_: pytest.fail("something was trained"))
    return explore(*worded)


def nearest_to(explorer: Explorer, code: HashCodes, method: str, side: str) -> str:
    """What the message says of the items nearest to a code of no labels."""
    pairs = explorer.pairs
    keys = explorer.desk.codes[method, 16][side].signs()[pairs.database]
    distances = (keys != code.signs()).sum(axis=1)
    order = np.argsort(distances, kind="stable")[: explorer.k.value]
    found = [f"{s} ({d})" for s, d in zip(pairs.database[order], distances[order], strict=True)]
    return f"Nearest samples (distance): {', '.join(found)}."


@pytest.mark.parametrize("method", ["aadah_visual", "cvh", "texthash"])
def test_the_readers_words_are_encoded_and_searched_with(own, worded, method) -> None:
    own.method.value = method
    own.direction.value = "text-text" if method == "texthash" else "text-image"
    assert shown(own.words) and shown(own.ask) and not shown(own.upload)
    own.words.value = "Word3, word7 nothing <b>"
    row = np.zeros((len(own.pairs), 24), np.float32)
    row[:, [3, 7]] = 1
    texts = dataclasses.replace(own.pairs, texts=row)
    code = worded.methods[method, 16]().encode(texts, "text")[0]
    side = own.direction.value.partition("-")[2]
    assert own.message.value == (
        "Query: your words.<br>Not known and left out: nothing.<br>"
        + nearest_to(own, code, method, side)
    )
    assert own.mistakes.disabled and shown(own.picture)
    before = own.picture.value
    own.k.value = 4
    assert nearest_to(own, code, method, side) in own.message.value
    assert own.picture.value != before
    own.query.value = 2
    assert (own.words.value, own.mistakes.disabled) == ("", False)
    check(own)


@pytest.mark.parametrize("method", ["aadah_visual", "cvh"])
def test_the_readers_picture_is_encoded_and_searched_with(own, worded, method) -> None:
    own.method.value, own.direction.value = method, "image-text"
    assert shown(own.upload) and not shown(own.words)
    upload(own, png_of(own.pairs.images[7]))
    code = worded.codes[method, 16]["image"][7]
    expected = f"Query: your picture.<br>{nearest_to(own, code, method, 'text')}"
    assert own.message.value == expected
    own.direction.value = "image-image"
    assert nearest_to(own, code, method, "image") in own.message.value, "still asked"
    own.direction.value = "text-image"
    assert own.upload.value == (), "a picture is no text"
    check(own)


def test_words_and_picture_are_asked_together_where_a_method_fuses_them(own, worded) -> None:
    own.method.value = "concat"
    assert own.direction.value == "joint-joint" and shown(own.upload) and shown(own.words)
    own.words.value = "word3"
    assert own.message.value.startswith("<b>No picture is chosen")
    upload(own, png_of(own.pairs.images[7]))
    texts = np.zeros((1, 24), np.float32)
    texts[0, 3] = 1
    pair = dataclasses.replace(own.pairs.take([7]), texts=texts)
    code = worded.methods["concat", 16]().encode(pair, "joint")
    expected = nearest_to(own, code, "concat", "joint")
    assert own.message.value == f"Query: your words and picture.<br>{expected}"


def test_what_cannot_be_asked_gets_a_sentence_and_no_picture(own) -> None:
    own.direction.value = "text-image"
    for words, sentence in (
        ("zebra <i>lion", "None of these words is known to pictures: zebra, lion."),
        ("", "There is no word in the box"),
    ):
        own.words.value = words
        assert own.message.value.startswith(f"<b>{sentence}")
        assert not shown(own.picture)
    own.words.value = "word1"
    assert shown(own.picture) and "<b>" not in own.message.value
    own.direction.value = "image-text"
    own.ask.click()
    assert own.message.value.startswith("<b>No picture is chosen")
    upload(own, b"no picture", "<script>.png")
    assert own.message.value.startswith("<b>&lt;script&gt;.png is no picture")
    own.query.value = 1
    check(own)


def test_a_method_that_was_not_kept_says_so_beside_one_that_was(own, worded) -> None:
    own.direction.value, own.beside.value = "text-image", "random"
    own.words.value = "word3"
    row = np.zeros((1, 24), np.float32)
    row[0, 3] = 1
    code = worded.methods["aadah_visual", 16]().encode(
        dataclasses.replace(own.pairs.take([0]), texts=row), "text"
    )
    assert own.message.value == (
        "Query: your words.<br>No fitted random of 16 bits was kept, so it cannot encode your "
        f"query.<br>{nearest_to(own, code, 'aadah_visual', 'image')}"
    )
    own.beside.value = "concat"
    assert "concat is asked with picture here: choose another" in own.message.value
    own.method.value = "random"
    assert not shown(own.words) or own.beside.value, "random alone cannot encode"
    own.beside.value = ""
    assert not shown(own.words) and not shown(own.ask)
    check(own)


def test_a_dataset_whose_vectors_cannot_be_made_says_so(worded) -> None:
    pairs = dataclasses.replace(worded.pairs, vocabulary=None)
    explorer = explore(pairs, worded.codes, worded.methods)
    assert explorer.hint.value == ""
    explorer.direction.value = "text-image"
    assert explorer.hint.value.startswith("The text of pictures is a vector that cannot be made")
    assert not shown(explorer.words)


def test_a_method_that_cannot_be_loaded_gets_a_sentence(worded) -> None:
    def gone():
        raise FileNotFoundError("runs/x/method holds no method.json: no method was saved there.")

    explorer = explore(worded.pairs, worded.codes, {key: gone for key in worded.methods})
    check(explorer)
    explorer.direction.value = "text-image"
    explorer.words.value = "word1"
    assert explorer.message.value.startswith("<b>runs/x/method holds no method.json")


def test_methods_are_loaded_when_they_are_needed_and_once(worded) -> None:
    loaded = []
    methods = {
        key: (lambda key=key, load=load: loaded.append(key) or load())
        for key, load in worded.methods.items()
    }
    explorer = explore(worded.pairs, worded.codes, methods)
    explorer.query.value = 3
    explorer.direction.value = "text-image"
    assert loaded == []
    for words in ("word1", "word2"):
        explorer.words.value = words
        explorer.radius.value += 1
    explorer.attention.value = True
    assert loaded == [("aadah_visual", 16)]


def test_attention_is_offered_where_a_method_has_it_and_drawn_when_ticked(own, worded) -> None:
    assert shown(own.attention)
    before = own.picture.value
    own.attention.value = True
    masked = own.picture.value
    assert masked != before and "<b>" not in own.message.value
    own.query.value = 1
    own.query.value = 0
    assert own.picture.value == masked
    own.method.value = "cvh"
    assert not shown(own.attention)
    check(own)
    own.beside.value = "aadah_visual"
    assert shown(own.attention)
    without = explore(worded.pairs, worded.codes)
    assert not shown(without.attention), "the fitted method was not given"
