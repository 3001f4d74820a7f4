"""References that rank by a real-valued distance: raw features, CCA, Rasiwasia's CM, SM, SCM."""

from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from mmhash_nb.hashers.base import Embedder, EncodedModality, State, centre_unit, check_at_most
from mmhash_nb.hashers.canonical import fit_cca
from mmhash_nb.pairs import Modality, Pairs

#: inverse regularisation strengths that cross-validation tries, weakest model first
STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)
FOLDS = 3


class RawFeatures(Embedder):
    """The features themselves, centred by the training mean and scaled to unit length ("Raw" of
    masci2014, Table 2). Euclidean distance ranks; each modality stands by itself, and `n_bits` has
    no effect on the dimension.
    """

    cross_modal: ClassVar[bool] = False

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        return _means(train)

    def _embed(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        return _normalised(pairs, modality, self.state)


class EuclideanCCA(Embedder):
    """Projections on the first `n_bits` canonical directions; Euclidean distance ranks.

    Source: "CCA" of masci2014, Tables 3 and 5; solved by `cca.fit_cca`.

    Options:
        ridge: what `fit_cca` adds to the covariances, relative to their mean variance.

    Raises:
        ValueError: from `fit`, where `n_bits` exceeds the features of a view.
    """

    defaults: ClassVar[dict[str, Any]] = {"ridge": 1e-4}

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        state = _means(train)
        x, y = (_normalised(train, modality, state) for modality in self.modalities)
        available = min(x.shape[1], y.shape[1])
        fitted = fit_cca(x, y, self._components(available), self.options["ridge"])
        return state | {
            "image.centre": fitted.x_mean,
            "text.centre": fitted.y_mean,
            "image.directions": fitted.x_weights,  # [dx, k]
            "text.directions": fitted.y_weights,  # [dy, k]
            "correlations": fitted.correlations,
        }

    def _components(self, available: int) -> int:
        check_at_most("n_bits", self.n_bits, available, "canonical dimensions of these features")
        return self.n_bits

    def _embed(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        return _project(pairs, modality, self.state)


class CorrelationMatching(EuclideanCCA):
    """CM: projections on the canonical directions, ranked by normalised correlation (cosine).

    Embeddings have unit length, so that Euclidean order is the order of the cosine.

    Source: Rasiwasia et al., A new approach to cross-modal multimedia retrieval, ACM MM 2010.

    Options:
        components: canonical dimensions; by default min(n_bits, features of either view), since the
            method has no code length of its own and the topics of Wiki have but 10 dimensions.
        ridge: as `EuclideanCCA`.
    """

    defaults: ClassVar[dict[str, Any]] = {"components": None, "ridge": 1e-4}

    def _components(self, available: int) -> int:
        asked = self.options["components"]
        if asked is None:
            return min(self.n_bits, available)
        if isinstance(asked, bool) or not isinstance(asked, int) or asked < 1:
            raise ValueError(f"components must be a positive integer, but is {asked!r}.")
        check_at_most("components", asked, available, "canonical dimensions of these features")
        return asked

    def _embed(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        return _unit(super()._embed(pairs, modality))


class SemanticMatching(Embedder):
    """SM: class posteriors by logistic regression in each modality, ranked by their correlation.

    Multinomial where every training sample has one label, else one logistic regression per label.
    Embeddings are the posteriors less their mean over the classes, scaled to unit length, `[N, C]`:
    Euclidean order is the order of their centred normalised correlation. `n_bits` has no effect on
    the dimension.

    Source: Rasiwasia et al., ACM MM 2010.

    Options:
        centred: False ranks by the plain normalised correlation (cosine) of the posteriors. By
            default they are centred: that ranks better in cross-validation on Wiki's training set.
        C: inverse strength of the L2 penalty, as scikit-learn; by default chosen per modality among
            `STRENGTHS` by cross-validated log loss on the training samples. `state["image.C"]`
            and `state["text.C"]` keep it.
    """

    defaults: ClassVar[dict[str, Any]] = {"C": None, "centred": True}

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        state = _means(train)
        views = [_normalised(train, modality, state) for modality in self.modalities]
        return state | self._classifiers(views, train.labels)

    def _classifiers(self, views: list[np.ndarray], labels: np.ndarray) -> State:
        if not (labels.any(axis=0) & ~labels.all(axis=0)).any():
            raise ValueError(
                "every training sample has the same labels: semantic matching needs labels that "
                "tell samples apart."
            )
        state: State = {"single_label": np.array([(labels.sum(axis=1) == 1).all()])}
        for modality, x in zip(self.modalities, views, strict=True):
            asked = self.options["C"]
            strength = choose_strength(x, labels, self.seed) if asked is None else asked
            weights, offsets = fit_logistic(x, labels, strength)
            state |= {
                f"{modality}.weights": weights,  # [d, C]
                f"{modality}.offsets": offsets,
                f"{modality}.C": np.array([strength]),
            }
        return state

    def _embed(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        return self._semantic(_normalised(pairs, modality, self.state), modality)

    def _semantic(self, x: np.ndarray, modality: EncodedModality) -> np.ndarray:
        scores = x @ self.state[f"{modality}.weights"] + self.state[f"{modality}.offsets"]
        p = posteriors(scores, bool(self.state["single_label"][0]))  # [N, C]
        return _unit(p - p.mean(axis=1, keepdims=True) if self.options["centred"] else p)


class SemanticCorrelationMatching(CorrelationMatching, SemanticMatching):
    """SCM of Rasiwasia: semantic matching on the canonical projections in place of the features.

    Not the semantic correlation maximisation that liong2017 and zhang2018 call SCM.

    Source: Rasiwasia et al., ACM MM 2010. Options: those of CM and SM.
    """

    defaults: ClassVar[dict[str, Any]] = CorrelationMatching.defaults | SemanticMatching.defaults

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        state = CorrelationMatching._fit(self, train, checkpoint)
        views = [_project(train, modality, state) for modality in self.modalities]
        return state | self._classifiers(views, train.labels)

    def _embed(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        return self._semantic(_project(pairs, modality, self.state), modality)


def fit_logistic(
    x: np.ndarray, labels: np.ndarray, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights `[d, C]` and offsets `[C]` of L2-regularised logistic regression.

    Multinomial where every row of `labels` (`bool [n, C]`) has one label, else one per label. A
    label that no sample has, or every one, gets zero weights and the smoothed log-odds of its
    frequency (multinomial: an offset that leaves it no mass).

    Args:
        strength: C of scikit-learn, the inverse of the penalty.

    Raises:
        ValueError: on a strength that is not above 0.
    """
    if not strength > 0:
        raise ValueError(f"C is {strength}, but logistic regression needs it above 0, such as 1.")
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
        for kept, held in folds:
            weights, offsets = fit_logistic(x[kept], labels[kept], strength)
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


def _means(train: Pairs) -> State:
    return {f"{m}.mean": train.features(cast(Modality, m)).mean(axis=0) for m in ("image", "text")}


def _normalised(pairs: Pairs, modality: str, state: State) -> np.ndarray:
    return centre_unit(pairs.features(cast(Modality, modality)), state[f"{modality}.mean"])


def _project(pairs: Pairs, modality: str, state: State) -> np.ndarray:
    x = _normalised(pairs, modality, state) - state[f"{modality}.centre"]
    return x @ state[f"{modality}.directions"]  # [N, k]


def _unit(x: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(norms > 0, norms, 1)
