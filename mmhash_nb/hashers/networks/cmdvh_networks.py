"""The networks of CMDVH: one that fuses both modalities into a code, and one for each modality."""

import copy
from collections.abc import Sequence

from torch import Tensor, nn

from mmhash_nb.features.backbones import Backbone
from mmhash_nb.hashers.networks.given_features import GivenFeatures
from mmhash_nb.hashers.networks.staged import Staged

#: units of the image branch's hidden layer, of what both branches give, and of the latent network's
#: hidden layer (liong2017, §4.1)
IMAGE_HIDDEN, FUSED, LATENT_HIDDEN = 500, 200, 500


class Branch(Staged):
    """One modality: features → a hidden layer with ReLU → real values, not squashed.

    Args:
        stages: modules before the features; the branch has copies.
        head: layers between the last stage's map and the features, likewise; None takes the map's
            mean over positions.
        n_features: that come out of these.
        hidden: units of the hidden layer.
        n_outputs: real values.
    """

    def __init__(
        self,
        stages: Sequence[nn.Module],
        head: nn.Module | None,
        n_features: int,
        hidden: int,
        n_outputs: int,
    ) -> None:
        super().__init__([copy.deepcopy(stage) for stage in stages])
        self.head = copy.deepcopy(head)
        self.hidden = xavier_linear(n_features, hidden)
        self.last = xavier_linear(hidden, n_outputs)

    def measure(self, given: Tensor) -> None:
        """Take mean and scale of training vectors `[n, d]`, where the branch starts from such."""
        if isinstance(first := self.stages[0], GivenFeatures):
            first.measure(given.cpu().numpy())

    def pretrained(self) -> nn.ModuleList:
        """The layers that were learned before."""
        return nn.ModuleList([*self.stages, *([] if self.head is None else [self.head])])

    def forward(self, given: Tensor) -> Tensor:
        """Values `[B, n_outputs]` of pixels or maps `[B, C, h, w]`, or of vectors `[B, d]`."""
        last = self.last_map(given)
        features = last.mean(dim=(2, 3)) if self.head is None else self.head(last)
        return self.last(self.hidden(features).relu())


class FusionNetwork(nn.Module):
    """Image and text to h in (−1, 1)^K (liong2017, Eqs. 1 to 3).

    With the latent network, w = ReLU(f_u(image) + f_v(text)) and h = tanh(f_w(w)), of which f_w is
    200 → 500 → K with ReLU between. Without it, the branches end in K units each, and h is the
    tanh of their sum.

    Args:
        image, text: the branches.
        n_bits: code length K.
        latent: whether there is a latent network.
    """

    def __init__(self, image: Branch, text: Branch, n_bits: int, latent: bool) -> None:
        super().__init__()
        self.image, self.text = image, text
        self.latent: nn.Module = nn.Identity()
        if latent:
            self.latent = nn.Sequential(
                nn.ReLU(),
                xavier_linear(FUSED, LATENT_HIDDEN),
                nn.ReLU(),
                xavier_linear(LATENT_HIDDEN, n_bits),
            )

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        """h, `[B, K]`."""
        return self.latent(self.image(image) + self.text(text)).tanh()


class VariationalNetworks(nn.Module):
    """The fusion network and the two modality-specific ones (liong2017, §3 and §4.1).

    A modality-specific network is a `Branch` with 2K outputs, μ and log σ² of its latent variable,
    or without `variational` K outputs. The paper calls the second half σ; a logarithm lets it take
    any value.

    Args:
        backbone, stages, n_words, n_bits: as of `CrossModalNetwork`; all stages are learned.
        text_hidden: units of the text branches' hidden layer.
        latent: whether the fusion network has a latent network.
        variational: whether modality-specific networks give a distribution.
    """

    def __init__(
        self,
        backbone: Backbone,
        stages: Sequence[nn.Module],
        n_words: int,
        n_bits: int,
        *,
        text_hidden: int,
        latent: bool,
        variational: bool,
    ) -> None:
        super().__init__()
        self.n_bits = n_bits

        def branches(n_outputs: int) -> tuple[Branch, Branch]:
            n_features = backbone.n_features
            image = Branch(stages, backbone.head, n_features, IMAGE_HIDDEN, n_outputs)
            return image, Branch([GivenFeatures(n_words)], None, n_words, text_hidden, n_outputs)

        self.fusion = FusionNetwork(*branches(FUSED if latent else n_bits), n_bits, latent)
        self.image, self.text = branches(2 * n_bits if variational else n_bits)

    def outputs(self, modality: str, given: Tensor) -> Tensor:
        """All values of a modality-specific network, `[B, 2K]` or `[B, K]`: μ comes first."""
        return (self.image if modality == "image" else self.text)(given)

    def forward(self, modality: str, given: Tensor) -> Tensor:
        """μ `[B, K]` of one modality, whose signs are its code."""
        return self.outputs(modality, given)[:, : self.n_bits]


def xavier_linear(n_inputs: int, n_outputs: int) -> nn.Linear:
    """A linear layer of weights from U[−√(6 / (n_in + n_out)), √(6 / (n_in + n_out))], no bias yet.

    (liong2017, footnote 8; Glorot and Bengio 2010.)
    """
    layer = nn.Linear(n_inputs, n_outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
