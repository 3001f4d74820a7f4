"""DisCMH: discriminant cross-modal hashing, bits that classify and that both views can predict."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import linalg

from mmhash_nb.codes import HashCodes
from mmhash_nb.hashers.base import State, ridge
from mmhash_nb.hashers.learned_codes import sample_keys, unified_codes
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.shallow import ShallowHasher
from mmhash_nb.pairs import Pairs

#: passes over all bits in one step of B; fewer where no bit changes any more
SWEEPS = 10


class DisCMH(ShallowHasher):
    """Bits sign(P1'x) and sign(P2'y), regressed on discrete codes B that a linear map classifies.

    With samples in rows, X1 and X2 of images and texts `[n, d1]` and `[n, d2]`, labels Y of 0 and 1
    `[n, C]` and B `[n, n_bits]` of -1 and +1,

        ‖Y − B W‖² + λ ‖W‖² + ν Σ_v (‖B − Xv Pv‖² + δ ‖Pv‖²)

    (Frobenius norms, sums over samples) is minimised over B, W, P1 and P2 in turn, from random bits
    on. W and P are ridge regressions. B is found bit by bit, unrelaxed: all but one of its columns
    fixed, the best column is the sign of an expression in closed form; see `Discriminant`. The last
    step is that of W and P, so P1 and P2 are the regressions on the final codes.
    `state["objective"]` has the objective before the first round and after every one.

    `database_codes` gives the unified codes. A pair that was a training sample has its learned row
    of B: that is the gallery of liong2017 (§4), and it depends on the sample's labels. Training
    samples are told by a digest of their features, which is saved with B; where several have the
    same features, the first one counts. All other pairs have the b that minimises the part of the
    objective without labels, sign(P1'x + P2'y). A query never sees labels or B.

    Sources: Xu, Shen, Yang and Shen, Discriminant cross-modal hashing, ICMR 2016; "DisCMH" of
    liong2017, Tables 1 and 2. We have not read the paper itself: the step of B, λ and ν are those
    of supervised discrete hashing (Shen, Shen, Liu and Shen, CVPR 2015), which it extends to two
    views. A program by its first author (github.com/BMC-SDNU/Cross-Modal-Hashing-Retrieval,
    `DCH/code/SDH_train2.m` and `DCH_discrete.m`) confirms λ = 1, 5 rounds, linear maps of centred
    views, random first bits and the learned B as gallery. It has δ = 0.01 and ν = 0, and its step
    of B is relaxed, the discrete one of ten passes commented out. On held-out training samples of
    UCI digits and Wiki, ν = 0 changes nothing and δ = 0.01 at most 1.2 points, up or down. The rule
    for new pairs is our choice.
    """

    class Options(ShallowHasher.Options):
        lambda_: float = option(1.0, "λ, weight of the classifiers' norm", above=0)
        nu: float = option(1e-5, "ν, weight of the regressions on the codes", above=0)
        ridge: float = option(1.0, "δ, weight of the regressions' norms", above=0)
        iterations: int = option(5, "rounds", least=1)

    options: Options
    linear = "projection"

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        return super()._fit(train, checkpoint) | {"keys": sample_keys(train)}

    def fit_views(
        self, image: np.ndarray, text: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> State:
        chosen = self.options
        weights = chosen.lambda_, chosen.nu, chosen.ridge
        problem = Discriminant((image, text), labels, *weights)
        b = rng.choice([-1.0, 1.0], size=(len(labels), self.n_bits))
        w, p = problem.classifier(b), problem.projections(b)
        history = [problem.objective(b, w, p)]
        for _ in range(chosen.iterations):
            b = problem.codes(b, w, p)
            w, p = problem.classifier(b), problem.projections(b)
            history.append(problem.objective(b, w, p))
        return {
            "codes": b.astype(np.int8),
            "classifier": w,
            "image.projection": p[0],
            "text.projection": p[1],
            "objective": np.array(history),
        }

    def database_codes(self, pairs: Pairs) -> HashCodes:
        """Unified codes: the learned ones of training samples, sign(P1'x + P2'y) of all others."""
        self._check_fitted()
        unified = self._project(pairs, "image") + self._project(pairs, "text")
        return unified_codes(unified, pairs, self.state)


class Discriminant:
    """DisCMH's objective, and the minimiser of each block given the others; names as there."""

    def __init__(
        self,
        views: Sequence[np.ndarray],
        labels: np.ndarray,
        lambda_: float,
        nu: float,
        ridge: float,
    ) -> None:
        self.views, self.y = views, labels.astype(np.float64)
        self.lambda_, self.nu, self.ridge = lambda_, nu, ridge
        self._factors = [linalg.cho_factor(x.T @ x + ridge * np.eye(x.shape[1])) for x in views]

    def classifier(self, b: np.ndarray) -> np.ndarray:
        """W, (B'B + λI)⁻¹ B'Y, `[K, C]`."""
        return ridge(b.T @ b, b.T @ self.y, self.lambda_)

    def projections(self, b: np.ndarray) -> list[np.ndarray]:
        """P1 and P2, each (X'X + δI)⁻¹ X'B, `[d, K]`."""
        return [
            linalg.cho_solve(factor, x.T @ b)
            for x, factor in zip(self.views, self._factors, strict=True)
        ]

    def codes(self, b: np.ndarray, w: np.ndarray, p: Sequence[np.ndarray]) -> np.ndarray:
        """B after passes over its columns, each the best given all others, `[n, K]`.

        Column k with the row v of W is sign(q − B₋ W₋ v'), q that of Q = Y W' + ν Σ Xv Pv, where B₋
        and W₋ are without k. A bit for which both values are equally good stays as it is. The
        passes end where no single bit can be changed for the better.
        """
        b, square = b.copy(), w @ w.T
        # Q − B W W' is updated where bits flip: after the first pass those are few.
        rest = self.y @ w.T - b @ square
        for x, m in zip(self.views, p, strict=True):
            rest += self.nu * (x @ m)
        for _ in range(SWEEPS):
            settled = True
            for k in range(b.shape[1]):
                better = rest[:, k] + square[k, k] * b[:, k]
                flips = np.flatnonzero(better * b[:, k] < 0)
                if flips.size:
                    settled = False
                    b[flips, k] *= -1
                    rest[flips] -= 2 * np.outer(b[flips, k], square[k])
            if settled:
                break
        return b

    def objective(self, b: np.ndarray, w: np.ndarray, p: Sequence[np.ndarray]) -> float:
        """The whole objective, regularisers included."""
        fit = np.square(self.y - b @ w).sum() + self.lambda_ * np.square(w).sum()
        miss = sum(
            np.square(b - x @ m).sum() + self.ridge * np.square(m).sum()
            for x, m in zip(self.views, p, strict=True)
        )
        return float(fit + self.nu * miss)
