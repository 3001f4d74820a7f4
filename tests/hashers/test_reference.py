"""References without codes: each against its definition or scikit-learn, then as retrieval."""

import numpy as np
import pytest
from on_disk import needs
from retrieval import clusters, labelled
from retrieval import score as code_score
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from mmhash_nb import datasets, hashers
from mmhash_nb.datasets import wiki
from mmhash_nb.hashers import logistic
from mmhash_nb.hashers.base import centre_unit
from mmhash_nb.metrics import average_precision_from_distances

ALL = ("raw", "cca", "cm", "sm", "scm_rasiwasia")
CROSS_MODAL = ALL[1:]


def score(method, pairs, of, among):
    """mAP of one direction."""
    relevant = (pairs.labels[pairs.query].astype(int) @ pairs.labels[pairs.database].T) > 0
    query = method.embed(pairs, of)[pairs.query]
    database = method.embed(pairs, among)[pairs.database]
    return average_precision_from_distances(cdist(query, database), relevant).mean()


def both(method, pairs):
    return [score(method, pairs, "image", "text"), score(method, pairs, "text", "image")]


def random_codes(pairs):
    return code_score(hashers.create("random", 16).fit(pairs), pairs, "image", "text")


def normalised(pairs, modality):
    x = pairs.features(modality)
    return centre_unit(x, x[pairs.train].mean(axis=0))


def test_raw_is_the_normalised_features_of_one_modality():
    pairs = clusters(noise=0.5)
    raw = hashers.create("raw", 3).fit(pairs)
    for modality in ("image", "text"):
        embedded = raw.embed(pairs, modality)
        assert embedded.dtype == np.float32
        np.testing.assert_allclose(embedded, normalised(pairs, modality), atol=1e-6)
        assert score(raw, pairs, modality, modality) > random_codes(pairs) + 0.1
    assert not raw.cross_modal


