"""Words and pictures of the reader's own are searched with, or refused in a sentence."""

import dataclasses
import io
from datetime import UTC, datetime

import numpy as np
import pytest
from deep_cases import quick
from explorer_cases import check, codes_of, in_plain_words, shown
from PIL import Image

from mmhash_nb import hashers
from mmhash_nb.codes import HashCodes
from mmhash_nb.experiments.collection import Collection
from mmhash_nb.explorer import Explorer, Masks, draw, explore


def upload(explorer: Explorer, data: bytes, name: str = "mine.png") -> None:
    file = {"name": name, "type": "image/png", "size": len(data), "content": memoryview(data)}
    explorer.upload.value = ({**file, "last_modified": datetime.now(tz=UTC)},)


def png_of(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(buffer, "PNG")
    return buffer.getvalue()


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
    keys = explorer.retriever.codes[method, 16][side]
    found = in_plain_words(explorer.pairs, keys, code, explorer.k.value)
    return f"Nearest samples (distance): {found}"


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
    assert nearest_to(own, code, method, "image") in own.message.value, "still the query"
    own.direction.value = "text-image"
    assert own.upload.value == (), "a picture is no text"
    check(own)


def test_words_and_picture_are_one_query_where_a_method_fuses_them(own, worded) -> None:
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


def test_what_is_no_query_gets_a_sentence_and_no_picture(own) -> None:
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


def test_a_method_that_was_not_saved_says_so_beside_one_that_was(own, worded) -> None:
    own.direction.value, own.beside.value = "text-image", "random"
    own.words.value = "word3"
    row = np.zeros((1, 24), np.float32)
    row[0, 3] = 1
    code = worded.methods["aadah_visual", 16]().encode(
        dataclasses.replace(own.pairs.take([0]), texts=row), "text"
    )
    assert own.message.value == (
        "Query: your words.<br>No fitted random of 16 bits was saved, so it cannot encode your "
        f"query.<br>{nearest_to(own, code, 'aadah_visual', 'image')}"
    )
    own.beside.value = "concat"
    assert "concat needs picture here: choose another" in own.message.value
    own.method.value = "random"
    assert own.beside.value == "concat" and shown(own.upload), "concat can encode, random cannot"
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
    pairs, codes, methods = worded
    opened = explore(*worded, direction="text-image", query=1, attention=True)
    masks = {"aadah_visual": Masks(methods["aadah_visual", 16]())}
    first = {"aadah_visual": codes["aadah_visual", 16]}
    canvas = draw(pairs, first, "text-image", int(pairs.query[1]), 10, 2, masks=masks)
    assert opened.picture.value == canvas.png(), "as the still picture"
    without = explore(pairs, codes)
    assert not shown(without.attention), "the fitted method was not given"
