"""What MM-NN, CM-NN and NN hash share: siamese networks of one or two layers (masci2014, §3)."""

import itertools
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from mmhash_nb.hashers.base import EncodedModality, Hasher, State, share_label
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.unit_features import UnitFeatures
from mmhash_nb.losses.contrastive import contrastive_loss
from mmhash_nb.pairs import Pairs
from mmhash_nb.training.devices import one_thread, resolve_device
from mmhash_nb.training.loop import Plateau, train
from mmhash_nb.training.objective import Objective
from mmhash_nb.training.optimisers import LBFGS, SGD, Adam, Optimiser

_RULE_OF_THUMB = {12: 3.0, 24: 5.0, 48: 5.0, 64: 7.0, 256: 16.0}
_OPTIMISERS: dict[str, type[Optimiser]] = {"lbfgs": LBFGS, "adam": Adam, "sgd": SGD}


def margin_for(n_bits: int) -> float:
    """The paper's margin: 3 for 12 bits, 5 for 24 and 48, 7 for 64, 16 for 256 (§4).

    Between the listed lengths it is interpolated; outside them it has the same share of the largest
    distance that tanh outputs can have, √(4m) (§3.1).
    """
    lengths, margins = list(_RULE_OF_THUMB), list(_RULE_OF_THUMB.values())
    nearest = min(max(n_bits, lengths[0]), lengths[-1])
    return float(np.interp(nearest, lengths, margins) * np.sqrt(n_bits / nearest))


def network(n_features: int, n_bits: int, layers: int, hidden: int) -> nn.Sequential:
    """ξ(x) = tanh(Px + a), or with a layer of `hidden` tanh units before it (masci2014, §3).

    Weights start from N(0, 1) in the first layer, whose inputs have unit length, and N(0, 1/hidden)
    in the second: every unit then starts with a pre-activation of unit variance, so that the first
    codes are those of random hyperplanes.
    """
    widths = [n_features, n_bits] if layers == 1 else [n_features, hidden, n_bits]
    modules: list[nn.Module] = []
    for depth, (fan_in, fan_out) in enumerate(itertools.pairwise(widths)):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.normal_(linear.weight, std=1.0 if depth == 0 else fan_in**-0.5)
        nn.init.zeros_(linear.bias)
        modules += [linear, nn.Tanh()]
    return nn.Sequential(*modules)


class SiameseHasher(UnitFeatures, Hasher):
    """Siamese networks, trained together on all pairs of a mini-batch; codes are output signs.

    A pair is similar when it shares a label. A sample and itself count as a similar pair, which
    costs nothing.
    """

    family: ClassVar[str] = "network on vectors"

    class Options(Hasher.Options):
        layers: Literal[1, 2] = option(1, "of a network")
        hidden: int = option(
            48, "units of the first of two layers; 48 for CIFAR-10, 32 for Wiki", least=1
        )
        margin: float | None = option(
            None, "m of the contrastive loss; None takes the rule of thumb, `margin_for`", least=0
        )
        balanced: bool = option(False, "see `contrastive_loss`")
        optimiser: Literal["adam", "lbfgs", "sgd"] = option(
            "adam", "lbfgs: five iterations a mini-batch, as in the paper (§3.3)"
        )
        epochs: int = option(100, "passes over the training samples, at most", least=1)
        batch_size: int = option(200, "samples in a mini-batch, at most", least=2)
        learning_rate: float = option(0.01, "size of steps, or of a line search's first", above=0)
        weight_decay: float = option(0.0, "L2 penalty of the weights", least=0)
        tolerance: float | None = option(
            1e-3, "end where the loss has not fallen by this fraction; None: never", least=0
        )
        patience: int = option(10, "for so many epochs", least=1)

    @abstractmethod
    def objective(self, outputs: dict[str, Tensor], similar: Tensor) -> Tensor:
        """The loss of outputs `[B, m]` by modality and the pairs' similarity, `bool [B, B]`."""

    def contrastive(self, a: Tensor, b: Tensor, similar: Tensor) -> Tensor:
        """The contrastive loss of outputs `[B, m]` of one network or of two (Eqs. 5 and 6)."""
        margin = self.options.margin
        margin = margin_for(self.n_bits) if margin is None else margin
        return contrastive_loss(a, b, similar, margin, self.options.balanced)

    def loss(self, pairs: Pairs) -> float:
        """The loss of a fitted method over all pairs of samples, without the weight penalty.

        The losses by epoch in its state are of mini-batches: L-BFGS fits one after the other, and
        what it has fitted of the last one it can lose of all.
        """
        views: tuple[EncodedModality, ...] = ("image", "text")
        outputs: dict[str, Tensor] = {}
        for view in views:
            outputs[view] = torch.from_numpy(self._project(pairs, view))
        similar = torch.from_numpy(share_label(pairs.labels, pairs.labels))
        return float(self.objective(outputs, similar))

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        return self._learn(train, self.modalities, checkpoint)

    def _learn(self, pairs: Pairs, modalities: tuple[str, ...], checkpoint: Path | None) -> State:
        """Train the networks of `modalities` together; their weights, means and loss by epoch."""
        device = resolve_device(self.device)
        means = self.means(pairs, *modalities)
        normalised = {m: self.normalised(pairs, m, means) for m in modalities}
        x = {m: torch.from_numpy(vectors).to(device) for m, vectors in normalised.items()}
        labels = torch.from_numpy(pairs.labels.astype(np.float32)).to(device)  # [n, C]
        objective = _Coupled(self, x, labels).to(device)
        settings = self.options
        rates = {key: settings[key] for key in ("learning_rate", "weight_decay")}
        with one_thread():
            history = train(
                objective,
                len(pairs),
                epochs=settings.epochs,
                batch_size=settings.batch_size,
                optimiser=_OPTIMISERS[settings.optimiser](**rates),
                plateau=None
                if settings.tolerance is None
                else Plateau(settings.tolerance, settings.patience),
                seed=self.seed,
                device=device,
                checkpoint=checkpoint,
                label=f"{self.name} {self.n_bits} bits seed {self.seed}",
            )
        state = {key: value.cpu().numpy() for key, value in objective.networks.state_dict().items()}
        return state | means | {f"{modalities[0]}.loss": np.array(history)}

    def _project(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        out = self.normalised(pairs, modality, self.state)
        for depth in range(self.options.layers):
            weight = self.state[f"{modality}.{2 * depth}.weight"]
            bias = self.state[f"{modality}.{2 * depth}.bias"]
            out = np.tanh(out @ weight.T + bias)
        return out


class _Coupled(Objective):
    """A method's networks and its loss over the training samples `x` by modality."""

    def __init__(self, method: SiameseHasher, x: dict[str, Tensor], labels: Tensor) -> None:
        super().__init__()
        self.method, self.x, self.labels = method, x, labels
        widths = (method.n_bits, method.options.layers, method.options.hidden)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(method.seed)
            self.networks = nn.ModuleDict({m: network(x[m].shape[1], *widths) for m in x})

    def loss(self, batch: Tensor) -> Tensor:
        """The method's loss of the training samples `batch`."""
        similar = self.labels[batch] @ self.labels[batch].T > 0  # [B, B]
        outputs: dict[str, Any] = {m: self.networks[m](self.x[m][batch]) for m in self.x}
        return self.method.objective(outputs, similar)
