"""MATLAB files of both generations (up to version 7, and 7.3, which is HDF5) as NumPy arrays."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
from scipy import sparse

from mmhash_nb.io import mat5

#: Bytes that one stored byte can stand for: the most that HDF5's usual compression reaches.
_MOST_INFLATED = 1100
_SMALL = 1 << 20
_MOST_DENSE = 1 << 33
#: what to save in place of variables that are no matrices of numbers, by MATLAB's class
_INSTEAD = {
    "cell": "cell2mat(x), or cellstr(x) of texts",
    "struct": "its field",
    "char": "double(x)",
    "string": "cellstr(x)",
    "table": "table2array(x)",
    "opaque": "cellstr(x) of a string array or table2array(x) of a table",
    "object": "its values",
    "function": "its values",
    "complex": "real(x)",
    "empty": "values",
}


def read_mat(path: str | os.PathLike[str], names: Sequence[str]) -> dict[str, np.ndarray]:
    """The numeric variables `names` of a `.mat` file, shaped as MATLAB shows them.

    Version 7.3 is HDF5, where MATLAB's column-major arrays lie with their axes reversed; they are
    turned back, so both generations of the same file give the same arrays. HDF5 without MATLAB's
    mark was written by Python, and is taken as it lies. Sparse matrices come dense.

    Args:
        path: the file.
        names: the variables wanted; others are not read.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated or no .mat file, or a variable is missing or not numeric
            (with what MATLAB calls it, and what to save instead).
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}.")
    try:
        found, present = _read_hdf5(path, names) if h5py.is_hdf5(path) else _read_v7(path, names)
    except Exception as error:
        raise unreadable(path, error) from None
    for name in names:
        if name not in present:
            raise ValueError(
                f"{path} has no variable {name!r}; it has {', '.join(sorted(present)) or 'none'}."
            )
        array = found.get(name)
        if array is None or array.dtype.kind not in "buif":
            kind = present[name]
            if kind not in _INSTEAD and array is not None and array.dtype.kind in "cV":
                kind = "complex"
            fix = _INSTEAD.get(kind, "it as numbers")
            raise ValueError(
                f"{name} in {path} must be a numeric array, but is {kind or 'of another type'}: "
                f"save {fix} in MATLAB."
            )
    return found


def _read_v7(path: Path, names: Sequence[str]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The variables that are arrays, and what those of the file are, where one is no numbers."""
    loaded = {name: _dense(value) for name, value in mat5.loadmat(path, names).items()}
    found = {name: loaded[name] for name in names if isinstance(loaded.get(name), np.ndarray)}
    if len(found) == len(names) and all(array.dtype.kind in "buif" for array in found.values()):
        return found, dict.fromkeys(found, "")
    return found, {name: kind for name, _, kind in scipy.io.whosmat(path)}


def _read_hdf5(path: Path, names: Sequence[str]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    with h5py.File(path, "r") as file:
        present = {name: _kind(file[name]) for name in file}
        found = {}
        for name in names:
            if present.get(name, "cell") in _INSTEAD:
                continue
            variable = file[name]
            if isinstance(variable, h5py.Group):
                if "MATLAB_sparse" in variable.attrs:
                    found[name] = _dense(_hdf5_sparse(variable))
                continue
            check_stored(variable)
            found[name] = variable[()]
            if written_by_matlab(file, variable):
                found[name] = np.ascontiguousarray(found[name].T)
        return found, present


def written_by_matlab(file: h5py.File, variable: h5py.Dataset) -> bool:
    """Whether its axes are reversed."""
    return file.userblock_size > 0 or "MATLAB_class" in variable.attrs


def _kind(variable: h5py.Dataset | h5py.Group) -> str:
    """What MATLAB calls a variable; empty where it does not say."""
    # An empty MATLAB array is stored as its dimensions, under a mark; it holds no numbers.
    if variable.attrs.get("MATLAB_empty"):
        return "empty"
    kind = variable.attrs.get("MATLAB_class", b"")
    kind = kind.decode("latin1") if isinstance(kind, bytes) else str(kind)
    group = isinstance(variable, h5py.Group) and "MATLAB_sparse" not in variable.attrs
    return kind or ("struct" if group else "")


def _hdf5_sparse(group: h5py.Group) -> sparse.csc_matrix:
    """A sparse matrix, of which an empty one has neither values nor rows of values."""
    n, starts = int(group.attrs["MATLAB_sparse"]), group["jc"][()].astype(np.int64)
    parts = [group[part] for part in ("data", "ir") if part in group]
    for part in parts:
        check_stored(part)
    values, rows = [part[()] for part in parts] if len(parts) == 2 else (np.zeros(0), np.zeros(0))
    matrix = sparse.csc_matrix((values, rows.astype(np.int64), starts), (n, len(starts) - 1))
    matrix.check_format()
    return matrix


def _dense(matrix: Any) -> Any:
    """A sparse matrix with its zeros, anything else as it is."""
    if not sparse.issparse(matrix):
        return matrix
    if (size := math.prod(matrix.shape) * matrix.dtype.itemsize) > _MOST_DENSE:
        raise ValueError(f"a sparse matrix of {size / 1e9:,.0f} GB with its zeros is too large")
    return matrix.toarray()


def read_first(path: str | os.PathLike[str], names: Sequence[str]) -> tuple[str, np.ndarray]:
    """The first of the numeric variables `names` that a `.mat` file has, with its name.

    Raises:
        FileNotFoundError, ValueError: as `read_mat`, of the first name, the likeliest.
    """
    refused = None
    for name in names:
        try:
            return name, read_mat(path, [name])[name]
        except ValueError as error:
            refused = refused or error
    assert refused is not None
    raise refused


def read_strings(path: str | os.PathLike[str], names: Sequence[str]) -> list[str]:
    """The strings of the first variable of `names` that a `.mat` file has.

    A cell array gives a string for each cell (what lies in a cell of cells is joined by spaces),
    a matrix of characters one for each row, without the spaces that fill it up.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated or no .mat file, or it has none of the variables, or that
            holds something other than text.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}.")
    try:
        if h5py.is_hdf5(path):
            with h5py.File(path, "r") as file:
                present = set(file)
                name = next((name for name in names if name in file), None)
                found = None if name is None else _hdf5_strings(file, file[name])
        else:
            loaded = mat5.loadmat(path, names)
            name = next((name for name in names if name in loaded), None)
            present = {n for n, _, _ in scipy.io.whosmat(path)} if name is None else set()
            found = None if name is None else _v7_strings(loaded[name])
    except Exception as error:
        raise unreadable(path, error) from None
    if found is None:
        raise ValueError(
            f"{path} has no variable {names[0]!r}; it has {', '.join(sorted(present)) or 'none'}."
        )
    return found


