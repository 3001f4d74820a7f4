"""The reader's words and picture take the dataset's form; what cannot is refused in a sentence."""

import dataclasses
import io
import os
import struct
import warnings
import zlib

import numpy as np
import pytest
from figure_cases import WORDS, some_pairs
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mmhash_nb.datasets import load
from mmhash_nb.explorer import own
from mmhash_nb.explorer.own import find_words, needs, nothing_kept, own_pair, read_picture

WORD, PICTURE = frozenset({"words"}), frozenset({"picture"})


def file_of(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


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
    made = own_pair(pairs, WORD, "snow, cat and dog")
    assert made.pair.texts.tolist() == [[0, 0, 1, 0, 0, 1]] and made.pair.texts.dtype == np.float32
    assert made.unknown == ["and", "dog"] and made.name == "your words"
    assert made.question.labels is None
    captioned = dataclasses.replace(pairs, captions=["a caption"] * len(pairs))
    assert own_pair(captioned, WORD, " snow,\n cat ").pair.captions == ["snow, cat"]


def test_a_picture_becomes_pixels_of_the_datasets_size() -> None:
    pairs, pixels = some_pairs(), noise(8, 8)
    made = own_pair(pairs, PICTURE, picture=Image.fromarray(pixels))
    assert np.array_equal(made.pair.images[0], pixels.transpose(2, 0, 1))
    wide = own_pair(pairs, PICTURE, picture=Image.new("RGB", (400, 200), "black"))
    assert (wide.pair.images[0, :, 2:6] == 0).all(), "scaled to the width"
    assert (wide.pair.images[0, :, [0, 1, 6, 7]] == 255).all(), "padded with white"
    both = own_pair(pairs, WORD | PICTURE, "sky", Image.fromarray(pixels))
    assert both.name == "your words and picture" and both.pair.texts[0, 0] == 1


def test_a_picture_becomes_the_descriptors_that_the_dataset_has_of_its_own(described) -> None:
    picture = Image.fromarray(described.thumbnails[7].transpose(1, 2, 0))
    made = own_pair(described, PICTURE, picture=picture)
    assert np.allclose(made.pair.images[0], described.images[7], atol=1e-5)
    assert np.allclose(made.pair.texts[0], described.texts[7], atol=1e-5)
    assert np.array_equal(made.pair.thumbnails[0], described.thumbnails[7])


def test_a_missing_picture_gets_a_sentence() -> None:
    with pytest.raises(ValueError, match="No picture is chosen: upload one"):
        own_pair(some_pairs(), WORD | PICTURE, "sky")


# Files


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "GIF"])
def test_pictures_are_read_from_their_bytes(kind: str) -> None:
    flat = Image.new("RGB", (12, 9), (0, 128, 255))
    options = {"lossless": True} if kind == "WEBP" else {}
    read = read_picture(file_of(flat, kind, **options), "a picture")
    assert read.mode == "RGB" and read.size == (12, 9) and read.getpixel((3, 3)) == (0, 128, 255)


def test_pictures_come_upright_and_on_white() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    turned = file_of(Image.fromarray(noise(20, 30)), "JPEG", exif=exif)
    assert read_picture(turned, "photo").size == (20, 30)
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert read_picture(file_of(clear), "clear").getpixel((0, 0)) == (255, 255, 255)
    half = read_picture(file_of(Image.new("LA", (4, 4), (0, 128))), "half").getpixel((0, 0))
    assert half == pytest.approx((127, 127, 127), abs=1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        file_of(Image.fromarray(noise(9, 9)), "TIFF"),
    ],
    ids=["empty", "text", "EPS, which starts a program", "TIFF"],
)
def test_what_is_no_picture_gets_a_sentence(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^a\.png is no picture: give a PNG, JPEG, WEBP, GIF"):
        read_picture(data, "a.png")


@given(st.data())
def test_broken_files_never_get_anything_but_a_sentence(data) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP"]))
    whole = file_of(Image.fromarray(noise(30, 40)), kind)
    kept = whole[: data.draw(st.integers(0, len(whole)))]
    at = data.draw(st.integers(0, max(0, len(kept) - 1)))
    broken = kept[:at] + data.draw(st.binary(max_size=6)) + kept[at:]
    try:
        assert read_picture(broken, "a.png").mode == "RGB"
    except ValueError as error:
        assert str(error).startswith("a.png ")


def test_a_truncated_picture_gets_a_sentence() -> None:
    for kind in ("PNG", "JPEG"):
        data = file_of(Image.fromarray(noise(200, 200)), kind)
        with pytest.raises(ValueError, match=r"^a.png is no whole picture \(.+\): give another"):
            read_picture(data[: len(data) // 2], "a.png")


def bomb(width: int, height: int) -> bytes:
    """A PNG file that claims to have this size; its pixels are not there."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + b"\x35\xaf\x06\x1e"


@pytest.mark.parametrize("side", [8_000, 11_000, 60_000])
def test_pictures_of_too_many_pixels_are_refused_unread(side: int, monkeypatch) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("pixels were read"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"^a\.png has too many pixels: give .* 50,000,000"):
            read_picture(bomb(side, side), "a.png")


def test_files_of_too_many_bytes_are_refused(monkeypatch) -> None:
    monkeypatch.setattr(own, "MOST_BYTES", 10)
    with pytest.raises(ValueError, match=r"^a\.png has 11 bytes: give a picture of at most 10"):
        read_picture(b"x" * 11, "a.png")


# The cache


@pytest.mark.parametrize("before", [None, "/a/folder"])
def test_the_cache_is_elsewhere_for_a_while(before, monkeypatch) -> None:
    monkeypatch.delenv("MMHASH_CACHE")
    if before:
        monkeypatch.setenv("MMHASH_CACHE", before)
    with pytest.raises(KeyError), nothing_kept():
        inside = os.environ["MMHASH_CACHE"]
        assert os.path.isdir(inside) and inside != before
        raise KeyError
    assert os.environ.get("MMHASH_CACHE") == before and not os.path.exists(inside)


def test_nothing_of_the_readers_picture_is_kept(described, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path))
    own_pair(described, needs(described, "image"), picture=Image.fromarray(noise(9, 9)))
    assert not list(tmp_path.rglob("*"))
