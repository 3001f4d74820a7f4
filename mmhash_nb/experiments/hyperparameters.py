"""Search over settings on held-out training samples."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.runs import run
from mmhash_nb.pairs import Pairs


def search(
    paper: str,
    pairs: Pairs,
    bits: int,
    seeds: Iterable[int],
    candidates: Mapping[str, Iterable[Mapping[str, Any]]],
    tasks: Sequence[str] = (),
) -> pd.DataFrame:
    """mAP of candidate settings on held-out training samples.

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
                directions = tasks or list(metrics)[:1]
                scores.append(float(np.mean([metrics[task]["mAP"] for task in directions])))
            rows.append({"dataset": pairs.name, "method": method, **some, "mAP": np.mean(scores)})
    return pd.DataFrame(rows)


def at_rates(
    protocol: Protocol, methods: Iterable[str], rates: Iterable[float]
) -> dict[str, list[dict[str, Any]]]:
    """Candidates for `search`: each method's options in the protocol, at each rate."""
    return {
        method: [{**protocol.options[method], "learning_rate": rate} for rate in rates]
        for method in methods
    }
