import numpy as np
import pytest
import scipy.io
from on_disk import needs

from mmhash_nb.datasets import load, uci_digits


def write(root, **changes):
    """A small file of the same variables."""
    rng = np.random.default_rng(0)
    arrays = {
        "I_tr": rng.random((5, 4)),
        "I_te": rng.random((3, 4)),
        "T_tr": rng.standard_normal((5, 3)),
        "T_te": rng.standard_normal((3, 3)),
        "L_tr": np.array([[1], [2], [10], [1], [3]], np.uint8),
        "L_te": np.array([[2], [10], [4]], np.uint8),
    } | changes
    folder = root / "uci_digits"
    folder.mkdir()
    scipy.io.savemat(folder / "uci_all.mat", arrays)
    return arrays


def test_rows_labels_and_split_are_those_of_the_file(tmp_path):
    arrays = write(tmp_path)
    pairs = load("uci_digits", tmp_path)
    for values, array in ((pairs.images, "I"), (pairs.texts, "T")):
        both = np.concatenate([arrays[f"{array}_tr"], arrays[f"{array}_te"]])
        np.testing.assert_array_equal(values, both.astype(np.float32))
    named = [pairs.label_names[c] for c in pairs.labels.argmax(axis=1)]
    assert named == ["zero", "one", "nine", "zero", "two", "one", "nine", "three"]
    assert pairs.labels.sum(axis=1).tolist() == [1] * 8
    assert pairs.train.tolist() == pairs.database.tolist() == [0, 1, 2, 3, 4]
    assert pairs.query.tolist() == [5, 6, 7]
    assert pairs.modality_names == ("Fourier", "Karhunen-Loève")
    assert "differs from the recorded checksum" in pairs.source


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"L_te": np.array([[2], [11], [4]], np.uint8)}, "class 11 of digit 6 in .* is not one of"),
        ({"T_te": np.ones((3, 2))}, "T_tr has 3 columns but T_te 2 in"),
        ({"I_te": np.ones((2, 4))}, "images"),
        ({"I_te": np.full((3, 4), np.nan)}, "images.* 5"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, changes, sentence):
    write(tmp_path, **changes)
    with pytest.raises(ValueError, match=sentence):
        load("uci_digits", tmp_path)


@needs(uci_digits)
def test_the_recorded_file():
    pairs = load("uci_digits")
    assert pairs.images.shape == (2000, 76) and pairs.texts.shape == (2000, 64)
    assert (len(pairs.train), len(pairs.query)) == (1500, 500)
    assert "SHA-256 recorded" in pairs.source and pairs.labels.sum(axis=0).tolist() == [200] * 10
