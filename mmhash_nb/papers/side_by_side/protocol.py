"""Every method of every paper under one protocol."""

from collections.abc import Mapping
from typing import Any

from mmhash_nb.experiments.protocol import Protocol, Request
from mmhash_nb.hashers import method_class, names, registered
from mmhash_nb.papers import folders, masci2014

_ABOUT = folders.toml_of("side_by_side", "about")
#: Unified codes are compared in one table, by the rule of liong2017 (§4).
_GALLERY = {"gallery": "learned"}
DATASETS = folders.setups("side_by_side")


def left_out(dataset: str) -> dict[str, str]:
    """The registered methods that the protocol leaves out on a dataset, each with the reason."""
    on_pixels: dict[str, str] = {}
    if reason := _ABOUT["on_vectors"].get(dataset):
        pixels_alone = (name for name in names() if method_class(name).image_views == ("pixels",))
        on_pixels = dict.fromkeys(pixels_alone, reason)
    return on_pixels | _ABOUT["extras"] | _ABOUT["left_out"].get(dataset, {})


def protocol(request: Request, backbone: str = "", weights: str = "") -> Protocol:
    """Each method once, with the options that its paper's protocol gives it on the dataset.

    A run that a paper's notebook has done is the same run here, and found. The methods of
    masci2014 know feature vectors alone: where images are pixels they are given those that the
    shallow cross-modal methods make of them, and texts as they are. Where several papers list a
    method, the latest one's options count. Methods from outside the package (`hashers.register`)
    are among them, on vectors unless their class says that it takes pixels.

    `wiki` has vectors in both modalities: see `left_out`. Where masci2014 has no settings, its
    networks have those of this protocol's `settings.toml`. At the paper's scale all methods have
    one backbone, all of it trained by the deep ones: ResNet-18 at 224 pixels. Pictures have one
    size for all methods, that of the shallow ones. A dataset that no paper has, such as a folder of
    the user's, has the settings of the one that `settings_of` in `about.toml` names.
    """
    dataset, scale, lengths = request.dataset, request.scale, request.lengths((16, 32, 64))
    backbone = backbone or ("resnet18" if scale == "paper" else "")
    like = dataset
    if dataset in _ABOUT["settings_of"]:
        like = _ABOUT["settings_of"][dataset]["small" if backbone in ("", "small") else "other"]
    same = (like, scale, lengths, request.seeds)
    on_vectors = masci2014.protocol.METHODS
    options: dict[str, Mapping[str, Any]] = {**request.options(on_vectors)}
    if like in masci2014.protocol.DATASETS:
        options = {**folders.protocol("masci2014", *same, request.epochs).options}
    protocols = {paper: folders.module_of(paper, "protocol") for paper in folders.names()}
    others = {paper: one for paper, one in protocols.items() if one is not masci2014.protocol}
    for name, paper in others.items():
        if like in paper.DATASETS:
            chosen = folders.protocol(name, *same, request.epochs, backbone, weights)
            options |= chosen.options
    if "prdh" not in options:  # zhang2018 has no setup: the same network and its search here
        options |= request.options(["prdh"], options["dcmh"])
    listed = (*on_vectors, *(method for paper in others.values() for method in paper.METHODS))
    methods = [name for name in dict.fromkeys(listed) if name not in left_out(dataset)]
    outside = [name for name in registered() if name not in (*methods, *left_out(dataset))]
    options |= request.options(outside, options["scm"])
    on_vectors += tuple(m for m in outside if "pixels" not in method_class(m).image_views)
    methods += outside
    size = {"size": options["scm"]["size"]} if options["scm"].get("size") else {}
    options = {m: {**of, **(size if "size" in of else {})} for m, of in options.items()}
    views = {**request.setup.views, **(size if dataset in _ABOUT["settings_of"] else {})}
    galleries = request.options(methods, {}, **_GALLERY)
    return request.protocol(
        [(methods, lengths)],
        {name: {**options.get(name, {}), **galleries[name]} for name in methods},
        on_vectors=frozenset(on_vectors),
        vectors=options["scm"],
        views=views,
    )
