import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mat_cases import write_python, write_v7, write_v73
from PIL import Image

from mmhash_nb.datasets import store
from mmhash_nb.datasets.matlab_images import Section, rows, stored
from mmhash_nb.io.matfiles import read_first, read_strings

WRITERS = [write_v7, write_v73]
TEXTS = ["im1.jpg", "Flickr\\actor\\0001_2.jpg", "çédille 日本", "a"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(store, "BLOCK", 3)


def images(n=7, h=6, w=6):
    return np.random.default_rng(0).integers(0, 256, (n, 3, h, w), dtype=np.uint8)


@pytest.mark.parametrize("write", WRITERS)
def test_cells_of_text_are_read_from_both_generations(tmp_path, write):
    write(tmp_path / "a.mat", FAll=TEXTS, other=np.ones(3))
    assert read_strings(tmp_path / "a.mat", ["imgs", "FAll"]) == TEXTS


def test_a_matrix_of_characters_has_a_text_each_row(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"index": np.array(["im1.jpg", "im10.jpg"])})
    assert read_strings(tmp_path / "a.mat", ["index"]) == ["im1.jpg", "im10.jpg"]
    rows_of = np.array([list(text) for text in ("im1 ", "im10")]).view(np.uint32)[:, ::1]
    with h5py.File(tmp_path / "b.mat", "w", userblock_size=512) as file:
        file["index"] = rows_of.astype(np.uint16).T
    assert read_strings(tmp_path / "b.mat", ["index"]) == ["im1", "im10"]


def test_cells_of_cells_are_joined_and_empty_ones_are_empty(tmp_path):
    inner = np.empty((1, 2), dtype=object)
    inner[0] = ["two dogs", "on grass"]
    cells = np.empty((3, 1), dtype=object)
    cells[:, 0] = [inner, "", "a cat"]
    scipy.io.savemat(tmp_path / "a.mat", {"caption": cells})
    assert read_strings(tmp_path / "a.mat", ["caption"]) == ["two dogs on grass", "", "a cat"]


@pytest.mark.parametrize("write", WRITERS)
def test_numbers_are_no_text_and_a_missing_variable_names_those_there(tmp_path, write):
    write(tmp_path / "a.mat", FAll=np.ones((3, 2)))
    with pytest.raises(
        ValueError,
        match=r"a\.mat is truncated .*it holds no text in cells or char",
    ):
        read_strings(tmp_path / "a.mat", ["FAll"])
    with pytest.raises(ValueError, match=r"a\.mat has no variable 'imgs'; it has .*FAll"):
        read_strings(tmp_path / "a.mat", ["imgs"])
    with pytest.raises(FileNotFoundError, match=r"no file .*b\.mat"):
        read_strings(tmp_path / "b.mat", ["imgs"])


@pytest.mark.parametrize("write", WRITERS)
def test_a_truncated_file_of_text_is_named(tmp_path, write):
    write(tmp_path / "a.mat", FAll=TEXTS)
    data = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(ValueError, match=r"a\.mat is truncated or is not a MATLAB file"):
        read_strings(tmp_path / "a.mat", ["FAll"])


@pytest.mark.parametrize("write", WRITERS)
def test_the_first_of_the_names_that_is_there_is_read(tmp_path, write):
    write(tmp_path / "a.mat", b=np.eye(2), c=np.ones((2, 2)))
    name, array = read_first(tmp_path / "a.mat", ["a", "c", "b"])
    assert name == "c" and (array == 1).all()
    with pytest.raises(ValueError, match="no variable 'a'; it has b, c"):
        read_first(tmp_path / "a.mat", ["a"])


#: the axes of [n, c, h, w], as MATLAB shows them
AXES = {"hwcn": (2, 3, 1, 0), "nhwc": (0, 2, 3, 1), "nchw": (0, 1, 2, 3)}


@pytest.mark.parametrize("write", [write_v7, write_v73, write_python])
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.uint16])
def test_pixels_in_any_order_of_axes_are_the_same_images(tmp_path, write, axes, dtype):
    expected = images()
    write(tmp_path / "a.mat", IAll=expected.transpose(AXES[axes]).astype(dtype))
    found = stored([Section(tmp_path / "a.mat", ("images", "IAll"), 7)], 6)
    assert isinstance(found, np.memmap) and found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


