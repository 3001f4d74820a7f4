"""What all the unimodal hashers must do: solve an easy set, beat random codes, keep their word."""

import pytest
from retrieval import clusters, score

from mmhash_nb import hashers

METHODS = ["diffhash", "ssh", "agh1", "agh2", "ksh"]
LIKE = {"n": 400, "dx": 24, "dy": 17}
SMALL = {"agh1": {"anchors": 60}, "agh2": {"anchors": 60}, "ksh": {"anchors": 60}}


def fitted(name, pairs, n_bits=12, seed=0):
    return hashers.create(name, n_bits, seed, **SMALL.get(name, {})).fit(pairs)


@pytest.mark.parametrize("modality", ["image", "text"])
@pytest.mark.parametrize("name", METHODS)
def test_separated_clusters_are_solved(name, modality):
    # C clusters have C - 1 eigenvectors that matter, each a bit of AGH with one layer and two with
    # two; further bits only split clusters, in ways that k-means and its threads decide. Of
    # DiffHash's several bits, each by itself, two may cut off the same cluster.
    n_classes, n_bits = {"diffhash": (2, 1), "agh1": (3, 2), "agh2": (3, 4)}.get(name, (5, 12))
    pairs = clusters(**LIKE, noise=0.14, classes=n_classes)
    method = fitted(name, pairs, n_bits)
    assert score(method, pairs, modality, modality) > 0.97


@pytest.mark.parametrize("modality", ["image", "text"])
@pytest.mark.parametrize("name", METHODS)
def test_noisy_clusters_beat_random_codes(name, modality):
    pairs = clusters(**LIKE, noise=1.4)
    control = score(fitted("random", pairs), pairs, modality, modality)
    ours = score(fitted(name, pairs), pairs, modality, modality)
    assert control + 0.03 < ours < 0.97


@pytest.mark.parametrize("name", METHODS)
def test_several_labels_each(name):
    several = clusters(**LIKE, noise=0.14, classes=4, extra_labels=True)
    ours = score(fitted(name, several), several, "image", "image")
    assert ours > score(fitted("random", several), several, "image", "image") + 0.05
