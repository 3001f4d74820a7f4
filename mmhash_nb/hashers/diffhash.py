"""DiffHash: eigenvectors of a difference of covariances, thresholds by an exact search."""

import numpy as np
from scipy import linalg

from mmhash_nb.hashers.base import State, check_at_most
from mmhash_nb.hashers.label_groups import LabelGroups
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.unimodal import UnimodalHasher
from mmhash_nb.io.compiled import compiled


class DiffHash(UnimodalHasher):
    """ξ(x) = sign(Px + a) of least E{‖ξ(x) − ξ(x')‖² | P} − α E{‖ξ(x) − ξ(x')‖² | N}.

    Without the sign, the rows of P are the eigenvectors of C_P − αC_N of smallest eigenvalues. The
    expectations are over all unordered pairs of different training samples, similar (P) where the
    two share a label, else dissimilar (N); nothing is sampled. Where fewer than `n_bits`
    eigenvalues are negative, the smallest are taken all the same. With P fixed, each threshold
    minimises the objective itself, sign included, over all splits of the training samples. At α = 1
    that is the sum of the rates of false negatives and false positives.

    Raises:
        ValueError: from `fit`, where `n_bits` exceeds the feature dimension, or no pair of training
            samples is similar or none is dissimilar.

    Sources: Strecha et al., LDAHash: Improved matching with smaller descriptors, PAMI 2012;
    masci2014, §2.1, Eq. 2.
    """

    class Options(UnimodalHasher.Options):
        alpha: float = option(1.0, "weight α of dissimilar pairs", above=0)

    options: Options

    def fit_view(self, x: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> State:
        alpha = self.options.alpha
        check_at_most("n_bits", self.n_bits, x.shape[1], "feature dimensions")
        groups = LabelGroups.from_labels(labels)
        groups.check_both_kinds()
        positive, negative = pair_covariances(x, groups)
        _, directions = linalg.eigh(
            positive - alpha * negative, subset_by_index=[0, self.n_bits - 1]
        )
        directions = directions.astype(np.float32)  # [d, n_bits]
        thresholds = [best_threshold(column, groups, alpha) for column in (x @ directions).T]
        return {"directions": directions, "thresholds": np.array(thresholds)}

    def project_view(self, x: np.ndarray, state: State) -> np.ndarray:
        return x @ state["directions"] - state["thresholds"]


def pair_covariances(x: np.ndarray, groups: LabelGroups) -> tuple[np.ndarray, np.ndarray]:
    """C_P and C_N: the mean of (x − x')(x − x')ᵀ over all similar and over all dissimilar pairs.

    With S the similarity of samples and D its row sums, the sum over similar pairs is XᵀDX − XᵀSX;
    the sum over all pairs is n XᵀX − (Xᵀ1)(Xᵀ1)ᵀ. S enters through the sums of groups only. Both
    are `float64 [d, d]`, of `x`, `float32 [n, d]`.
    """
    x = x.astype(np.float64)
    sums = np.zeros((len(groups.counts), x.shape[1]))  # [G, d]
    np.add.at(sums, groups.of, x)
    itself = np.diag(groups.share)[groups.of]  # a pair of a sample with itself adds nothing
    similar = x.T @ ((groups.similar_to + itself)[:, None] * x) - sums.T @ groups.share @ sums
    total = sums.sum(axis=0)
    every = len(x) * (x.T @ x) - np.outer(total, total)
    return similar / groups.n_similar, (every - similar) / groups.n_dissimilar


def best_threshold(values: np.ndarray, groups: LabelGroups, alpha: float) -> float:
    """The threshold a whose bit (value ≥ a) has the least cut(P)/|P| − α cut(N)/|N|.

    cut counts the pairs with different bits, so cut(P)/|P| is the rate of false negatives and
    1 − cut(N)/|N| that of false positives. Exact: all midpoints between neighbouring distinct
    values are tried. Thresholds outside all values are not (a bit that never changes says nothing),
    except where all values are equal. `values` are one projection of the training samples, `[n]`.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order].astype(np.float64)
    ends = np.flatnonzero(ordered[1:] > ordered[:-1])  # the last sample below each threshold
    if ends.size == 0:
        return float(ordered[0])
    earlier = _similar_earlier(groups.of[order], groups.share)
    # Pairs with one end below: all pairs of the samples below, less twice those among themselves.
    similar_cut = np.cumsum(groups.similar_to[order] - 2 * earlier)[ends]
    below = ends + 1
    dissimilar_cut = below * (len(values) - below) - similar_cut
    loss = similar_cut / groups.n_similar - alpha * dissimilar_cut / groups.n_dissimilar
    best = ends[np.argmin(loss)]
    return float((ordered[best] + ordered[best + 1]) / 2)


@compiled
def _similar_earlier(of: np.ndarray, share: np.ndarray) -> np.ndarray:
    """For each sample, how many of those before it are similar to it."""
    seen = np.zeros(len(share), np.int64)  # of each group, samples so far that are similar to it
    earlier = np.empty(len(of), np.int64)
    for i in range(len(of)):
        earlier[i] = seen[of[i]]
        for g in range(len(share)):
            seen[g] += share[of[i], g]
    return earlier
