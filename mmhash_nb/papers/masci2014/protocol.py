"""What masci2014 runs on a dataset."""

from collections.abc import Sequence

from mmhash_nb.experiments.protocol import Protocol, given, setup_of
from mmhash_nb.hashers import names, registered
from mmhash_nb.papers.folders import setups

_NETWORKS = ("nnhash_l1", "nnhash_l2", "cmnn_l1", "cmnn_l2", "mmnn_l1", "mmnn_l2")
#: Methods of masci2014.
METHODS = tuple(names("masci2014"))
_TABLE_6 = ("cmssh", "cm", "sm", "scm_rasiwasia", "mmnn_l1", "mmnn_l2", "cmnn_l1", "cmnn_l2")
_TABLES_2_TO_5 = tuple(m for m in METHODS if m not in ("cm", "sm", "scm_rasiwasia"))
#: The tables with results on each dataset.
TABLES = {"cifar10": (2, 3), "nuswide": (4, 5), "wiki": (6,), "scenes": (2, 3, 6)}

#: The paper's code lengths (Tables 2 to 6): on `scenes` those of CIFAR-10 and of Wiki.
_GRIDS: dict[str, list[tuple[Sequence[str], Sequence[int]]]] = {
    "wiki": [(_TABLE_6, (32,))],
    "cifar10": [(_TABLES_2_TO_5, (12, 24, 48))],
    "nuswide": [(_TABLES_2_TO_5, (16, 64, 256))],
    "scenes": [(_TABLES_2_TO_5, (12, 24, 48)), (_TABLE_6, (32,))],
}
_ADAM = {"learning_rate": 0.01, "epochs": 100}
DATASETS = setups("masci2014")


def protocol(
    dataset: str,
    scale: str = "demo",
    bits: Sequence[int] = (),
    seeds: Sequence[int] = (),
    epochs: int = 0,
    optimiser: str = "lbfgs",
) -> Protocol:
    """The experiments of masci2014 (§4, Table 1) on a dataset.

    On `scenes` all but the NUS tables have their counterpart, and a demo is shorter. The paper's
    datasets run at its sizes at both scales.

    Args:
        dataset, scale, bits, seeds: as `papers.protocol` takes them.
        epochs: at most so many for the networks, in place of the default.
        optimiser: `lbfgs` or `adam` for the networks.
    """
    setup = setup_of("masci2014", DATASETS, dataset, scale)
    adam = _ADAM if optimiser == "adam" else {}
    settings = setup.settings(scale)
    network = {**settings, "optimiser": optimiser, **adam, **settings, **given(epochs=epochs)}
    (first, lengths), *others = _GRIDS[dataset]
    first = (*first, *registered("masci2014"))
    grids = [(first, setup.lengths(scale, (), lengths)), *others]
    return Protocol(
        dataset=dataset,
        grids=[(methods, bits or lengths) for methods, lengths in grids],
        seeds=setup.seeds_at(scale, seeds),
        views=setup.views,
        options={name: network for name in _NETWORKS} | {"ksh": {"labelled": 5000}},
    )
