"""Every method of every paper under one protocol."""

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from mmhash_nb.experiments.protocol import Protocol, Setup, setup_of
from mmhash_nb.hashers import method_class, names, registered
from mmhash_nb.papers import folders, masci2014

_EXTRAS = {
    "aadah_cnn_f": "AADAH over CNN-F, whose weights are a file to fetch",
    "mah_printed": "MAH as printed, which hardly learns: see notebook 4",
    "mah_sentences": "MAH on sentence vectors, an optional extra",
}
_LEFT_OUT = {
    "scenes": {},
    "wiki": {
        "texthash": "its paper has no settings for topics",
        "dvsh": "it reads words one by one; Wiki's texts are topics",
    },
}
#: Why methods that take only pixels are left out where images are vectors.
_ON_VECTORS = {"wiki": "its network is made for pictures; Wiki has feature vectors"}
#: How masci2014's networks train in a demo. Notebook 1 has them on other vectors, so that none is
#: found again, and on held-out samples Adam gets further in this time than L-BFGS. The epochs are
#: what two minutes allow, not what scores best.
_SHORT: dict[str, Any] = {"epochs": 20, "optimiser": "adam"}
#: Unified codes are compared in one table, by the rule of liong2017 (§4).
_GALLERY = {"gallery": "learned"}
DATASETS = {"scenes": Setup(demo=_SHORT, bits=(16, 32)), "wiki": Setup(bits=(16, 32))}


def left_out(dataset: str) -> dict[str, str]:
    """The registered methods that the protocol leaves out on a dataset, each with the reason."""
    on_pixels: dict[str, str] = {}
    if reason := _ON_VECTORS.get(dataset):
        pixels_alone = (name for name in names() if method_class(name).image_views == ("pixels",))
        on_pixels = dict.fromkeys(pixels_alone, reason)
    return {**on_pixels, **_EXTRAS, **_LEFT_OUT[dataset]}


def protocol(
    dataset: str,
    scale: str = "demo",
    bits: Sequence[int] = (),
    seeds: Sequence[int] = (),
    epochs: int = 0,
    backbone: str = "",
    weights: str = "",
) -> Protocol:
    """Each method once, with the options that its paper's protocol gives it on the dataset.

    A run that a paper's notebook has done is the same run here, and found. The methods of
    masci2014 know feature vectors alone: where images are pixels they are given those that the
    shallow cross-modal methods make of them, and texts as they are. Where several papers list a
    method, the latest one's options count. Methods from outside the package (`hashers.register`)
    are among them, on vectors unless their class says that it takes pixels.

    Args:
        dataset: `scenes`, or `wiki` (vectors in both modalities: see `left_out`).
        scale: `demo`, with masci2014's networks trained by Adam on `scenes`, or `paper`, where all
            methods have one backbone, all of it trained by the deep ones: ResNet-18 at 224 pixels.
        bits, seeds, epochs, backbone, weights: as `papers.protocol` takes them.
    """
    setup = setup_of("side_by_side", DATASETS, dataset, scale)
    lengths, shared = setup.lengths(scale, bits, (16, 32, 64)), setup.seeds_at(scale, seeds)
    backbone = backbone or ("resnet18" if scale == "paper" else "")
    network = setup.settings(scale) | ({"epochs": epochs} if epochs else {})
    on_vectors = masci2014.protocol.METHODS
    options: dict[str, Mapping[str, Any]] = {
        **masci2014.protocol.protocol(dataset, scale, lengths, shared, **network).options
    }
    for paper in _others():
        if dataset in paper.DATASETS:
            chosen = paper.protocol(dataset, scale, lengths, shared, epochs, backbone, weights)
            options |= chosen.options
    options.setdefault("prdh", options["dcmh"])  # the same network, where zhang2018 has no setup
    listed = (*on_vectors, *(method for paper in _others() for method in paper.METHODS))
    methods = [name for name in dict.fromkeys(listed) if name not in left_out(dataset)]
    outside = [name for name in registered() if name not in (*methods, *left_out(dataset))]
    options |= setup.options(outside, scale, options["scm"], {})
    galleries = setup.options([*methods, *outside], scale, {}, _GALLERY)
    on_vectors += tuple(m for m in outside if "pixels" not in method_class(m).image_views)
    return Protocol(
        dataset=dataset,
        grids=[([*methods, *outside], lengths)],
        seeds=shared,
        options={name: {**options.get(name, {}), **galleries[name]} for name in galleries},
        on_vectors=frozenset(on_vectors),
        vectors=options["scm"],
    )


def _others() -> list[ModuleType]:
    """The protocols of the papers but masci2014, by year."""
    protocols = (folders.module_of(paper, "protocol") for paper in folders.names())
    return [one for one in protocols if one is not masci2014.protocol]
