"""What methods share that take features of one scale: centred, and of unit length."""

from typing import ClassVar

import numpy as np

from mmhash_nb.hashers.base import Embedder, Method, State, centre_unit
from mmhash_nb.pairs import Pairs


class UnitFeatures(Method):
    """A method of features that are centred by the training mean and scaled to unit length."""

    image_views: ClassVar[tuple[str, ...]] = ("vectors",)

    def means(self, train: Pairs, *modalities: str) -> State:
        """The training mean of each modality's features, by the name it has in the state."""
        return {f"{m}.mean": train.features(m).mean(axis=0) for m in modalities or self.modalities}

    def normalised(self, pairs: Pairs, modality: str, state: State) -> np.ndarray:
        """Features of all samples, centred by the mean in `state`, `float32 [N, d]`."""
        return centre_unit(pairs.features(modality), state[f"{modality}.mean"])


class Reference(UnitFeatures, Embedder):
    """An embedder of such features."""
