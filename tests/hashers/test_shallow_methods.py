"""What holds for the methods that train no network: labels, seeds, and how well they retrieve."""

import dataclasses

import numpy as np
import pytest
from retrieval import scores
from table_cases import table_rows

from mmhash_nb import hashers
from mmhash_nb.hashers.made_up_pairs import made_up_pairs

NAMES = [n for n in hashers.names() if hashers.method_class(n).family in ("shallow", "no codes")]
UNSUPERVISED = {
    *("agh1", "agh2", "raw", "cca", "cm", "cca_hash", "cmfh", "stmh"),
    *("cvh", "cca_itq", "pdh", "lssh"),
}
#: nothing random enters these
WITHOUT_SEED = {"diffhash", "raw", "cca", "cm", "cca_hash", "scm", "scm_orth", "cvh"}
#: the seed divides their folds, of which the result need not depend
FOLDS = {"sm", "sm_plain", "scm_rasiwasia"}


def learned(name, pairs, seed=3):
    small = {"anchors": 20, "pairs": 1000}
    options = {k: v for k, v in small.items() if k in hashers.method_class(name).defaults}
    return hashers.create(name, 5, seed=seed, **options).fit(pairs)


def same(one, other):
    return all(np.array_equal(one.state[key], other.state[key]) for key in one.state)


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_read_by_supervised_methods_alone(name, noisy_views):
    turned = dataclasses.replace(noisy_views, labels=noisy_views.labels[::-1].copy())
    turned.labels[::7] = np.roll(turned.labels[::7], 1, axis=1)
    assert same(learned(name, noisy_views), learned(name, turned)) == (name in UNSUPERVISED)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in FOLDS])
def test_the_seed_decides_where_anything_is_random(name, noisy_views):
    ours, theirs = (learned(name, noisy_views, seed) for seed in (3, 4))
    assert same(ours, theirs) == (name in WITHOUT_SEED)
    if ours.has_codes:
        for modality in ours.modalities:
            codes = [method.encode(noisy_views, modality) for method in (ours, theirs)]
            assert (codes[0] == codes[1]) == (name in WITHOUT_SEED)


@pytest.mark.parametrize("name", NAMES)
def test_no_samples_have_no_codes(name):
    pairs = made_up_pairs("vectors")
    method, none = learned(name, pairs), pairs.take(np.arange(0))
    for modality in method.modalities:
        encode = method.encode if method.has_codes else method.embed
        assert len(encode(none, modality)) == 0


@pytest.mark.parametrize("name", ["sephkm", "ksh", "agh1"])
def test_values_do_not_depend_on_blocks(name, noisy_views, monkeypatch):
    method = learned(name, noisy_views)
    whole = method._project(noisy_views, "text")
    monkeypatch.setattr("mmhash_nb.hashers.base.BLOCK", 50)
    np.testing.assert_allclose(method._project(noisy_views, "text"), whole, atol=1e-3)


LINEAR = ["cca_hash", "cca_itq", "cmfh", "cvh", "discmh", "pdh", "scm", "scm_orth"]


@pytest.mark.parametrize("name", LINEAR)
def test_linear_bits_have_their_threshold_at_the_training_mean(name, noisy_views):
    method = hashers.create(name, 3).fit(noisy_views)
    for modality in ("image", "text"):
        features = noisy_views.features(modality).astype(np.float64)
        projected = features @ method.state[f"{modality}.{method.linear}"]
        expected = projected >= projected[noisy_views.train].mean(axis=0)
        assert np.array_equal(method.encode(noisy_views, modality).signs() > 0, expected)


def every_score(method, pairs):
    """mAP in both directions, also against unified codes where the method has such."""
    return scores(method, pairs) + (scores(method, pairs, unified=True) if method.unified else [])


@pytest.mark.parametrize(("name", "n_bits", "options", "least"), table_rows("solved_clusters"))
def test_separated_clusters_are_solved(name, n_bits, options, least, two_views):
    assert (
        min(every_score(hashers.create(name, n_bits, **options).fit(two_views), two_views)) > least
    )


@pytest.mark.parametrize(("name", "n_bits", "options", "margin"), table_rows("better_than_random"))
def test_noisy_clusters_are_ranked_better_than_by_random_codes(
    name, n_bits, options, margin, noisy_views
):
    control = scores(hashers.create("random", n_bits).fit(noisy_views), noisy_views)
    method = hashers.create(name, n_bits, **options).fit(noisy_views)
    assert min(every_score(method, noisy_views)) > max(control) + margin


@pytest.mark.parametrize(("name", "n_bits", "options", "sentence"), table_rows("wrong_lengths"))
def test_lengths_and_sizes_that_cannot_be_are_refused(name, n_bits, options, sentence, two_views):
    with pytest.raises(ValueError, match=sentence):
        hashers.create(name, n_bits, **options).fit(two_views)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        *((name, "no two of the 80 training samples share none") for name in ("diffhash", "ssh")),
        *((name, "no two of the 80 training samples share none") for name in ("ksh", "sephkm")),
        ("scm", "all 80 training samples have the same labels"),
    ],
)
def test_labels_that_do_not_divide_are_refused(name, sentence, two_views):
    same = dataclasses.replace(two_views, labels=np.ones_like(two_views.labels))
    with pytest.raises(ValueError, match=sentence):
        learned(name, same)
