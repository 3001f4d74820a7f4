"""DSH: deep supervised hashing (Liu, Wang, Shan and Chen, CVPR 2016)."""

from typing import Literal

from torch import Tensor

from mmhash_nb.hashers.deep_objective import SingleCodeObjective
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.single_code import ImageHasher
from mmhash_nb.losses.contrastive import dsh_loss


class SquaredContrast(SingleCodeObjective):
    """Contrastive in squared distance; the margin is 2K by default."""

    def of_values(self, u: Tensor, batch: Tensor) -> Tensor:
        options = self.options
        return dsh_loss(u, self.similar(batch), options.margin, options.quantisation)


class DSH(ImageHasher):
    """Deep supervised hashing of images, on the network of zeng2022 (§VI-C)."""

    objective_class = SquaredContrast

    class Options(ImageHasher.Options):
        objective: Literal["dsh"] = option("dsh", "the loss, `dsh_loss`")
        quantisation: float = option(0.01, "weight of the distance to the codes, α", least=0)
