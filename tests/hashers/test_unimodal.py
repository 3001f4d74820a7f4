"""What all the unimodal hashers must do: solve an easy set, beat random codes, keep their word."""

import numpy as np
import pytest
from retrieval import score

from mmhash_nb import hashers
from mmhash_nb.pairs import Pairs

METHODS = ["diffhash", "ssh", "agh1", "agh2", "ksh"]
SMALL = {"agh1": {"anchors": 60}, "agh2": {"anchors": 60}, "ksh": {"anchors": 60}}


def clusters(noise, n=400, n_classes=5, dims=(24, 17), seed=0):
    """Two views of Gaussian clusters, a class each, of centres at distance about 1."""
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.arange(n) % n_classes)
    views = []
    for d in dims:
        centres = rng.standard_normal((n_classes, d)) / np.sqrt(2 * d)
        views.append(centres[classes] + noise * rng.standard_normal((n, d)) / np.sqrt(d))
    images, texts = (view.astype(np.float32) for view in views)
    query, rest = np.arange(n // 4), np.arange(n // 4, n)
    labels = np.eye(n_classes, dtype=bool)[classes]
    names = [f"class {c}" for c in range(n_classes)]
    return Pairs(images, texts, labels, names, query=query, database=rest, train=rest)


def fitted(name, pairs, n_bits=12, seed=0):
    return hashers.create(name, n_bits, seed, **SMALL.get(name, {})).fit(pairs)


@pytest.mark.parametrize("modality", ["image", "text"])
@pytest.mark.parametrize("name", METHODS)
def test_separated_clusters_are_solved(name, modality):
    # C clusters have C - 1 eigenvectors that matter, each a bit of AGH with one layer and two with
    # two; further bits only split clusters, in ways that k-means and its threads decide. Of
    # DiffHash's several bits, each by itself, two may cut off the same cluster.
    n_classes, n_bits = {"diffhash": (2, 1), "agh1": (3, 2), "agh2": (3, 4)}.get(name, (5, 12))
    pairs = clusters(noise=0.1, n_classes=n_classes)
    method = fitted(name, pairs, n_bits)
    assert score(method, pairs, modality, modality) > 0.97


@pytest.mark.parametrize("modality", ["image", "text"])
@pytest.mark.parametrize("name", METHODS)
def test_noisy_clusters_beat_random_codes(name, modality):
    pairs = clusters(noise=1.0)
    control = score(fitted("random", pairs), pairs, modality, modality)
    ours = score(fitted(name, pairs), pairs, modality, modality)
    assert control + 0.03 < ours < 0.97


@pytest.mark.parametrize("name", METHODS)
def test_several_labels_each(name):
    pairs = clusters(noise=0.1, n_classes=4)
    more = pairs.labels | np.roll(pairs.labels, 1, axis=1)
    several = Pairs(
        pairs.images, pairs.texts, more, pairs.label_names, pairs.query, pairs.database, pairs.train
    )
    ours = score(fitted(name, several), several, "image", "image")
    assert ours > score(fitted("random", several), several, "image", "image") + 0.05
