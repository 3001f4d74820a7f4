"""MATLAB files of both generations (up to version 7, and 7.3, which is HDF5) as NumPy arrays."""

import os
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import scipy.io

from mmhash_nb import mat5

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
        # scipy and h5py raise a dozen types here (zlib.error, OSError, TypeError, KeyError, ...).
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(
            f"{path} is truncated or is not a MATLAB file that can be read "
            f"({type(error).__name__}: {reason}): get it again."
        ) from None
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
        # An empty MATLAB array is kept as its dimensions, under a mark; it holds no numbers.
        numeric = {
            name
            for name in names
            if isinstance(file.get(name), h5py.Dataset) and not file[name].attrs.get("MATLAB_empty")
        }
        for name in sorted(numeric):
            # An array that was never written takes no place in the file, whatever its shape is.
            stored = file[name].id.get_storage_size()
            if file[name].nbytes > _SMALL + _MOST_INFLATED * stored:
                raise ValueError(f"{name} of shape {file[name].shape} has {stored} bytes stored")
        found = {name: np.ascontiguousarray(file[name][()].T) for name in sorted(numeric)}
        return found, set(file)
