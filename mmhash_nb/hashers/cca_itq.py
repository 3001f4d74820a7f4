"""CCA-ITQ: canonical projections, rotated until they lie near the corners of a cube."""

import numpy as np
from scipy import linalg

from mmhash_nb.hashers.base import State, signs
from mmhash_nb.hashers.canonical import fit_cca
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.shallow import ShallowHasher


class CCAITQ(ShallowHasher):
    """Bits sign(R'u) of the canonical projections u of either view, under one rotation R.

    With samples in rows, the embedding of a view is X W diag(ρ): its first r canonical directions,
    each scaled by its correlation ρ. V `[2n, r]` stacks the embeddings of images and texts. R
    `[r, n_bits]` with R R' = I lowers the quantisation error

        Q(B, R) = ‖B − V R‖²        (Frobenius norm; 2011, Eq. 2)

    from a random start by two steps in turn, each exact given the other: B = sign(V R), and
    R = U Z' of the singular value decomposition V'B = U S Z' (orthogonal Procrustes). So Q never
    rises. `state["quantisation_error"]` has Q after every round, `[iterations]`, divided by the
    2n · n_bits bits. Views are centred, so bits threshold at the training mean. Labels are not
    used.

    What the sources leave open, and how it is read here:

    - The papers quantise images only. For retrieval across views both must have one R, and neither
      view comes first: R is learned from both, stacked.
    - r is the smallest of `n_bits` and the features of either view. In the authors' program, more
      bits than that bring directions of correlation 0, so columns of zeros in V; R turns the r
      directions that there are into all `n_bits` bits. R without the rows that meet zeros is ours.
    - Directions are scaled by ρ as in the authors' program, which adds as much to the covariances,
      but not relative to their variance.

    Sources: Gong and Lazebnik, Iterative quantization: a Procrustean approach to learning binary
    codes, CVPR 2011; Gong, Lazebnik, Gordo and Perronnin, PAMI 2013, for CCA; "CCA-ITQ" of
    liong2017, Tables 1 and 2.
    """

    class Options(ShallowHasher.Options):
        ridge: float = option(1e-4, "added to the covariances, relative to mean variance", above=0)
        iterations: int = option(50, "rounds of both steps, as many as the authors make", least=1)

    options: Options

    def fit_views(
        self, image: np.ndarray, text: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> State:
        wx, wy = canonical_embedding(image, text, self.n_bits, self.options.ridge)
        v = np.vstack([image @ wx, text @ wy])
        r = random_rotation(wx.shape[1], self.n_bits, rng)
        errors = []
        for _ in range(self.options.iterations):
            r = best_rotation(v, signs(v @ r))
            errors.append(quantisation_error(v @ r))
        return {
            "image.directions": wx @ r,  # [dx, n_bits]
            "text.directions": wy @ r,  # [dy, n_bits]
            "quantisation_error": np.array(errors),
        }


def canonical_embedding(
    image: np.ndarray, text: np.ndarray, at_most: int, ridge: float = 1e-4
) -> tuple[np.ndarray, np.ndarray]:
    """Canonical directions of both views, scaled by their correlations, `[dx, r]` and `[dy, r]`.

    r is the smallest of `at_most`, dx and dy.
    """
    r = min(at_most, image.shape[1], text.shape[1])
    fitted = fit_cca(image, text, r, ridge)
    return fitted.x_weights * fitted.correlations, fitted.y_weights * fitted.correlations


def random_rotation(r: int, n_bits: int, rng: np.random.Generator) -> np.ndarray:
    """R `[r, n_bits]` with R R' = I, uniform among all such, for r up to `n_bits`."""
    q, upper = np.linalg.qr(rng.standard_normal((n_bits, r)))
    # QR alone favours some signs.
    return (q * np.sign(np.diag(upper))).T


def best_rotation(v: np.ndarray, b: np.ndarray) -> np.ndarray:
    """R with R R' = I for which ‖B − V R‖ is smallest, `[r, n_bits]`."""
    u, _, zt = linalg.svd(v.T @ b, full_matrices=False)
    return u @ zt


def quantisation_error(rotated: np.ndarray) -> float:
    """The mean square of sign(V R) − V R."""
    return float(np.square(signs(rotated) - rotated).mean())
