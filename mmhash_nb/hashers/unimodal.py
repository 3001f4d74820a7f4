"""What the hashers share that learn each modality by itself, from feature vectors."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, cast

import numpy as np

from mmhash_nb.hashers.base import EncodedModality, Hasher, State, centre_unit
from mmhash_nb.pairs import Modality, Pairs


class UnimodalHasher(Hasher):
    """A hasher that learns each modality by itself; codes of different modalities do not compare.

    Features are centred by the training mean and scaled to unit length first, as masci2014 (§4)
    does for all its datasets.
    """

    family: ClassVar[str] = "shallow"
    cross_modal: ClassVar[bool] = False
    image_views: ClassVar[tuple[str, ...]] = ("vectors",)

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        state: State = {}
        for modality in self.modalities:
            view = cast(Modality, modality)
            x = train.features(view)
            mean = x.mean(axis=0)
            # Each view has another stream: adding a modality changes nothing in the other.
            rng = np.random.default_rng([self.seed, self.modalities.index(modality)])
            learned = self.fit_view(centre_unit(x, mean), train.labels, rng)
            state |= {f"{modality}.{key}": value for key, value in learned.items()}
            state[f"{modality}.mean"] = mean
        return state

    def _project(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        prefix = f"{modality}."
        state = {k.removeprefix(prefix): v for k, v in self.state.items() if k.startswith(prefix)}
        x = centre_unit(pairs.features(cast(Modality, modality)), state["mean"])
        return self.project_view(x, state)

    @abstractmethod
    def fit_view(self, x: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> State:
        """Learn one modality from normalised `x`, `float32 [n, d]`, and `labels`, `bool [n, C]`."""

    @abstractmethod
    def project_view(self, x: np.ndarray, state: State) -> np.ndarray:
        """Real values `[N, n_bits]` of normalised features `x`, whose signs are the codes."""