def test_cca_projects_onto_uncorrelated_directions_that_match_across_views():
    pairs = clusters(noise=0.5)
    method = hashers.create("cca", 6, ridge=1e-9).fit(pairs)
    u, v = (method.embed(pairs, m)[pairs.train].astype(float) for m in ("image", "text"))
    n = len(u)
    np.testing.assert_allclose(u.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(u.T @ u / n, np.eye(6), atol=1e-3)
    np.testing.assert_allclose(v.T @ v / n, np.eye(6), atol=1e-3)
    np.testing.assert_allclose(u.T @ v / n, np.diag(method.state["correlations"]), atol=1e-3)


def test_cm_is_cca_ranked_by_the_cosine():
    pairs = clusters(noise=0.5)
    cca, cm = (hashers.create(name, 5).fit(pairs) for name in ("cca", "cm"))
    ours = cdist(cm.embed(pairs, "image"), cm.embed(pairs, "text"))
    cosine = cdist(cca.embed(pairs, "image"), cca.embed(pairs, "text"), "cosine")
    np.testing.assert_allclose(ours**2 / 2, cosine, atol=1e-5)


@pytest.mark.parametrize("name", ["cm", "scm_rasiwasia"])
def test_components_stop_at_the_features_unless_asked_for(name):
    pairs = clusters()
    shapes = {
        bits: hashers.create(name, bits, **options).fit(pairs).state["text.directions"].shape
        for bits, options in ((3, {}), (32, {}), (33, {"components": 2}))
    }
    assert shapes == {3: (8, 3), 32: (8, 8), 33: (8, 2)}


@pytest.mark.parametrize("name", ["sm", "scm_rasiwasia"])
@pytest.mark.parametrize("extra_labels", [False, True])
@pytest.mark.parametrize("centred", [False, True])
def test_semantics_are_scikit_learn_posteriors_ranked_by_correlation(name, extra_labels, centred):
    pairs = clusters(noise=0.5, extra_labels=extra_labels)
    method = hashers.create(name, 8, C=2.0, centred=centred).fit(pairs)
    truth = pairs.labels[pairs.train]
    reference = LogisticRegression(C=2.0, max_iter=5000)
    posteriors = {}
    for modality in ("image", "text"):
        x = normalised(pairs, modality)
        if name == "scm_rasiwasia":
            x = hashers.create("cca", 8).fit(pairs).embed(pairs, modality)
        if extra_labels:
            model = OneVsRestClassifier(reference).fit(x[pairs.train], truth)
        else:
            model = reference.fit(x[pairs.train], truth.argmax(axis=1))
        posteriors[modality] = model.predict_proba(x)
    measure = "correlation" if centred else "cosine"
    expected = cdist(posteriors["image"], posteriors["text"], measure)
    ours = cdist(method.embed(pairs, "image"), method.embed(pairs, "text"))
    np.testing.assert_allclose(ours**2 / 2, expected, atol=2e-3)


def test_two_classes_give_the_posterior_of_both():
    x = clusters(classes=2, noise=0.8)
    weights, offsets = logistic.fit_logistic(x.images, x.labels, 1.0)
    reference = LogisticRegression(C=1.0, max_iter=5000).fit(x.images, x.labels.argmax(axis=1))
    ours = logistic.posteriors(x.images @ weights + offsets, single_label=True)
    np.testing.assert_allclose(ours, reference.predict_proba(x.images), atol=1e-4)


def test_labels_without_examples_have_no_mass_or_their_smoothed_frequency():
    pairs = clusters(classes=3)
    empty = np.zeros((len(pairs), 1), dtype=bool)
    weights, offsets = logistic.fit_logistic(pairs.images, np.hstack([empty, pairs.labels]), 1.0)
    p = logistic.posteriors(pairs.images @ weights + offsets, single_label=True)
    assert (p[:, 0] == 0).all() and (p.argmax(axis=1) == pairs.labels.argmax(axis=1) + 1).all()
    full = np.hstack([empty, ~empty, pairs.labels])
    weights, offsets = logistic.fit_logistic(pairs.images, full, 1.0)
    p = logistic.posteriors(pairs.images @ weights + offsets, single_label=False)
    np.testing.assert_allclose(p[:, 0], 0.5 / 321, atol=1e-12)
    np.testing.assert_allclose(p[:, 1], 320.5 / 321, atol=1e-12)


@pytest.mark.parametrize("name", ["sm", "scm_rasiwasia"])
@pytest.mark.parametrize("extra_labels", [False, True])
def test_an_unseen_class_does_not_stop_semantic_matching(name, extra_labels, tmp_path):
    some = clusters(noise=0.3, extra_labels=extra_labels)
    labels = np.hstack([some.labels, np.zeros((len(some), 1), dtype=bool)])
    labels[some.query[0], -1] = True
    pairs = labelled(some.images, some.texts, labels)
    method = hashers.create(name, 4).fit(pairs)
    method.save(tmp_path)
    embedded = hashers.load(tmp_path).embed(pairs, "text")
    assert np.isfinite(embedded).all() and embedded.shape == (320, 6)


@pytest.mark.parametrize("extra_labels", [False, True])
def test_strength_is_the_one_that_generalises(extra_labels, monkeypatch):
    rng = np.random.default_rng(0)
    labels = clusters(n=240, extra_labels=extra_labels).labels
    noise = rng.normal(size=(240, 60))
    assert logistic.choose_strength(noise, labels, seed=0) == logistic.STRENGTHS[0]
    told_apart = np.hstack([labels * 1.0, 0.01 * noise])
    assert logistic.choose_strength(told_apart, labels, seed=0) >= 100
    tried = []
    fit = logistic.fit_logistic
    monkeypatch.setattr(
        logistic, "fit_logistic", lambda x, y, c: (tried.append((len(x), c)), fit(x, y, c))[1]
    )
    logistic.choose_strength(noise, labels, seed=0)
    assert tried == [(160, 0.1)] * 3 + [(160, 1.0)] * 3  # stops where the loss rises


@pytest.mark.parametrize("name", ["sm", "scm_rasiwasia"])
def test_strength_can_be_set_and_is_kept(name):
    pairs = clusters(noise=0.5)
    assert hashers.create(name, 4, C=7).fit(pairs).state["image.C"] == [7]
    chosen = hashers.create(name, 4).fit(pairs).state
    assert {float(chosen["image.C"][0]), float(chosen["text.C"][0])} <= set(logistic.STRENGTHS)


@pytest.mark.parametrize("name", CROSS_MODAL)
@pytest.mark.parametrize("extra_labels", [False, True])
def test_solves_well_separated_clusters(name, extra_labels):
    pairs = clusters(noise=0.01, extra_labels=extra_labels)
    # As many canonical dimensions as the classes span: the rest is noise that Euclidean CCA counts.
    enough = 0.9 if extra_labels else 0.99
    assert min(both(hashers.create(name, 4).fit(pairs), pairs)) > enough


@pytest.mark.parametrize("name", CROSS_MODAL)
@pytest.mark.parametrize("extra_labels", [False, True])
def test_beats_random_on_noise(name, extra_labels):
    pairs = clusters(noise=0.6, extra_labels=extra_labels)
    assert min(both(hashers.create(name, 4).fit(pairs), pairs)) > random_codes(pairs) + 0.1


def test_bad_input_is_told_in_a_sentence():
    pairs = clusters()
    with pytest.raises(ValueError, match=r"n_bits is 9, but there are only 8 canonical dimensions"):
        hashers.create("cca", 9).fit(pairs)
    with pytest.raises(ValueError, match=r"components is 9, but there are only 8 canonical"):
        hashers.create("cm", 4, components=9).fit(pairs)
    with pytest.raises(ValueError, match=r"folds is 3, but there are only 2 training samples"):
        hashers.create("sm", 4).fit(clusters(n=2, classes=2, seed=1))
    same = labelled(pairs.images, pairs.texts, np.ones((len(pairs), 2), dtype=bool))
    with pytest.raises(ValueError, match="every training sample has the same labels"):
        hashers.create("sm", 4).fit(same)


@needs(wiki)
def test_wiki_by_plain_and_by_centred_correlation_of_posteriors():
    pairs = datasets.load("wiki")
    plain, centred = (
        both(hashers.create(name, 32).fit(pairs), pairs) for name in ("sm_plain", "sm")
    )
    assert plain == pytest.approx([0.263, 0.282], abs=0.003)
    assert centred == pytest.approx([0.292, 0.275], abs=0.003)


@needs(wiki)
@pytest.mark.parametrize(
    ("name", "image_text", "text_image"),
    [("cm", 0.23, 0.23), ("sm", 0.29, 0.27), ("scm_rasiwasia", 0.29, 0.27)],
)
def test_wiki_lies_where_others_found_it(name, image_text, text_image):
    pairs = datasets.load("wiki")
    ours = both(hashers.create(name, 32).fit(pairs), pairs)
    assert ours == pytest.approx([image_text, text_image], abs=0.02)
