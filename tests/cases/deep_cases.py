"""Deep cross-modal methods that learn `tiny_pictures` in seconds, for several tests."""

import numpy as np
import torch
from torch import nn

from mmhash_nb import hashers
from mmhash_nb.metrics import mean_average_precision
from mmhash_nb.ranking import rank_profile

BITS = 16
#: of zhang2018's and liong2017's methods those that train one network
DEEP = [
    *("aadah", "aadah_none", "aadah_visual", "aadah_textual", "aadah_cnn_f"),
    *("dcmh", "prdh", "dvsh", "dnh_c", "cah"),
]
#: CMDVH trains three
VARIATIONAL = ["cmdvh", "cmdvh1", "cmdvh2"]
#: settings with which each method tells the classes apart for seed 0
TINY = {
    **{"backbone": "small", "trainable": "none", "epochs": 25, "batch_size": 12},
    **{"learning_rate": 3e-3, "text_hidden": 64, "text_features": 32, "image_hidden": 32},
    **{"lstm_hidden": 16, "gamma": 0.1, "margin": 2.0},
}
#: where another method wants something else
OWN = {
    "aadah": {"learning_rate": 1e-3},
    "dvsh": {"margin": 0.5},
    "cah": {"learning_rate": 1e-2},
}


def create(name, seed=0, bits=BITS, **options):
    """An unfitted method on the CPU; `options` override the tiny settings that it has."""
    defaults = hashers.method_class(name).defaults
    tiny = {**TINY, **OWN.get(name.split("_")[0], {})}
    tiny = {option: value for option, value in tiny.items() if option in defaults}
    return hashers.create(name, bits, seed, device="cpu", **{**tiny, **options})


def quick(name, **options):
    return create(name, **{"epochs": 2, **options})


def scores(method, pairs):
    """mAP of the training samples: image-text, text-image."""
    codes = {m: method.encode(pairs, m)[pairs.train] for m in ("image", "text")}
    labels = pairs.labels[pairs.train]
    return [
        mean_average_precision(rank_profile(codes[query], codes[other], labels, labels))
        for query, other in (("image", "text"), ("text", "image"))
    ]


def same(one, other):
    """Whether two fitted states are equal, NaN being equal to itself."""
    return one.keys() == other.keys() and all(
        np.array_equal(one[k], other[k], equal_nan=True) for k in one
    )


class TwoLayers(nn.Module):
    """A network with one layer for each modality, its values times `scale`."""

    def __init__(self, image, text, outputs, scale=1):
        super().__init__()
        torch.manual_seed(1)
        self.image, self.text, self.scale = (
            nn.Linear(image, outputs),
            nn.Linear(text, outputs),
            scale,
        )

    def forward(self, modality, given):
        return self.scale * getattr(self, modality)(given.flatten(1))
