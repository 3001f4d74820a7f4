"""Anchor graph hashing: eigenfunctions of a graph Laplacian, in one or two layers."""

from typing import Literal

import numpy as np
from scipy import linalg, sparse
from sklearn.cluster import KMeans
from sklearn.metrics.pairwise import euclidean_distances

from mmhash_nb.hashers.base import State, check_at_most, in_blocks
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.unimodal import UnimodalHasher

#: iterations of k-means; anchors need not be converged centres
KMEANS_ITERATIONS = 20
#: below this fraction of the largest, an eigenvalue or a quadratic form is rounding error
NEGLIGIBLE = 1e-9


class AnchorGraphHashing(UnimodalHasher):
    """Signs of the smoothest eigenfunctions of an anchor graph over the training samples.

    Each sample is a row of Z `[n, m]`: its Gaussian similarities exp(−d²/t) to its nearest anchors,
    scaled to sum to 1. The graph's adjacency is A = ZΛ⁻¹Zᵀ with Λ = diag(Zᵀ1). With (σ, v) the
    eigenpairs of M = Λ^-½ZᵀZΛ^-½, W = √n Λ^-½VΣ^-½ makes the columns of ZW eigenvectors of A, and
    zW extends them to new samples z. The constant eigenvector is left out by deflation, so in a
    graph of several components the other eigenvectors of eigenvalue 1, which tell the components
    apart, stay.

    One layer: sign(zW). Two layers: each eigenfunction y gives sign(y) and, by the side of zero it
    is on, sign(y − b⁺) or sign(b⁻ − y); the first layer's bits come first. With two layers and an
    odd `n_bits`, the last eigenfunction gives its first bit only.

    Unsupervised: labels are ignored. Anchors are k-means centres; t is the square of the mean
    distance of a training sample to the last of its nearest anchors.

    Raises:
        ValueError: from `fit`, where there are fewer samples than anchors or fewer eigenvectors
            than are needed.

    Source: Liu et al., Hashing with graphs, ICML 2011.
    """

    class Options(UnimodalHasher.Options):
        layers: Literal[1, 2] = option(1, "bits of an eigenfunction")
        anchors: int = option(300, "m, centres of k-means", least=1)
        neighbours: int = option(3, "s, how many nearest anchors a sample is tied to", least=1)

        def check(self) -> None:
            check_at_most("neighbours", self.neighbours, self.anchors, "anchors")

    options: Options

    def fit_view(self, x: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> State:
        layers = self.options.layers
        check_at_most("anchors", self.options.anchors, len(x), "training samples")
        kmeans = KMeans(
            self.options.anchors,
            n_init=1,
            max_iter=KMEANS_ITERATIONS,
            random_state=int(rng.integers(2**31)),
        ).fit(x)
        # Of fewer distinct samples than anchors k-means makes equal centres; one of each will do.
        anchors = np.unique(kmeans.cluster_centers_, axis=0)
        neighbours = min(self.options.neighbours, len(anchors))
        bandwidth = float(_nearest(x, anchors, neighbours)[1].max(axis=1).mean()) ** 2
        z = anchor_similarities(x, anchors, neighbours, bandwidth)
        needed = -(-self.n_bits // layers)
        weights = eigenfunctions(z, needed)  # [m, needed]
        state = {
            "anchors": anchors,
            "neighbours": np.array([neighbours]),
            "bandwidth": np.array([bandwidth]),
            "weights": weights,
        }
        if layers == 2:
            state["thresholds"] = np.stack([second_thresholds(z, y) for y in (z @ weights).T])
        return state

    def project_view(self, x: np.ndarray, state: State) -> np.ndarray:
        tied = state["anchors"], int(state["neighbours"][0]), float(state["bandwidth"][0])
        weights = state["weights"]
        y = in_blocks(lambda some: anchor_similarities(some, *tied) @ weights, x, weights.shape[1])
        if "thresholds" in state:
            above, below = state["thresholds"].T
            y = np.concatenate([y, np.where(y >= 0, y - above, below - y)], axis=1)
        return y[:, : self.n_bits]


def anchor_similarities(
    x: np.ndarray, anchors: np.ndarray, neighbours: int, bandwidth: float
) -> sparse.csr_array:
    """Z: similarities exp(−d²/t) of samples to their nearest anchors, each row scaled to sum to 1.

    `float64 [n, m]` of `x`, `float32 [n, d]`, and `anchors`, `float32 [m, d]`, with `neighbours`
    entries in a row; `bandwidth` is t, a squared distance.
    """
    nearest, distances = _nearest(x, anchors, neighbours)
    squared = distances.astype(np.float64) ** 2
    # From the nearest anchor on, a sample far from all of them still gets a row without 0/0.
    squared -= squared.min(axis=1, keepdims=True)
    similarity = np.exp(-squared / max(bandwidth, np.finfo(np.float64).tiny))
    similarity /= similarity.sum(axis=1, keepdims=True)
    rows = np.arange(0, nearest.size + 1, neighbours)
    return sparse.csr_array(
        (similarity.ravel(), nearest.ravel(), rows), shape=(len(x), len(anchors))
    )


def _nearest(x: np.ndarray, anchors: np.ndarray, neighbours: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of each sample's nearest anchors and the distances to them, `[n, s]`, in no order."""
    distances = euclidean_distances(x, anchors)
    nearest = np.argpartition(distances, neighbours - 1, axis=1)[:, :neighbours]
    return nearest, np.take_along_axis(distances, nearest, axis=1)


def eigenfunctions(z: sparse.csr_array, count: int) -> np.ndarray:
    """W `[m, count]`: columns of ZW are the leading eigenvectors of A = ZΛ⁻¹Zᵀ but the constant.

    They are orthogonal to it and to each other, of squared length n each.

    Raises:
        ValueError: where A has fewer eigenvectors of positive eigenvalue than `count`.
    """
    degree = z.sum(axis=0)
    # An anchor no sample is tied to has no part in the graph, and its weight stays 0.
    scale = np.where(degree > 0, 1 / np.sqrt(np.where(degree > 0, degree, 1)), 0)
    m = scale[:, None] * (z.T @ z).toarray() * scale
    trivial = np.sqrt(degree / z.shape[0])  # unit length; eigenvalue 1; gives the constant ZW
    values, vectors = linalg.eigh(m - np.outer(trivial, trivial))
    values, vectors = values[::-1], vectors[:, ::-1]
    available = int((values > NEGLIGIBLE).sum())
    check_at_most(
        "the number of eigenvectors that n_bits needs", count, available, "in the anchor graph"
    )
    leading = vectors[:, :count] / np.sqrt(values[:count])
    return np.sqrt(z.shape[0]) * scale[:, None] * leading


def second_thresholds(z: sparse.csr_array, y: np.ndarray) -> tuple[float, float]:
    """b⁺ and b⁻: where the second layer splits the two sides of an eigenvector y `[n]`.

    The second bits, relaxed, are h = (y − b⁺) where y ≥ 0 and (b⁻ − y) elsewhere. The thresholds
    minimise hᵀLh, L = I − A, under 1ᵀh = 0. As L1 = 0, only t = b⁺ + b⁻ counts in hᵀLh, and
    t = pᵀLŷ / pᵀLp, with p the indicator of y ≥ 0 and ŷ = |y|; the constraint gives the rest. Where
    no edge joins the two sides, t is free, and both thresholds are the means of their sides.
    """
    positive = (y >= 0).astype(np.float64)
    degree = z.sum(axis=0)
    inverse = np.where(degree > 0, 1 / np.where(degree > 0, degree, 1), 0)
    smoothed = z @ (inverse * (z.T @ positive))  # A p
    n, n_positive = len(y), positive.sum()
    n_negative = n - n_positive
    mass = float(y @ positive)  # of y above zero; as much lies below
    across = n_positive - float(positive @ smoothed)  # pᵀLp
    if across > NEGLIGIBLE * n:
        t = (mass - float(np.abs(y) @ smoothed)) / across
    else:
        t = mass / n_positive - mass / n_negative
    return (2 * mass + n_negative * t) / n, (n_positive * t - 2 * mass) / n
