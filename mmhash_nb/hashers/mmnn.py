"""MM-NN, CM-NN and NN hash: (coupled) siamese networks (Masci et al. 2014)."""

import itertools
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from mmhash_nb.hashers.base import EncodedModality, Hasher, State, centre_unit
from mmhash_nb.losses import contrastive_loss
from mmhash_nb.pairs import Modality, Pairs
from mmhash_nb.training.loop import one_thread, resolve_device
from mmhash_nb.training.loop import train as train_networks

_SCHEDULE = (
    "epochs",
    "batch_size",
    "optimiser",
    "learning_rate",
    "weight_decay",
    "tolerance",
    "patience",
)
_RULE_OF_THUMB = {12: 3.0, 24: 5.0, 48: 5.0, 64: 7.0, 256: 16.0}


def margin_for(n_bits: int) -> float:
    """The paper's margin: 3 for 12 bits, 5 for 24 and 48, 7 for 64, 16 for 256 (§4).

    Between the listed lengths it is interpolated; outside them it keeps its share of the largest
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
    if layers not in (1, 2):
        raise ValueError(f"layers must be 1 or 2, but is {layers!r}.")
    if hidden < 1:
        raise ValueError(f"hidden must be at least 1 unit, but is {hidden!r}.")
    widths = [n_features, n_bits] if layers == 1 else [n_features, hidden, n_bits]
    modules: list[nn.Module] = []
    for depth, (fan_in, fan_out) in enumerate(itertools.pairwise(widths)):
        linear = nn.Linear(fan_in, fan_out)
        nn.init.normal_(linear.weight, std=1.0 if depth == 0 else fan_in**-0.5)
        nn.init.zeros_(linear.bias)
        modules += [linear, nn.Tanh()]
    return nn.Sequential(*modules)


class CoupledSiamese(Hasher):
    """Two siamese networks ξ (image) and η (text) coupled by the cross-modal loss.

    Minimises L_XY + α L_X + α L_Y (Eq. 7), each the contrastive loss (Eqs. 5 and 6) over all pairs
    of a mini-batch; a pair is similar when it shares a label. In L_X and L_Y a sample and itself
    count as a similar pair, which costs nothing. Codes are the signs of the outputs. MM-NN has
    α = 0.5, CM-NN α = 0.

    Options:
        layers: 1 or 2; hidden: tanh units of the first of two (48 for CIFAR-10, 32 for Wiki).
        alpha: α_X = α_Y.
        margin: m_X = m_Y = m_XY; None takes the paper's rule of thumb.
        balanced: see `losses.contrastive_loss`.
        optimiser: `lbfgs` (five iterations a mini-batch, as in the paper) or `adam`.
        epochs, batch_size, learning_rate, weight_decay, tolerance, patience: see `training.train`.
    """

    family: ClassVar[str] = "network on vectors"
    image_views: ClassVar[tuple[str, ...]] = ("vectors",)
    defaults: ClassVar[dict[str, Any]] = {
        "layers": 1,
        "alpha": 0.5,
        "hidden": 48,
        "margin": None,
        "balanced": True,
        "optimiser": "lbfgs",
        "epochs": 60,
        "batch_size": 200,
        "learning_rate": 1.0,
        "weight_decay": 0.0,
        "tolerance": 1e-3,
        "patience": 10,
    }

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        return self._learn(train, self.modalities, checkpoint)

    def _learn(self, train: Pairs, modalities: tuple[str, ...], checkpoint: Path | None) -> State:
        """Train the networks of `modalities` together; their weights, means and loss by epoch."""
        device = resolve_device(self.device)
        features = {m: train.features(cast(Modality, m)) for m in modalities}
        means = {m: x.mean(axis=0) for m, x in features.items()}
        x = {m: torch.from_numpy(centre_unit(features[m], means[m])).to(device) for m in modalities}
        labels = torch.from_numpy(train.labels.astype(np.float32)).to(device)  # [n, C]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            nets = nn.ModuleDict(
                {
                    m: network(
                        x[m].shape[1], self.n_bits, self.options["layers"], self.options["hidden"]
                    )
                    for m in modalities
                }
            ).to(device)

        def loss(batch: Tensor) -> Tensor:
            similar = labels[batch] @ labels[batch].T > 0  # [B, B]
            return self.objective({m: nets[m](x[m][batch]) for m in modalities}, similar)

        schedule = {key: self.options[key] for key in _SCHEDULE}
        with one_thread():
            history = train_networks(
                nets,
                loss,
                len(train),
                seed=self.seed,
                device=device,
                checkpoint=checkpoint,
                label=f"{self.name} {self.n_bits} bits seed {self.seed}",
                **schedule,
            )
        state = {key: value.cpu().numpy() for key, value in nets.state_dict().items()}
        state |= {f"{m}.mean": mean for m, mean in means.items()}
        return state | {f"{modalities[0]}.loss": np.array(history)}

    def objective(self, outputs: dict[str, Tensor], similar: Tensor) -> Tensor:
        """Eq. 7 from outputs `[B, m]` by modality and the pairs' similarity, `bool [B, B]`."""
        image, text = outputs["image"], outputs["text"]
        total = self._contrastive(image, text, similar)
        if self.options["alpha"]:
            intra = self._contrastive(image, image, similar) + self._contrastive(
                text, text, similar
            )
            total = total + self.options["alpha"] * intra
        return total

    def _contrastive(self, a: Tensor, b: Tensor, similar: Tensor) -> Tensor:
        asked = self.options["margin"]
        margin = margin_for(self.n_bits) if asked is None else asked
        return contrastive_loss(a, b, similar, margin, self.options["balanced"])

    def _project(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        view = cast(Modality, modality)
        out = centre_unit(pairs.features(view), self.state[f"{view}.mean"])
        for depth in range(self.options["layers"]):
            weight = self.state[f"{view}.{2 * depth}.weight"]
            bias = self.state[f"{view}.{2 * depth}.bias"]
            out = np.tanh(out @ weight.T + bias)
        return out


class Siamese(CoupledSiamese):
    """NN hash: one siamese network for each modality, trained without the other (Eq. 5).

    Codes of different modalities do not compare. Options as `CoupledSiamese`, without `alpha`.
    """

    cross_modal: ClassVar[bool] = False
    defaults: ClassVar[dict[str, Any]] = {
        key: value for key, value in CoupledSiamese.defaults.items() if key != "alpha"
    }

    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        state: State = {}
        for modality in self.modalities:
            folder = None if checkpoint is None else checkpoint / modality
            state |= self._learn(train, (modality,), folder)
        return state

    def objective(self, outputs: dict[str, Tensor], similar: Tensor) -> Tensor:
        """Eq. 5 from one modality's outputs `[B, m]` and the pairs' similarity, `bool [B, B]`."""
        ((_, x),) = outputs.items()
        return self._contrastive(x, x, similar)
