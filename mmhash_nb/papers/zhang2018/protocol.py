"""What zhang2018 runs on a dataset."""

from collections.abc import Sequence

from mmhash_nb.experiments.protocol import Protocol, given, setup_of
from mmhash_nb.hashers import registered
from mmhash_nb.papers.folders import setups

_SHALLOW = ("cca_hash", "cmfh", "scm", "scm_orth", "stmh", "sephkm")
_DEEP = ("dcmh", "prdh", "dvsh")
_ATTENTION = ("aadah", "aadah_none", "aadah_visual", "aadah_textual")
#: Methods of zhang2018, in the order of its tables; `scm_orth` is SCM's other solver.
METHODS = (*_SHALLOW, *_DEEP, *_ATTENTION)

_BITS = (16, 32, 64)
DATASETS = setups("zhang2018")


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
        dataset, scale, bits, seeds, epochs, backbone, weights: as `papers.protocol` takes them.
    """
    setup = setup_of("zhang2018", DATASETS, dataset, scale)
    settings = setup.settings(scale)
    changed = given(epochs=epochs, backbone=backbone, weights=weights)
    methods = (*METHODS, *registered("zhang2018"))
    return Protocol(
        dataset=dataset,
        grids=[(methods, setup.lengths(scale, bits, _BITS))],
        seeds=setup.seeds_at(scale, seeds),
        views=setup.views_at(scale),
        options=setup.options(methods, scale, settings, changed),
    )
