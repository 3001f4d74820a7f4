import numpy as np
import pytest
from mat_cases import write_v7, write_v73
from on_disk import needs

from mmhash_nb.datasets import load, mirflickr25k

TAGS, LABELS = "mirflickr25k-yall.mat", "mirflickr25k-lall.mat"
VGGS = ("mirflickr25k-iall-vgg.mat", "mirflickr25k-xall-vgg.mat")
VGG = VGGS[0]


def write_mirflickr(folder, n=20, write=write_v7, **changes):
    """A small set: tags [n, 6], labels [n, 3], features [n, 5]."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    tags = (rng.random((n, 6)) < 0.4).astype(np.uint8)
    labels = (rng.random((n, 3)) < 0.4).astype(np.uint8)
    tags[:, 0] |= ~tags.any(axis=1)
    labels[:, 0] |= ~labels.any(axis=1)
    arrays = {"YAll": tags, "LAll": labels, "XAll": rng.random((n, 5))} | changes
    for name, variable in ((TAGS, "YAll"), (LABELS, "LAll")):
        write(folder / name, **{variable: arrays[variable]})
    write(folder / VGG, XAll=arrays["XAll"])
    return arrays


def read(folder, **options):
    return mirflickr25k.read(folder, **{"n_query": 4, "n_train": 6} | options)


@pytest.mark.parametrize("write", [write_v7, write_v73])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_both_generations_of_files_give_the_same_pairs(tmp_path, write, dtype):
    arrays = write_mirflickr(tmp_path, write=write)
    cast = {name: arrays[name].astype(dtype) for name in ("YAll", "LAll")}
    write_mirflickr(tmp_path, write=write, **cast)
    pairs = read(tmp_path)
    np.testing.assert_array_equal(pairs.texts.toarray(), arrays["YAll"])
    np.testing.assert_array_equal(pairs.labels, arrays["LAll"] == 1)
    assert pairs.texts.format == "csr" and pairs.texts.dtype == np.float32
    assert pairs.label_names == ["label 0", "label 1", "label 2"]
    assert pairs.vocabulary == [f"tag {i}" for i in range(6)]
    assert pairs.name == "mirflickr25k" and "without image features" in pairs.source


def test_without_image_features_texts_still_work(tmp_path):
    write_mirflickr(tmp_path)
    pairs = read(tmp_path)
    assert pairs.images.shape == (20, 0) and pairs.images.dtype == np.float32
    assert pairs.features("image").shape == (20, 0) and pairs.features("text").shape == (20, 6)
    assert len(pairs.fingerprint) == 64 and read(tmp_path).fingerprint == pairs.fingerprint
    assert pairs.take(pairs.query).images.shape == (4, 0)


@pytest.mark.parametrize("write", [write_v7, write_v73])
@pytest.mark.parametrize("variable", ["XAll", "IAll", "FAll"])
@pytest.mark.parametrize("name", VGGS)
def test_vgg_features_under_any_of_their_names(tmp_path, write, variable, name):
    arrays = write_mirflickr(tmp_path, write=write)
    (tmp_path / VGG).unlink()
    write(tmp_path / name, **{variable: arrays["XAll"]})
    pairs = read(tmp_path, images="vgg")
    np.testing.assert_array_equal(pairs.images, arrays["XAll"].astype(np.float32))
    assert pairs.modality_names == ("VGG", "Tags") and "without" not in pairs.source
    assert pairs.fingerprint != read(tmp_path).fingerprint


def test_vgg_features_that_are_absent_wrong_or_not_aligned(tmp_path):
    write_mirflickr(tmp_path, XAll=np.ones((5, 19)))
    with pytest.raises(ValueError, match=r"iall-vgg\.mat are 5 x 19, but there are 20 photos"):
        read(tmp_path, images="vgg")
    write_mirflickr(tmp_path, XAll=np.full((20, 5), np.nan))
    with pytest.raises(ValueError, match="images of sample 0 holds nan"):
        read(tmp_path, images="vgg")
    write_v7(tmp_path / VGG, other=np.ones((20, 5)))
    with pytest.raises(ValueError, match=r"vgg\.mat has no variable 'XAll'; it has other"):
        read(tmp_path, images="vgg")
    (tmp_path / VGG).write_text("version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ValueError, match=r"vgg\.mat is truncated or is not a MATLAB file"):
        read(tmp_path, images="vgg")
    (tmp_path / VGG).unlink()
    with pytest.raises(
        FileNotFoundError, match=r"no mirflickr25k-iall-vgg\.mat .*images='none'\) in"
    ):
        read(tmp_path, images="vgg")


ONES, EMPTY = np.ones((20, 4)), np.ones((20, 4), dtype=np.uint8)
EMPTY[[6, 9]] = 0


@pytest.mark.parametrize(
    ("variable", "matrix", "fault"),
    [
        ("YAll", np.ones((6, 19)), r"YAll in .*yall\.mat is 6 x 19 .* 20 x 3: both need a row"),
        ("LAll", np.ones((3, 20)), r"YAll in .*yall\.mat is 20 x 6 .* 3 x 20: both need a row"),
        ("LAll", np.ones((19, 3)), r"is 20 x 6 but LAll .* is 19 x 3"),
        ("YAll", np.ones((20, 2, 2)), r"YAll in .* must be a matrix, but is \[20, 2, 2\]"),
        ("YAll", EMPTY, r"row 7 of YAll .* has no tag \(2 such rows\)"),
        ("LAll", EMPTY, r"row 7 of LAll .* has no label \(2 such rows\)"),
        *(
            (name, np.where(np.arange(80).reshape(20, 4) == 26, value, ONES), f"{name} in .* {at}")
            for name in ("YAll", "LAll")
            for value in (2.0, -1.0, 0.5, np.nan)
            for at in [f"holds {value} in row 7, column 3"]
        ),
    ],
)
def test_a_matrix_that_is_wrong_is_named_with_what_is(tmp_path, variable, matrix, fault):
    write_mirflickr(tmp_path, **{variable: matrix})
    with pytest.raises(ValueError, match=fault):
        read(tmp_path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_query": 0}, "n_query must be at least 1, but is 0"),
        ({"n_train": 0}, "n_train must be at least 1, but is 0"),
        ({"n_query": 15}, "20 samples are too few for 15 queries and 6 training samples"),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path, options, message):
    write_mirflickr(tmp_path)
    with pytest.raises(ValueError, match=message):
        read(tmp_path, **options)


@pytest.mark.parametrize("name", [TAGS, LABELS])
def test_a_missing_file_is_named(tmp_path, name):
    write_mirflickr(tmp_path / "mirflickr25k")
    (tmp_path / "mirflickr25k" / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"mirflickr25k has no {name} in {tmp_path}"):
        load("mirflickr25k", tmp_path)


@needs(mirflickr25k)
def test_the_real_files():
    pairs = load("mirflickr25k")
    assert (len(pairs.query), len(pairs.database), len(pairs.train)) == (2_000, 18_015, 10_000)
    assert pairs.texts.shape == (20_015, 1_386) and pairs.images.shape == (20_015, 0)
    assert pairs.texts.nnz / 20_015 == pytest.approx(4.64, abs=0.005)
    assert pairs.labels.sum(axis=0)[:5].tolist() == [2647, 179, 644, 986, 3230]
    assert np.isin(pairs.train, pairs.database).all()
