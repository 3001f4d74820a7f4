"""Every reader shows one picture, in whatever mode, depth, orientation or profile a file has it."""

import struct

import nasty_pictures
import numpy as np
import pytest
from nasty_pictures import FILES, REFUSED, png
from PIL import Image
from user_folder import HEADER, write_table

from mmhash_nb.datasets import cifar10_files, decoding, load

SHOWN = {"colour": nasty_pictures.colour(), "grey": nasty_pictures.grey()}


def apart(found: np.ndarray, other: np.ndarray) -> float:
    """The mean difference in levels."""
    assert found.shape == other.shape
    return float(np.abs(found.astype(int) - other).mean())


@pytest.mark.parametrize("name", FILES)
def test_a_picture_is_the_same_in_every_form_and_for_every_reader(tmp_path, name):
    data, which, most = FILES[name]
    assert apart(np.asarray(decoding.read_picture(data, name)), SHOWN[which]) <= most
    (tmp_path / name).write_bytes(data)
    (tmp_path / "shown.bmp").write_bytes(nasty_pictures.saved(SHOWN[which], "BMP"))
    for scale in (decoding.stretched, decoding.padded, decoding.upright):
        found, other = (scale(tmp_path / n, 24) for n in (name, "shown.bmp"))
        assert apart(found, other) <= most, scale.__name__


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_level_that_is_clear_is_white_in_any_depth(depth):
    top = (1 << depth) - 1
    levels = np.arange(64).reshape(8, 8, 1) * top // 63
    for colours in (levels, np.repeat(levels, 3, axis=2))[: 1 + (depth >= 8)]:
        opaque = np.asarray(decoding.read_picture(png(colours, depth), "opaque"))
        for clear in {0, int(levels[4, 4, 0]), top}:
            chunk = (b"tRNS", struct.pack(">H", clear) * colours.shape[2])
            found = np.asarray(decoding.read_picture(png(colours, depth, chunk), "clear"))
            np.testing.assert_array_equal(found, np.where(levels == clear, 255, opaque))


def test_a_profile_of_srgb_changes_no_pixel():
    data, *_ = FILES["sRGB.jpg"]
    with Image.open(nasty_pictures.io.BytesIO(data)) as plain:
        levels = np.asarray(plain)
    # The made profile has a plain gamma; its file is changed. One that Pillow makes is sRGB.
    assert apart(np.asarray(decoding.read_picture(data, "a")), levels) > 0
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    given = nasty_pictures.saved(SHOWN["colour"], "PNG", icc_profile=profile)
    np.testing.assert_array_equal(np.asarray(decoding.read_picture(given, "a")), SHOWN["colour"])


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_refused_by_its_name(tmp_path, name):
    (tmp_path / name).write_bytes(REFUSED[name])
    for read in (decoding.read_picture, lambda path: decoding.stretched(path, 8)):
        with pytest.raises(ValueError, match=rf"{name} is no (whole )?picture.*\.$"):
            read(tmp_path / name)


def test_images_of_an_archive_are_shown_as_those_of_files(tmp_path):
    profile = nasty_pictures.in_profile("sRGB", swap=True)
    data = nasty_pictures._with_profile(profile[0][:32, :32], profile[1])
    (tmp_path / "1.png").write_bytes(data)
    pixels, _ = cifar10_files._from_images(tmp_path, {"train/dog/1.png": tmp_path / "1.png"})
    assert apart(pixels[0].transpose(1, 2, 0), SHOWN["colour"][:32, :32]) <= 2


def test_a_folder_has_one_picture_in_every_form(tmp_path):
    nasty_pictures.write(tmp_path)
    names = [name for name in FILES if name != "plain.png"]
    rows = [
        [name, f"picture {FILES[name][1]}", f"{FILES[name][1]};{'ab'[i % 2]}"]
        for i, name in enumerate(["plain.png", *names])
    ]
    write_table(tmp_path, rows, HEADER[:3])
    pairs = load("folder", tmp_path, size=24)
    (tmp_path / "shown.bmp").write_bytes(nasty_pictures.saved(SHOWN["grey"], "BMP"))
    shown = {
        w: decoding.upright(tmp_path / f, 24)
        for w, f in (("colour", "plain.png"), ("grey", "shown.bmp"))
    }
    for (name, *_), found in zip(rows, pairs.images, strict=True):
        assert apart(found, shown[FILES[name][1]]) <= FILES[name][2], name
    write_table(tmp_path, [*rows, *([name, "a picture", "c"] for name in REFUSED)], HEADER[:3])
    with pytest.raises(
        ValueError, match=rf"^{len(REFUSED)} of the {len(rows) + len(REFUSED)} rows"
    ):
        load("folder", tmp_path, size=24)
