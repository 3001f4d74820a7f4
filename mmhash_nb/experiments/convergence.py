"""Whether trainings have converged: how much their losses still fell at the end."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mmhash_nb.experiments.runs import Run
from mmhash_nb.hashers.base import Method

#: per cent by which a loss may fall in the last tenth of a training that counts as converged
LIMIT = 5.0


def losses(method: Method) -> list[np.ndarray]:
    """The loss of each epoch, `float [epochs]`, of each training of a fitted method.

    None where a method has no record of its losses. CMDVH trains a network for each modality, NN
    hash likewise; the rounds in which CMDVH learns its codes end by a rule of their own.
    """
    curves = [v for k, v in method.state.items() if k == "loss" or k.endswith(".loss")]
    return [column for curve in curves for column in np.atleast_2d(curve.T) if curve.size]


def fall(loss: np.ndarray) -> float:
    """Per cent by which a loss, `float [epochs]`, fell in the last tenth; NaN of a single epoch."""
    if len(loss) < 2:
        return float("nan")
    before = float(loss[-1 - max(1, len(loss) // 10)])
    return 100 * (before - float(loss[-1])) / abs(before) if before else 0.0


def still_falls(percent: float | pd.Series) -> bool | pd.Series:
    """Whether a training whose loss fell by so much in its last tenth has not converged."""
    return percent > LIMIT


def last_tenth(method: Method) -> dict[str, float]:
    """`epochs`, the last `loss` and its `fall in %` of the training that fell most at its end.

    Empty of a method without a record of its losses.
    """
    curves = losses(method)
    if not curves:
        return {}
    falls = np.nan_to_num([fall(loss) for loss in curves], nan=-np.inf)
    most = curves[int(falls.argmax())]
    return {"epochs": len(most), "loss": float(most[-1]), "fall in %": fall(most)}


def table(runs: Iterable[Run]) -> pd.DataFrame:
    """How far the trainings of some runs came, mean over seeds.

    Returns:
        Indexed by `method` and `bits`, in the order of the runs: what `last_tenth` gives, and
        `still falling`, how many of the `seeds` are above `LIMIT`. Methods without losses are not
        there.
    """
    rows = []
    for run in runs:
        if found := last_tenth(run.method()):
            method, bits, _ = run.key
            falling = still_falls(found["fall in %"])
            rows.append(
                {"method": method, "bits": bits, **found, "seeds": 1, "still falling": falling}
            )
    by = pd.DataFrame(rows).groupby(["method", "bits"], sort=False)
    means = by[["epochs", "loss", "fall in %"]].mean()
    return means.join(by[["seeds", "still falling"]].sum())
