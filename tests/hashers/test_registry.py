"""The registry and what all methods share: options, modalities, saving, refusals."""

import json

import numpy as np
import pytest
from deep_cases import DEEP, TINY, VARIATIONAL

from mmhash_nb import hashers
from mmhash_nb.hashers.base import centre_unit, share_label

PAPERS = ("liong2017", "masci2014", "zeng2022", "zhang2018")


def test_names_by_paper():
    assert set(hashers.names("masci2014")) == {
        *("mmnn_l1", "mmnn_l2", "cmnn_l1", "cmnn_l2", "nnhash_l1", "nnhash_l2"),
        *("cmssh", "diffhash", "ssh", "agh1", "agh2", "ksh"),
        *("raw", "cca", "cm", "sm", "scm_rasiwasia"),
    }
    assert set(hashers.names("zeng2022")) == {
        *("mah", "mah_printed", "mah_no_kn", "mah_no_an", "mah_sentences"),
        *("concat", "gmu", "mcb", "texthash", "dpsh", "dsh", "hashnet", "dth", "csq"),
    }
    assert set(hashers.names("zhang2018")) == {
        *("aadah", "aadah_none", "aadah_visual", "aadah_textual", "aadah_cnn_f"),
        *("cca_hash", "cmfh", "scm", "scm_orth", "stmh", "sephkm", "dcmh", "prdh", "dvsh"),
    }
    assert set(hashers.names("liong2017")) == {
        *("cmdvh", "cmdvh1", "cmdvh2", "cvh", "cca_itq", "pdh", "lssh", "cmfh", "scm"),
        *("sephkm", "discmh", "dnh_c", "dvsh", "cah", "dcmh"),
    }
    papers = {name for paper in PAPERS for name in hashers.names(paper)}
    assert sorted(hashers.names()) == sorted({*papers, "random"})
    with pytest.raises(ValueError, match="no method is listed for paper 'nobody2000'"):
        hashers.names("nobody2000")


#: what the methods are fitted with here, of the options that they have
SMALL = {"anchors": 20}
SMALL_DEEP = {**TINY, "epochs": 2, "rounds": 2}


@pytest.mark.parametrize("name", hashers.names())
def test_every_method_is_created_fitted_saved_and_loaded(name, two_views, tiny_pictures, tmp_path):
    deep = name in (*hashers.names("zeng2022"), *DEEP, *VARIATIONAL)
    pairs = tiny_pictures if deep else two_views
    defaults = hashers.method_class(name).defaults
    small = SMALL_DEEP if deep else SMALL
    small = {option: value for option, value in small.items() if option in defaults}
    method = hashers.create(name, 4, seed=1, **small).fit(pairs)
    assert method.name == name
    method.save(tmp_path)
    again = hashers.load(tmp_path)
    for modality in method.modalities:
        if isinstance(method, hashers.Hasher):
            codes = method.encode(pairs, modality)
            assert len(codes) == len(pairs) and codes.n_bits == 4
            assert again.encode(pairs, modality) == codes
        else:
            vectors = method.embed(pairs, modality)
            assert vectors.dtype == np.float32 and len(vectors) == len(pairs)
            assert np.array_equal(again.embed(pairs, modality), vectors)


MISSING = [
    (name, modality)
    for name in hashers.names()
    for modality in ("image", "text", "joint")
    if modality not in hashers.method_class(name).modalities
]


@pytest.mark.parametrize(("name", "modality"), MISSING)
def test_a_modality_a_method_does_not_have_is_refused_by_name(name, modality, two_views):
    method = hashers.create(name, 4)
    encode = method.encode if isinstance(method, hashers.Hasher) else method.embed
    has = ", ".join(method.modalities)
    with pytest.raises(ValueError, match=f"{name} does not encode '{modality}'; it encodes {has}"):
        encode(two_views, modality)


def test_which_modalities_the_methods_have():
    missing = {}
    for name, modality in MISSING:
        missing.setdefault(name, []).append(modality)
    for name in (*hashers.names("masci2014"), *hashers.names("zhang2018")):
        assert missing[name] == ["joint"]
    for name in ("dpsh", "dsh", "hashnet", "dth", "csq"):
        assert missing[name] == ["text", "joint"]
    assert missing["texthash"] == ["image", "joint"]
    for name in ("concat", "gmu", "mcb", *(n for n in hashers.names() if n.startswith("mah"))):
        assert missing[name] == ["image", "text"]
    assert "random" not in missing


