"""Control: codes from a seed, blind to the data."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from mmhash_nb.hashers.base import EncodedModality, Hasher, State
from mmhash_nb.pairs import Pairs


class RandomCodes(Hasher):
    """Independent fair bits: what any method must beat."""

    family: ClassVar[str] = "control"
    image_views: ClassVar[tuple[str, ...]] = ("pixels", "vectors")
    modalities: ClassVar[tuple[str, ...]] = ("image", "text", "joint")

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        return {"seed": np.array([self.seed])}

    def _project(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        rng = np.random.default_rng([self.seed, self.modalities.index(modality)])
        return rng.standard_normal((len(pairs), self.n_bits))
