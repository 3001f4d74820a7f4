"""What zhang2018 runs on a dataset."""

from collections.abc import Sequence
from typing import Any

from mmhash_nb.experiments.protocol import SCALES, Protocol, Setup, given, setup_of
from mmhash_nb.hashers import registered

_SHALLOW = ("cca_hash", "cmfh", "scm", "scm_orth", "stmh", "sephkm")
_DEEP = ("dcmh", "prdh", "dvsh")
_ATTENTION = ("aadah", "aadah_none", "aadah_visual", "aadah_textual")
#: Methods of zhang2018, in the order of its tables; `scm_orth` is SCM's other solver.
METHODS = (*_SHALLOW, *_DEEP, *_ATTENTION)

#: The paper's: all of VGG19. The methods' defaults are its other settings (§4.1).
PAPER: dict[str, Any] = {"backbone": "vgg19", "trainable": "all", "size": 224}
_BITS = (16, 32, 64)
#: A demo on photos: new layers over frozen maps, narrower, for fewer epochs. Rates and margins were
#: chosen on held-out training samples (`results/study_zhang2018_*_settings.csv`).
_PHOTOS: dict[str, Any] = {
    **{"backbone": "mobilenet_v2", "trainable": "none", "size": 224},
    **{"text_hidden": 1024, "image_hidden": 1024, "lstm_hidden": 128},
    **{"learning_rate": 1e-3, "epochs": 15},
}
#: They learn slowly at first and an epoch costs half of AADAH's: a demo gives them twice as many.
_SLOW_ON_PHOTOS = {"dcmh": {"epochs": 30}, "prdh": {"epochs": 30}}
_ON_PHOTOS = Setup(demo=_PHOTOS, single=_SLOW_ON_PHOTOS, decoded=SCALES)
#: The paper's photos, by its split of them.
_ITS_PHOTOS = Setup(
    demo=_PHOTOS,
    single=_SLOW_ON_PHOTOS,
    views={"images": "pixels", "protocol": "zhang2018"},
    decoded=SCALES,
)
DATASETS = {
    "scenes": Setup(
        demo={
            **{"backbone": "small", "trainable": "none"},
            **{"text_hidden": 512, "image_hidden": 512, "lstm_hidden": 128},
            **{"learning_rate": 1e-3, "epochs": 6},
        },
        single={
            **{method: {"margin": 0.25} for method in _ATTENTION},
            "dvsh": {"learning_rate": 5e-3},
            **{"dcmh": {"epochs": 12}, "prdh": {"epochs": 12}},
        },
        bits=(16, 32),
    ),
    "flipkart": _ON_PHOTOS,
    "flickr8k": _ON_PHOTOS,
    "mirflickr25k": _ITS_PHOTOS,
    "nuswide": _ITS_PHOTOS,
    "iaprtc12": _ITS_PHOTOS,
}


def protocol(
    dataset: str,
    scale: str = "demo",
    bits: Sequence[int] = (),
    seeds: Sequence[int] = (),
    epochs: int = 0,
    backbone: str = "",
    weights: str = "",
) -> Protocol:
    """The experiments of zhang2018 (§4) on a dataset.

    Shallow methods are given the mean of the same backbone's last map (VGG: its fc7). All methods
    have the same training pairs, though some use no labels.

    Args:
        dataset: one of `DATASETS`. `nuswide` has 21 concepts, `iaprtc12` 255 labels.
        scale: `demo` trains the new layers over a frozen backbone, for a CPU. `paper` trains all of
            VGG19 at the paper's settings (§4.1).
        bits, seeds: in place of those of the scale.
        epochs, backbone: in place of the default; weights: file of the backbone's weights.

    Raises:
        ValueError: no experiment of the paper on the dataset, or another scale.
    """
    setup = setup_of("zhang2018", DATASETS, dataset, scale)
    settings = setup.settings(scale, PAPER)
    changed = given(epochs=epochs, backbone=backbone, weights=weights)
    methods = (*METHODS, *registered("zhang2018"))
    return Protocol(
        dataset=dataset,
        grids=[(methods, setup.lengths(scale, bits, _BITS))],
        seeds=setup.seeds_at(scale, seeds),
        views=setup.views_at(scale, settings.get("size")),
        options=setup.options(methods, scale, settings, changed),
    )
