"""CMFH: collective matrix factorisation hashing, one latent factor behind image and text."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from scipy import linalg

from mmhash_nb.codes import HashCodes
from mmhash_nb.hashers.base import State, ridge
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.shallow import ShallowHasher
from mmhash_nb.pairs import Pairs

#: the alternation ends where a round lowers the objective by less than this share of it
TOLERANCE = 1e-5


class CMFH(ShallowHasher):
    """Bits sign(P1'x) and sign(P2'y) of linear maps onto a factor V that both views share.

    With samples in rows, X1 and X2 of images and texts `[n, d1]` and `[n, d2]`, V `[n, n_bits]`,

        α ‖X1 − V U1‖² + (1 − α) ‖X2 − V U2‖² + μ (‖V − X1 P1‖² + ‖V − X2 P2‖²)
        + γ (‖U1‖² + ‖U2‖² + ‖V‖² + ‖P1‖² + ‖P2‖²)

    (Frobenius norms) is minimised over all five in turn, each exactly by ridge regression; see
    `Factorisation`. The norms are sums over samples, as in the paper, so what γ and α weigh depends
    on the units of the features. As in the authors' program given features are centred alone; those
    that a backbone makes of pixels are scaled to a mean squared length of 1, texts with them.

    The best V is small (the less V weighs in the μ terms, the larger U may be), and the turns alone
    take hundreds of rounds to shrink it. So a round has one more exact step, not in the paper,
    towards the same minimum: the best s for s V, s P1, s P2, U1 / s and U2 / s. It changes no code.

    Since views are centred, V and all projections have mean 0 over the training samples: that is
    the threshold. V is determined up to a rotation, which the random start decides. Labels are not
    used. `state["objective"]` has the objective after every round.

    Sources: Ding, Guo and Zhou, Collective matrix factorization hashing for multimodal data, CVPR
    2014; "CMFH" of zhang2018, Table 1.
    """

    class Options(ShallowHasher.Options):
        alpha: float = option(0.5, "α, the images' share of 1", above=0, below=1)
        mu: float = option(100.0, "μ, weight of the projections", above=0)
        gamma: float = option(0.01, "γ, weight of the norms", above=0)
        iterations: int = option(100, "rounds at most; it stops where it converges", least=1)
        scaled: bool | None = option(
            None, "whether both views have one length; None: of pixels alone", earlier=True
        )

    options: Options
    linear = "projection"

    def scales(self, train: Pairs) -> bool:
        chosen = self.options.scaled
        return train.images.ndim == 4 if chosen is None else chosen

    def fit_views(
        self, image: np.ndarray, text: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> State:
        chosen = self.options
        problem = Factorisation(image, text, chosen.alpha, chosen.mu, chosen.gamma)
        a = rng.standard_normal((image.shape[1] + text.shape[1], self.n_bits))
        history: list[float] = []
        for _ in range(chosen.iterations):
            bases, projections = problem.rescaled(a, problem.bases(a), problem.projections(a))
            a = problem.latent(bases, projections)
            history.append(problem.objective(a, bases, projections))
            if len(history) > 1 and history[-2] - history[-1] < TOLERANCE * history[-2]:
                break
        state = {"latent": a, "objective": np.array(history)}
        for modality, u, p in zip(self.modalities, bases, projections, strict=True):
            state |= {f"{modality}.basis": u, f"{modality}.projection": p}
        return state

    def database_codes(self, pairs: Pairs) -> HashCodes:
        """The unified codes of samples that have both modalities, which single ones can query.

        A code is the sign of the sample's row of V that minimises the objective with the four
        matrices fixed: v = (α U1 U1' + (1 − α) U2 U2' + (2μ + γ) I)⁻¹ (α U1 x + (1 − α) U2 y
        + μ P1'x + μ P2'y).
        """
        self._check_fitted()
        views = [self.view(pairs, "image"), self.view(pairs, "text")]
        return HashCodes.from_real(np.hstack(views) @ self.state["latent"])


class Factorisation:
    """CMFH's objective for two centred views, and the minimiser of each block given the others.

    The best V is linear in the features, V = [X1 X2] A, so A `[d1 + d2, K]` stands for it, and all
    else follows from inner products of features: no step of a round depends on n.
    """

    def __init__(
        self, image: np.ndarray, text: np.ndarray, alpha: float, mu: float, gamma: float
    ) -> None:
        both = np.hstack([image, text])
        self.gram = both.T @ both  # [d1 + d2, d1 + d2]
        self.parts = (slice(0, image.shape[1]), slice(image.shape[1], None))
        self.weights = (alpha, 1 - alpha)
        self.mu, self.gamma = mu, gamma

    @cached_property
    def _ridges(self) -> list[tuple[np.ndarray, bool]]:
        """Cholesky factors of X1'X1 + γ/μ I and X2'X2 + γ/μ I."""
        squares = (self.gram[part, part] for part in self.parts)
        return [linalg.cho_factor(x + self.gamma / self.mu * np.eye(len(x))) for x in squares]

    def bases(self, a: np.ndarray) -> list[np.ndarray]:
        """U1 and U2, each (V'V + γ/w I)⁻¹ V'X with the view's weight w, α or 1 − α: `[K, d]`."""
        cross = a.T @ self.gram  # V'[X1 X2]
        square = cross @ a
        return [
            ridge(square, cross[:, part], self.gamma / weight)
            for weight, part in zip(self.weights, self.parts, strict=True)
        ]

    def projections(self, a: np.ndarray) -> list[np.ndarray]:
        """P1 and P2, each (X'X + γ/μ I)⁻¹ X'V: `[d, K]`."""
        cross = self.gram @ a  # [X1 X2]'V
        return [
            linalg.cho_solve(factor, cross[part])
            for factor, part in zip(self._ridges, self.parts, strict=True)
        ]

    def latent(self, bases: Sequence[np.ndarray], projections: Sequence[np.ndarray]) -> np.ndarray:
        """A, of which [X1 X2] A is the best V: Σ X (w U' + μ P) (Σ w U U' + (2μ + γ) I)⁻¹."""
        blocks = list(zip(self.weights, bases, projections, strict=True))
        target = np.vstack([weight * u.T + self.mu * p for weight, u, p in blocks])
        square = sum(weight * (u @ u.T) for weight, u, _ in blocks)
        return ridge(square, target.T, 2 * self.mu + self.gamma).T

    def rescaled(
        self, a: np.ndarray, bases: list[np.ndarray], projections: list[np.ndarray]
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """U / s and s P for the best s: V U stays, what grows with s² balances what falls so."""
        _, growing, falling = self._terms(a, bases, projections)
        s = (falling / growing) ** 0.25
        return [u / s for u in bases], [s * p for p in projections]

    def objective(
        self, a: np.ndarray, bases: Sequence[np.ndarray], projections: Sequence[np.ndarray]
    ) -> float:
        """The whole objective, regularisers included."""
        return float(sum(self._terms(a, bases, projections)))

    def _terms(
        self, a: np.ndarray, bases: Sequence[np.ndarray], projections: Sequence[np.ndarray]
    ) -> tuple[float, float, float]:
        """The objective in parts: factorisation; the square terms of V and P; those of U."""
        cross = self.gram @ a  # [X1 X2]'V
        square = a.T @ cross  # V'V
        factorisation, growing, falling = 0.0, self.gamma * np.trace(square), 0.0
        for weight, part, u, p in zip(self.weights, self.parts, bases, projections, strict=True):
            gram = self.gram[part, part]
            fit = np.trace(gram) - 2 * np.sum(u.T * cross[part]) + np.sum((u @ u.T) * square)
            miss = np.trace(square) - 2 * np.sum(p * cross[part]) + np.sum(p * (gram @ p))
            factorisation += weight * fit
            growing += self.mu * miss + self.gamma * np.square(p).sum()
            falling += self.gamma * np.square(u).sum()
        return factorisation, growing, falling
