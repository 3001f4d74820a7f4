"""CVH: cross-view hashing, spectral hashing of items that have two views."""

import numpy as np
from scipy import linalg, sparse
from sklearn.neighbors import kneighbors_graph

from mmhash_nb.hashers.base import State, check_at_most
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.shallow import ShallowHasher

#: where a view's share of a bit's variance is below this, the view has only rounding errors there
NEGLIGIBLE = 1e-8


class CVH(ShallowHasher):
    """Bits sign(A1'x) and sign(A2'y) that differ least between similar items, in and across views.

    With samples in rows, Y1 = X1 A1 and Y2 = X2 A2 `[n, n_bits]` stand for the codes. For
    similarities W `[n, n]` of items, D = diag(W1) and L = D − W,

        Σᵢⱼ Wᵢⱼ (‖y1ᵢ − y1ⱼ‖² + ‖y2ᵢ − y2ⱼ‖² + ‖y1ᵢ − y2ⱼ‖²)
            = Σᵥ tr Yᵥ'(2L + D)Yᵥ − 2 tr Y1'W Y2

    is minimised under Y1'Y1 + Y2'Y2 = n I by the eigenvectors (a1, a2) of the smallest λ of

        [ X1'(2L + D)X1      −X1'W X2     ] [a1]       [ X1'X1    0   ] [a1]
        [   −X2'W X1      X2'(2L + D)X2   ] [a2]  =  λ [   0    X2'X2 ] [a2]

    `ridge` adds to X1'X1 and X2'X2, on both sides. Views are centred, so bits are balanced about
    the training mean. Labels are not used. `state["eigenvalues"]` has λ of every bit, `[n_bits]`.

    What W is decides how this differs from `CCAHash`:

    - Only pairs are known: W = I, so L = 0. The problem is that of CCA, λ = 1 − ρ, and the bits
      with ρ > 0 are those of `CCAHash`, as many as the views' rank (9 on Wiki, whose 10 topics sum
      to 1). This is the default, since liong2017 lists CVH with the unsupervised methods.
      `CCAHash` refuses more bits. Here the next ones have λ = 1 and read the wider view alone, in
      directions that nothing decides; they are 1 for all of the other, and carry nothing across.
    - `neighbours` adds similarities: an item is as similar to itself as to its nearest neighbours
      in all, the mean over both views, made symmetric. Then L ≠ 0, and directions that are smooth
      on that graph come first.

    Raises:
        ValueError: from `fit`, where `n_bits` exceeds the features of the wider view (further bits
            would have opposite values in the two), or on as many `neighbours` as samples.

    Sources: Kumar and Udupa, Learning hash functions for cross-view similarity search, IJCAI 2011;
    "CVH" of liong2017, Tables 1 and 2. We have read only the opening of the paper. That it sums
    Hamming distances over views and pairs of views could not be checked; the equations here are
    derived from that sum. Public programs solve CCA (one without the inverse of X2'X2). How
    neighbours make W is ours.
    """

    class Options(ShallowHasher.Options):
        neighbours: int = option(0, "nearest neighbours that are similar; 0: pairs alone", least=0)
        ridge: float = option(1e-4, "added to the covariances, relative to mean variance", above=0)

    options: Options

    def fit_views(
        self, image: np.ndarray, text: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> State:
        neighbours, ridge = self.options.neighbours, self.options.ridge
        widest = max(image.shape[1], text.shape[1])
        check_at_most("n_bits", self.n_bits, widest, "directions on which the views can agree")
        check_at_most("neighbours", neighbours, len(image) - 1, "other training samples")
        similarity = neighbour_similarity(image, text, neighbours)
        distance, scale = eigenproblem(image, text, similarity, ridge)
        values, vectors = linalg.eigh(distance, scale, subset_by_index=(0, self.n_bits - 1))
        state = {"eigenvalues": values}
        halves = np.split(vectors, [image.shape[1]])  # [dx, n_bits] and [dy, n_bits]
        for modality, x, a in zip(self.modalities, (image, text), halves, strict=True):
            # Else signs of rounding errors would be bits of the view that a bit does not read.
            varies = np.square(x @ a).mean(axis=0) > NEGLIGIBLE
            state[f"{modality}.directions"] = np.where(varies, a, 0)
        return state


def neighbour_similarity(image: np.ndarray, text: np.ndarray, neighbours: int) -> sparse.csr_array:
    """S = W − I: similarities of different items by nearest neighbours, `[n, n]`, symmetric.

    In a view, a sample gives 1 / `neighbours` to each of its nearest ones; S is the mean over both
    views and both directions.
    """
    n = len(image)
    total = sparse.csr_array((n, n))
    if neighbours == 0:
        return total
    for view in (image, text):
        graph = sparse.csr_array(kneighbors_graph(view, neighbours)) / neighbours
        total = total + (graph + graph.T) / 4
    return total


def eigenproblem(
    image: np.ndarray, text: np.ndarray, similarity: sparse.csr_array, ridge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Both matrices of the problem in `CVH`, `[dx + dy, dx + dy]`, divided by n; S = W − I."""
    n = len(image)
    degrees = similarity.sum(axis=1)[:, None]  # [n, 1]
    squares, rough = [], []
    for x in (image, text):
        square = x.T @ x / n
        squares.append(square + ridge * np.trace(square) / len(square) * np.eye(len(square)))
        # 2L + D = I + (3 D_S − 2 S), with D_S the degrees of S: I has no Laplacian.
        rough.append(x.T @ (3 * degrees * x - 2 * (similarity @ x)) / n)
    cross = image.T @ (text + similarity @ text) / n
    scale = linalg.block_diag(*squares)
    distance = scale + linalg.block_diag(*rough)
    distance[: len(cross), len(cross) :] = -cross
    distance[len(cross) :, : len(cross)] = -cross.T
    return distance, scale
