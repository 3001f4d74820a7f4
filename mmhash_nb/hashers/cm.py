"""CM: correlation matching (Rasiwasia et al., ACM MM 2010)."""

from typing import ClassVar

import numpy as np

from mmhash_nb.hashers.base import EncodedModality, check_at_most, unit_rows
from mmhash_nb.hashers.cca import EuclideanCCA
from mmhash_nb.hashers.options import option
from mmhash_nb.pairs import Pairs


class CorrelationMatching(EuclideanCCA):
    """CM: projections on the canonical directions, ranked by normalised correlation (cosine).

    Embeddings have unit length, so that Euclidean order is the order of the cosine. The method has
    no code length, and the topics of Wiki have but 10 dimensions: without `components`
    there are as many as `n_bits` or the features of either view, whichever is least.

    Source: Rasiwasia et al., A new approach to cross-modal multimedia retrieval, ACM MM 2010.
    """

    uses_n_bits: ClassVar[bool] = False

    class Options(EuclideanCCA.Options):
        components: int | None = option(None, "canonical dimensions", least=1)

    options: Options

    def components(self, available: int) -> int:
        wanted = self.options.components
        if wanted is None:
            return min(self.n_bits, available)
        check_at_most("components", wanted, available, "canonical dimensions of these features")
        return wanted

    def _embed(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        return unit_rows(super()._embed(pairs, modality))
