"""CM-SSH: cross-modality similarity-sensitive hashing by boosting."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy import linalg, sparse

from mmhash_nb.hashers.base import EncodedModality, Hasher, State, share_label
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.unit_features import UnitFeatures
from mmhash_nb.pairs import Pairs

#: candidates for one threshold: this many gaps between the projections of the training samples
THRESHOLDS = 256
#: pairs are drawn in blocks of twice the number wanted, and this many blocks at most
MAX_BLOCKS = 200


class CMSSH(UnitFeatures, Hasher):
    """Cross-modality similarity-sensitive hashing: bits ξ(x) = sign(p'x + a), η(y) = sign(q'y + b).

    Bit by bit, over inter-modal pairs (x, y) with s = +1 where they share a label, else -1, and
    weights w that sum to 1:

    1. p, q are the leading singular vectors of the weighted covariance of the positive pairs minus
       that of the negative ones, Σ w s x y', so p'(Σ w s x y')q is the largest. (Eq. 4 of masci2014
       prints "min"; with ℓ = +1 for similar pairs it must be max.)
    2. a, b minimise the weighted error ε = Σ w [s ≠ ξ(x) η(y)] by a search over all pairs of
       thresholds (`best_thresholds`).
    3. AdaBoost: w ← w exp(-α s ξ(x) η(y)) / Z with α = ½ ln((1 - ε) / ε). The mean exponential
       loss of the pairs is the product of the Z = 2 √(ε (1 - ε)), so no bit raises it.

    The seed draws as many positive as negative pairs, which start with half the weight each; where
    n² is not above `pairs`, all are taken. Features are centred by the training mean and scaled to
    unit length. `state["error"]` has ε of every bit, `[n_bits]`.

    Sources: Bronstein et al., Data fusion through cross-modality metric learning using
    similarity-sensitive hashing, CVPR 2010; masci2014, §2.2, Eq. 4.
    """

    class Options(Hasher.Options):
        pairs: int = option(50_000, "inter-modal pairs to learn from, half similar", least=2)

    options: Options
    family: ClassVar[str] = "shallow"

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        state = self.means(train)
        x, y = (self.normalised(train, modality, state) for modality in self.modalities)
        rng = np.random.default_rng(self.seed)
        i, j, similar = draw_pairs(train.labels, self.options.pairs, rng)
        sign = np.where(similar, 1.0, -1.0)
        weight = np.where(similar, 0.5 / similar.sum(), 0.5 / (~similar).sum())
        bits = []
        for _ in range(self.n_bits):
            p, q = leading_directions(x, y, i, j, weight * sign)
            u, v = x @ p, y @ q
            a, b = best_thresholds(u, v, i, j, weight * sign)
            agree = ((u + a >= 0)[i] == (v + b >= 0)[j]) == similar
            # A perfect bit would leave no weight anywhere; one pair in all bounds its confidence.
            error = max(float(weight[~agree].sum()), 0.5 / len(i))
            alpha = max(0.5 * np.log((1 - error) / error), 0.0)
            weight *= np.exp(np.where(agree, -alpha, alpha))
            weight /= weight.sum()
            bits.append((p, q, a, b, error))
        keys = (
            "image.directions",  # [dx, n_bits]
            "text.directions",  # [dy, n_bits]
            "image.offsets",
            "text.offsets",
            "error",
        )
        learned = zip(keys, zip(*bits, strict=True), strict=True)
        return state | {key: np.stack(parts, axis=-1) for key, parts in learned}

    def _project(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        x = self.normalised(pairs, modality, self.state)
        return x @ self.state[f"{modality}.directions"] + self.state[f"{modality}.offsets"]


def draw_pairs(
    labels: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Inter-modal pairs of training samples, half similar and half not where there are enough.

    `count` pairs, or all n² where they are no more: indices of the first and of the second
    modality, `int64 [m]` each, and whether they share a label, `bool [m]`.

    Raises:
        ValueError: where all pairs are similar or none is.
    """
    n = len(labels)
    if n * n <= count:
        i, j = np.divmod(np.arange(n * n), n)
        similar = share_label(labels, labels).ravel()
    else:
        i, j, similar = _sample(labels, count // 2, rng)
    if similar.all() or not similar.any():
        raise ValueError(
            f"of {len(i)} pairs of training samples {'all' if similar.all() else 'none'} share a "
            "label, but CM-SSH learns from both similar and dissimilar ones: take more samples, "
            "labels that divide them, or more pairs."
        )
    return i, j, similar


def _sample(
    labels: np.ndarray, wanted: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Uniform draws until `wanted` of either kind are there (or the blocks are used up)."""
    found: dict[bool, list[np.ndarray]] = {True: [], False: []}
    missing = {True: wanted, False: wanted}
    for _ in range(MAX_BLOCKS):
        drawn = rng.integers(len(labels), size=(2, 4 * wanted))
        similar = (labels[drawn[0]] & labels[drawn[1]]).any(axis=1)
        for kind in (True, False):
            chosen = drawn[:, similar == kind][:, : missing[kind]]  # [2, m]
            found[kind].append(chosen)
            missing[kind] -= chosen.shape[1]
        if not any(missing.values()):
            break
    positive, negative = (np.concatenate(found[kind], axis=1) for kind in (True, False))
    i, j = np.concatenate([positive, negative], axis=1)
    return i, j, np.arange(len(i)) < positive.shape[1]


def leading_directions(
    x: np.ndarray, y: np.ndarray, i: np.ndarray, j: np.ndarray, signed_weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Unit p (`[dx]`) and q (`[dy]`) that maximise Σ_k signed_weight_k (p'x_i(k)) (q'y_j(k))."""
    pairs = sparse.coo_array((signed_weight, (i, j)), shape=(len(x), len(y))).tocsr()
    difference = x.T.astype(np.float64) @ (pairs @ y.astype(np.float64))  # [dx, dy]
    u, _, vt = linalg.svd(difference, full_matrices=False)
    return u[:, 0], vt[0]


def best_thresholds(
    u: np.ndarray, v: np.ndarray, i: np.ndarray, j: np.ndarray, signed_weight: np.ndarray
) -> tuple[float, float]:
    """The offsets a, b for which sign(u + a) sign(v + b) agrees best with the pairs' signs.

    Every threshold of one view is tried with every one of the other: the signed weights are
    counted into a two-dimensional histogram between the candidates, and its cumulative sums give
    Σ signed_weight sign(u + a) sign(v + b) for all of them. Candidates lie midway between
    neighbouring values, so that each divides the samples: all gaps up to `THRESHOLDS` of them (the
    search is then exact), else that many at even ranks. `u` and `v` are projections of the samples
    of both views, `[n]`; `i` and `j` the samples of each pair, `int64 [m]`; its weight is negative
    where it is dissimilar, `[m]`.
    """
    cuts_u, cuts_v = _gaps(u), _gaps(v)
    row = np.searchsorted(cuts_u, u, side="right")[i]
    column = np.searchsorted(cuts_v, v, side="right")[j]
    shape = (len(cuts_u) + 1, len(cuts_v) + 1)
    flat = np.bincount(row * shape[1] + column, signed_weight, minlength=shape[0] * shape[1])
    below = flat.reshape(shape).cumsum(axis=0).cumsum(axis=1)  # [bins of u, bins of v]
    above_minus_below = below[-1] - 2 * below[:-1]
    gain = above_minus_below[:, -1:] - 2 * above_minus_below[:, :-1]
    best_u, best_v = np.unravel_index(gain.argmax(), gain.shape)
    return -float(cuts_u[best_u]), -float(cuts_v[best_v])


def _gaps(values: np.ndarray) -> np.ndarray:
    """Midpoints between neighbouring distinct values, at most `THRESHOLDS`, at even ranks."""
    distinct = np.unique(values)
    if len(distinct) == 1:
        return distinct  # nothing to divide: one candidate that puts all samples on one side
    gaps = (distinct[1:] + distinct[:-1]) / 2
    chosen = np.linspace(0, len(gaps) - 1, min(len(gaps), THRESHOLDS)).round().astype(int)
    return gaps[chosen]
