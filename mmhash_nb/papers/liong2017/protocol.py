"""What liong2017 runs on a dataset."""

from collections.abc import Sequence
from typing import Any

from mmhash_nb.experiments.protocol import (
    Protocol,
    options_of,
    photo_views,
    settings_of,
)

_SHALLOW = ("cvh", "cca_itq", "pdh", "lssh", "cmfh", "scm", "sephkm", "discmh")
_DEEP = ("dnh_c", "dvsh", "cah", "dcmh")
_OURS = ("cmdvh1", "cmdvh2", "cmdvh")
#: Methods of liong2017, in the order of its tables.
LIONG_METHODS = (*_SHALLOW, *_DEEP, *_OURS)
#: They learn slowly at first and their epochs are cheap: a demo gives them twice as many.
_SLOW = ("dcmh", "dnh_c")
#: CMDVH has an optimiser, rates and widths of its own, and takes no more than these from the
#: settings of the other deep methods.
_OF_OURS = ("backbone", "weights", "trainable", "size")
#: Wiki's 10 topics have a narrower text layer (§4.1).
_PRINTED: dict[str, dict[str, Any]] = {"wiki": {"text_hidden": 100}}
#: Where held-out training samples (`study_liong2017_*_settings.csv`) asked for another rate.
_RATES: dict[str, dict[str, float]] = {
    "wiki": {"cah": 5e-3},
    "scenes": {"dvsh": 5e-3},
    "uci_digits": {"dnh_c": 5e-3, "cah": 5e-3},
    "flickr8k": {"dnh_c": 2e-4},
    "flipkart": {"dnh_c": 2e-4},  # as Flickr8k asked for
}
#: CVH takes no more bits than its wider view has dimensions.
_MOST_BITS: dict[str, dict[str, int]] = {"uci_digits": {"cvh": 76}}
#: A third of CMDVH's rounds and a quarter of its epochs, for a demo in minutes.
_SHORT = {"rounds": 10, "epochs": 15}
#: LSSH's atoms there, a quarter of the authors': with all it takes twelve seconds a run.
_ATOMS = 128
#: What a CPU can train: the new layers over frozen maps, narrower, for fewer epochs.
_PHOTOS: dict[str, Any] = {
    **{"backbone": "mobilenet_v2", "trainable": "none", "size": 224, "learning_rate": 1e-3},
    **{"text_hidden": 1024, "image_hidden": 1024, "epochs": 15, "lstm_hidden": 128},
}
#: Both views are feature vectors, used as they are.
_VECTORS: dict[str, Any] = {
    **{"text_hidden": 512, "image_hidden": 512, "learning_rate": 1e-3, "epochs": 30},
}
_SETTINGS: dict[str, dict[str, Any]] = {
    "scenes": {
        **{"backbone": "small", "trainable": "none", "text_hidden": 512, "image_hidden": 512},
        **{"learning_rate": 1e-3, "epochs": 6, "lstm_hidden": 128},
    },
    "wiki": _VECTORS,
    "uci_digits": _VECTORS,
    "flipkart": _PHOTOS,
    "flickr8k": _PHOTOS,
    "nuswide": _PHOTOS,
    "iaprtc12": _PHOTOS,
}


def liong2017(
    dataset: str,
    scale: str = "demo",
    bits: Sequence[int] = (),
    seeds: Sequence[int] = (),
    epochs: int = 0,
    backbone: str = "",
    weights: str = "",
) -> Protocol:
    """The experiments of liong2017 (§4) on a dataset.

    Shallow methods are given the mean of the same backbone's last map (CNN-F: its fc7, as in §4.2).

    Args:
        dataset: `nuswide` (10 concepts) or `iaprtc12` (22 labels), the paper's photos; `flipkart`
            or `flickr8k`, photos with descriptions; `scenes`; `wiki` or `uci_digits`, feature
            vectors in both modalities, whose dimensions are no words, so that DVSH, which reads
            words one by one, is left out, and on `uci_digits` CVH at 128 bits.
        scale: `demo` trains what a CPU can: the new layers over a frozen backbone, which on photos
            is MobileNetV2 at 224 pixels. `paper` trains all of CNN-F (§4.1), whose file of weights
            `weights` must name, and leaves everything else to the methods' defaults. CMDVH has
            its defaults, the paper's, at both scales (but the backbone, and fewer rounds and epochs
            for a demo on `scenes`).
        bits: code lengths in place of the paper's 16, 32, 64 and 128 (16 and 32 for a demo on
            `scenes`).
        seeds: in place of three (five on `wiki`).
        epochs, backbone: in place of the default; weights: file of the backbone's weights. Feature
            vectors have no backbone: there the two are not used.

    Raises:
        ValueError: on a dataset the paper's methods have no experiment for, or another scale.
    """
    vectors = _SETTINGS.get(dataset) is _VECTORS
    image = {"backbone": backbone, "weights": weights}
    settings = settings_of(
        "liong2017",
        _SETTINGS,
        dataset,
        scale,
        {} if vectors else {"backbone": "cnn_f", "trainable": "all", "size": 224},
        {"epochs": epochs, **({} if vectors else image)},
    )
    methods = [method for method in LIONG_METHODS if not (vectors and method == "dvsh")]
    chosen = options_of(methods, settings)
    ours = {key: settings[key] for key in _OF_OURS if key in settings}
    short = dataset == "scenes" and scale == "demo"
    ours |= _PRINTED.get(dataset, {}) | (_SHORT if short else {})
    ours |= {"epochs": epochs} if epochs else {}
    chosen |= options_of(_OURS, ours)
    if short:
        chosen["lssh"]["atoms"] = _ATOMS
    if scale == "demo":
        for method, rate in _RATES.get(dataset, {}).items():
            chosen[method]["learning_rate"] = rate
        if not epochs:
            for method in _SLOW:
                chosen[method]["epochs"] *= 2
    lengths = tuple(bits) or ((16, 32) if short else (16, 32, 64, 128))
    limited = _MOST_BITS.get(dataset, {})
    return Protocol(
        dataset=dataset,
        grids=[
            *(([m], [b for b in lengths if b <= most]) for m, most in limited.items()),
            ([method for method in methods if method not in limited], lengths),
        ],
        seeds=tuple(seeds) or ((0, 1, 2, 3, 4) if dataset == "wiki" else (0, 1, 2)),
        views={}
        if vectors or dataset == "scenes"
        else photo_views("liong2017", dataset, settings["size"]),
        options=chosen,
    )
