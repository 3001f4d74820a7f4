"""SePH-km: codes that keep label affinities, and kernel logistic regression to tell them."""

from pathlib import Path
from typing import Literal

import numpy as np
from scipy import linalg
from scipy.optimize import minimize
from scipy.special import expit, xlogy
from sklearn.cluster import KMeans
from sklearn.metrics.pairwise import euclidean_distances

from mmhash_nb.codes import HashCodes
from mmhash_nb.hashers.base import State, in_blocks, signs
from mmhash_nb.hashers.label_groups import LabelGroups, label_sets
from mmhash_nb.hashers.learned_codes import sample_keys, unified_codes
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.shallow import ShallowHasher
from mmhash_nb.pairs import Modality, Pairs

#: standard deviation of the random H that learning starts from
START = 0.1
#: steps of L-BFGS at most, for H and for the regressions; of k-means
CODE_STEPS, REGRESSION_STEPS, MEANS_STEPS = 40, 100, 20
#: weight of a regression's penalty
PENALTY = 0.01
#: curvature of less than this fraction of the largest is rounding error
NEGLIGIBLE = 1e-10
#: rows of an n×n matrix at a time
ROWS = 256


class SePHkm(ShallowHasher):
    """Codes H whose distances are distributed as label affinities; a classifier a bit and view.

    P is the cosine between label vectors over all pairs of different training samples, divided by
    its sum. Q is the same of (1 + ‖hᵢ − hⱼ‖²/4)⁻¹, a Student kernel of the Hamming distance, which
    is ‖hᵢ − hⱼ‖²/4 for signs. H `[n, K]` minimises

        KL(P‖Q) + α/(nK) ‖|H| − 1‖²

    by L-BFGS from a small random start; its signs are the codes of the training samples. The first
    term does not change where all of H moves and its gradient has no mean, so H stays about 0,
    where the sign cuts it. Samples with the same labels start at the same h. Their gradients are
    equal, so they stay together, and the minimum is sought over one h for each of G label sets.

    Then, for each bit and view, kernel logistic regression on k(x, a) = exp(−‖x − a‖²/(w σ²)) tells
    the bit from x: v minimises Σ log(1 + exp(−h vᵀk)) + 0.01 vᵀK₀v, K₀ the kernel between the
    anchors a, which are the means of k-means in that view. σ² is the mean squared distance of two
    training samples, w the option `width`. vᵀk are the log-odds of the bit, and their sign is the
    bit.

    The code of a sample with both views, `database_codes`, joins what they predict: the sign of
    p(1|x) p(1|y) − p(−1|x) p(−1|y), which takes the views as independent given the bit and both
    values of the bit as equally likely. With `gallery="learned"` training samples have their
    learned codes there instead. That is the rule of liong2017 (§4.2), not SePH's. Such a gallery is
    classified by its labels. On Wiki that is worth 6 to 10 points of mAP at 16 to 128 bits, and
    between −2 and 1 of mAP@100.

    The state has the `objective` of H at its start and end. Where the training samples have more
    than `label_sets` label sets, so many are drawn by the seed, each as likely as it has samples,
    and the samples of others are left out. Memory is 24 G² bytes while P is made, time O(G²K) a
    step.

    Raises:
        ValueError: from `fit`, where no two of the samples share a label, or all do.

    Source: Lin, Ding, Hu and Wang, Semantics-preserving hashing for cross-view retrieval, CVPR
    2015, and its journal version with Han, IEEE Transactions on Cybernetics 2017. The papers'
    texts we have not read: α, the penalty, the kernel (w = 1) and the rule for both views are those
    of the authors' program. It minimises by gradient descent with momentum, as t-SNE does; L-BFGS
    and one h for each label set are our choice.
    """

    class Options(ShallowHasher.Options):
        alpha: float = option(0.01, "α, weight of the distance to ±1", least=0)
        anchors: int = option(500, "of each view; no more than different samples", least=1)
        label_sets: int = option(4000, "G at most, how many different ones", least=2)
        width: float = option(1.0, "w, the kernel's width in σ²", above=0, earlier=2.0)
        gallery: Literal["predicted", "learned"] = option(
            "predicted", "codes of training samples in `database_codes`", earlier="learned"
        )

    options: Options

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        state = super()._fit(train, checkpoint)
        return state | {"keys": sample_keys(train)[state.pop("drawn")]}

    def fit_views(
        self, image: np.ndarray, text: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> State:
        chosen = draw(labels, self.options.label_sets, rng)
        LabelGroups.from_labels(labels[chosen]).check_both_kinds()
        sets, of, counts = label_sets(labels[chosen])
        objective = Objective(sets, counts, self.options.alpha)
        start = START * rng.standard_normal((len(sets), self.n_bits))
        h = learn_codes(objective, start)
        state = {"objective": np.array([objective(start)[0], objective(h)[0]])}
        bits = signs(h)[of]
        state |= {"codes": bits.astype(np.int8), "drawn": chosen}
        for modality, x in (("image", image[chosen]), ("text", text[chosen])):
            means = k_means(x, self.options.anchors, rng)
            state[f"{modality}.anchors"] = means
            kernel, between = (rbf(of, means, self.options.width) for of in (x, means))
            state[f"{modality}.weights"] = kernel_logistic(kernel, between, bits)
        return state

    def project_view(self, x: np.ndarray, modality: Modality) -> np.ndarray:
        anchors, weights = self.state[f"{modality}.anchors"], self.state[f"{modality}.weights"]
        width = self.options.width
        return in_blocks(lambda some: rbf(some, anchors, width) @ weights, x, self.n_bits)

    def database_codes(self, pairs: Pairs) -> HashCodes:
        """One code for both views: the more likely bits given image and text.

        With the option `gallery="learned"` training samples have their learned codes, which have
        seen their labels.
        """
        self._check_fitted()
        # p q > (1 − p)(1 − q) where the log-odds of p and q have a sum above 0.
        odds = self._project(pairs, "image") + self._project(pairs, "text")
        if self.options.gallery == "predicted":
            return HashCodes.from_real(odds)
        return unified_codes(odds, pairs, self.state)


def draw(labels: np.ndarray, limit: int, rng: np.random.Generator) -> np.ndarray:
    """All samples of those `limit` label sets that come first in a random order of the samples."""
    order = rng.permutation(len(labels))
    of = label_sets(labels)[1][order]
    _, first = np.unique(of, return_index=True)
    return order[np.isin(of, of[np.sort(first)[:limit]])]


class Objective:
    """KL(P‖Q) + α/(nK) ‖|H| − 1‖² and its gradient, as a function of one h a label set.

    With q = (1 + ‖hᵢ − hⱼ‖²/4)⁻¹ and Q = q/Σq the gradient of the first term by hᵢ is
    Σⱼ (P − Q) q (hᵢ − hⱼ); a label set has the sum of those of its samples. Time is O(G²K), all in
    matrix products, and memory that of P.

    Args:
        sets: `bool [G, C]`. counts: how many samples have each, `[G]`.

    Attributes:
        p: P summed over the pairs of samples of two label sets, `[G, G]`.
    """

    def __init__(self, sets: np.ndarray, counts: np.ndarray, alpha: float) -> None:
        unit = sets / np.linalg.norm(sets, axis=1, keepdims=True)
        pairs = np.outer(counts, counts) - np.diag(counts)
        p = (unit @ unit.T) * pairs
        self.p = p / p.sum()
        self.counts, self.alpha = counts.astype(np.float64), alpha
        self.negative_entropy = float(xlogy(self.p, self.p / np.maximum(pairs, 1)).sum())

    def __call__(self, h: np.ndarray) -> tuple[float, np.ndarray]:
        """The value, and its gradient by H `[G, K]`."""
        g, k = h.shape
        ones, lengths, counts = np.ones(g), np.square(h).sum(axis=1) / 4, self.counts[:, None]
        # 1 + ‖hᵢ − hⱼ‖²/4 as one product.
        left = np.column_stack([-h / 2, 1 + lengths, ones])
        right = np.column_stack([h, ones, lengths]).T
        ends = np.column_stack([h, ones])
        counted = counts * ends
        pull, push = np.empty((g, k + 1)), np.empty((g, k + 1))
        # No sample forms a pair with itself, where q = 1.
        cross, total = 0.0, -self.counts.sum()
        for i in range(0, g, ROWS):
            rows = slice(i, i + ROWS)
            apart = left[rows] @ right
            cross += np.vdot(self.p[rows], np.log(apart))
            q = np.divide(1, apart, out=apart)
            total += self.counts[rows] @ q @ self.counts
            pull[rows] = (self.p[rows] * q) @ ends
            push[rows] = np.square(q, out=q) @ counted
        forces = pull - counts * push / total
        rounding, weight = np.abs(h) - 1, self.alpha / (self.counts.sum() * k) * counts
        value = self.negative_entropy + cross + np.log(total) + (weight * rounding**2).sum()
        gradient = forces[:, k:] * h - forces[:, :k] + 2 * weight * rounding * np.sign(h)
        return float(value), gradient


def learn_codes(objective: Objective, start: np.ndarray) -> np.ndarray:
    """H `[G, K]` where L-BFGS from `start` ends."""
    # In these coordinates steps are those over all samples: a label set weighs as it has samples.
    scale = np.sqrt(objective.counts)[:, None]

    def flat(scaled: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = objective(scaled.reshape(start.shape) / scale)
        return value, (gradient / scale).ravel()

    options = {"maxiter": CODE_STEPS, "maxfun": 2 * CODE_STEPS, "gtol": 0, "ftol": 1e-9}
    found = minimize(flat, (start * scale).ravel(), jac=True, method="L-BFGS-B", options=options)
    return found.x.reshape(start.shape) / scale


def k_means(x: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Means of `count` clusters of `x` `[n, d]`, or of as many as `x` has different rows."""
    count = min(count, len({row.tobytes() for row in x}))
    seed = int(rng.integers(2**31))
    search = KMeans(count, init="random", n_init=1, max_iter=MEANS_STEPS, random_state=seed)
    return search.fit(x).cluster_centers_


def rbf(x: np.ndarray, anchors: np.ndarray, width: float) -> np.ndarray:
    """exp(−‖x − a‖²/(w σ²)), `[n, m]`; σ² is 2 in the views of `ShallowHasher`, which are centred
    and have a mean squared length of 1."""
    return np.exp(euclidean_distances(x, anchors, squared=True) / (-2 * width))


def kernel_logistic(kernel: np.ndarray, between: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """W `[m, K]` that minimises Σ log(1 + exp(−signs · kernel W)) + 0.01 tr Wᵀ between W.

    `kernel` `[n, m]` is of samples and anchors, `between` of the anchors; bits are ±1, `[n, K]`.
    """
    # Coordinates in which the curvature at W = 0 is the identity: L-BFGS needs few steps there.
    values, vectors = linalg.eigh(kernel.T @ kernel / 4 + 2 * PENALTY * between)
    large = values > NEGLIGIBLE * values[-1]
    basis = vectors[:, large] / np.sqrt(values[large])
    features, penalty = kernel @ basis, PENALTY * basis.T @ between @ basis

    def flat(v: np.ndarray) -> tuple[float, np.ndarray]:
        v = v.reshape(len(penalty), -1)
        margins, shrunk = signs * (features @ v), penalty @ v
        value = np.logaddexp(0, -margins).sum() + np.vdot(v, shrunk)
        return value, (2 * shrunk - features.T @ (signs * expit(-margins))).ravel()

    start = np.zeros(len(penalty) * signs.shape[1])
    options = {"maxiter": REGRESSION_STEPS, "gtol": 0, "ftol": 1e-9}
    found = minimize(flat, start, jac=True, method="L-BFGS-B", options=options)
    return basis @ found.x.reshape(len(penalty), -1)
