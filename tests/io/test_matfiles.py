import h5py
import mat_cases
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

from mmhash_nb.io.matfiles import read_mat, read_strings

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


NUMBERS = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 1, 1]])
CLASSES = [
    "double",
    "single",
    "int8",
    "uint8",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "logical",
]


def marked(file, name, data, kind):
    """A variable of version 7.3 with the mark of its class."""
    variable = file.create_dataset(name, data=data)
    variable.attrs["MATLAB_class"] = np.bytes_(kind)
    return variable


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("version", ["4", "5", "5z", "7.3"])
def test_every_class_of_numbers_is_read(tmp_path, version, kind):
    dtype = {"double": "f8", "single": "f4", "logical": "?"}.get(kind, kind)
    array = NUMBERS.astype(dtype)
    if version == "7.3":
        with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
            marked(file, "x", array.T.astype("u1") if kind == "logical" else array.T, kind)
    elif version == "4" and kind not in ("double", "single", "uint8", "int16", "uint16", "int32"):
        pytest.skip("version 4 has no such class")
    else:
        write(tmp_path / "a.mat", version, {"x": array})
    np.testing.assert_array_equal(read_mat(tmp_path / "a.mat", ["x"])["x"], NUMBERS)


@pytest.mark.parametrize("version", ["4", "5", "5z", "7.3"])
@pytest.mark.parametrize("kind", ["double", "logical", "none"])
def test_a_sparse_matrix_comes_with_its_zeros(tmp_path, version, kind):
    matrix = NUMBERS * (kind != "none")
    matrix = matrix.astype(bool) if kind == "logical" and version != "4" else matrix.astype(float)
    if version == "7.3":
        with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
            mat_cases.sparse_v73(file, matrix)
    else:
        write(tmp_path / "a.mat", version, {"x": sparse.csc_matrix(matrix)})
    found = read_mat(tmp_path / "a.mat", ["x"])["x"]
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, matrix)


def test_a_sparse_matrix_that_is_damaged_or_huge_is_one_sentence(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        mat_cases.sparse_v73(file, NUMBERS.astype(float))
        file["x/ir"][0] = 9
    huge = sparse.csc_matrix(([1.0], ([0], [0])), shape=(1 << 20, 1 << 20))
    scipy.io.savemat(tmp_path / "b.mat", {"x": huge})
    for name, fault in (("a.mat", "truncated"), ("b.mat", "8,796 GB with its zeros is too large")):
        with pytest.raises(ValueError, match=fault):
            read_mat(tmp_path / name, ["x"])


def test_hdf5_without_matlabs_mark_is_taken_as_it_lies(tmp_path):
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["x"] = NUMBERS
    np.testing.assert_array_equal(read_mat(tmp_path / "a.mat", ["x"])["x"], NUMBERS)


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        ("cell", np.array([np.zeros(2), np.ones(3)], dtype=object), "but is cell: save cell2mat"),
        ("struct", {"field": NUMBERS}, "but is struct: save its field in MATLAB."),
        ("char", "some words", r"but is char: save double\(x\) in MATLAB."),
        ("complex", NUMBERS + 1j, r"but is complex: save real\(x\) in MATLAB."),
        ("string", None, r"but is string: save cellstr\(x\) in MATLAB."),
        ("table", None, r"but is table: save table2array\(x\) in MATLAB."),
        ("empty", None, "but is empty: save values in MATLAB."),
    ],
)
@pytest.mark.parametrize("version", ["5", "7.3"])
def test_what_is_no_matrix_is_called_as_matlab_does(tmp_path, version, kind, value, sentence):
    if version == "5":
        if value is None:
            pytest.skip("Python cannot write such a variable")
        scipy.io.savemat(tmp_path / "a.mat", {"x": value})
    else:
        with h5py.File(tmp_path / "a.mat", "w", userblock_size=512) as file:
            if kind == "complex":
                marked(file, "x", np.zeros((4, 3), [("real", "f8"), ("imag", "f8")]), "double")
            elif kind == "struct":
                file.create_group("x").attrs["MATLAB_class"] = np.bytes_("struct")
            else:
                variable = marked(file, "x", np.zeros(2, np.uint16), kind)
                variable.attrs["MATLAB_empty"] = int(kind == "empty")
    with pytest.raises(ValueError, match=f"x in .*a.mat must be a numeric array, {sentence}"):
        read_mat(tmp_path / "a.mat", ["x"])


TEXTS = ["dog", "a beach", "café 犬"]


@pytest.mark.parametrize("version", ["4", "5", "7.3"])
@pytest.mark.parametrize("form", ["column", "row", "characters"])
def test_every_form_of_text_is_read(tmp_path, version, form):
    path = tmp_path / "a.mat"
    texts = TEXTS[:2] if version == "4" else TEXTS
    if version == "4" and form != "characters":
        pytest.skip("version 4 has no cells")
    if version == "7.3" and form != "characters":
        mat_cases.write_v73(path, x=texts)
    elif version == "7.3":
        wide = max(map(len, texts))
        rows = [np.frombuffer(t.ljust(wide).encode("utf-16-le"), "<u2") for t in texts]
        with h5py.File(path, "w", userblock_size=512) as file:
            marked(file, "x", np.stack(rows).T, "char")
    else:
        cells = np.empty((len(texts), 1), dtype=object)
        cells[:, 0] = texts
        value = np.array(texts) if form == "characters" else cells if form == "column" else cells.T
        scipy.io.savemat(path, {"x": value}, format=version)
    assert read_strings(path, ["x"]) == texts


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
