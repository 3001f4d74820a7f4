"""MATLAB files as those that circulate: both generations, text in cells, and Python's own HDF5."""

import h5py
import numpy as np
import scipy.io
from scipy import sparse


def write_v7(path, **variables):
    """Version 5 to 7; lists of strings become cell arrays."""
    scipy.io.savemat(path, {name: _cells(value) for name, value in variables.items()})


def write_v73(path, **variables):
    """As MATLAB lays it down in HDF5: with reversed axes, after a header of its own."""
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in variables.items():
            if not isinstance(value, list):
                file[name] = np.asarray(value).T
                continue
            cells = file.create_dataset(name, (1, len(value)), h5py.ref_dtype)
            for i, text in enumerate(value):
                codes = np.frombuffer(text.encode("utf-16-le"), "<u2")
                cell = file.create_dataset(f"#refs#/{name}{i}", data=codes[:, None])
                cell.attrs["MATLAB_class"] = np.bytes_("char")
                cells[0, i] = cell.ref
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file")


def sparse_v73(file, matrix, kind="double", name="x"):
    """As MATLAB lays a sparse matrix down: values, rows, and where columns begin."""
    group = file.create_group(name)
    group.attrs["MATLAB_class"] = np.bytes_(kind)
    group.attrs["MATLAB_sparse"] = np.uint64(matrix.shape[0])
    held = sparse.csc_matrix(matrix)
    group["jc"] = held.indptr.astype(np.uint64)
    if held.nnz:
        group["ir"], group["data"] = held.indices.astype(np.uint64), held.data


#: dtypes of the classes of MATLAB that hold marks and numbers; `sparse` is a double one
CLASSES = {"double": "f8", "single": "f4", "int32": "i4", "logical": "?", "sparse": "f8"}


def write_class(path, name, matrix, kind, version):
    """One matrix of one of `CLASSES`, in version 5 or 7.3."""
    matrix = np.asarray(matrix).astype(CLASSES[kind])
    if version == "5":
        held = sparse.csc_matrix(matrix) if kind == "sparse" else matrix
        scipy.io.savemat(path, {name: held})
        return
    with h5py.File(path, "w", userblock_size=512) as file:
        if kind == "sparse":
            sparse_v73(file, matrix, name=name)
        else:
            data = matrix.T.astype("u1") if kind == "logical" else matrix.T
            file.create_dataset(name, data=data).attrs["MATLAB_class"] = np.bytes_(kind)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file")


def write_python(path, **variables):
    """As h5py writes arrays, without MATLAB's mark and with the axes as they are."""
    with h5py.File(path, "w") as file:
        for name, value in variables.items():
            file[name] = np.asarray(value)


def divided(parts, **arrays):
    """Variables of files that are divided: `arrays` by first letter, the rows of each part."""
    return {
        f"{letter}_{p}": array[rows]
        for p, rows in parts.items()
        for letter, array in arrays.items()
    }


def _cells(value):
    if not isinstance(value, list):
        return value
    cells = np.empty((len(value), 1), dtype=object)
    cells[:, 0] = value
    return cells
