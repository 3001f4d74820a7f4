"""SCM: semantic correlation maximisation, codes whose products reconstruct the labels' cosines."""

from typing import Literal

import numpy as np
from scipy import linalg

from mmhash_nb.hashers.base import State, check_at_most, signs
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.shallow import ShallowHasher


class SCM(ShallowHasher):
    """Linear bits Hx = sgn(X Wx), Hy = sgn(Y Wy) of least ‖c S − Hx Hy'‖²_F, with c = `n_bits`.

    S = 2 L L' − 1 1' holds the similarity of training samples, −1 to 1, with the label rows in L
    scaled to unit length. Without the sign, and with Wx' Cxx Wx = I = Wy' Cyy Wy for the (slightly
    regularised) covariances Cxx, Cyy, the trace of Wx' X' S Y Wy is to be largest:

    - `orthogonal`: all bits at once. Wx solves C Cyy⁻¹ C' w = λ² Cxx w for the largest λ, with
      C = X' S Y, and Wy = Cyy⁻¹ C' Wx / λ.
    - `sequential`: bit by bit, the leading pair of the same problem with C = X' R Y, and then
      R ← R − sgn(X wx) sgn(Y wy)', from R = c S on. A bit mends what the signs of those before it
      left, so there may be more bits than features.

    S has at most one dimension for each label and one more (which centring removes): orthogonal
    bits beyond the number of labels have λ = 0 and carry no more than rounding decides. Both views
    are centred by the training mean, and so are queries and the database; a bit's threshold is 0.
    `state["objective"]` has ‖c S − Hx Hy'‖²_F of the training samples before the first bit and
    after every one, `[n_bits + 1]`.

    Raises:
        ValueError: from `fit`, on more orthogonal bits than features in a view, or training samples
            that all have the same labels.

    Source: Zhang and Li, Large-scale supervised multimodal hashing with semantic correlation
    maximization, AAAI 2014; "SCM" of zhang2018, Table 1.
    """

    class Options(ShallowHasher.Options):
        solver: Literal["sequential", "orthogonal"] = option("sequential", "how bits are found")
        ridge: float = option(1e-4, "added to the covariances, relative to mean variance", above=0)

    options: Options

    def fit_views(
        self, image: np.ndarray, text: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> State:
        if (labels == labels[0]).all():
            raise ValueError(
                f"all {len(labels)} training samples have the same labels, but SCM learns from how "
                "labels differ: give it samples with different ones."
            )
        x, y = (Whitened(view, self.options.ridge) for view in (image, text))
        if self.options.solver == "orthogonal":
            available = min(image.shape[1], text.shape[1])
            check_at_most("n_bits", self.n_bits, available, "features in one view")
            wx, wy = orthogonal_directions(x, y, labels, self.n_bits)
        else:
            wx, wy = sequential_directions(x, y, labels, self.n_bits)
        errors = reconstruction_errors(labels, signs(image @ wx), signs(text @ wy))
        return {"image.directions": wx, "text.directions": wy, "objective": errors}


class Whitened:
    """A view with the coordinates in which its regularised covariance is the identity.

    With Cxx = X'X / n plus `ridge` times its mean variance on the diagonal, and Cxx = T T' for a
    lower triangle T, these are X T⁻ᵀ, `white`; a direction u there is T⁻ᵀ u in the view's features.
    """

    def __init__(self, x: np.ndarray, ridge: float) -> None:
        covariance = x.T @ x / len(x)
        covariance += ridge * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
        self.x = x
        self._root = linalg.cholesky(covariance, lower=True)
        self.white = linalg.solve_triangular(self._root, x.T, lower=True).T

    def directions(self, u: np.ndarray) -> np.ndarray:
        """Directions `u`, `[d]` or `[d, k]`, of the whitened view in the view's features."""
        return linalg.solve_triangular(self._root, u, lower=True, trans="T")


def similarity_factors(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A and B, `float64 [n, C + 1]` each, of S = A B' = 2 L L' − 1 1'; `labels` is `bool [n, C]`.

    L has the rows of `labels` at unit length; no n×n matrix is ever formed.
    """
    unit = labels / np.sqrt(labels.sum(axis=1, keepdims=True))
    ones = np.ones((len(labels), 1))
    return np.hstack([2 * unit, -ones]), np.hstack([unit, ones])


def orthogonal_directions(
    x: Whitened, y: Whitened, labels: np.ndarray, n_bits: int
) -> tuple[np.ndarray, np.ndarray]:
    """Wx `[dx, n_bits]` and Wy `[dy, n_bits]` of the largest tr(Wx' X' S Y Wy), best bit first."""
    a, b = similarity_factors(labels)
    u, _, vt = linalg.svd((x.white.T @ a) @ (y.white.T @ b).T, full_matrices=False)
    return x.directions(u[:, :n_bits]), y.directions(vt[:n_bits].T)


def sequential_directions(
    x: Whitened, y: Whitened, labels: np.ndarray, n_bits: int
) -> tuple[np.ndarray, np.ndarray]:
    """Wx `[dx, n_bits]` and Wy `[dy, n_bits]`, each bit the best for the residual before it."""
    a, b = similarity_factors(labels)
    # X' R Y = P Q', whitened: a column for each column of A, and one for each bit so far.
    p, q = n_bits * x.white.T @ a, y.white.T @ b  # [dx, C + 1], [dy, C + 1]
    bits = []
    for _ in range(n_bits):
        u, v = leading_pair(p, q)
        wx, wy = x.directions(u), y.directions(v)
        hx, hy = signs(x.x @ wx), signs(y.x @ wy)
        # R loses hx hy', so X' R Y loses (X' hx)(Y' hy)': O(n d), without R.
        p = np.column_stack([p, -x.white.T @ hx])
        q = np.column_stack([q, y.white.T @ hy])
        bits.append((wx, wy))
    wx, wy = (np.stack(side, axis=1) for side in zip(*bits, strict=True))
    return wx, wy


def leading_pair(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit u `[dx]` and v `[dy]` of the largest u' P Q' v, for P `[dx, r]` and Q `[dy, r]`.

    P Q' is not formed: with P = U S and Q = V T, both columns orthonormal, its singular vectors
    are U and V times those of S T', which is small.
    """
    p_basis, p_rest = linalg.qr(p, mode="economic")
    q_basis, q_rest = linalg.qr(q, mode="economic")
    u, _, vt = linalg.svd(p_rest @ q_rest.T)
    return p_basis @ u[:, 0], q_basis @ vt[0]


def reconstruction_errors(labels: np.ndarray, hx: np.ndarray, hy: np.ndarray) -> np.ndarray:
    """‖c S − Σ_{k ≤ t} hx_k hy_k'‖²_F for t = 0 to c bits, `float64 [c + 1]`.

    The residual is P Q' with P = [c A, −Hx] and Q = [B, Hy], and its square is the sum of all
    entries of P'P ∘ Q'Q; those of its first t bits are a corner of that matrix. Labels are `bool
    [n, C]`, and the bits ±1, `[n, c]`.
    """
    a, b = similarity_factors(labels)
    left, right = np.hstack([hx.shape[1] * a, -hx]), np.hstack([b, hy])
    products = (left.T @ left) * (right.T @ right)  # [C + 1 + c, C + 1 + c]
    corners = products.cumsum(axis=0).cumsum(axis=1).diagonal()
    return corners[a.shape[1] - 1 :].copy()
