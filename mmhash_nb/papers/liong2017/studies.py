"""Studies of liong2017: PDH's decorrelation, interpretations of CMDVH, and galleries."""

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, cast

import pandas as pd

from mmhash_nb.experiments.evaluation import of_codes
from mmhash_nb.experiments.hyperparameters import compared
from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.records import CROSS_MODAL
from mmhash_nb.experiments.runs import Run
from mmhash_nb.hashers.base import Unified
from mmhash_nb.pairs import Pairs

#: of Eqs. 5 and 6 (`code_update`) and of Eqs. 13 and 14 (`printed`), the default first
INTERPRETATIONS = (("margins", False), ("margins", True), ("printed", False), ("printed", True))
#: of PDH, from none to all
DECORRELATIONS = (0.0, 0.25, 0.5, 0.75, 1.0)


def interpretations(protocol: Protocol) -> dict[str, list[dict[str, Any]]]:
    """CMDVH's options with all interpretations of its equations, for `hyperparameters.compared`."""
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
    found = {b: compared("liong2017", pairs, b, seeds, options) for b in lengths}
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
