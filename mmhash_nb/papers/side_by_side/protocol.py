"""Every method of every paper under one protocol."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.hashers import names
from mmhash_nb.papers.liong2017.protocol import LIONG_METHODS, liong2017
from mmhash_nb.papers.masci2014.protocol import masci2014
from mmhash_nb.papers.zeng2022.protocol import ZENG_METHODS, zeng2022
from mmhash_nb.papers.zhang2018.protocol import ZHANG_METHODS, zhang2018

#: The papers with an experiment on each dataset. Where two list a method, the later one's options
#: count: on `scenes` they are the same.
_PAPERS: dict[str, tuple[Callable[..., Protocol], ...]] = {
    "scenes": (liong2017, zhang2018, zeng2022),
    "wiki": (liong2017,),
}
#: How masci2014's networks train in a demo. Notebook 1 has them on other vectors, so that none is
#: found again, and on held-out samples Adam gets further in this time than L-BFGS. The epochs are
#: what two minutes allow, not what scores best.
_SHORT: dict[str, Any] = {"epochs": 20, "optimiser": "adam"}

_EXTRAS = {
    "aadah_cnn_f": "AADAH over CNN-F, whose weights are a file to fetch",
    "mah_printed": "MAH as printed, which hardly learns: see notebook 4",
    "mah_sentences": "MAH on sentence vectors, an optional extra",
}
_ON_PIXELS = ("aadah", "aadah_none", "aadah_visual", "aadah_textual", *ZENG_METHODS)


def left_out(dataset: str) -> dict[str, str]:
    """The registered methods that `side_by_side` leaves out on a dataset, each with the reason."""
    if dataset != "wiki":
        return _EXTRAS
    pixels = dict.fromkeys(_ON_PIXELS, "its network is made for pictures; Wiki has feature vectors")
    texts = {
        "texthash": "its paper has no settings for topics",
        "dvsh": "it reads words one by one; Wiki's texts are topics",
    }
    return {**_EXTRAS, **pixels, **texts}


def side_by_side(
    dataset: str,
    scale: str = "demo",
    bits: Sequence[int] = (),
    seeds: Sequence[int] = (),
    epochs: int = 0,
    backbone: str = "",
    weights: str = "",
) -> Protocol:
    """Each method once, with the options that its own paper's protocol gives it on the dataset.

    A run that a paper's own notebook has done is the same run here, and found. The methods of
    masci2014 know feature vectors alone: where images are pixels they are given those that the
    shallow cross-modal methods make of them, and texts as they are.

    Args:
        dataset: `scenes`, or `wiki` (vectors in both modalities: see `left_out`).
        scale: `demo`, with masci2014's networks trained by Adam on `scenes`, or `paper`, where all
            methods have one backbone, all of it trained by the deep ones: ResNet-18 at 224 pixels.
        bits: code lengths in place of 16 and 32 (16, 32 and 64 at the paper's scale).
        seeds: in place of three.
        epochs, backbone, weights: as the papers' protocols take them.

    Raises:
        ValueError: on another dataset or scale.
    """
    if dataset not in _PAPERS:
        there = ", ".join(_PAPERS)
        raise ValueError(f"side_by_side has no experiment on {dataset!r}; it has {there}.")
    lengths = tuple(bits) or ((16, 32) if scale == "demo" else (16, 32, 64))
    chosen_seeds = tuple(seeds) or (0, 1, 2)
    backbone = backbone or ("resnet18" if scale == "paper" else "")
    short = scale == "demo" and dataset == "scenes"
    network = {**(_SHORT if short else {}), **({"epochs": epochs} if epochs else {})}
    own = masci2014(dataset, scale, lengths, chosen_seeds, **network)
    options: dict[str, Mapping[str, Any]] = {**own.options}
    for paper in _PAPERS[dataset]:
        options |= paper(dataset, scale, lengths, chosen_seeds, epochs, backbone, weights).options
    if dataset == "wiki":
        options["prdh"] = options["dcmh"]  # the same network; zhang2018 has no Wiki
    without = left_out(dataset)
    listed = (*names("masci2014"), *LIONG_METHODS, *ZHANG_METHODS, *ZENG_METHODS)
    methods = [name for name in dict.fromkeys(listed) if name not in without]
    return Protocol(
        dataset=dataset,
        grids=[(methods, lengths)],
        seeds=chosen_seeds,
        options={name: options.get(name, {}) for name in methods},
        on_vectors=frozenset(names("masci2014")),
        vectors=options["scm"],
    )
