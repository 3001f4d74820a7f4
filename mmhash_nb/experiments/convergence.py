"""Whether trainings have converged: how much their losses still fell at the end."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mmhash_nb.experiments.records import study_files
from mmhash_nb.experiments.runs import Run
from mmhash_nb.hashers.base import Method
from mmhash_nb.training.loop import n_batches

#: per cent by which a loss may fall in the last tenth of a training that counts as converged
LIMIT = 5.0


def losses(method: Method) -> list[np.ndarray]:
    """The loss of each epoch, `float [epochs]`, of each training of a fitted method.

    None where a method has no record of its losses. CMDVH trains a network for each modality, NN
    hash likewise; the rounds in which CMDVH learns its codes end by a rule of their own. HashNet's
    loss changes from epoch to epoch with its β, so that its rise or fall says little.
    """
    curves = [v for k, v in method.state.items() if k == "loss" or k.endswith(".loss")]
    return [column for curve in curves for column in np.atleast_2d(curve.T) if curve.size]


def fall(loss: np.ndarray) -> float:
    """Per cent by which a loss, `float [epochs]`, fell in the last tenth; NaN of a single epoch."""
    if len(loss) < 2:
        return float("nan")
    before = float(loss[-1 - max(1, len(loss) // 10)])
    return 100 * (before - float(loss[-1])) / abs(before) if before else 0.0


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
        Indexed by `method` and `bits`, in the order of the runs: `seconds`, how many `steps` a
        training took (epochs times mini-batches), what `last_tenth` gives, and `still falling`,
        how many of the `seeds` are above `LIMIT`. Methods without losses are not there.
    """
    rows = _rows(runs).dropna(subset="epochs")
    by = rows.groupby(["method", "bits"], sort=False)
    means = by[["seconds", "epochs", "steps", "loss", "fall in %"]].mean()
    counts = by["still falling"].agg(**{"seeds": "size", "still falling": "sum"})
    return means.join(counts.astype(int))


def by_method(runs: Iterable[Run]) -> pd.DataFrame:
    """The same for each method over all its lengths and seeds, as strings; all methods are there.

    Returns:
        Indexed by `method`: mean `seconds`, `epochs` and `steps`, mean `fall in %`, and how many
        trainings are `still falling`, as "2 of 6".
    """
    by = _rows(runs).groupby("method", sort=False)
    means = by[["seconds", "epochs", "steps", "fall in %"]].mean()
    decimals = {"seconds": 1, "epochs": 0, "steps": 0, "fall in %": 1}
    shown = pd.DataFrame(
        {name: means[name].map(f"{{:.{n}f}}".format) for name, n in decimals.items()}
    )
    falling = by["still falling"].agg(["sum", "count"]).astype(int)
    shown["still falling"] = [f"{found} of {n}" if n else "" for found, n in falling.to_numpy()]
    return shown.replace("nan", "")


def recorded(paper: str) -> str:
    """What the committed `study_<paper>_*_convergence.csv` say, a line for each dataset."""
    try:
        paths = study_files(f"{paper}_*_convergence")
    except FileNotFoundError:
        return f"The records of {paper} do not say whether its trainings had converged."
    lines = []
    for path in paths:
        study = pd.read_csv(path)
        dataset = path.stem.removeprefix(f"study_{paper}_").removesuffix("_convergence")
        by = study.groupby("method", sort=False)[["still falling", "seeds"]].sum()
        some = [f"{m} {n} of {of}" for m, (n, of) in by.iterrows() if n]
        lines.append(
            f"{dataset}: {by['still falling'].sum()} of {by.seeds.sum()} trainings, of "
            f"{study.steps.min():,.0f} to {study.steps.max():,.0f} steps, still fell by more than "
            f"{LIMIT:g} % in their last tenth{': ' * bool(some)}{', '.join(some)}."
        )
    return "\n".join(lines)


def _rows(runs: Iterable[Run]) -> pd.DataFrame:
    """A row for each run; empty where it has no record of its losses."""
    rows = []
    for run in runs:
        (method, bits, _), found = run.key, last_tenth(run.method())
        row = {"method": method, "bits": bits, "seconds": run.record["seconds_fit"], **found}
        if found:
            size = run.record["configuration"]["options"]["batch_size"]
            row["steps"] = found["epochs"] * n_batches(run.record["splits"]["train"], size)
            row["still falling"] = float(found["fall in %"] > LIMIT)
        rows.append(row)
    columns = ["method", "bits", "seconds", "epochs", "steps", "loss", "fall in %", "still falling"]
    return pd.DataFrame(rows, columns=columns)
