"""What the deep methods minimise: a loss of a network's values and the labels of a batch."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from mmhash_nb.hashers.base import Method, State
from mmhash_nb.hashers.networks.inputs import Inputs, ahead, all_rows, rows
from mmhash_nb.losses.triplet import triplet_costs
from mmhash_nb.training.objective import Objective


class DeepObjective(Objective):
    """A loss over training samples, with the network it is of.

    Args:
        network: to be trained.
        inputs: what it takes of the n training samples.
        labels: `bool [n, C]`.
        method: its options, code length and seed.
    """

    def __init__(self, network: nn.Module, inputs: Inputs, labels: Tensor, method: Method) -> None:
        super().__init__()
        self.network: Any = network
        self.inputs, self.labels = inputs, labels.float()
        self.options, self.n_bits, self.seed = method.options, method.n_bits, method.seed
        self.ahead = ahead(inputs)

    def record(self) -> State:
        """What the method's state holds of the training, besides the network and the losses."""
        return {}

    def given(self, batch: Tensor) -> dict[str, Tensor]:
        """What the network takes of the samples `batch`, by modality."""
        return _present(*rows(self.inputs, batch))

    def all_given(self) -> Iterator[tuple[slice, dict[str, Tensor]]]:
        """What the network takes of all training samples, some at a time, and which those are."""
        first = 0
        for given in all_rows(self.inputs, len(self.labels), self.labels.device):
            present = _present(*given)
            last = first + len(next(iter(present.values())))
            yield slice(first, last), present
            first = last

    def shared(self, batch: Tensor, others: Tensor | slice | None = None) -> Tensor:
        """How many labels samples share, `float32 [B, B]`, or `[B, M]` with `others`."""
        return self.labels[batch] @ self.labels[batch if others is None else others].T

    def similar(self, batch: Tensor, others: Tensor | slice | None = None) -> Tensor:
        """Which samples share a label, `bool [B, B]`, or `[B, M]` with `others`."""
        return self.shared(batch, others) > 0


class SingleCodeObjective(DeepObjective):
    """A loss of one code of each sample."""

    def loss(self, batch: Tensor) -> Tensor:
        """The loss of the network's values for the training samples `batch`."""
        return self.of_values(self.network(*rows(self.inputs, batch)).float(), batch)

    @abstractmethod
    def of_values(self, u: Tensor, batch: Tensor) -> Tensor:
        """The loss of values `u`, `float32 [B, K]`, whose signs are the codes of `batch`."""


class TripletRanking(SingleCodeObjective):
    """The triplet ranking loss (zeng2022, Eq. 9) on tanh(u), similarity by shared labels.

    The margin is not printed; it defaults to 1, where codes that differ in a bit are 2 apart. The
    sum over triplets is minimised, as printed, or their mean (`reduction`). Reported is the mean,
    which batches with other numbers of triplets share.
    """

    #: the cost per triplet of the last batch
    per_triplet: Tensor

    def of_values(self, u: Tensor, batch: Tensor) -> Tensor:
        margin = 1.0 if self.options.margin is None else self.options.margin
        costs = triplet_costs(u.tanh(), self.shared(batch).long(), margin)
        self.per_triplet = costs.mean.detach()
        return costs.reduced(self.options.reduction)

    def reported(self, loss: Tensor) -> Tensor:
        return self.per_triplet


def _present(image: Tensor | None, text: Tensor | None) -> dict[str, Tensor]:
    return {m: x for m, x in (("image", image), ("text", text)) if x is not None}
