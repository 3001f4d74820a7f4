"""DPSH: deep pairwise-supervised hashing (Li, Wang and Kang, IJCAI 2016)."""

from typing import Literal

from torch import Tensor

from mmhash_nb.hashers.deep_objective import SingleCodeObjective
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.single_code import ImageHasher
from mmhash_nb.losses.pairwise_likelihood import dpsh_loss


class PairwiseSupervision(SingleCodeObjective):
    """The likelihood of the similarities given u·u', and the distance of u to its signs."""

    def of_values(self, u: Tensor, batch: Tensor) -> Tensor:
        return dpsh_loss(u, self.similar(batch), self.options.quantisation)


class DPSH(ImageHasher):
    """Deep pairwise-supervised hashing of images, on the network of zeng2022 (§VI-C)."""

    objective_class = PairwiseSupervision

    class Options(ImageHasher.Options):
        objective: Literal["dpsh"] = option("dpsh", "the loss, `dpsh_loss`")
        quantisation: float = option(0.1, "weight of the distance to the codes, η", least=0)
