"""What AADAH minimises and what its attention maximises (zhang2018, §3.3)."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from mmhash_nb.hashers.base import Method, State
from mmhash_nb.hashers.deep_objective import DeepObjective
from mmhash_nb.hashers.networks.cross_modal_network import CrossModalNetwork
from mmhash_nb.hashers.networks.inputs import Inputs
from mmhash_nb.losses.triplet import Reduction, TripletCosts, cross_triplet_costs, triplet_costs
from mmhash_nb.training.adversary import Adversary
from mmhash_nb.training.loop import n_batches

#: columns of `AADAH.curves`
CURVES = ("attended", "unattended", "unattended, attention's step")
_OTHER = {"image": "text", "text": "image"}


class AdversarialRetrieval(DeepObjective):
    """The losses of zhang2018 and which parts of the network learn by them.

    With H the codes of attended features and Ĥ those of unattended ones, both by tanh, and
    F_{A→B} = Σ max(0, ε + ‖A_i − B_j‖ − ‖A_i − B_k‖) over triplets with S(i,j) > S(i,k):

        cross-modal retrieval loss  F_{T→I} + F_{I→T} + F_{I→I} + F_{T→T}    (Eqs. 4 and 5)
        adversarial retrieval loss  F_{T→Î} + F_{I→T̂}                        (Eq. 6)

    E and D minimise the sum of both (Eq. 8), E also through the masks, whose gradient goes straight
    through to the features; G maximises the adversarial loss (Eq. 9), on the features that E had in
    the step just taken, which its step does not compute again. With `reduction="mean"` each F is
    divided by the number of its triplets. So are those that the curves and the history have.
    """

    curves: Tensor
    step: Tensor
    #: E's features of the last step, by modality
    seen: dict[str, Tensor]
    #: what E and D minimised in the last step, each F per triplet
    per_triplet: Tensor

    def __init__(self, network: nn.Module, inputs: Inputs, labels: Tensor, method: Method) -> None:
        super().__init__(network, inputs, labels, method)
        assert isinstance(network, CrossModalNetwork)
        steps = self.options.epochs * n_batches(len(labels), self.options.batch_size)
        self.register_buffer("curves", torch.full((steps, len(CURVES)), torch.nan))
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        sides = self.options.adversarial
        self.hashing_is_adversarial = sides in ("both", "hashing")
        if sides in ("both", "attention") and len(network.attention):
            self.adversary = Adversary(network.attention, self.gain, self.options.hashing_steps)
        else:
            network.attention.requires_grad_(False)

    def loss(self, batch: Tensor) -> Tensor:
        """What E and D minimise (Eq. 8)."""
        features = {m: self.network.features(m, given) for m, given in self.given(batch).items()}
        self.seen = {modality: maps.detach() for modality, maps in features.items()}
        attended, unattended = self.codes(features)
        similar = self.similar(batch).long()
        retrieval = self.retrieval(attended, similar)
        adversarial = self.adversarial(attended, unattended, similar)
        # Where memory runs out, smaller batches are tried, beyond the steps that have a row.
        row = self.step % len(self.curves)
        self.curves[row, :2] = torch.stack([retrieval[1], adversarial[1]]).detach()
        self.step += 1
        minimised = retrieval + adversarial if self.hashing_is_adversarial else retrieval
        self.per_triplet = minimised[1].detach()
        return minimised[0]

    def reported(self, loss: Tensor) -> Tensor:
        return self.per_triplet

    def gain(self, batch: Tensor) -> Tensor:
        """What G minimises, the adversarial loss with its sign turned (Eq. 9).

        `batch` is that of the last `loss`.
        """
        attended, unattended = self.codes(self.seen)
        if not self.options.attend_queries:
            attended = {modality: values.detach() for modality, values in attended.items()}
        adversarial = self.adversarial(attended, unattended, self.similar(batch).long())
        self.curves[(self.step - 1) % len(self.curves), 2] = adversarial[1].detach()
        return -adversarial[0]

    def codes(self, features: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """H and Ĥ, `float32 [B, K]` in [−1, 1], by modality; Ĥ of those that have a mask."""
        attended, unattended = {}, {}
        for modality, maps in features.items():
            divided = self.network.divide(modality, maps)
            parts, mask = maps, None
            if divided is not None:
                parts = torch.cat([divided.attended, divided.unattended])
                mask = torch.cat([divided.mask, 1 - divided.mask])
            codes = self.network.values(modality, parts, mask).float().tanh()
            attended[modality] = codes[: len(maps)]
            if divided is not None:
                unattended[modality] = codes[len(maps) :]
        return attended, unattended

    def retrieval(self, codes: Mapping[str, Tensor], similar: Tensor) -> Tensor:
        """The cross-modal retrieval loss (Eq. 4), in which a sample is not its own neighbour.

        `[2]`: by the option `reduction`, and by the mean over the triplets of each F.
        """
        margin = self.options.margin
        across = [
            cross_triplet_costs(codes[a], codes[b], similar, margin) for a, b in _OTHER.items()
        ]
        within = [triplet_costs(x, similar, margin) for x in codes.values()]
        return self._reduced([*across, *within])

    def adversarial(
        self, queries: Mapping[str, Tensor], unattended: Mapping[str, Tensor], similar: Tensor
    ) -> Tensor:
        """The adversarial retrieval loss (Eq. 6): unattended codes ranked for the other's queries.

        `[2]` as in `retrieval`; 0 where no modality has a mask.
        """
        margin = self.options.margin
        terms = [
            cross_triplet_costs(queries[_OTHER[modality]], codes, similar, margin)
            for modality, codes in unattended.items()
        ]
        return self._reduced(terms) if terms else similar.new_zeros(2, dtype=torch.float32)

    def record(self) -> State:
        """The adversarial losses, step by step."""
        return {"curves": self.curves.cpu().numpy()}

    def _reduced(self, terms: Sequence[TripletCosts]) -> Tensor:
        kinds: tuple[Reduction, Reduction] = (self.options.reduction, "mean")
        return torch.stack([torch.stack([f.reduced(kind) for f in terms]).sum() for kind in kinds])
