"""CCA: canonical projections, ranked by Euclidean distance."""

from pathlib import Path

import numpy as np

from mmhash_nb.hashers.base import EncodedModality, State, check_at_most
from mmhash_nb.hashers.canonical import fit_cca
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.unit_features import Reference
from mmhash_nb.pairs import Pairs


class EuclideanCCA(Reference):
    """Projections on the first `n_bits` canonical directions; Euclidean distance ranks.

    Source: "CCA" of masci2014, Tables 3 and 5; solved by `canonical.fit_cca`.

    Raises:
        ValueError: from `fit`, where `n_bits` exceeds the features of a view.
    """

    class Options(Reference.Options):
        ridge: float = option(1e-4, "added to the covariances, relative to mean variance", above=0)

    options: Options

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        state = self.means(train)
        x, y = (self.normalised(train, modality, state) for modality in self.modalities)
        components = self.components(min(x.shape[1], y.shape[1]))
        fitted = fit_cca(x, y, components, self.options.ridge)
        return state | {
            "image.centre": fitted.x_mean,
            "text.centre": fitted.y_mean,
            "image.directions": fitted.x_weights,  # [dx, k]
            "text.directions": fitted.y_weights,  # [dy, k]
            "correlations": fitted.correlations,
        }

    def components(self, available: int) -> int:
        """How many directions the embedding has, of those that the features allow."""
        check_at_most("n_bits", self.n_bits, available, "canonical dimensions of these features")
        return self.n_bits

    def projected(self, pairs: Pairs, modality: str, state: State) -> np.ndarray:
        """Canonical projections of all samples, `[N, k]`."""
        x = self.normalised(pairs, modality, state) - state[f"{modality}.centre"]
        return x @ state[f"{modality}.directions"]

    def _embed(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        return self.projected(pairs, modality, self.state)
