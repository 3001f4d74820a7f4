"""What zeng2022 runs on a dataset."""

from collections.abc import Sequence
from typing import Any

from mmhash_nb.experiments.protocol import SCALES, Protocol, Setup, given, setup_of
from mmhash_nb.hashers import registered

_IMAGE_HASHING = ("dpsh", "dsh", "hashnet", "dth", "csq")
_FUSION = ("concat", "gmu", "mcb")
_MODAL_AWARE = ("mah", "mah_no_kn", "mah_no_an")
#: Methods of zeng2022, in the order of its tables.
METHODS = (*_IMAGE_HASHING, "texthash", *_FUSION, *_MODAL_AWARE)
#: MAH by the printed equations, and on sentence vectors (Table III).
_VARIANTS = ("mah_printed", "mah_sentences")

#: The paper's: all of ResNet-18. The methods' defaults are its other settings (§V-A, §VI-B).
PAPER: dict[str, Any] = {"backbone": "resnet18", "trainable": "all", "size": 224}
_BITS = (16, 32, 48, 64)
#: A demo on photos: new layers over a frozen backbone at a smaller size, narrower text, few epochs.
#: Rates were chosen on held-out training samples (`results/study_zeng2022_*_settings.csv`).
_PHOTOS: dict[str, Any] = {
    **{"backbone": "mobilenet_v2", "trainable": "none", "size": 96},
    **{"text_hidden": 1024, "learning_rate": 1e-3, "epochs": 12},
}
#: Image hashing on photos learns one layer over fixed features: more epochs cost little.
_LONGER: dict[str, dict[str, Any]] = {method: {"epochs": 60} for method in _IMAGE_HASHING}
_ON_PHOTOS = Setup(demo=_PHOTOS, single=_LONGER, decoded=("paper",))
#: The paper's photos, by its split of them.
_ITS_VIEWS = {"images": "pixels", "protocol": "zeng2022"}
_ITS_PHOTOS = Setup(demo=_PHOTOS, single=_LONGER, views=_ITS_VIEWS, decoded=SCALES)
DATASETS = {
    "scenes": Setup(
        demo={
            **{"backbone": "small", "trainable": "none"},
            **{"text_hidden": 512, "learning_rate": 3e-3, "epochs": 4},
        },
        bits=(16, 32),
    ),
    "flipkart": _ON_PHOTOS,
    "flipkart_sub": Setup(
        demo=_PHOTOS,
        single=_LONGER,
        views={"labels": "both"},
        decoded=("paper",),
        load="flipkart",
    ),
    "flickr8k": _ON_PHOTOS,
    "nuswide": _ITS_PHOTOS,
    "iaprtc12": _ITS_PHOTOS,
    "mirflickr25k": Setup(demo={"epochs": 10}, views=_ITS_VIEWS, decoded=("paper",)),
}
#: A demo on the tags alone, without pictures.
_TAGS_ALONE = {("mirflickr25k", "demo")}


def protocol(
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
        dataset: one of `DATASETS`. `nuswide` has 21 concepts, `iaprtc12` 255 labels. A demo on
            `mirflickr25k` takes its tags alone: TextHash with the paper's network, rate and
            batches.
        scale: `demo` trains the new layers over a frozen backbone, for a CPU. `paper` trains all of
            ResNet-18 at the paper's settings (§V-A, §VI-B).
        bits, seeds: in place of those of the scale.
        epochs, backbone: in place of the default; weights: file of the backbone's weights.

    Raises:
        ValueError: no experiment of the paper on the dataset, or another scale.
    """
    setup = setup_of("zeng2022", DATASETS, dataset, scale)
    settings = setup.settings(scale, PAPER)
    changed = given(epochs=epochs, backbone=backbone, weights=weights)
    tags_alone = (dataset, scale) in _TAGS_ALONE
    methods = ("texthash",) if tags_alone else (*METHODS, *registered("zeng2022"))
    lengths = setup.lengths(scale, bits, _BITS)
    grids: list[tuple[Sequence[str], Sequence[int]]] = [(methods, lengths)]
    if not tags_alone:
        # One length shows what the printed equations do to learning.
        grids.append((("mah_printed",), [min(lengths, key=lambda k: abs(k - 32))]))
    return Protocol(
        dataset=setup.load or dataset,
        grids=grids,
        seeds=setup.seeds_at(scale, seeds),
        views={} if tags_alone else setup.views_at(scale, settings.get("size")),
        options=setup.options((*methods, *_VARIANTS), scale, settings, changed),
    )
