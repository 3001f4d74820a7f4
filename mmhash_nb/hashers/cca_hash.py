"""CCA hashing: signs of the canonical projections of image and text."""

import numpy as np

from mmhash_nb.hashers.base import State, check_at_most
from mmhash_nb.hashers.canonical import fit_cca
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.shallow import ShallowHasher


class CCAHash(ShallowHasher):
    """Bits sign(Wx'x) and sign(Wy'y), with Wx, Wy the first `n_bits` canonical directions.

    A pair of directions (w, v) solves Cxy Cyy⁻¹ Cyx w = ρ² Cxx w with v ∝ Cyy⁻¹ Cyx w: the
    projections of the two views correlate by ρ, and every bit is uncorrelated with those before it.
    Views are centred, so the threshold of a bit is the training mean of its projection. Labels are
    not used. `state["correlations"]` has ρ of every bit, `[n_bits]`.

    Raises:
        ValueError: from `fit`, where `n_bits` exceeds the features of a view.

    Sources: "CCA" of zhang2018, Table 1; Hotelling, Relations between two sets of variates,
    Biometrika 1936.
    """

    class Options(ShallowHasher.Options):
        ridge: float = option(1e-4, "added to the covariances, relative to mean variance", above=0)

    options: Options

    def fit_views(
        self, image: np.ndarray, text: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> State:
        available = min(image.shape[1], text.shape[1])
        check_at_most("n_bits", self.n_bits, available, "canonical dimensions of these features")
        fitted = fit_cca(image, text, self.n_bits, self.options.ridge)
        return {
            "image.directions": fitted.x_weights,  # [dx, n_bits]
            "text.directions": fitted.y_weights,  # [dy, n_bits]
            "correlations": fitted.correlations,
        }
