"""How much scores move with the split of a dataset, beside how much they move with the seed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from mmhash_nb.experiments.records import COUNTS
from mmhash_nb.experiments.runs import run
from mmhash_nb.pairs import Pairs

#: What each row of `by_split` belongs to.
_KEY = ["method", "task", "bits"]


def by_split(
    paper: str,
    load: Callable[[int], Pairs],
    options: Mapping[str, Mapping[str, Any]],
    bits: int,
    draws: Sequence[int] = range(10),
) -> pd.DataFrame:
    """mAP of methods on several splits with one seed, and on the first split with several seeds.

    Args:
        paper: as `runs.run` takes it.
        load: the dataset by the number of its split (`split_seed` of `datasets.load`).
        options: of each method that is compared, by its name.
        bits: code length.
        draws: numbers of splits, and of seeds: the first of them is the split of the seeds and the
            seed of the splits.

    Returns:
        Rows with `method, task, bits, varies` (`split` or `seed`), its number `draw`, `mAP`,
        and the counts of queries (`records.COUNTS`).
    """
    rows = []
    first = draws[0]
    for split in draws:
        pairs = load(split)
        counts = dict(zip(COUNTS, (len(pairs.query), pairs.without_relevant), strict=True))
        for method, given in options.items():
            for seed in draws if split == first else [first]:
                done = run(paper, method, pairs, bits, seed, given)
                varying = [("split", split)] if seed == first else []
                varying += [("seed", seed)] if split == first else []
                for task, metrics in done.metrics.items():
                    found = {"method": method, "task": task, "bits": bits, **counts}
                    rows += [
                        {**found, "varies": what, "draw": draw, "mAP": metrics["mAP"]}
                        for what, draw in varying
                    ]
    return pd.DataFrame(rows)[[*_KEY, "varies", "draw", "mAP", *COUNTS]]


def spread(table: pd.DataFrame, tasks: Iterable[str] = ()) -> pd.DataFrame:
    """Means and standard deviations of `by_split`, in per cent, a row a method and task.

    Returns:
        Columns `mean` (over splits), `SD over splits`, `SD over seeds` and how many `draws` each.
    """
    tasks = list(tasks) or list(dict.fromkeys(table.task))
    scores = table[table.task.isin(tasks)]
    grouped = scores.groupby([*_KEY, "varies"], sort=False).mAP.agg(["mean", "std", "count"])
    by = grouped.unstack("varies")
    return pd.DataFrame(
        {
            "mean": 100 * by["mean", "split"],
            "SD over splits": 100 * by["std", "split"],
            "SD over seeds": 100 * by["std", "seed"],
            "draws": by["count", "split"],
        }
    )
