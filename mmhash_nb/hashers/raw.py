"""Raw: the features themselves, ranked by Euclidean distance."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from mmhash_nb.hashers.base import EncodedModality, State
from mmhash_nb.hashers.unit_features import Reference
from mmhash_nb.pairs import Pairs


class RawFeatures(Reference):
    """The features themselves, centred by the training mean and scaled to unit length.

    Euclidean distance ranks; each modality stands by itself, and `n_bits` has no effect on the
    dimension.

    Source: "Raw" of masci2014, Table 2.
    """

    cross_modal: ClassVar[bool] = False
    uses_n_bits: ClassVar[bool] = False

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        return self.means(train)

    def _embed(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        return self.normalised(pairs, modality, self.state)
