"""NN hash: a siamese network for each modality (Masci et al., ICLR 2012; masci2014, §3)."""

from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from mmhash_nb.hashers.base import State
from mmhash_nb.hashers.siamese import SiameseHasher
from mmhash_nb.pairs import Pairs


class NNHash(SiameseHasher):
    """One siamese network for each modality, trained without the other (Eq. 5).

    Codes of different modalities do not compare.
    """

    cross_modal: ClassVar[bool] = False

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        state: State = {}
        for modality in self.modalities:
            folder = None if checkpoint is None else checkpoint / modality
            state |= self._learn(train, (modality,), folder)
        return state

    def objective(self, outputs: dict[str, Tensor], similar: Tensor) -> Tensor:
        """Eq. 5 of each modality's outputs `[B, m]` and the pairs' similarity, `bool [B, B]`."""
        return torch.stack([self.contrastive(x, x, similar) for x in outputs.values()]).sum()
