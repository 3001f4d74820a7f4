"""SSH: similarity-sensitive hashing, boosted thresholds of single features."""

import numpy as np

from mmhash_nb.hashers.base import State, check_at_most
from mmhash_nb.hashers.label_groups import LabelGroups
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.unimodal import UnimodalHasher
from mmhash_nb.io.compiled import compiled


class SSH(UnimodalHasher):
    """Bits ξ(x) = sign(x_k − t), one feature k and threshold t each, by AdaBoost over pairs.

    A pair (x, x') has ℓ = +1 where the two share a label, else −1, and a weight w; similar and
    dissimilar pairs start with half of the weight each, and the weights sum to 1. The seed draws
    each half of the pairs uniformly from all such pairs, with replacement. Bit by bit:

    1. k and t have the least weighted error ε = Σ w [ξ(x)ξ(x') ≠ ℓ] over all features and all
       midpoints between distinct values of the training samples (an exact search).
    2. w ← w exp(−α ℓ ξ(x)ξ(x')) / Z with α = ½ ln((1 − ε) / ε): greedy descent of the exponential
       loss. Hamming distance counts all bits alike, so α serves the weights only.

    No (k, t) is taken twice; a bit with ε ≥ ½ leaves the weights as they are.
    `state["<modality>.error"]` has ε of every bit.

    Raises:
        ValueError: from `fit`, where the features have fewer thresholds than `n_bits`, or no pair
            of training samples is similar or none is dissimilar.

    Sources: Shakhnarovich, Learning task-specific similarity, MIT thesis, 2005; masci2014, §2.1.
    """

    class Options(UnimodalHasher.Options):
        pairs: int = option(20_000, "pairs to learn from, half similar and half not", least=2)

    options: Options

    def fit_view(self, x: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> State:
        half = self.options.pairs // 2
        groups = LabelGroups.from_labels(labels)
        groups.check_both_kinds()
        pairs = np.concatenate(
            [groups.draw_pairs(similar, half, rng) for similar in (True, False)], axis=1
        )  # [2, 2 half]
        label = np.repeat([1.0, -1.0], half)
        values, ranks, n_values = rank_features(x)
        available = int((n_values - 1).sum())
        check_at_most("n_bits", self.n_bits, available, "thresholds between feature values")

        weight = np.full(2 * half, 0.5 / half)
        used = np.zeros(values.shape, dtype=bool)
        features, thresholds, errors = [], [], []
        for _ in range(self.n_bits):
            k, r = best_stump(ranks, n_values, pairs, weight * label, used)
            used[k, r] = True
            cut = (ranks[k, pairs[0]] <= r) != (ranks[k, pairs[1]] <= r)
            right = cut == (label < 0)
            # A perfect bit would leave no weight anywhere; half a pair bounds its confidence.
            error = max(float(weight[~right].sum()), 0.25 / half)
            alpha = max(0.5 * np.log((1 - error) / error), 0.0)
            weight *= np.exp(np.where(right, -alpha, alpha))
            weight /= weight.sum()
            features.append(k)
            thresholds.append((float(values[k, r]) + float(values[k, r + 1])) / 2)
            errors.append(error)
        return {
            "features": np.array(features),
            "thresholds": np.array(thresholds),
            "error": np.array(errors),
        }

    def project_view(self, x: np.ndarray, state: State) -> np.ndarray:
        return x[:, state["features"]] - state["thresholds"]


def rank_features(x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct values of each feature of `x`, `float32 [n, d]`, and where samples stand there.

    `values` has m distinct values of each feature in order, then zeros, `float32 [d, n]`; `ranks`
    the position of each sample's, `int32 [d, n]`; and `n_values` m, `int64 [d]`.
    """
    n, d = x.shape
    values, ranks = np.zeros((d, n), dtype=np.float32), np.empty((d, n), dtype=np.int32)
    n_values = np.empty(d, dtype=np.int64)
    for k in range(d):
        distinct, inverse = np.unique(x[:, k], return_inverse=True)
        n_values[k] = len(distinct)
        values[k, : len(distinct)] = distinct
        ranks[k] = inverse
    return values, ranks, n_values


@compiled
def best_stump(
    ranks: np.ndarray,
    n_values: np.ndarray,
    pairs: np.ndarray,
    signed_weight: np.ndarray,
    used: np.ndarray,
) -> tuple[int, int]:
    """The feature k and rank r whose split (rank ≤ r or above) has the least weighted error.

    A pair is taken for dissimilar where the split cuts it, so the error is a constant plus the sum
    of signed weights of the cut pairs: a running sum over r to which a pair adds its weight at the
    lower of its two ranks and takes it away at the higher. O(d (pairs + n)), no sort. `pairs` are
    samples, `int64 [2, m]`, `signed_weight` is w ℓ, `[m]`, and `used` `bool [d, n]` has the splits
    that must not be taken again.
    """
    best, best_k, best_r = np.inf, -1, -1
    for k in range(len(ranks)):
        change = np.zeros(n_values[k])
        for p in range(pairs.shape[1]):
            a, b = ranks[k, pairs[0, p]], ranks[k, pairs[1, p]]
            if a != b:
                change[min(a, b)] += signed_weight[p]
                change[max(a, b)] -= signed_weight[p]
        cut = 0.0
        for r in range(n_values[k] - 1):
            cut += change[r]
            if cut < best and not used[k, r]:
                best, best_k, best_r = cut, k, r
    return best_k, best_r
