"""What masci2014 runs on a dataset."""

from collections.abc import Sequence

from mmhash_nb.experiments.protocol import Protocol, Request
from mmhash_nb.hashers import names, registered
from mmhash_nb.papers.folders import setups

_NETWORKS = ("nnhash_l1", "nnhash_l2", "cmnn_l1", "cmnn_l2", "mmnn_l1", "mmnn_l2")
#: Methods of masci2014.
METHODS = tuple(names("masci2014"))
_EMBEDDERS = ("cm", "sm", "sm_plain", "scm_rasiwasia")
_TABLE_6 = ("cmssh", *_EMBEDDERS, "mmnn_l1", "mmnn_l2", "cmnn_l1", "cmnn_l2")
_TABLES_2_TO_5 = tuple(m for m in METHODS if m not in _EMBEDDERS)
#: The tables with results on each dataset.
TABLES = {
    **{"cifar10": (2, 3), "cifar10_colour": (2, 3), "nuswide": (4, 5), "wiki": (6,)},
    **{"cifar10_all": (2, 3), "cifar10_all_balanced": (2, 3), "scenes": (2, 3, 6)},
}

#: The paper's code lengths (Tables 2 to 6): on `scenes` those of CIFAR-10 and of Wiki.
_GRIDS: dict[str, list[tuple[Sequence[str], Sequence[int]]]] = {
    "wiki": [(_TABLE_6, (32,))],
    "cifar10": [(_TABLES_2_TO_5, (12, 24, 48))],
    "cifar10_colour": [(_TABLES_2_TO_5, (12, 24, 48))],
    "cifar10_all": [(_TABLES_2_TO_5, (12, 24, 48))],
    "cifar10_all_balanced": [(_NETWORKS, (12, 24, 48))],
    "nuswide": [(_TABLES_2_TO_5, (16, 64, 256))],
    "scenes": [(_TABLES_2_TO_5, (12, 24, 48)), (_TABLE_6, (32,))],
}
#: Bursts of L-BFGS (§3.3) in place of Adam; `results/study_masci2014_*_solvers.csv` compares.
_LBFGS = {"optimiser": "lbfgs", "learning_rate": 1.0, "epochs": 60, "batch_size": 2000}
DATASETS = setups("masci2014")


def protocol(request: Request, optimiser: str = "adam") -> Protocol:
    """The experiments of masci2014 (§4, Table 1) on a dataset.

    `cifar10_all` is CIFAR-10 with the whole database for training, as footnote 1 may be read;
    `cifar10_all_balanced` has its networks with the balanced loss. `cifar10_colour` is CIFAR-10
    with the other reading of HOG. On `scenes` all but the NUS tables have their counterpart, and a
    demo is shorter. The paper's datasets run at its sizes at both scales.

    Args:
        request: its epochs are an upper bound.
        optimiser: `adam`, or `lbfgs` as in the paper, for the networks.
    """
    if optimiser not in ("adam", "lbfgs"):
        raise ValueError(f"optimiser must be adam or lbfgs, but is {optimiser!r}.")
    solver = _LBFGS if optimiser == "lbfgs" else {}
    (first, lengths), *others = _GRIDS[request.dataset]
    grids = [
        ((*first, *registered("masci2014")), request.lengths(lengths)),
        *((methods, request.bits or lengths) for methods, lengths in others),
    ]
    options = request.options(_NETWORKS, {**request.settings, **solver}, **solver)
    options |= request.options(("ksh",), {"labelled": 5000})
    return request.protocol(grids, options)
