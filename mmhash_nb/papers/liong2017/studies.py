"""Studies of liong2017: settings of its baselines, interpretations of CMDVH, and galleries."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, cast

import pandas as pd

from mmhash_nb.experiments.evaluation import of_codes
from mmhash_nb.experiments.hyperparameters import at_rates, search
from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.records import CROSS_MODAL
from mmhash_nb.experiments.runs import Run
from mmhash_nb.hashers.base import Unified
from mmhash_nb.pairs import Pairs

#: of the deep baselines, of which the paper gives none
RATES = (2e-4, 1e-3, 5e-3)
#: of CMDVH over a backbone that is not the paper's; elsewhere it has the paper's rate, the last
RATES_OF_OURS = (1e-3, 3e-3, 1e-2)
#: of Eqs. 5 and 6 (`code_update`) and of Eqs. 13 and 14 (`printed`), the default first
INTERPRETATIONS = (("margins", False), ("margins", True), ("printed", False), ("printed", True))
#: of PDH, from none to all
DECORRELATIONS = (0.0, 0.25, 0.5, 0.75, 1.0)


def candidates(protocol: Protocol) -> dict[str, list[dict[str, Any]]]:
    """The options of each deep method whose rate is to be chosen, at all learning rates."""
    deep = (method for method in ("dnh_c", "dvsh", "cah", "dcmh") if method in protocol.options)
    found = at_rates(protocol, deep, RATES)
    if protocol.options["cmdvh"].get("backbone") == "mobilenet_v2":
        found |= at_rates(protocol, ["cmdvh"], RATES_OF_OURS)
    return found


def interpretations(protocol: Protocol) -> dict[str, list[dict[str, Any]]]:
    """CMDVH's options with all interpretations of its equations."""
    ours = protocol.options["cmdvh"]
    return {"cmdvh": [{**ours, "code_update": u, "printed": p} for u, p in INTERPRETATIONS]}


def by_decorrelation(pairs: Pairs, lengths: Sequence[int], seeds: Iterable[int]) -> pd.DataFrame:
    """What PDH reaches on held-out training samples by how far its scores are decorrelated.

    Args:
        pairs: the dataset, whose queries and database are not used.
        lengths, seeds: of every run.

    Returns:
        One row a length and value of `DECORRELATIONS`: `dataset`, `bits`, `decorrelation` and
        `mAP`, the mean over seeds and both directions.
    """
    options, seeds = {"pdh": [{"decorrelation": d} for d in DECORRELATIONS]}, tuple(seeds)
    found = {b: search("liong2017", pairs, b, seeds, options, CROSS_MODAL) for b in lengths}
    rows = pd.concat(found, names=["bits"]).reset_index("bits")
    return rows[["dataset", "bits", "decorrelation", "mAP"]]


def by_gallery(pairs: Pairs, runs: Iterable[Run]) -> pd.DataFrame:
    """What codes that were learned with the labels are worth in a gallery, mean over seeds.

    Args:
        pairs: the dataset.
        runs: of methods with such codes, with their learned gallery; others are left out.

    Returns:
        One row a method, length, task and metric. `learned` is the score with the learned codes of
        training samples in the gallery, `predicted` with the codes that the method gives to new
        samples of both modalities, `encoded` with those of the other modality alone.
    """
    keys, rows = ["method", "bits", "task", "metric"], []
    for one in runs:
        method = one.method()
        if "keys" not in method.state:  # it does not know its training samples again
            continue
        method.state["keys"] = method.state["keys"][:0]
        predicted = {"unified": cast(Unified, method).database_codes(pairs)}
        again = of_codes(one.codes() | predicted, pairs, cross_modal=True)
        for task, metric in product(CROSS_MODAL, ("mAP", "mAP@100")):
            unified = f"{task.split('-')[0]}-unified"
            rows.append(
                {
                    **dict(zip(keys, (*one.key[:2], task, metric), strict=True)),
                    "learned": one.metrics[unified][metric],
                    "predicted": again[unified][metric],
                    "encoded": one.metrics[task][metric],
                }
            )
    return pd.DataFrame(rows).groupby(keys, as_index=False, sort=False).mean()
