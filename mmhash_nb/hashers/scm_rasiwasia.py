"""SCM of Rasiwasia et al. (ACM MM 2010): semantic correlation matching."""

from pathlib import Path

import numpy as np

from mmhash_nb.hashers.base import EncodedModality, State
from mmhash_nb.hashers.cm import CorrelationMatching
from mmhash_nb.hashers.sm import SemanticMatching
from mmhash_nb.pairs import Pairs


class SemanticCorrelationMatching(CorrelationMatching, SemanticMatching):
    """SCM of Rasiwasia: semantic matching on the canonical projections in place of the features.

    Not the semantic correlation maximisation that liong2017 and zhang2018 call SCM.

    Source: Rasiwasia et al., ACM MM 2010.
    """

    class Options(CorrelationMatching.Options, SemanticMatching.Options):
        """Those of CM and SM."""

    options: Options

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        state = CorrelationMatching._fit(self, train, checkpoint)
        views = [self.projected(train, modality, state) for modality in self.modalities]
        return state | self.classifiers(views, train.labels)

    def _embed(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        return self.semantic(self.projected(pairs, modality, self.state), modality)
