"""Options that deep methods share."""

from typing import Literal

from mmhash_nb.features import backbones
from mmhash_nb.hashers.options import Options, option


class TrainingOptions(Options):
    """Options of a training."""

    epochs: int = option(60, "passes over the training samples", least=1)
    batch_size: int = option(100, "samples in a mini-batch, at most", least=2)
    learning_rate: float = option(1e-4, "size of the optimiser's steps", above=0)
    weight_decay: float = option(1e-5, "L2 penalty of the weights", least=0)
    precision: Literal["auto", "float32", "bfloat16"] = option(
        "auto", "of the network; auto: mixed on a GPU that has bfloat16, else float32"
    )


class ImageOptions(Options):
    """Options of an image branch."""

    backbone: str = option("small", "one of `features.backbones.names()`")
    weights: str | None = option(None, "a file of the backbone's weights; None: its own")
    # Of fewer pixels CNN-F's last pool gives nothing.
    size: int | None = option(
        None, "pixels to which images are scaled; None leaves them", least=31, most=1024
    )
    trainable: Literal["all", "last", "none"] = option(
        "last", "which stages of the backbone learn; maps of the others are computed once"
    )

    def check(self) -> None:
        if self.backbone not in backbones.names():
            names = ", ".join(backbones.names())
            raise ValueError(f"backbone must be one of {names}, but is {self.backbone!r}.")


class TextOptions(Options):
    """Options of a text branch."""

    text_hidden: int = option(8192, "width of the first text layer", least=1)
    text_features: int = option(512, "width of the second text layer", least=1)


class TripletOptions(Options):
    """Options of the triplet ranking loss (zeng2022, Eq. 9; zhang2018, Eq. 5)."""

    reduction: Literal["sum", "mean"] = option(
        "sum",
        "of the loss over the triplets of a batch; as printed it is the sum, beside which weight "
        "decay and Adam's epsilon weigh little",
        earlier="mean",
    )
