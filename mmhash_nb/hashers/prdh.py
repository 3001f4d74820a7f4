"""PRDH: pairwise relationship guided deep hashing (Yang et al., AAAI 2017)."""

from torch import Tensor

from mmhash_nb.hashers.cross_modal import CrossModalNetworkHasher
from mmhash_nb.hashers.dcmh import PairwiseLikelihood
from mmhash_nb.hashers.options import option
from mmhash_nb.losses.pairwise_likelihood import dcmh_loss
from mmhash_nb.losses.quantisation import bit_decorrelation_loss, quantisation_loss


class RelationLikelihood(PairwiseLikelihood):
    """DCMH's objective, intra-modal likelihoods, and decorrelated bits.

    inter-modal + intra-modal likelihoods + γ (quantisation) + λ (decorrelation of bits)
    """

    def likelihood(self, values: dict[str, Tensor], similar: Tensor) -> Tensor:
        """Each modality's batch against the stored outputs of both."""
        # A pair's likelihood within a modality depends on the batch by both of its samples, and the
        # stored outputs pass no gradient: twice.
        within = dcmh_loss(values["image"], self.image, similar) + dcmh_loss(
            values["text"], self.text, similar
        )
        return super().likelihood(values, similar) + 2 * within

    def penalties(self, x: Tensor, batch: Tensor) -> Tensor:
        """γ ‖B − F‖² + λ (decorrelation of the batch's bits) of one modality, divided by n²."""
        quantisation = self.n_bits / self.n * quantisation_loss(x, self.codes[batch])
        decorrelation = bit_decorrelation_loss(x) / self.n**2
        return self.options.gamma * quantisation + self.options.lambda_ * decorrelation


class PRDH(CrossModalNetworkHasher):
    """Pairwise relationship guided deep hashing, on the network of zhang2018.

    Beside a sum over n² pairs, λ = 1 hardly counts.
    """

    objective_class = RelationLikelihood

    class Options(CrossModalNetworkHasher.Options):
        gamma: float = option(1.0, "weight of quantisation", least=0)
        lambda_: float = option(1.0, "weight of the decorrelation of bits", least=0)
