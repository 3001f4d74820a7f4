"""MATLAB files of both generations (up to version 7, and 7.3, which is HDF5) as NumPy arrays."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import scipy.io

from mmhash_nb.io import mat5

#: Bytes that one stored byte can stand for: the most that HDF5's usual compression reaches.
_MOST_INFLATED = 1100
_SMALL = 1 << 20


def read_mat(path: str | os.PathLike[str], names: Sequence[str]) -> dict[str, np.ndarray]:
    """The numeric variables `names` of a `.mat` file, shaped as MATLAB shows them.

    Version 7.3 is HDF5, where MATLAB's column-major arrays lie with their axes reversed; they are
    turned back, so both generations of the same file give the same arrays.

    Args:
        path: the file.
        names: the variables wanted; others are not read.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is truncated or no .mat file, or a variable is missing or not numeric.
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
            raise ValueError(f"{name} in {path} must be a numeric array, but is of another type.")
    return found


def _read_v7(path: Path, names: Sequence[str]) -> tuple[dict[str, np.ndarray], set[str]]:
    loaded = mat5.loadmat(path, names)
    found = {name: loaded[name] for name in names if isinstance(loaded.get(name), np.ndarray)}
    if len(found) == len(names):
        return found, set(found)
    return found, {name for name, _, _ in scipy.io.whosmat(path)}


def _read_hdf5(path: Path, names: Sequence[str]) -> tuple[dict[str, np.ndarray], set[str]]:
    with h5py.File(path, "r") as file:
        # An empty MATLAB array is stored as its dimensions, under a mark; it holds no numbers.
        numeric = {
            name
            for name in names
            if isinstance(file.get(name), h5py.Dataset) and not file[name].attrs.get("MATLAB_empty")
        }
        for name in sorted(numeric):
            check_stored(file[name])
        found = {name: np.ascontiguousarray(file[name][()].T) for name in sorted(numeric)}
        return found, set(file)


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


def _v7_strings(array: np.ndarray) -> list[str]:
    if array.dtype.kind == "U":
        return [str(text).rstrip() for text in array.ravel()]
    if array.dtype.kind != "O":
        raise ValueError("it holds no text")
    return [" ".join(_v7_strings(np.asarray(cell))) for cell in array.ravel()]


def _hdf5_strings(file: h5py.File, dataset: h5py.Dataset) -> list[str]:
    check_stored(dataset)
    if dataset.dtype == h5py.ref_dtype:
        return [" ".join(_hdf5_strings(file, file[ref])) for ref in dataset[()].ravel()]
    if dataset.dtype != np.uint16:
        raise ValueError("it holds no text")
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
