"""What the hashers share that learn each modality by itself, from feature vectors."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np

from mmhash_nb.hashers.base import EncodedModality, Hasher, State
from mmhash_nb.hashers.unit_features import UnitFeatures
from mmhash_nb.pairs import Pairs


class UnimodalHasher(UnitFeatures, Hasher):
    """A hasher that learns each modality by itself; codes of different modalities do not compare.

    Features are centred by the training mean and scaled to unit length first, as masci2014 (§4)
    does for all its datasets.
    """

    family: ClassVar[str] = "shallow"
    cross_modal: ClassVar[bool] = False

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        state = self.means(train)
        for number, modality in enumerate(self.modalities):
            # Each view has another stream: adding a modality changes nothing in the other.
            rng = np.random.default_rng([self.seed, number])
            learned = self.fit_view(self.normalised(train, modality, state), train.labels, rng)
            state |= {f"{modality}.{key}": value for key, value in learned.items()}
        return state

    def _project(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        prefix = f"{modality}."
        state = {k.removeprefix(prefix): v for k, v in self.state.items() if k.startswith(prefix)}
        return self.project_view(self.normalised(pairs, modality, self.state), state)

    @abstractmethod
    def fit_view(self, x: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> State:
        """Learn one modality from normalised `x`, `float32 [n, d]`, and `labels`, `bool [n, C]`."""

    @abstractmethod
    def project_view(self, x: np.ndarray, state: State) -> np.ndarray:
        """Real values `[N, n_bits]` of normalised features `x`, whose signs are the codes."""
