"""SM: semantic matching (Rasiwasia et al., ACM MM 2010)."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from mmhash_nb.hashers.base import EncodedModality, State, unit_rows
from mmhash_nb.hashers.logistic import choose_strength, fit_logistic, posteriors
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.unit_features import Reference
from mmhash_nb.pairs import Pairs


class SemanticMatching(Reference):
    """SM: class posteriors by logistic regression in each modality, ranked by their correlation.

    Multinomial where every training sample has one label, else one logistic regression per label.
    Embeddings are the posteriors less their mean over the classes, scaled to unit length, `[N, C]`:
    Euclidean order is the order of their centred normalised correlation. `n_bits` has no effect on
    the dimension. `sm_plain` (`centred=False`) ranks by plain normalised correlation. Centred
    posteriors rank better in cross-validation on Wiki's training set, so they are the default. On
    Wiki's queries (mAP in per cent): image to text 26.3 plain and 29.2 centred, text to image 28.2
    and 27.5; among the queries alone, as in the source, 26.1 and 29.1, 22.2 and 22.0.

    Without `C`, each modality has that of `STRENGTHS` with the least cross-validated log loss on
    the training samples. `state["image.C"]` and `state["text.C"]` have it.

    Source: Rasiwasia et al., ACM MM 2010.
    """

    uses_n_bits: ClassVar[bool] = False

    class Options(Reference.Options):
        C: float | None = option(None, "inverse strength of the L2 penalty; None: chosen", above=0)
        centred: bool = option(True, "posteriors less their mean; False: their plain cosine")

    options: Options

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        state = self.means(train)
        views = [self.normalised(train, modality, state) for modality in self.modalities]
        return state | self.classifiers(views, train.labels)

    def classifiers(self, views: list[np.ndarray], labels: np.ndarray) -> State:
        """Regressions of `labels`, `bool [n, C]`, on each view, `[n, d]`, as the state has them."""
        if not (labels.any(axis=0) & ~labels.all(axis=0)).any():
            raise ValueError(
                "every training sample has the same labels: semantic matching needs labels that "
                "tell samples apart."
            )
        state: State = {"single_label": np.array([(labels.sum(axis=1) == 1).all()])}
        for modality, x in zip(self.modalities, views, strict=True):
            strength = self.options.C or choose_strength(x, labels, self.seed)
            weights, offsets = fit_logistic(x, labels, strength)
            state |= {
                f"{modality}.weights": weights,  # [d, C]
                f"{modality}.offsets": offsets,
                f"{modality}.C": np.array([strength]),
            }
        return state

    def _embed(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        return self.semantic(self.normalised(pairs, modality, self.state), modality)

    def semantic(self, x: np.ndarray, modality: EncodedModality) -> np.ndarray:
        """Embeddings `[N, C]` of samples that are described by `x`, `[N, d]`."""
        scores = x @ self.state[f"{modality}.weights"] + self.state[f"{modality}.offsets"]
        p = posteriors(scores, bool(self.state["single_label"][0]))  # [N, C]
        return unit_rows(p - p.mean(axis=1, keepdims=True) if self.options.centred else p)
