"""What image, text and multimodal hashing share: one code, by one network (zeng2022, §V, §VI-C)."""

from typing import Any, ClassVar, Literal, cast

import numpy as np
from torch import nn

from mmhash_nb.features.backbones import Backbone
from mmhash_nb.hashers.base import EncodedModality
from mmhash_nb.hashers.deep import DeepHasher
from mmhash_nb.hashers.deep_objective import TripletRanking
from mmhash_nb.hashers.deep_options import ImageOptions, TextOptions, TripletOptions
from mmhash_nb.hashers.networks.joint_network import Concatenation, JointNetwork
from mmhash_nb.hashers.options import option
from mmhash_nb.pairs import Pairs


class SingleCode(DeepHasher):
    """A method with one code of an image, a text, or both (`joint`), on a `JointNetwork`.

    The paper's settings are the defaults: Adam, batches of 100, 0.0001 divided by ten every 20
    epochs, weight decay 0.00001 (§VI-B). It does not say how many epochs.
    """

    cross_modal: ClassVar[bool] = False

    class Options(DeepHasher.Options):
        margin: float | None = option(
            None, "of the triplet ranking loss and of DSH; None takes the loss's default", above=0
        )

    def build(
        self, backbone: Backbone | None, stages: list[nn.Module], n_words: int
    ) -> JointNetwork:
        """A `JointNetwork` with the branch of the method's modality."""
        return JointNetwork(
            stages,
            (0, 0) if backbone is None else backbone.widths[-2:],
            n_words,
            self.n_bits,
            branch=self.modalities[0],
            frozen=self.options.get("trainable") == "none",
            statistics=self.options.get("statistics", "fixed"),
            **self.design(),
        )

    def design(self) -> dict[str, Any]:
        """The arguments of `JointNetwork` that the method fixes."""
        return {k: v for k, v in self.options.items() if k in ("text_hidden", "text_features")}

    def real_values(self, pairs: Pairs) -> np.ndarray:
        """u of all samples of `pairs`, `float32 [N, K]`: the codes are their signs."""
        modality = cast(EncodedModality, self.modalities[0])
        self._check_encodable(modality)
        return self._project(pairs, modality)

    def fitted_sizes(self) -> tuple[int, int]:
        """Columns of the texts, 0 where they are not read; images are pixels."""
        layer = self.state.get("text1.0.weight")
        return 0 if layer is None else layer.shape[1], 0


class ImageBranchOptions(ImageOptions):
    """Options of the image branch of a `JointNetwork`."""

    statistics: Literal["fixed", "batch"] = option(
        "fixed",
        "of the batch normalisation in stages that learn: the backbone's, or in training those of "
        "each batch",
    )

    def check(self) -> None:
        super().check()
        if self.statistics == "batch" and self.trainable == "none":
            raise ValueError(
                "statistics='batch' is for stages that learn, but trainable='none' freezes all: "
                "give trainable='last' or 'all'."
            )


class ImageHasher(SingleCode):
    """Image hashing: the image branch and the code layer alone."""

    modalities = ("image",)

    class Options(SingleCode.Options, ImageBranchOptions):
        pass


class JointHasher(SingleCode):
    """Multimodal hashing: one code from image and text (§V)."""

    modalities = ("joint",)
    objective_class = TripletRanking
    #: module from `[B, image]` and `[B, text]` to `[B, n_outputs]`, made from both widths
    fusion: ClassVar[type[nn.Module]] = Concatenation

    class Options(SingleCode.Options, ImageBranchOptions, TextOptions, TripletOptions):
        objective: Literal["triplet"] = option("triplet", "the loss, Eq. 9")

    def design(self) -> dict[str, Any]:
        """Text widths and fusion."""
        return {**super().design(), "fusion": self.fusion}
