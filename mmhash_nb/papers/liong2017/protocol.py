"""What liong2017 runs on a dataset."""

from collections.abc import Sequence
from typing import Any

from mmhash_nb.experiments.protocol import SCALES, Protocol, Setup, given, setup_of
from mmhash_nb.hashers import registered

_SHALLOW = ("cvh", "cca_itq", "pdh", "lssh", "cmfh", "scm", "sephkm", "discmh")
_DEEP = ("dnh_c", "dvsh", "cah", "dcmh")
_CMDVH = ("cmdvh1", "cmdvh2", "cmdvh")
#: Methods of liong2017, in the order of its tables.
METHODS = (*_SHALLOW, *_DEEP, *_CMDVH)

#: The paper's: all of CNN-F (§4.1). The rest are the methods' defaults.
PAPER: dict[str, Any] = {"backbone": "cnn_f", "trainable": "all", "size": 224}
_BITS = (16, 32, 64, 128)
#: CMDVH has its optimiser, rates and widths at both scales: it takes the backbone's settings alone.
_BACKBONE = ("backbone", "weights", "trainable", "size")
#: Wiki's 10 topics have a narrower text layer (§4.1).
_PRINTED: dict[str, dict[str, Any]] = {"wiki": {"text_hidden": 100}}
#: CVH takes no more bits than its wider view has dimensions.
_MOST_BITS: dict[str, dict[str, int]] = {"uci_digits": {"cvh": 76}}

#: A demo on photos: new layers over frozen maps, narrower, for fewer epochs. Where single methods
#: have another rate, held-out training samples chose it (`results/study_liong2017_*_settings.csv`).
_PHOTOS: dict[str, Any] = {
    **{"backbone": "mobilenet_v2", "trainable": "none", "size": 224, "learning_rate": 1e-3},
    **{"text_hidden": 1024, "image_hidden": 1024, "epochs": 15, "lstm_hidden": 128},
}
#: DCMH and DNH-C learn slowly at first and their epochs are cheap: a demo gives them twice as many.
_ON_PHOTOS = Setup(
    demo=_PHOTOS,
    single={"dcmh": {"epochs": 30}, "dnh_c": {"epochs": 30, "learning_rate": 2e-4}},
    decoded=SCALES,
)
#: The paper's photos, by its split of them.
_ITS_PHOTOS = Setup(
    demo=_PHOTOS,
    single={"dcmh": {"epochs": 30}, "dnh_c": {"epochs": 30}},
    views={"images": "pixels", "protocol": "liong2017"},
    decoded=SCALES,
)
#: Both views are feature vectors, used as they are at both scales.
_VECTORS: dict[str, Any] = {
    **{"text_hidden": 512, "image_hidden": 512, "learning_rate": 1e-3, "epochs": 30},
}
DATASETS = {
    "scenes": Setup(
        demo={
            **{"backbone": "small", "trainable": "none", "text_hidden": 512, "image_hidden": 512},
            **{"learning_rate": 1e-3, "epochs": 6, "lstm_hidden": 128},
        },
        single={
            **{"dcmh": {"epochs": 12}, "dnh_c": {"epochs": 12}, "dvsh": {"learning_rate": 5e-3}},
            # A quarter of the authors' atoms: with all it takes twelve seconds a run.
            "lssh": {"atoms": 128},
            # A third of the rounds and a quarter of the epochs, for a demo in minutes.
            **{method: {"rounds": 10, "epochs": 15} for method in _CMDVH},
        },
        bits=(16, 32),
    ),
    "wiki": Setup(
        demo=_VECTORS,
        single={
            **{"dcmh": {"epochs": 60}, "dnh_c": {"epochs": 60}},
            "cah": {"learning_rate": 5e-3},
        },
        seeds=(0, 1, 2, 3, 4),
    ),
    "uci_digits": Setup(
        demo=_VECTORS,
        single={
            "dcmh": {"epochs": 60},
            "dnh_c": {"epochs": 60, "learning_rate": 5e-3},
            "cah": {"learning_rate": 5e-3},
        },
    ),
    "flipkart": _ON_PHOTOS,
    "flickr8k": _ON_PHOTOS,
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
    """The experiments of liong2017 (§4) on a dataset.

    Shallow methods are given the mean of the same backbone's last map (CNN-F: its fc7, as in §4.2).
    DVSH reads words one by one: it is left out where texts are vectors.

    Args:
        dataset: one of `DATASETS`. `nuswide` has 10 concepts, `iaprtc12` 22 labels.
        scale: `demo` trains the new layers over a frozen backbone, for a CPU. `paper` trains all of
            CNN-F (§4.1), whose file `weights` must name. CMDVH has the paper's settings at both.
        bits, seeds: in place of those of the scale.
        epochs, backbone: in place of the default; weights: file of the backbone's weights. Feature
            vectors have no backbone: there the two are not used.

    Raises:
        ValueError: no experiment of the paper on the dataset, or another scale.
    """
    setup = setup_of("liong2017", DATASETS, dataset, scale)
    vectors = setup.demo is _VECTORS
    settings = setup.settings(scale, {} if vectors else PAPER)
    image = {} if vectors else {"backbone": backbone, "weights": weights}
    changed = given(epochs=epochs, **image)
    of_cmdvh = {key: settings[key] for key in _BACKBONE if key in settings}
    of_cmdvh |= _PRINTED.get(dataset, {})
    methods = [method for method in METHODS if not (vectors and method == "dvsh")]
    methods += registered("liong2017")
    options = setup.options(methods, scale, settings, changed)
    options |= setup.options(_CMDVH, scale, of_cmdvh, changed)
    lengths = setup.lengths(scale, bits, _BITS)
    limited = _MOST_BITS.get(dataset, {})
    return Protocol(
        dataset=dataset,
        grids=[
            *(([m], [b for b in lengths if b <= most]) for m, most in limited.items()),
            ([method for method in methods if method not in limited], lengths),
        ],
        seeds=setup.seeds_at(scale, seeds),
        views=setup.views_at(scale, settings.get("size")),
        options=options,
    )
