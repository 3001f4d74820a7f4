"""What zhang2018 runs on a dataset."""

from mmhash_nb.experiments.protocol import Protocol, Request
from mmhash_nb.hashers import registered
from mmhash_nb.papers.folders import setups

#: without a network
SHALLOW = ("cca_hash", "cmfh", "scm", "scm_orth", "stmh", "sephkm")
_DEEP = ("dcmh", "prdh", "dvsh")
_ATTENTION = ("aadah", "aadah_none", "aadah_visual", "aadah_textual")
#: Methods of zhang2018, in the order of its tables; `scm_orth` is SCM's other solver.
METHODS = (*SHALLOW, *_DEEP, *_ATTENTION)

_BITS = (16, 32, 64)
DATASETS = setups("zhang2018")


def protocol(request: Request, backbone: str = "", weights: str = "") -> Protocol:
    """The experiments of zhang2018 (§4) on a dataset.

    Shallow methods are given the mean of the same backbone's last map (VGG: its fc7). All methods
    have the same training pairs, though some use no labels.
    """
    methods = (*METHODS, *registered("zhang2018"))
    options = request.options(methods, backbone=backbone, weights=weights)
    return request.protocol([(methods, request.lengths(_BITS))], options)
