"""PDH: predictable dual-view hashing, where each view's SVMs predict the bits of the other."""

import numpy as np
from scipy import linalg

from mmhash_nb.hashers.base import State, signs
from mmhash_nb.hashers.cca_itq import canonical_embedding, random_rotation
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.shallow import ShallowHasher

#: an SVM ends where a step lowers its objective by less than this share of it, or after this many
TOLERANCE = 5e-4
STEPS = 100
#: a singular value below this share of the largest is rounding error
NEGLIGIBLE = 1e-9


class PDH(ShallowHasher):
    """Bits sign(W1'x) and sign(W2'y) of linear SVMs, each predicting a bit of the other view.

    Each round takes the views in turn, image first:

    1. The scores S `[n, n_bits]` of the other view's SVMs, S = U Σ Z' by singular values, are
       decorrelated and give the bits B = sign(U Σ^(1−d) Z'), with d the option `decorrelation`.
    2. For each bit b of B, an SVM in this view: w that minimises
       ½‖w‖² + c Σᵢ max(0, 1 − bᵢw'xᵢ)².

    Before the first round, the text scores are canonical projections, each scaled by its
    correlation, under a random rotation. Views are centred and the SVMs have no offset, so no bit
    can be predicted by being the same for all. Labels are not used.

    Step 1 is what keeps bits apart: with d = 0, a few rounds turn all of them towards the one
    direction that the views predict best. With d = 1 the scores' columns become orthonormal, and
    that goes too far: a direction that the other view hardly predicts weighs as much as any, so
    more bits do not help. On held-out training samples (mAP, mean of both directions and three
    seeds; 16, 32, 64 bits; `results/study_liong2017_*_decorrelation.csv` has 0 and ¾, too), d = 1
    gives .446 .435 .445 on UCI digits and .231 .240 .251 on Wiki, d = ½ .555 .574 .596 and .235
    .242 .250, d = ¼ .600 .629 .652 and .227 .235 .242. ½ is the least that costs Wiki no more than
    .002 against 1.

    No one objective falls through both steps. After every round the state has `disagreement`, the
    share of training bits that differ between the views, and `correlation`, the mean of |bₖ'bₗ| / n
    over pairs of a view's bits.

    Sources: Rastegari, Choi, Fakhraei, Daumé and Davis, Predictable dual-view hashing, ICML 2013;
    "PDH" of liong2017, Tables 1 and 2. We have not read the paper itself, nor found any program of
    it. From notes that could not be checked: max-margin bits that predict those of the other view,
    a penalty on correlated bits, alternation. Found: Rastegari, Farhadi and Forsyth, Attribute
    discovery via predictable discriminative binary codes, ECCV 2012, Algorithm 1, which for one
    view trains a linear SVM for each bit and takes its signs as the next bits. This is our reading:

    - Squared slacks: all bits are then solved together (`LinearSVMs`). `LinearSVC` takes about half
      a second for one bit of 10,000 samples, and a fit needs a thousand bits.
    - Scores are decorrelated, not signs, which did not keep the bits apart; d < 1 stands for a
      penalty in place of a constraint.
    - The start, `c` and the number of rounds. With d = 1, on held-out training samples of Wiki,
      results are about the same for c from 1 to 100 and for 5 to 20 rounds.
    """

    class Options(ShallowHasher.Options):
        c: float = option(1.0, "weight of the slacks, as in scikit-learn's `LinearSVC`", above=0)
        iterations: int = option(10, "rounds", least=1)
        decorrelation: float = option(
            0.5, "d; 1: none correlate, 0: as they are", least=0, most=1, earlier=1.0
        )

    options: Options
    linear = "weights"

    def fit_views(
        self, image: np.ndarray, text: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> State:
        _, wy = canonical_embedding(image, text, self.n_bits)
        text_scores = text @ wy @ random_rotation(wy.shape[1], self.n_bits, rng)
        c, d = self.options.c, self.options.decorrelation
        image_svms, text_svms = (LinearSVMs(view, self.n_bits, c) for view in (image, text))
        disagreement, correlation = [], []
        for _ in range(self.options.iterations):
            image_scores = image_svms.fit(decorrelated(text_scores, d))
            text_scores = text_svms.fit(decorrelated(image_scores, d))
            codes = signs(image_scores), signs(text_scores)
            disagreement.append((codes[0] != codes[1]).mean())
            correlation.append(np.mean([mean_correlation(b) for b in codes]))
        return {
            "image.weights": image_svms.weights,  # [dx, n_bits]
            "text.weights": text_svms.weights,  # [dy, n_bits]
            "disagreement": np.array(disagreement),
            "correlation": np.array(correlation),
        }


class LinearSVMs:
    """Linear SVMs of one view for all bits at once, with squared slacks and no offset.

    Where the margin of a sample is m₀ now, max(0, 1 − m)² ≤ (m − max(m₀, 1))², with equality at m₀.
    So one ridge regression on B ∘ max(M₀, 1) lowers the objective of every bit, and all steps share
    one Cholesky factor of X'X + I / 2c. Steps start ahead of where the last one ended, by the
    momentum of Beck and Teboulle (FISTA, 2009), which is dropped where the objective would rise.
    A fit starts from the last one's weights W, `[d, n_bits]`; c is the weight of the slacks.
    """

    def __init__(self, x: np.ndarray, n_bits: int, c: float) -> None:
        self.x, self.c = x, c
        self.weights = np.zeros((x.shape[1], n_bits))
        self._ridge = linalg.cho_factor(x.T @ x + np.eye(x.shape[1]) / (2 * c))

    def fit(self, b: np.ndarray) -> np.ndarray:
        """Learn the bits `b`, -1 and 1 `[n, n_bits]`; return the scores XW, `[n, n_bits]`."""
        scores = seen = self.x @ self.weights  # `seen`: the scores that a step starts from
        before, pace = self.objective(scores, b), 1.0
        for _ in range(STEPS):
            weights, last = self.weights, scores
            target = b * np.maximum(b * seen, 1)
            self.weights = linalg.cho_solve(self._ridge, self.x.T @ target)
            scores = self.x @ self.weights
            now = self.objective(scores, b)
            if now > before and pace > 1:  # too far ahead: back, and on at a walk
                self.weights, scores = weights, last
                seen, pace = scores, 1.0
                continue
            if before - now < TOLERANCE * before:
                break
            faster = (1 + np.sqrt(1 + 4 * pace**2)) / 2
            seen = scores + (pace - 1) / faster * (scores - last)
            before, pace = now, faster
        return scores

    def objective(self, scores: np.ndarray, b: np.ndarray) -> float:
        """½‖W‖² + c Σ max(0, 1 − b·score)², summed over bits."""
        slack = np.maximum(1 - b * scores, 0)
        return float(0.5 * np.square(self.weights).sum() + self.c * np.square(slack).sum())


def decorrelated(scores: np.ndarray, d: float) -> np.ndarray:
    """Signs of U Σ^(1−d) Z', where the scores S are U Σ Z' by singular values, `[n, n_bits]`.

    Its columns have the Gram matrix (S'S)^(1−d): with d = 1 they are the orthonormal columns that
    are nearest to those of S. Scores of more bits than dimensions have columns that depend on each
    other; zero singular values are left out, and the bits are as uncorrelated as so few dimensions
    allow.
    """
    u, values, zt = linalg.svd(scores, full_matrices=False)
    large = values > NEGLIGIBLE * values[0]
    return signs(u[:, large] * values[large] ** (1 - d) @ zt[large])


def mean_correlation(b: np.ndarray) -> float:
    """The mean of |bₖ'bₗ| / n over all pairs of different bits of `b`, -1 and 1 `[n, n_bits]`."""
    k = b.shape[1]
    return float((np.abs(b.T @ b).sum() / len(b) - k) / max(k * (k - 1), 1))
