"""What the references without codes share: features on one scale."""

from typing import ClassVar, cast

import numpy as np

from mmhash_nb.hashers.base import Embedder, State, centre_unit
from mmhash_nb.pairs import Modality, Pairs


class Reference(Embedder):
    """An embedder of features that are centred by the training mean and scaled to unit length."""

    image_views: ClassVar[tuple[str, ...]] = ("vectors",)

    def means(self, train: Pairs) -> State:
        """The training mean of each modality's features, by the name it has in the state."""
        return {
            f"{m}.mean": train.features(cast(Modality, m)).mean(axis=0) for m in self.modalities
        }

    def normalised(self, pairs: Pairs, modality: str, state: State) -> np.ndarray:
        """Features of all samples, centred by the mean in `state`, `float32 [N, d]`."""
        return centre_unit(pairs.features(cast(Modality, modality)), state[f"{modality}.mean"])
