"""Paired comparison over seeds and queries: which methods differ from the best one."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from mmhash_nb.experiments import evaluation
from mmhash_nb.experiments.runs import Run
from mmhash_nb.metrics import average_precision
from mmhash_nb.pairs import Pairs

#: at most this is the probability that any two methods that are alike are called different
ALPHA = 0.05
#: p-values below this are not told apart
SMALLEST_P = 1e-300


def query_scores(runs: Iterable[Run], pairs: Pairs, task: str, bits: int) -> dict[str, np.ndarray]:
    """Average precision of every query, for each method that has codes for a task.

    Args:
        runs: of one protocol: all methods have the same seeds.
        pairs: the dataset, whose queries and labels count.
        task: such as `image-text`; bits: code length.

    Returns:
        Method → `float64 [S, Q]`, a row a seed, ascending, whatever order the runs have.
    """
    query, database = task.split("-")
    found: dict[str, dict[int, np.ndarray]] = {}
    for run in runs:
        method, length, seed = run.key
        if length != bits or task not in run.metrics or not (run.folder / "codes.npz").is_file():
            continue
        ranked = evaluation.profile(run.codes(), pairs, query, database)
        found.setdefault(method, {})[seed] = average_precision(ranked)
    return {method: np.array([rows[s] for s in sorted(rows)]) for method, rows in found.items()}


def against_best(scores: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Each method less the best one, by query and seed, corrected for all pairs of methods.

    A difference is that of the means over seeds and queries. Both are samples: its squared
    standard error is the sum of that of the means by seed and that of the means by query. What
    seed and query do together counts twice in it, so it errs towards no difference. `p` is from
    `cochran_cox`. Of a single seed only queries count.

    The best method is chosen by these same scores, and the best of many alike has a lead by luck.
    So `adjusted` is Holm's over all pairs of methods, with the best or not: whichever is chosen,
    its comparisons are among them. `low` and `high` are the 95 % interval of a comparison by
    itself, as `p` is: with three seeds, intervals at the levels of so many pairs would be wider
    than the scale.

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
    values = np.array([scores[method] for method in order])  # [k, S, Q]
    first, second = np.triu_indices(len(order), 1)  # the pairs with the best come first
    means = values.mean(axis=(1, 2))
    difference = means[second] - means[first]
    sides = [side[second] - side[first] for side in (values.mean(axis=2), values.mean(axis=1))]
    squared = np.array([_squared_error(side) for side in sides])  # [2, pairs]
    freedom = np.array([[max(side.shape[1] - 1, 1)] for side in sides])
    p = cochran_cox(difference, squared, freedom)
    adjusted = holm(p)
    half = _critical(ALPHA, squared, freedom) * np.sqrt(squared.sum(axis=0))
    table = pd.DataFrame(
        {
            "score": means[second],
            "difference": difference,
            "low": difference - half,
            "high": difference + half,
            "p": p,
            "adjusted": adjusted,
            "differs": adjusted < ALPHA,
        }
    ).head(len(order) - 1)
    table.insert(0, "method", order[1:])
    table.insert(1, "best", order[0])
    return table


def cochran_cox(difference: np.ndarray, squared: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Two-sided p-values of differences whose squared errors are sums of two estimates.

    The critical value at a level is the mean of those of Student's t at the degrees of freedom of
    each part, weighted by the parts (Cochran 1964, Cochran and Cox 1950), and p the level at which
    it is the difference over its error. With three seeds Satterthwaite's degrees of freedom, as in
    the min F' of Clark (1973), are wrong at the small levels at which Holm's procedure judges: up
    to fifteenfold at 0.001, where this is wrong at most twofold.

    Args:
        difference: `float [n]`. squared: squared standard errors `float [2, n]`, of which either
            part may be zero. freedom: of each part, `[2, 1]`.

    Returns:
        p `float [n]`. Where nothing varies, it is 1 for a difference of zero and 0 for others.
    """
    error = np.sqrt(squared.sum(axis=0))
    varies = error > 0
    p = np.where(difference == 0, 1.0, 0.0)
    statistic = np.abs(difference[varies]) / error[varies]
    low = np.full(len(statistic), np.log(SMALLEST_P))
    high = np.zeros(len(statistic))
    for _ in range(45):  # bisection of log p: the critical value falls as the level grows
        middle = (low + high) / 2
        above = _critical(np.exp(middle), squared[:, varies], freedom) > statistic
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    p[varies] = np.exp(high)
    return p


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment of p-values `float [m]`."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    steps = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def _critical(level: ArrayLike, squared: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Critical values `[n]` of Cochran and Cox at a two-sided level, 0 where nothing varies."""
    total = squared.sum(axis=0)
    weighted = (squared * stats.t.isf(np.asarray(level) / 2, freedom)).sum(axis=0)
    return weighted / np.where(total > 0, total, 1)


def _squared_error(values: np.ndarray) -> np.ndarray:
    """Squared standard errors of the means of the rows `[n, m]`, 0 for a single column."""
    m = values.shape[1]
    return values.var(axis=1, ddof=1) / m if m > 1 else np.zeros(len(values))
