"""What zeng2022 runs on a dataset."""

from collections.abc import Sequence
from typing import Any

from mmhash_nb.experiments.protocol import (
    COLLECTIONS,
    Protocol,
    options_of,
    photo_views,
    settings_of,
)

#: Methods of zeng2022, in the order of its tables.
_IMAGE_HASHING = ("dpsh", "dsh", "hashnet", "dth", "csq")
_FUSION = ("concat", "gmu", "mcb")
_MODAL_AWARE = ("mah", "mah_no_kn", "mah_no_an")
ZENG_METHODS = (*_IMAGE_HASHING, "texthash", *_FUSION, *_MODAL_AWARE)

#: What a CPU can train: the new layers over a frozen backbone at a smaller size, narrower text, few
#: epochs. Rates were compared on held-out training samples (the notebook shows how).
_PHOTOS: dict[str, Any] = {
    **{"backbone": "mobilenet_v2", "trainable": "none", "size": 96},
    **{"text_hidden": 1024, "learning_rate": 1e-3, "epochs": 12},
}
_ZENG_SETTINGS: dict[str, dict[str, Any]] = {
    "scenes": {
        **{"backbone": "small", "trainable": "none"},
        **{"text_hidden": 512, "learning_rate": 3e-3, "epochs": 4},
    },
    "flipkart": _PHOTOS,
    "flipkart_sub": _PHOTOS,
    "flickr8k": _PHOTOS,
    "nuswide": _PHOTOS,
    "iaprtc12": _PHOTOS,
    "mirflickr25k": {"epochs": 10},
}
#: Image hashing on photos learns one layer over fixed features: more epochs cost little.
_IMAGE_EPOCHS = 60


def zeng2022(
    dataset: str,
    scale: str = "demo",
    bits: Sequence[int] = (),
    seeds: Sequence[int] = (),
    epochs: int = 0,
    backbone: str = "",
    weights: str = "",
) -> Protocol:
    """The experiments of zeng2022 (§VI) on a dataset.

    Args:
        dataset: `nuswide` (21 concepts) or `iaprtc12` (255 labels), the paper's photos;
            `mirflickr25k`, of which a demo takes the tags alone: TextHash with the paper's network,
            rate and batches, for 10 epochs; `flipkart`, `flipkart_sub` or `flickr8k`, photos with
            descriptions; or `scenes`.
        scale: `demo` trains what a CPU can: the new layers over a frozen backbone, with a first
            text layer of 512 (`scenes`) or 1,024 units. `paper` trains
            all of ResNet-18 at 224 pixels with text layers of 8,192 and 512 units, for 60 epochs
            at a learning rate of 0.0001 divided by ten every 20 (§V-A, §VI-B).
        bits: code lengths in place of the paper's 16, 32, 48 and 64 (16 and 32 for a demo).
        seeds: in place of three.
        epochs, backbone: in place of the default; weights: file of the backbone's weights.

    Raises:
        ValueError: on a dataset the paper's methods have no experiment for, or another scale.
    """
    settings = settings_of(
        "zeng2022",
        _ZENG_SETTINGS,
        dataset,
        scale,
        {"backbone": "resnet18", "trainable": "all", "size": 224},
        {"epochs": epochs, "backbone": backbone, "weights": weights},
    )
    tags_alone = dataset == "mirflickr25k" and scale == "demo"
    methods = ("texthash",) if tags_alone else ZENG_METHODS
    lengths = tuple(bits) or (16, 32, 48, 64)
    if not bits and dataset == "scenes" and scale == "demo":
        lengths = (16, 32)
    grids: list[tuple[Sequence[str], Sequence[int]]] = [(methods, lengths)]
    if "mah" in methods:
        # The printed form beside ours: one length shows what it does to learning.
        grids.append((("mah_printed",), [min(lengths, key=lambda k: abs(k - 32))]))
    others = ("mah_printed", "mah_sentences")
    chosen = options_of((*methods, *others), settings)
    photos = _ZENG_SETTINGS[dataset] is _PHOTOS
    if photos and scale == "demo" and not epochs:
        for method in _IMAGE_HASHING:
            chosen[method]["epochs"] = _IMAGE_EPOCHS
    views: dict[str, Any] = {"labels": "both"} if dataset == "flipkart_sub" else {}
    if dataset != "scenes" and (scale == "paper" or dataset in COLLECTIONS) and not tags_alone:
        views |= photo_views("zeng2022", dataset, settings["size"])
    return Protocol(
        dataset="flipkart" if dataset == "flipkart_sub" else dataset,
        grids=grids,
        seeds=tuple(seeds) or (0, 1, 2),
        views=views,
        options=chosen,
    )
