"""STMH: semantic topic multimodal hashing, where a bit is a topic that an item has or has not."""

from typing import Literal

import numpy as np
from scipy import linalg
from sklearn.metrics.pairwise import euclidean_distances

from mmhash_nb.codes import HashCodes
from mmhash_nb.hashers.base import State, ridge
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.shallow import ShallowHasher
from mmhash_nb.pairs import Modality, Pairs

#: added to the squared error of each image, so that its norm has a slope everywhere
SMOOTH = 1e-8


class STMH(ShallowHasher):
    """Topics of texts by clustering, concepts of images by robust factorisation, and a map between.

    From images X `[n, d]` and texts Y `[n, V]`, with Mᵢ ∈ {0, 1}ᴷ and half of it 1:

        λ Σᵢ ‖xᵢ − gᵢC‖₂                 concepts C `[K, d]`, images as mixtures G of them
        + (1 − λ) Σᵢₖ Mᵢₖ ‖yᵢ − tₖ‖²     topics T `[K, V]`, M which of them a text has
        + μ ‖M − GR‖²                    correlation R `[K, K]` of concepts with topics
        + γ (‖C‖² + ‖G‖² + ‖T‖² + ‖R‖²)

    The first term is the L2,1 norm of the error, so that odd images weigh less. C, R, G, T and M
    each take their minimum in turn, C and G that of a quadratic above the norm (iteratively
    reweighted least squares). M and G start at random.

    A new text has the half of the topics that are nearest to it. A new image x has mixture
    g = xCᵀ(CCᵀ + γ/λ I)⁻¹, and the half of the topics where gR is largest. So half of the bits of
    each code are 1, one more with K odd. A sample with both has the half that is best for the terms
    of M, given g: `database_codes`.

    The state has the `objective` at the start and after each iteration.

    Topics as `means` are the minimum, each the mean of its texts, and the objective never rises.
    `least_squares` takes T from (1 − λ) ‖Y − MT‖² + γ ‖T‖² as the authors' program does, and the
    objective may rise there. Means come to lie close to one another, as each is over half of the
    texts, and retrieve far worse.

    Raises:
        ValueError: from `fit`, for codes of a single bit, which would all be equal.

    Source: Wang, Gao, Wang and He, Semantic topic multimodal hashing for cross-media retrieval,
    IJCAI 2015. We have not read the paper itself. The objective, its start, the half of the topics,
    λ, μ, γ, the codes of new items and M as the gallery are those of the authors' program. This is
    our reading:

    - Each block but T is the minimum of the objective above. The program multiplies image errors
      by λ twice in places and γ by 1/λ in others, so it follows no one objective.
    - 10 iterations. The program makes 5.
    - Views are centred, as for all methods here.
    """

    class Options(ShallowHasher.Options):
        lam: float = option(0.5, "λ, weight of images against texts", above=0, below=1)
        mu: float = option(1e-6, "μ, weight of the map from concepts to topics", above=0)
        gamma: float = option(1e-6, "γ, weight of the norms", above=0)
        iterations: int = option(10, "rounds over all blocks", least=1)
        topics: Literal["least_squares", "means"] = option("least_squares", "how T is found")

    options: Options

    def fit_views(
        self, image: np.ndarray, text: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> State:
        if self.n_bits == 1:
            raise ValueError("n_bits is 1, but half of STMH's bits are 1 in each code: give 2.")
        lam, mu, gamma = self.options.lam, self.options.mu, self.options.gamma
        model = TopicModel(image, text, self.n_bits, (lam, mu, gamma), rng)
        means = self.options.topics == "means"
        course = [model.objective()]
        for _ in range(self.options.iterations):
            model.update_concepts()
            model.update_correlation()
            model.update_mixtures()
            model.topics = model.mean_topics() if means else model.least_squares_topics()
            model.update_membership()
            course.append(model.objective())
        gram = model.concepts @ model.concepts.T
        return {
            "objective": np.array(course),
            "image.weights": ridge(gram, model.concepts, gamma / lam).T @ model.correlation,
            "text.topics": model.topics,
        }

    def project_view(self, x: np.ndarray, modality: Modality) -> np.ndarray:
        if modality == "image":
            near = x @ self.state["image.weights"]
        else:
            # −‖x − t‖², less −‖x‖², which is the same for all topics.
            topics = self.state["text.topics"]
            near = 2 * x @ topics.T - np.square(topics).sum(axis=1)
        return near - np.median(near, axis=1, keepdims=True)

    def database_codes(self, pairs: Pairs) -> HashCodes:
        """M of samples that have both modalities, which single ones can query.

        It minimises the objective for the text and for the mixture g that the image has alone. The
        M that training samples learned, the program's gallery, is for another mixture. That matters
        with μ: by default next to nothing.
        """
        self._check_fitted()
        near = (1 - self.options.lam) * self._project(pairs, "text")
        near += 2 * self.options.mu * self._project(pairs, "image")
        return HashCodes.from_real(smallest_half(-near) - 0.5)


class TopicModel:
    """The objective of `STMH`, and the minimum over each of C, G, T, M and R, in the words there.

    `weights` are λ, μ and γ.
    """

    def __init__(
        self,
        image: np.ndarray,
        text: np.ndarray,
        n_bits: int,
        weights: tuple[float, float, float],
        rng: np.random.Generator,
    ) -> None:
        self.image, self.text = image, text
        self.lam, self.mu, self.gamma = weights
        shape = (len(image), n_bits)
        self.mixtures = rng.standard_normal(shape)
        self.membership = smallest_half(rng.random(shape))
        self.concepts = np.zeros((n_bits, image.shape[1]))
        self.topics = np.zeros((n_bits, text.shape[1]))
        self.correlation = np.zeros((n_bits, n_bits))

    def errors(self) -> np.ndarray:
        """‖xᵢ − gᵢC‖, smoothed, `[n]`."""
        difference = self.image - self.mixtures @ self.concepts
        return np.sqrt(np.square(difference).sum(axis=1) + SMOOTH)

    def far(self) -> np.ndarray:
        """‖yᵢ − tₖ‖², `[n, K]`."""
        return euclidean_distances(self.text, self.topics, squared=True)

    def objective(self) -> float:
        blocks = (self.concepts, self.mixtures, self.topics, self.correlation)
        return float(
            self.lam * self.errors().sum()
            + (1 - self.lam) * np.vdot(self.membership, self.far())
            + self.mu * np.square(self.membership - self.mixtures @ self.correlation).sum()
            + self.gamma * sum(np.square(block).sum() for block in blocks)
        )

    def update_concepts(self) -> None:
        # ‖e‖ ≤ ‖e‖²/(2‖e₀‖) + ‖e₀‖/2, with equality at the error e₀ of now.
        weighted = self.mixtures * (self.lam / (2 * self.errors()))[:, None]
        self.concepts = ridge(weighted.T @ self.mixtures, weighted.T @ self.image, self.gamma)

    def update_correlation(self) -> None:
        weighted = self.mu * self.mixtures.T
        self.correlation = ridge(weighted @ self.mixtures, weighted @ self.membership, self.gamma)

    def update_mixtures(self) -> None:
        """Each gᵢ solves (aᵢCCᵀ + B) gᵢ = aᵢCxᵢ + μRmᵢ, with B = μRRᵀ + γI."""
        a = (self.lam / (2 * self.errors()))[:, None]
        known = a * (self.image @ self.concepts.T)
        known += self.mu * self.membership @ self.correlation.T
        both = self.mu * self.correlation @ self.correlation.T
        both[np.diag_indices_from(both)] += self.gamma
        # VᵀBV = I and VᵀCCᵀV diagonal: one decomposition inverts the matrices of all samples.
        values, v = linalg.eigh(self.concepts @ self.concepts.T, both)
        self.mixtures = (known @ v) / (a * values + 1) @ v.T

    def mean_topics(self) -> np.ndarray:
        """T at the minimum of the objective."""
        counts = (1 - self.lam) * self.membership.sum(axis=0) + self.gamma
        return (1 - self.lam) * (self.membership.T @ self.text) / counts[:, None]

    def least_squares_topics(self) -> np.ndarray:
        """T at the minimum of (1 − λ) ‖Y − MT‖² + γ ‖T‖²."""
        weighted = (1 - self.lam) * self.membership.T
        return ridge(weighted @ self.membership, weighted @ self.text, self.gamma)

    def update_membership(self) -> None:
        # m² = m and Σm is fixed, so ‖m − gR‖² changes by −2m·gR alone.
        expected = self.mixtures @ self.correlation
        cost = (1 - self.lam) * self.far() - 2 * self.mu * expected
        self.membership = smallest_half(cost)


def smallest_half(cost: np.ndarray) -> np.ndarray:
    """1 at the smaller half of each row of `cost` `[n, K]`, one more where K is odd, else 0."""
    half = np.argsort(cost, axis=1, kind="stable")[:, : (cost.shape[1] + 1) // 2]
    chosen = np.zeros(cost.shape)
    np.put_along_axis(chosen, half, 1.0, axis=1)
    return chosen
