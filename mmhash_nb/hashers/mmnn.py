"""MM-NN: multimodal similarity-preserving hashing (Masci et al., TPAMI 2014)."""

from torch import Tensor

from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.siamese import SiameseHasher


class MMNN(SiameseHasher):
    """Two siamese networks ξ (image) and η (text) coupled by the cross-modal loss.

    Minimises L_XY + α L_X + α L_Y (Eq. 7), each the contrastive loss (Eqs. 5 and 6) over all pairs
    of a mini-batch, with m_X = m_Y = m_XY.
    """

    class Options(SiameseHasher.Options):
        alpha: float = option(0.5, "α_X = α_Y, weight of pairs within a modality", least=0)

    def objective(self, outputs: dict[str, Tensor], similar: Tensor) -> Tensor:
        """Eq. 7 from outputs `[B, m]` by modality and the pairs' similarity, `bool [B, B]`."""
        image, text = outputs["image"], outputs["text"]
        total = self.contrastive(image, text, similar)
        if self.options.alpha:
            intra = self.contrastive(image, image, similar) + self.contrastive(text, text, similar)
            total = total + self.options.alpha * intra
        return total
