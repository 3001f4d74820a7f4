"""Canonical correlation analysis in closed form; every CCA-based method solves it here."""

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from mmhash_nb.hashers.base import check_at_most


@dataclass(frozen=True)
class CCA:
    """Canonical directions of two views, strongest correlation first.

    The projections `(x - x_mean) @ x_weights` have unit variance on the training data, and those of
    the two views correlate by `correlations` component by component and not at all across (both
    exactly as `ridge` goes to 0).

    Args:
        x_mean, y_mean: `[dx]`, `[dy]`, taken off before projecting.
        x_weights, y_weights: `[dx, k]`, `[dy, k]`.
        correlations: canonical correlations, `[k]`, in 0..1 and falling.
    """

    x_mean: np.ndarray
    y_mean: np.ndarray
    x_weights: np.ndarray
    y_weights: np.ndarray
    correlations: np.ndarray


def fit_cca(x: np.ndarray, y: np.ndarray, components: int, ridge: float = 1e-4) -> CCA:
    """Regularised CCA of aligned `x` (`[n, dx]`) and `y` (`[n, dy]`), all in double precision.

    With Cxx and Cyy the covariances plus `ridge` times their mean variance on the diagonal, the
    directions are Cxx^(-1/2) U and Cyy^(-1/2) V of the singular value decomposition
    U S V' = Cxx^(-1/2) Cxy Cyy^(-1/2), which solves Cxy Cyy^-1 Cyx w = s^2 Cxx w.

    Args:
        components: k, at most min(dx, dy).
        ridge: relative to the mean variance of a view; above 0, since topic mixtures and word
            histograms sum to one and leave their covariance singular.

    Raises:
        ValueError: on more components than features, or a view whose samples are all equal.

    Source: Hotelling, Relations between two sets of variates, Biometrika 1936.
    """
    check_at_most("components", components, min(x.shape[1], y.shape[1]), "features in one view")
    x_mean, y_mean = (view.mean(axis=0, dtype=np.float64) for view in (x, y))
    x, y = x - x_mean, y - y_mean
    x_white, y_white = _whitening(x, ridge), _whitening(y, ridge)
    cross = x_white @ (x.T @ y / len(x)) @ y_white  # [dx, dy]
    u, correlations, vt = linalg.svd(cross, full_matrices=False)
    return CCA(
        x_mean,
        y_mean,
        x_white @ u[:, :components],
        y_white @ vt[:components].T,
        correlations[:components],
    )


def _whitening(centred: np.ndarray, ridge: float) -> np.ndarray:
    """The inverse square root of the regularised covariance, `[d, d]`."""
    covariance = centred.T @ centred / len(centred)
    variance = np.trace(covariance) / len(covariance)
    if not variance > 0:
        raise ValueError("all samples of one view are equal: CCA has nothing to correlate there.")
    values, vectors = linalg.eigh(covariance)
    # Rounding can leave the smallest eigenvalues just below zero.
    scale = 1 / np.sqrt(np.maximum(values, 0) + ridge * variance)
    return (vectors * scale) @ vectors.T
