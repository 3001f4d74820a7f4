"""Which settings, and what a method gains on others."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mmhash_nb.experiments.intervals import interval
from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.records import Cells
from mmhash_nb.experiments.runs import run
from mmhash_nb.pairs import Pairs


def by_settings(
    paper: str,
    pairs: Pairs,
    bits: int,
    seeds: Iterable[int],
    candidates: Mapping[str, Iterable[Mapping[str, Any]]],
    tasks: Sequence[str] = (),
) -> pd.DataFrame:
    """mAP of candidate settings on held-out training samples: what settings are chosen by.

    Args:
        paper, bits: as `runs.run` takes them.
        pairs: the dataset, whose queries and database are not used.
        candidates: for each method, options to compare.
        tasks: the directions to take the mean of; the method's first where none is named.

    Returns:
        One row a method and candidate: `dataset`, `method`, the options, and `mAP`, the mean over
        seeds and directions; NaN where a training diverged.
    """
    part = pairs.held_out()
    rows = []
    for method, options in candidates.items():
        for some in options:
            scores: list[float] = []
            for seed in seeds:
                try:
                    metrics = run(paper, method, part, bits, seed, some).metrics
                except FloatingPointError:
                    scores.append(np.nan)
                    continue
                asked = tasks or list(metrics)[:1]
                scores.append(float(np.mean([metrics[task]["mAP"] for task in asked])))
            rows.append({"dataset": pairs.name, "method": method, **some, "mAP": np.mean(scores)})
    return pd.DataFrame(rows)


def at_rates(
    protocol: Protocol, methods: Iterable[str], rates: Iterable[float]
) -> dict[str, list[dict[str, Any]]]:
    """Candidates for `by_settings`: each method's options in the protocol, at each rate."""
    return {
        method: [{**protocol.options[method], "learning_rate": rate} for rate in rates]
        for method in methods
    }


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
        each of them a mean over seeds; empty where nothing was run.
    """
    cells = Cells(records)
    found = {}
    for other in others:
        means = []
        for name in [dataset] if dataset else sorted(records.dataset.unique()):
            lengths = cells.lengths(method, name, task, "mAP")
            for length in sorted(set(lengths) & set(cells.lengths(other, name, task, "mAP"))):
                ours, theirs = (
                    cells.by_seed(m, name, task, length, "mAP") for m in (method, other)
                )
                shared = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
                means += [100 * float(np.mean(shared))] if shared else []
        if means:
            spread = f" ({min(means):+.1f} to {max(means):+.1f})"
            found[f"{method} − {other}"] = f"{np.mean(means):+.1f}{spread}"
    return pd.Series(found, dtype=object)


def over_seeds(table: pd.DataFrame, by: str) -> pd.DataFrame:
    """Fractions in per cent as text, mean over seeds ± half of the 95 % t-interval.

    Args:
        table: a row for each value of `by` and seed, all other columns fractions 0..1.
        by: what the rows are to be.
    """
    rows = {}
    for value, part in table.groupby(by, sort=False):
        ours = {name: interval(part[name].to_numpy()) for name in part.columns.drop([by, "seed"])}
        rows[value] = {
            k: f"{100 * v.mean:.1f} ± {100 * (v.high - v.mean):.1f}" for k, v in ours.items()
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(by)
