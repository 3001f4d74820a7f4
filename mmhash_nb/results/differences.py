"""Paired comparison over seeds and queries: which methods differ from the best one."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from scipy import stats

from mmhash_nb.metrics import average_precision
from mmhash_nb.pairs import Pairs
from mmhash_nb.results import evaluation
from mmhash_nb.results.runs import Run

#: probability that any of the differences called so is none
ALPHA = 0.05


def query_scores(runs: Iterable[Run], pairs: Pairs, task: str, bits: int) -> dict[str, np.ndarray]:
    """Average precision of every query, for each method that has codes for a task.

    Args:
        runs: of one protocol: all methods have the same seeds.
        pairs: the dataset, whose queries and labels count.
        task: such as `image-text`; bits: code length.

    Returns:
        Method → `float64 [S, Q]`, a row a seed.
    """
    query, database = task.split("-")
    found: dict[str, list[np.ndarray]] = {}
    for run in runs:
        method, length, _ = run.key
        if length != bits or task not in run.metrics or not (run.folder / "codes.npz").is_file():
            continue
        ranked = evaluation.profile(run.codes(), pairs, query, database)
        found.setdefault(method, []).append(average_precision(ranked))
    return {method: np.array(rows) for method, rows in found.items()}


def against_best(scores: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Each method less the best one, by query and seed, corrected for the number of comparisons.

    A difference is that of the means over seeds and queries. Both are samples: its squared
    standard error is the sum of that of the means by seed and that of the means by query, with
    Satterthwaite's degrees of freedom (min F' of Clark 1973). What seed and query do together
    counts twice in it, so it errs towards no difference. Of a single seed only queries count.

    `p` is that of the t-test, `adjusted` Holm's. Each interval has the level at which Holm's
    procedure judges its comparison, so that it holds zero exactly where `adjusted` is not below
    5 %. The best method was chosen by these same scores: its lead is somewhat flattered.

    Args:
        scores: method → `float [S, Q]`, the same seeds and queries for all.

    Returns:
        A row a method but the best, highest first: `method, best, score, difference, low, high, p,
        adjusted, differs`.

    Raises:
        ValueError: where there are fewer than two methods, or shapes differ.
    """
    shapes = {np.shape(rows) for rows in scores.values()}
    if len(scores) < 2 or len(shapes) > 1:
        raise ValueError(
            "a comparison needs two methods with the same seeds and queries, but the scores of "
            f"{', '.join(scores) or 'no method'} have shapes {sorted(shapes)}."
        )
    order = sorted(scores, key=lambda method: -scores[method].mean())
    best, others = order[0], order[1:]
    errors = [_mean_error(scores[method] - scores[best]) for method in others]
    difference, error, freedom = map(np.array, zip(*errors, strict=True))
    p = np.where(difference == 0, 1.0, 0.0)  # what is left where nothing varies
    varies = error > 0
    p[varies] = 2 * stats.t.sf(np.abs(difference / np.where(varies, error, 1)), freedom)[varies]
    adjusted, level = holm(p)
    half = stats.t.isf(level / 2, freedom) * error
    return pd.DataFrame(
        {
            "method": others,
            "best": best,
            "score": [scores[method].mean() for method in others],
            "difference": difference,
            "low": difference - half,
            "high": difference + half,
            "p": p,
            "adjusted": adjusted,
            "differs": adjusted < ALPHA,
        }
    )


def holm(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Holm's step-down adjustment of p-values `float [m]`.

    Returns:
        The adjusted p-values, and the level each is judged at: the smallest at α/m, the next at
        α/(m − 1), and so on to the first that stays, whose level all that follow have, too.
    """
    m = len(p)
    order = np.argsort(p, kind="stable")
    factor = m - np.arange(m)
    adjusted, level = np.empty(m), np.empty(m)
    steps = np.maximum.accumulate(factor * p[order])
    adjusted[order] = np.minimum(steps, 1)
    rejected = int((steps < ALPHA).sum())
    level[order] = ALPHA / np.maximum(factor, factor[min(rejected, m - 1)])
    return adjusted, level


def _mean_error(values: np.ndarray) -> tuple[float, float, float]:
    """Mean of values `[S, Q]`, its standard error and degrees of freedom."""
    parts = []
    for means in (values.mean(axis=1), values.mean(axis=0)):
        if len(means) > 1:
            parts.append((float(means.var(ddof=1)) / len(means), len(means) - 1))
    variance = sum(part for part, _ in parts)
    below = sum(part**2 / freedom for part, freedom in parts)
    freedom = variance**2 / below if below > 0 else 1.0
    return float(values.mean()), float(np.sqrt(variance)), freedom
