"""Pictures are read with care and scaled into a frame; what is none gets a sentence."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from mmhash_nb.datasets import decoding
from mmhash_nb.datasets.decoding import fitted, padded, read_picture, stretched, upright


def file_of(picture: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


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
    with pytest.raises(ValueError, match=r"^a\.png is no picture: give another PNG, JPEG,"):
        read_picture(data, "a.png")


@given(st.data())
def test_broken_files_never_get_anything_but_a_sentence(data) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP"]))
    whole = file_of(Image.fromarray(noise(30, 40)), kind)
    part = whole[: data.draw(st.integers(0, len(whole)))]
    at = data.draw(st.integers(0, max(0, len(part) - 1)))
    broken = part[:at] + data.draw(st.binary(max_size=6)) + part[at:]
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
    monkeypatch.setattr(decoding, "MOST_BYTES", 10)
    with pytest.raises(ValueError, match=r"^a\.png has 11 bytes: give a picture of at most 10"):
        read_picture(b"x" * 11, "a.png")


def test_a_file_of_too_many_bytes_is_not_read(tmp_path, monkeypatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * 11)
    monkeypatch.setattr(decoding, "MOST_BYTES", 10)
    monkeypatch.setattr(decoding, "opened", lambda *_: pytest.fail("it was read"))
    with pytest.raises(ValueError, match=r"^a\.png has 11 bytes: give a picture of at most 10"):
        read_picture(path)
    with pytest.raises(FileNotFoundError, match=r"^there is no picture .*b\.png\.$"):
        read_picture(tmp_path / "b.png")


@given(*[st.integers(1, 60)] * 4)
def test_a_picture_is_fitted_as_pillow_pads(width, height, wide, high) -> None:
    picture = Image.fromarray(noise(height, width))
    found = fitted(picture, wide, high)
    assert found.shape == (high, wide, 3) and found.dtype == np.uint8
    scale = min(wide / width, high / height)
    if min(width, height) * scale >= 1:
        white = (255, 255, 255)
        padded = ImageOps.pad(picture, (wide, high), Image.Resampling.BILINEAR, color=white)
        np.testing.assert_array_equal(found, np.asarray(padded))


def test_a_strip_is_a_line_and_not_nothing(tmp_path) -> None:
    Image.new("RGB", (3000, 1), "black").save(tmp_path / "a.png")
    found = upright(tmp_path / "a.png", 8)
    assert found.shape == (3, 8, 8)
    assert (found.min(axis=(0, 2)) == 0).sum() == 1 and (found.max(axis=(0, 2)) == 255).sum() == 7


@pytest.mark.parametrize(("scale", "apart"), [(stretched, 0.5), (upright, 1.5)])
def test_a_large_jpeg_is_decoded_at_a_part_of_its_size_and_looks_the_same(
    tmp_path, monkeypatch, scale, apart
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    smooth = Image.fromarray(noise(6, 8)).resize((505, 379), Image.Resampling.BICUBIC)
    smooth.save(tmp_path / "a.jpg", quality=95, exif=exif)
    expected = fitted(read_picture(tmp_path / "a.jpg"), 64, 64).transpose(2, 0, 1)
    if scale is stretched:
        with Image.open(tmp_path / "a.jpg") as photo:
            whole = photo.convert("RGB").resize((64, 64), Image.Resampling.BILINEAR)
        expected = np.rot90(np.asarray(whole), -1).transpose(2, 0, 1)
    sizes, convert = [], Image.Image.convert
    monkeypatch.setattr(
        Image.Image, "convert", lambda self, *a: (sizes.append(self.size), convert(self, *a))[1]
    )
    found = scale(tmp_path / "a.jpg", 64)
    assert sizes[0] == (127, 95), "a quarter, rounded up"
    assert np.abs(found.astype(int) - expected).mean() < apart
    assert (found[:, :, 0] == 255).all() == (scale is upright)  # white at the sides: it is upright


def test_a_photo_is_stretched_whole_and_in_rgb(tmp_path) -> None:
    halves = Image.new("RGB", (40, 10), (200, 0, 0))
    halves.paste((0, 0, 200), (20, 0, 40, 10))
    halves.save(tmp_path / "wide.png")
    image = stretched(tmp_path / "wide.png", 8)
    assert (image[0, :, :3] == 200).all() and (image[2, :, 5:] == 200).all()
    for mode in ("L", "P", "RGBA", "CMYK"):
        name = "a.jpg" if mode == "CMYK" else "a.png"
        Image.new("RGB", (9, 5), (50, 50, 50)).convert(mode).save(tmp_path / name)
        assert np.ptp(stretched(tmp_path / name, 4)) <= 2


@pytest.mark.parametrize("scale", [stretched, padded, upright])
def test_what_is_transparent_is_white(tmp_path, scale) -> None:
    Image.new("RGBA", (6, 6), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (scale(tmp_path / "clear.png", 4) == 255).all()


def test_a_photo_of_a_table_is_padded_with_white_and_scaled(tmp_path):
    wide = np.zeros((20, 40, 3), dtype=np.uint8)
    wide[:, 20:] = (200, 0, 0)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    tall = Image.new("L", (8, 16), 0)
    tall.save(tmp_path / "tall.png")
    square = np.stack([padded(tmp_path / f"{name}.png", 8) for name in ("wide", "tall")])
    assert square.shape == (2, 3, 8, 8) and square.dtype == np.uint8
    assert (square[0, :, 0] == 255).all() and (square[0, :, 7] == 255).all()
    assert square[0, :, 4, 1].tolist() == [0, 0, 0] and square[0, :, 4, 6].tolist() == [200, 0, 0]
    assert (square[1, :, :, 0] == 255).all() and (square[1, :, 4, 4] == 0).all()
