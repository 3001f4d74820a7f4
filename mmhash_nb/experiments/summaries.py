"""Runs in short, as text: gains of one method over others, and means over seeds."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mmhash_nb.experiments import failed_runs
from mmhash_nb.experiments.intervals import differences, per_cent
from mmhash_nb.experiments.records import COUNTS, Cells


def gains(
    records: pd.DataFrame,
    dataset: str | None,
    method: str,
    others: Iterable[str],
    task: str = "joint-joint",
) -> pd.Series:
    """mAP of `method` minus each other's in points, paired by length and seed, as text.

    Args:
        records: rows with the columns that `records.Cells` reads.
        dataset: whose; None takes all. task: the direction.

    Returns:
        For each other method, the mean difference and its range over code lengths (and datasets),
        each of them a mean over seeds; empty where nothing was run. Where a run failed, its length
        is left out, which is said.
    """
    if "paper" in records:  # not a paper's printed numbers
        records = failed_runs.without(records)
    cells = Cells(records)
    found = {}
    for other in others:
        means, failing = [], 0
        for name in [dataset] if dataset else sorted(records.dataset.unique()):
            ours, theirs = (cells.by_length(m, name, task, "mAP") for m in (method, other))
            for length in sorted(ours.keys() & theirs.keys()):
                shared = differences(ours[length], theirs[length])
                failing += int(np.isnan(shared).any())
                means += (
                    [100 * float(shared.mean())] if np.isfinite(shared).all() * shared.size else []
                )
        if means:
            spread = f" ({min(means):+.1f} to {max(means):+.1f})"
            spread += f", {failing} left out for failed runs" * bool(failing)
            found[f"{method} − {other}"] = f"{np.mean(means):+.1f}{spread}"
    return pd.Series(found, dtype=object)


def collapse(records: pd.DataFrame, dataset: str, bits: int) -> pd.DataFrame:
    """Signs of a collapsed code beside the test mAP, means over seeds in per cent, as text.

    Args:
        records: run records with the columns `records.COLUMNS`.
        dataset: whose runs; bits: code length.

    Returns:
        Rows `method, task`, columns `mAP`, `train mAP`, `distinct codes` (a share of the database)
        and `bit balance`; `–` where records are of before these were computed. A failed run is in
        no mean: it has a row with its seed.
    """
    failing = failed_runs.marks(records).to_numpy()
    by_seed = records.method + ", failed seed " + records.seed.astype(str)
    named_runs = records.assign(method=records.method.mask(failing, by_seed))
    here = named_runs[(records.dataset == dataset) & (records.bits == bits)]
    wide = here.pivot_table(
        index=["method", "task"], columns="metric", values="value", aggfunc="mean", sort=False
    ).reindex(columns=["mAP", "train mAP", "distinct", "balance"])
    named = wide.rename(columns={"distinct": "distinct codes", "balance": "bit balance"})
    return named.rename_axis(columns=None).map(
        lambda value: "–" if np.isnan(value) else f"{100 * value:.1f}"
    )


def over_queries(table: pd.DataFrame) -> str:
    """Over how many queries the means of a table are, and the highest that is possible, in words.

    Args:
        table: records, or a study, with a column `dataset` and the columns `records.COUNTS`.

    Returns:
        For each dataset a sentence, which says so where the table does not know.
    """
    if missing := [name for name in COUNTS if name not in table]:
        table = table.assign(**dict.fromkeys(missing, pd.NA))
    sentences = []
    for name, n, none in table[["dataset", *COUNTS]].drop_duplicates().itertuples(index=False):
        if pd.isna(n) or pd.isna(none):
            sentences.append(f"{name}: these records do not say over how many queries means are.")
            continue
        most = f"{none:,} of them have nothing to find: at most {1 - none / n:.3f} is possible"
        reach = most if none else "each of them has something to find: 1 is possible"
        sentences.append(f"{name}: means are over {n:,} queries; {reach}.")
    return "\n".join(sentences)


def over_seeds(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Fractions in per cent as text, mean over seeds ± half of the 95 % t-interval.

    Args:
        table: a row for each value of `by` and seed; all other columns are fractions 0..1 but
            `scored`, counts that are added.
        by: what the rows are to be.
    """
    rows = {
        value: {
            name: str(part[name].sum()) if name == "scored" else per_cent(part[name].to_numpy())
            for name in part.columns.drop([by, "seed"])
        }
        for value, part in table.groupby(by, sort=False)
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(by)