#: a string array is an object, whose layout MATLAB does not tell
_NO_TEXT = "it holds no text in cells or characters; save cellstr(x) of a string array"


def _v7_strings(array: np.ndarray) -> list[str]:
    if array.dtype.kind == "U":
        return [str(text).rstrip() for text in array.ravel()]
    if array.dtype.kind != "O":
        raise ValueError(_NO_TEXT)
    return [" ".join(_v7_strings(np.asarray(cell))) for cell in array.ravel()]


def _hdf5_strings(file: h5py.File, dataset: h5py.Dataset) -> list[str]:
    check_stored(dataset)
    if dataset.dtype == h5py.ref_dtype:
        return [" ".join(_hdf5_strings(file, file[ref])) for ref in dataset[()].ravel()]
    if dataset.dtype != np.uint16:
        raise ValueError(_NO_TEXT)
    if dataset.attrs.get("MATLAB_empty"):
        return []
    rows = np.atleast_2d(dataset[()].T).astype("<u2")
    return [row.tobytes().decode("utf-16-le", "replace").rstrip() for row in rows]


def check_stored(dataset: h5py.Dataset) -> None:
    """Refuse a shape that the bytes stored cannot fill.

    An array that was never written takes no space in the file, whatever its shape is.
    """
    stored = dataset.id.get_storage_size()
    if dataset.nbytes > _SMALL + _MOST_INFLATED * stored:
        raise ValueError(f"{dataset.name[1:]} of shape {dataset.shape} has {stored} bytes stored")


def unreadable(path: Path, error: Exception) -> ValueError:
    # scipy and h5py raise a dozen types here (zlib.error, OSError, TypeError, KeyError, ...).
    reason = " ".join(str(error).split()).rstrip(".")
    return ValueError(
        f"{path} is truncated or is not a MATLAB file that can be read "
        f"({type(error).__name__}: {reason}): get it again."
    )


def stacked(arrays: Mapping[str, np.ndarray], name: str, path: Path) -> np.ndarray:
    """The training part of an array of `path`, then its test part; both have as many columns."""
    parts = [arrays[f"{name}_tr"], arrays[f"{name}_te"]]
    if parts[0].shape[1] != parts[1].shape[1]:
        columns = f"{name}_tr has {parts[0].shape[1]} columns but {name}_te {parts[1].shape[1]}"
        raise ValueError(f"{columns} in {path}: get it again.")
    return np.concatenate(parts)