@pytest.mark.parametrize(
    ("name", "options", "takes"),
    [
        ("agh1", {"neighbours": 0}, "an integer of at least 1"),
        ("agh1", {"anchors": 0}, "an integer of at least 1"),
        ("agh1", {"layers": 3}, "one of 1, 2"),
        ("cca", {"ridge": 0}, "a number above 0"),
        ("cca_hash", {"ridge": 0}, "a number above 0"),
        ("cca_itq", {"ridge": 0}, "a number above 0"),
        ("cca_itq", {"iterations": 0}, "an integer of at least 1"),
        ("cmfh", {"alpha": 0}, "a number above 0 and below 1"),
        ("cmfh", {"alpha": 1}, "a number above 0 and below 1"),
        ("cmfh", {"mu": 0}, "a number above 0"),
        ("cmfh", {"gamma": -1}, "a number above 0"),
        ("cmfh", {"iterations": 0}, "an integer of at least 1"),
        ("cmssh", {"pairs": 1}, "an integer of at least 2"),
        ("cvh", {"neighbours": -1}, "an integer of at least 0"),
        ("cvh", {"ridge": 0}, "a number above 0"),
        ("diffhash", {"alpha": 0}, "a number above 0"),
        ("discmh", {"lambda_": 0}, "a number above 0"),
        ("discmh", {"nu": -1}, "a number above 0"),
        ("discmh", {"ridge": float("nan")}, "a number above 0"),
        ("discmh", {"iterations": 0}, "an integer of at least 1"),
        ("ksh", {"anchors": 0}, "an integer of at least 1"),
        ("ksh", {"labelled": 1}, "an integer of at least 2"),
        ("lssh", {"rho": 0}, "a number above 0"),
        ("lssh", {"mu": -1}, "a number above 0"),
        ("lssh", {"lambda_": float("nan")}, "a number above 0"),
        ("lssh", {"atoms": 0}, "an integer of at least 1"),
        ("lssh", {"iterations": 0}, "an integer of at least 1"),
        ("pdh", {"c": 0}, "a number above 0"),
        ("pdh", {"iterations": 0}, "an integer of at least 1"),
        ("scm", {"solver": "cca"}, "one of sequential, orthogonal"),
        ("scm", {"ridge": 0}, "a number above 0"),
        ("scm", {"size": 0}, "an integer of at least 1 or None"),
        ("scm_rasiwasia", {"components": 0}, "an integer of at least 1 or None"),
        ("sephkm", {"alpha": -1}, "a number of at least 0"),
        ("sephkm", {"anchors": 0}, "an integer of at least 1"),
        ("sephkm", {"label_sets": 1}, "an integer of at least 2"),
        ("sm", {"C": 0}, "a number above 0 or None"),
        ("ssh", {"pairs": 1}, "an integer of at least 2"),
        ("stmh", {"lam": 0}, "a number above 0 and below 1"),
        ("stmh", {"lam": 1}, "a number above 0 and below 1"),
        ("stmh", {"mu": 0}, "a number above 0"),
        ("stmh", {"gamma": -1}, "a number above 0"),
        ("stmh", {"iterations": 0}, "an integer of at least 1"),
        ("stmh", {"topics": "lda"}, "one of least_squares, means"),
    ],
)
def test_options_out_of_range_are_refused_by_create(name, options, takes):
    ((option, value),) = options.items()
    with pytest.raises(ValueError) as error:
        hashers.create(name, 8, **options)
    assert str(error.value) == f"{name}: {option} must be {takes}, but is {value!r}."


@pytest.mark.parametrize("n_bits", [0, -3, 1.5, "8", True])
def test_a_code_length_is_a_positive_integer(n_bits):
    with pytest.raises(ValueError, match="n_bits must be a positive integer, but is"):
        hashers.create("random", n_bits)


def test_refusals_are_sentences(two_views, tmp_path):
    with pytest.raises(ValueError, match="there is no method 'lsh'; there are random, mmnn_l1"):
        hashers.create("lsh", 8)
    with pytest.raises(RuntimeError, match="ksh is not fitted: call fit first"):
        hashers.create("ksh", 8).encode(two_views, "image")
    with pytest.raises(ValueError, match="clusters has no training samples"):
        hashers.create("random", 8).fit(two_views.take(two_views.query))
    with pytest.raises(FileNotFoundError, match=r"holds no method.json"):
        hashers.load(tmp_path)
    (tmp_path / "method.json").write_text(json.dumps({"name": "random"}))
    with pytest.raises(ValueError, match="does not describe a method"):
        hashers.load(tmp_path)


def test_a_truncated_state_is_refused(two_views, tmp_path):
    hashers.create("random", 8).fit(two_views).save(tmp_path)
    path = tmp_path / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        hashers.load(tmp_path)


def test_random_codes_are_blind_to_the_data(two_views, noisy_views):
    one = hashers.create("random", 16).fit(two_views).encode(two_views, "image")
    two = hashers.create("random", 16).fit(noisy_views).encode(noisy_views, "image")
    assert one == two
    assert abs(one.signs().mean()) < 0.1


def test_centre_unit_and_shared_labels_by_loop(rng):
    x = rng.normal(size=(5, 3)).astype(np.float32)
    mean = x[:4].mean(0)
    x[4] = mean
    unit = centre_unit(x, mean)
    for row, original in zip(unit[:4], x[:4], strict=True):
        assert np.allclose(row, (original - mean) / np.linalg.norm(original - mean), atol=1e-6)
    assert (unit[4] == 0).all()
    a, b = rng.random((4, 6)) > 0.6, rng.random((3, 6)) > 0.6
    assert np.array_equal(share_label(a, b), [[bool((i & j).any()) for j in b] for i in a])
