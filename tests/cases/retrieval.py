"""How well codes retrieve, and sets to learn from, for several tests of methods."""

import numpy as np

from mmhash_nb.metrics import mean_average_precision
from mmhash_nb.pairs import Pairs
from mmhash_nb.ranking import rank_profile


def labelled(x, y, labels):
    """Pairs of these views; the last quarter are queries, all others known."""
    n = len(labels)
    known, query = np.arange(n - n // 4), np.arange(n - n // 4, n)
    return Pairs(x, y, labels, [f"c{c}" for c in range(labels.shape[1])], query, known, known)


def clusters(n=320, classes=5, noise=0.1, extra_labels=False, seed=0, dx=12, dy=8):
    """Two views of the same classes; with `extra_labels` most samples have two."""
    rng = np.random.default_rng(seed)
    labels = np.eye(classes, dtype=bool)[rng.integers(classes, size=n)]
    if extra_labels:
        labels[np.arange(n), rng.integers(classes, size=n)] = True
    of_class = labels / labels.sum(axis=1, keepdims=True)
    x = of_class @ rng.normal(size=(classes, dx)) + noise * rng.normal(size=(n, dx))
    y = of_class @ rng.normal(size=(classes, dy)) + noise * rng.normal(size=(n, dy))
    return labelled(x.astype(np.float32), y.astype(np.float32), labels)


def score(method, pairs, of, among, database=None):
    """mAP of queries of one modality against the codes of another, or against `database`."""
    database = method.encode(pairs, among) if database is None else database
    query, known = pairs.query, pairs.database
    labels = pairs.labels[query], pairs.labels[known]
    profile = rank_profile(method.encode(pairs, of)[query], database[known], *labels)
    return mean_average_precision(profile)


def scores(method, pairs, unified=False):
    """mAP of image-text and text-image, or of both modalities against the unified codes."""
    codes = method.database_codes(pairs) if unified else None
    both = (("image", "text"), ("text", "image"))
    return [score(method, pairs, of, among, codes) for of, among in both]


def training_views(method, pairs):
    """Images and texts of the training samples as a shallow method takes them."""
    return [method.view(pairs.take(pairs.train), modality) for modality in ("image", "text")]
