"""What the shallow cross-modal hashers share: feature vectors of both modalities, on one scale."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np

from mmhash_nb.features import backbones
from mmhash_nb.features.vectors import feature_vectors
from mmhash_nb.hashers.base import EncodedModality, Hasher, State
from mmhash_nb.hashers.options import option
from mmhash_nb.pairs import Modality, Pairs
from mmhash_nb.training.devices import resolve_device


class ShallowHasher(Hasher):
    """A method on a feature vector for each modality.

    Where images are pixels, their features are those of a backbone as it is, never trained further:
    what DCMH (Jiang and Li 2017, Table 4) gave the shallow methods it compares with. Each view is
    centred by the training mean. Where the method `scales` it is also divided by one number. The
    mean squared length of a training sample is then 1: neither view outweighs the other, and
    nothing inside a view changes.

    Its options are for pixels alone: feature vectors are taken as they are.
    """

    class Options(Hasher.Options):
        backbone: str = option("small", "a name for `features.backbones.create`")
        weights: str | None = option(None, "file of the backbone's weights; None: those it has")
        size: int | None = option(None, "pixels to which images are scaled", least=1)

    options: Options
    #: what the state calls the matrices of linear bits, after the modality
    linear: ClassVar[str] = "directions"
    family: ClassVar[str] = "shallow"
    image_views: ClassVar[tuple[str, ...]] = ("vectors", "pixels")

    def scales(self, train: Pairs) -> bool:
        """Whether views are scaled, beside being centred."""
        return True

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        state: State = {}
        views = []
        for modality in ("image", "text"):
            features = self._features(train, modality)
            mean = features.mean(axis=0, dtype=np.float64)
            length = np.sqrt(np.square(features - mean).sum(axis=1).mean())
            if not length > 0:
                raise ValueError(
                    f"all training samples of {train.name} have the same {modality}: "
                    f"{self.name or type(self).__name__} has nothing to learn from it."
                )
            scale = length if self.scales(train) else 1.0
            state |= {f"{modality}.mean": mean, f"{modality}.length": np.array([scale])}
            views.append((features - mean) / scale)
        rng = np.random.default_rng(self.seed)
        return state | self.fit_views(views[0], views[1], train.labels, rng)

    def _project(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        assert modality != "joint"
        return self.project_view(self.view(pairs, modality), modality)

    def view(self, pairs: Pairs, modality: Modality) -> np.ndarray:
        """Features of all samples, centred and scaled as in training, `float64 [N, d]`."""
        features = self._features(pairs, modality)
        return (features - self.state[f"{modality}.mean"]) / self.state[f"{modality}.length"]

    @abstractmethod
    def fit_views(
        self, image: np.ndarray, text: np.ndarray, labels: np.ndarray, rng: np.random.Generator
    ) -> State:
        """Learn from aligned views `float64 [n, d]` and labels `bool [n, C]`."""

    def project_view(self, x: np.ndarray, modality: Modality) -> np.ndarray:
        """Real values `[N, n_bits]` of a view's features `x`, whose signs are the codes.

        Linear, by the matrix `[d, n_bits]` that the state has as `linear` says, unless overridden.
        """
        return x @ self.state[f"{modality}.{self.linear}"]

    def _features(self, pairs: Pairs, modality: Modality) -> np.ndarray:
        """Feature vectors, `float32 [N, d]`."""
        if modality == "text" or pairs.images.ndim == 2:
            return pairs.features(modality)
        backbone = backbones.create(self.options.backbone, weights=self.options.weights)
        device = resolve_device(self.device)
        return feature_vectors(backbone, pairs.images, device=device, size=self.options.size)
