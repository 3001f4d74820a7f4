"""UCI multiple features: 2,000 handwritten digits as Fourier and Karhunen-Loève coefficients."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from mmhash_nb.datasets import about
from mmhash_nb.io.download import digest_of
from mmhash_nb.io.matfiles import read_mat, stacked
from mmhash_nb.pairs import Pairs

FILE = "uci_all.mat"
find = partial(about.find, "uci_digits")
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def load(root: str | os.PathLike[str]) -> Pairs:
    """Two views of a digit, as two modalities; split as in the file.

    The test part holds the queries; the training part is training set and database both, as with
    Wiki. No paper of the four reports on this set: it is small, and both views are good. Four of
    the 500 queries are copies of training digits.

    Args:
        root: the folder that holds `uci_digits/`.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: it is not what it should be.
    """
    path = about.required("uci_digits", Path(root)) / FILE
    arrays = read_mat(path, [f"{array}_{part}" for array in "ITL" for part in ("tr", "te")])
    images, texts, labels = (stacked(arrays, name, path) for name in "ITL")
    n_train, classes = len(arrays["L_tr"]), labels.ravel()
    for digit in np.flatnonzero(~np.isin(classes, np.arange(1, 11)))[:1]:
        raise ValueError(
            f"class {classes[digit]} of digit {digit} in {path} is not one of 1 to 10."
        )
    known = digest_of(path, "sha256") == about.about("uci_digits")["sha256"]
    return Pairs(
        images=images.astype(np.float32),
        texts=texts.astype(np.float32),
        labels=classes[:, None] == np.arange(1, 11),
        label_names=list(DIGITS),
        query=np.arange(n_train, len(classes)),
        database=np.arange(n_train),
        train=np.arange(n_train),
        modality_names=("Fourier", "Karhunen-Loève"),
        name="uci_digits",
        source=f"{FILE} ({'SHA-256 recorded' if known else 'differs from the recorded checksum'})",
    )
