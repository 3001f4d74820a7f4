"""The objective of DTH, TextHash and the multimodal methods of zeng2022: triplet ranking."""

from torch import Tensor

from mmhash_nb.hashers.deep_objective import SingleCodeObjective
from mmhash_nb.losses.triplet import triplet_ranking_loss


class TripletRanking(SingleCodeObjective):
    """The triplet ranking loss (zeng2022, Eq. 9) on tanh(u), similarity by shared labels.

    The margin is not printed; it defaults to 1, where codes that differ in a bit are 2 apart.
    """

    def of_values(self, u: Tensor, batch: Tensor) -> Tensor:
        """The loss of values `u`, `float32 [B, K]`, of the samples `batch`."""
        margin = 1.0 if self.options.margin is None else self.options.margin
        return triplet_ranking_loss(u.tanh(), self.shared(batch).long(), margin)
