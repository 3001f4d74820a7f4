import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmhash_nb.io.matfiles import read_mat

ARRAYS = {
    "XAll": np.random.default_rng(0).normal(size=(5, 7)),
    "LAll": (np.arange(15).reshape(5, 3) % 2).astype(np.uint8),
    "images": np.arange(120, dtype=np.uint8).reshape(2, 3, 4, 5),
}


def write_v73(path, arrays):
    """As MATLAB's -v7.3 does: a 512-byte block with the version, then HDF5 with axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array.T)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


def write(path, version, arrays=ARRAYS):
    if version == "7.3":
        write_v73(path, arrays)
    else:
        scipy.io.savemat(path, arrays, format=version[0], do_compression=version == "5z")
    return path


VERSIONS = ["5", "5z", "7.3"]


@pytest.mark.parametrize("version", VERSIONS)
def test_all_generations_give_the_same_arrays(tmp_path, version):
    read = read_mat(write(tmp_path / "a.mat", version), list(ARRAYS))
    assert list(sorted(read)) == sorted(ARRAYS)
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(read[name], expected)
        assert read[name].dtype == expected.dtype


def test_version_4_is_read(tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", {"XAll": ARRAYS["XAll"]}, format="4")
    np.testing.assert_array_equal(read_mat(tmp_path / "a.mat", ["XAll"])["XAll"], ARRAYS["XAll"])


@pytest.mark.parametrize("version", VERSIONS)
def test_only_what_is_asked_is_read(tmp_path, version):
    assert list(read_mat(write(tmp_path / "a.mat", version), ["LAll"])) == ["LAll"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_missing_variable_names_those_there(tmp_path, version):
    with pytest.raises(ValueError, match="no variable 'YAll'; it has LAll, XAll, images"):
        read_mat(write(tmp_path / "a.mat", version), ["XAll", "YAll"])


def test_a_cell_or_struct_is_refused(tmp_path):
    cell = np.array(["a", np.zeros(2)], dtype=object)
    scipy.io.savemat(tmp_path / "a.mat", {"c": cell})
    with pytest.raises(ValueError, match=r"c in .*a\.mat must be a numeric array"):
        read_mat(tmp_path / "a.mat", ["c"])
    with h5py.File(tmp_path / "b.mat", "w") as file:
        file.create_group("s")
        file["empty"] = np.array([0, 0], dtype=np.uint64)
        file["empty"].attrs["MATLAB_empty"] = 1
    for name in ("s", "empty"):
        with pytest.raises(ValueError, match=f"{name} in .* must be a numeric array"):
            read_mat(tmp_path / "b.mat", [name])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*nothing\.mat"):
        read_mat(tmp_path / "nothing.mat", ["XAll"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>404 Not Found</html>" * 30,
        b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM" + b"\0" * 600,
        b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x09IM" + b"\0" * 600,
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    ],
    ids=["empty", "web page", "7.3 without HDF5", "version 9", "git-lfs pointer"],
)
def test_another_file_gives_one_clear_sentence(tmp_path, content):
    path = tmp_path / "a.mat"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.mat") as caught:
        read_mat(path, ["XAll"])
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


FIXTURE = HealthCheck.function_scoped_fixture  # each example overwrites the files of the last


@settings(max_examples=150, suppress_health_check=[FIXTURE])
@given(version=st.sampled_from(VERSIONS), fraction=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_gives_a_clear_error_or_the_right_data(tmp_path, version, fraction):
    path = write(tmp_path / "a.mat", version)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(fraction * len(whole))])
    try:
        read = read_mat(path, list(ARRAYS))
    except ValueError as error:
        assert "a.mat" in str(error) and "\n" not in str(error)
    else:
        for name, expected in ARRAYS.items():
            np.testing.assert_array_equal(read[name], expected)
