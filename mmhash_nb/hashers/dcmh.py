"""DCMH: deep cross-modal hashing (Jiang and Li, CVPR 2017)."""

import torch
from torch import Tensor, nn

from mmhash_nb.hashers.base import Method
from mmhash_nb.hashers.cross_modal import CrossModalNetworkHasher
from mmhash_nb.hashers.deep_objective import DeepObjective
from mmhash_nb.hashers.networks.inputs import Inputs
from mmhash_nb.hashers.options import option
from mmhash_nb.losses.pairwise_likelihood import dcmh_loss
from mmhash_nb.losses.quantisation import bit_balance_loss, quantisation_loss


class PairwiseLikelihood(DeepObjective):
    """DCMH (Jiang and Li 2017, Eq. 1) by mini-batches, divided by the n² pairs of the training set:

        Σ_{i,j} [log(1 + e^θ) − s θ] + γ (‖B − F‖² + ‖B − G‖²) + η (‖F1‖² + ‖G1‖²), θ = ½ F_i·G_j

    F and G, the outputs for all n training samples, are stored; a batch replaces its rows by what
    the networks give now. Each network's likelihood has its batch against all stored outputs of
    the other, so that the gradients are those of the paper's two alternating steps, taken at once.
    They start as what the networks give before training. B = sign(F + G) is set at the start of
    each epoch. The balance of bits, F1, is estimated from the batch: stored outputs are up to an
    epoch old, and a network that corrects for them overshoots.
    """

    image: Tensor
    text: Tensor
    codes: Tensor

    def __init__(self, network: nn.Module, inputs: Inputs, labels: Tensor, method: Method) -> None:
        super().__init__(network, inputs, labels, method)
        self.n = len(labels)
        for name in ("image", "text", "codes"):
            self.register_buffer(name, torch.zeros(self.n, self.n_bits))

    def on_epoch(self, epoch: int) -> None:
        """Set the codes B of all training samples, and before the first epoch F and G."""
        if epoch == 0:
            self.store_all()
        total = self.image + self.text
        self.codes.copy_(torch.where(total >= 0, 1.0, -1.0))

    @torch.no_grad()
    def store_all(self) -> None:
        """Set F and G to what the networks give for all training samples."""
        for some, given in self.all_given():
            for modality, x in given.items():
                getattr(self, modality)[some] = self.network(modality, x).float()

    def loss(self, batch: Tensor) -> Tensor:
        similar = self.similar(batch, slice(None))
        given = self.given(batch)
        values = {m: self.network(m, given[m]).float() for m in ("image", "text")}
        for modality, x in values.items():
            getattr(self, modality)[batch] = x.detach()
        total = self.likelihood(values, similar)
        for x in values.values():
            total = total + self.penalties(x, batch)
        return total

    def likelihood(self, values: dict[str, Tensor], similar: Tensor) -> Tensor:
        """Each modality's batch against the stored outputs of the other."""
        return dcmh_loss(values["image"], self.text, similar) + dcmh_loss(
            values["text"], self.image, similar
        )

    def penalties(self, x: Tensor, batch: Tensor) -> Tensor:
        """γ ‖B − F‖² + η ‖F1‖² of one modality, divided by n²."""
        quantisation = self.n_bits / self.n * quantisation_loss(x, self.codes[batch])
        balance = self.n_bits * bit_balance_loss(x)
        return self.options.gamma * quantisation + self.options.eta * balance


class DCMH(CrossModalNetworkHasher):
    """Deep cross-modal hashing, on the network of zhang2018.

    Both weights are 1 in the paper. As the balance of a batch is a noisy estimate, η = 1 hides the
    likelihood, and the default is 0.05.
    """

    objective_class = PairwiseLikelihood

    class Options(CrossModalNetworkHasher.Options):
        gamma: float = option(1.0, "weight of quantisation", least=0)
        eta: float = option(0.05, "weight of the balance of bits", least=0)
