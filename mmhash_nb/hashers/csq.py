"""CSQ: central similarity quantisation (Yuan et al., CVPR 2020)."""

from typing import Literal

import torch
from torch import Tensor, nn

from mmhash_nb.hashers.base import Method
from mmhash_nb.hashers.deep_objective import SingleCodeObjective
from mmhash_nb.hashers.networks.inputs import Inputs
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.single_code import ImageHasher
from mmhash_nb.losses.central_similarity import csq_loss, csq_targets, hash_centres


class CentralSimilarity(SingleCodeObjective):
    """tanh(u) drawn towards the centre of its sample's labels."""

    def __init__(self, network: nn.Module, inputs: Inputs, labels: Tensor, method: Method) -> None:
        super().__init__(network, inputs, labels, method)
        centres = hash_centres(labels.shape[1], self.n_bits, self.seed)
        targets = csq_targets(labels.bool().cpu().numpy(), centres, self.seed)
        self.targets = torch.as_tensor(targets, dtype=torch.float32, device=labels.device)

    def of_values(self, u: Tensor, batch: Tensor) -> Tensor:
        return csq_loss(u.tanh(), self.targets[batch], self.options.quantisation)


class CSQ(ImageHasher):
    """Central similarity quantisation of images, on the network of zeng2022 (2022, §VI-C)."""

    objective_class = CentralSimilarity

    class Options(ImageHasher.Options):
        objective: Literal["csq"] = option("csq", "the loss, `csq_loss`")
        quantisation: float = option(1e-4, "weight of the distance to the codes", least=0)
