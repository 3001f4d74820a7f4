"""Logistic regression of labels, its strength by cross-validation: what SM and SCM rank by."""

import numpy as np
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from mmhash_nb.hashers.base import check_at_most

#: inverse regularisation strengths that cross-validation tries, weakest model first
STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
FOLDS = 3


def fit_logistic(
    x: np.ndarray, labels: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights `[d, C]` and offsets `[C]` of L2-regularised logistic regression.

    Multinomial where every row of `labels` (`bool [n, C]`) has one label, else one per label. A
    label that no sample has, or every one, gets zero weights and the smoothed log-odds of its
    frequency (multinomial: an offset that leaves it no mass).

    Args:
        strength: C of scikit-learn, above 0, the inverse of the penalty.
    """
    model = LogisticRegression(C=strength, max_iter=5000)
    weights = np.zeros((x.shape[1], labels.shape[1]))
    count = labels.sum(axis=0)
    if (labels.sum(axis=1) == 1).all():
        offsets = np.where(count > 0, 0.0, -np.inf)
        used = np.flatnonzero(count)
        if len(used) > 1:
            model.fit(x, labels.argmax(axis=1))
            # Of two classes scikit-learn models only the second: the first is at zero.
            columns = used if len(used) > 2 else used[1:]
            weights[:, columns] = model.coef_.T
            offsets[columns] = model.intercept_
        return weights, offsets
    offsets = np.log((count + 0.5) / (len(x) - count + 0.5))
    for label in np.flatnonzero((count > 0) & (count < len(x))):
        model.fit(x, labels[:, label])
        weights[:, label] = model.coef_[0]
        offsets[label] = model.intercept_[0]
    return weights, offsets


def choose_strength(x: np.ndarray, labels: np.ndarray, seed: int) -> float:
    """The C among `STRENGTHS` with the least cross-validated log loss on the training samples.

    The strengths are tried upwards until the loss rises, since weak penalties are slow to fit.
    """
    check_at_most("cross-validation folds", FOLDS, len(x), "training samples (or set C)")
    single = bool((labels.sum(axis=1) == 1).all())
    folds = list(KFold(FOLDS, shuffle=True, random_state=seed).split(x))
    best, least = STRENGTHS[0], np.inf
    for strength in STRENGTHS:
        loss = 0.0
        for fitted, held in folds:
            weights, offsets = fit_logistic(x[fitted], labels[fitted], strength)
            p = posteriors(x[held] @ weights + offsets, single).clip(1e-7, 1 - 1e-7)
            truth = labels[held]
            loss -= np.log(p[truth]).sum()
            if not single:
                loss -= np.log1p(-p[~truth]).sum()
        if loss >= least:
            break
        best, least = strength, loss
    return best


def posteriors(scores: np.ndarray, single_label: bool) -> np.ndarray:
    """Class posteriors of scores `[N, C]`: softmax over classes, or a sigmoid for each label."""
    return softmax(scores, axis=1) if single_label else expit(scores)