def test_dcmhs_file_read_as_others_read_it_is_the_same(tmp_path):
    """h5py sees N x 3 x columns x rows in it, which public code transposes by (0, 3, 2, 1)."""
    expected = images(5, 6, 6)
    write_v73(tmp_path / "a.mat", IAll=expected.transpose(AXES["hwcn"]))
    with h5py.File(tmp_path / "a.mat") as file:
        as_others = file["IAll"][:].transpose(0, 3, 2, 1)  # [N, rows, columns, 3]
    found = stored([Section(tmp_path / "a.mat", ("IAll",), 5)], 6)
    np.testing.assert_array_equal(found.transpose(0, 2, 3, 1), as_others)


def test_sections_follow_each_other_across_blocks(tmp_path):
    expected = images(11)
    write_v73(tmp_path / "a.mat", I_db=expected[:4].transpose(0, 2, 3, 1))
    write_v7(tmp_path / "b.mat", I_te=expected[4:].transpose(AXES["hwcn"]))
    sections = [
        Section(tmp_path / "a.mat", ("I_db",), 4),
        Section(tmp_path / "b.mat", ("I_te",), 7),
    ]
    np.testing.assert_array_equal(stored(sections, 6), expected)
    assert list(rows(sections[1])) == [image.tobytes() for image in expected[4:]]


def test_another_size_is_scaled_as_pillow_does(tmp_path):
    expected = images(2, 10, 8)
    write_v73(tmp_path / "a.mat", I=expected.transpose(AXES["hwcn"]))
    found = stored([Section(tmp_path / "a.mat", ("I",), 2)], 4)
    one = Image.fromarray(expected[1].transpose(1, 2, 0)).resize((4, 4), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(found[1], np.asarray(one).transpose(2, 0, 1))


@pytest.mark.parametrize("write", [write_v7, write_v73])
@pytest.mark.parametrize(
    ("array", "fault"),
    [
        (
            np.ones((6, 6, 3, 8), np.uint8),
            r"I in .*a\.mat is 6 x 6 x 3 x 8, but must hold 7 images",
        ),
        (np.ones((7, 36), np.uint8), r"is 7 x 36, but must hold 7 images"),
        (np.ones((7, 6, 6, 4), np.uint8), r"is 7 x 6 x 6 x 4, but"),
        (np.full((7, 6, 6, 3), 0.5), r"I in .*a\.mat holds values other than whole numbers"),
        (np.full((7, 6, 6, 3), -1.0), r"whole numbers from 0 to 255"),
        (np.full((7, 6, 6, 3), np.nan), r"whole numbers from 0 to 255"),
        (np.full((7, 6, 6, 3), 256, np.int32), r"whole numbers from 0 to 255"),
    ],
)
def test_arrays_that_hold_no_images_are_refused(tmp_path, write, array, fault):
    write(tmp_path / "a.mat", I=array)
    with pytest.raises(ValueError, match=fault):
        stored([Section(tmp_path / "a.mat", ("I",), 7)], 6)


@pytest.mark.parametrize("write", [write_v7, write_v73])
def test_a_missing_variable_or_a_truncated_file_is_named(tmp_path, write):
    write(tmp_path / "a.mat", I=images(40).transpose(0, 2, 3, 1))
    with pytest.raises(ValueError, match=r"a\.mat has no variable 'IAll'"):
        stored([Section(tmp_path / "a.mat", ("IAll",), 40)], 6)
    data = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(data[:-900])
    with pytest.raises(ValueError, match=r"a\.mat is truncated or is not a MATLAB file"):
        stored([Section(tmp_path / "a.mat", ("I",), 40)], 6)


def test_a_shape_that_was_never_written_is_not_allocated(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file.create_dataset("I", (2_000_000, 3, 600, 600), "u1", chunks=(1, 3, 600, 600))
    with pytest.raises(ValueError, match=r"a\.mat .*has 0 bytes stored"):
        stored([Section(tmp_path / "a.mat", ("I",), 2_000_000)], 1)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(n=st.integers(1, 9), h=st.integers(1, 7), w=st.integers(1, 7), axes=st.sampled_from([*AXES]))
def test_any_sides_keep_the_order_of_images_rows_and_columns(tmp_path, n, h, w, axes):
    expected = images(n, h, w)
    write_v73(tmp_path / "a.mat", I=expected.transpose(AXES[axes]))
    section = Section(tmp_path / "a.mat", ("I",), n)
    lies = expected.transpose(AXES[axes]).shape
    ambiguous = axes != "hwcn" and lies[3] == n and lies[2] == 3
    ambiguous |= axes == "nchw" and lies[3] == 3
    if not ambiguous:
        assert list(rows(section)) == [image.tobytes() for image in expected]
