"""Paired comparison over queries and seeds: which methods are behind the best one."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from mmhash_nb.experiments import evaluation, failed_runs
from mmhash_nb.experiments.multiple_comparisons import ALPHA, moderated
from mmhash_nb.experiments.runs import Run, frame
from mmhash_nb.metrics import average_precision
from mmhash_nb.pairs import Pairs

#: p-values below this are not told apart
SMALLEST_P = 1e-300
#: a difference of this much is the least worth a word, a fraction of mAP
POINT = 0.01
#: what becomes of a method, as `against_best` says it
OUTCOMES = ("within a point", "surely behind", "unresolved")


def query_scores(runs: Iterable[Run], pairs: Pairs, task: str, bits: int) -> dict[str, np.ndarray]:
    """Average precision of every query, for each method that has codes for a task.

    Args:
        runs: of one protocol; a method may have more seeds than another.
        pairs: the dataset, whose queries and labels count.
        task: such as `image-text`; bits: code length.

    Returns:
        Method → `float64 [S, Q]`, a row a seed, ascending, whatever order the runs have. Failed
        runs (`experiments.failed_runs`) are left out.
    """
    runs = list(runs)
    query, database = task.split("-")
    failing = failed_runs.failed(frame(runs))
    gone = set(failing[failing.task == task][["method", "bits", "seed"]].itertuples(False, None))
    found: dict[str, dict[int, np.ndarray]] = {}
    for run in runs:
        method, length, seed = run.key
        has_codes = (run.folder / "codes.npz").is_file()
        if length != bits or task not in run.metrics or run.key in gone or not has_codes:
            continue
        ranked = evaluation.profile(run.codes(), pairs, query, database)
        found.setdefault(method, {})[seed] = average_precision(ranked)
    return {method: np.array([rows[s] for s in sorted(rows)]) for method, rows in found.items()}


def against_best(scores: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Each method less the best one, paired by query, corrected for the number of methods.

    Seeds and queries are both samples. The squared error of a difference is the sum of that over
    queries, paired, and that of either method over its seeds, which are trainings of their own: two
    methods share a seed's number and no more. Variances over seeds are `moderated` by those of all
    methods, without which three seeds decide nothing. What seed and query do together counts twice
    in it, so that it errs towards no difference. `p` is from `cochran_cox`.

    The best is chosen by these same scores. So what is stated is a subset that holds the truly best
    method (Gupta 1965): a method is *surely behind* where p times the number of others is below
    `ALPHA`. Whichever method is truly best, with 95 % it is not called that: none of all the others
    then leads it so far by luck. It does not say which of the rest is best.

    Args:
        scores: method → `float [S, Q]`, the same queries for all; seeds may differ in number.

    Returns:
        A row a method but the best, highest first: `method, best, score, seeds, difference`, over
        how many `queries`, how many of them are `without_relevant` items (0 for every method), its
        bounds `low, high` at the corrected level, `outcome`, `p` and
        `adjusted`. The outcome is `within a point` where the difference is (`POINT`), sure or not;
        else `surely behind` or
        `unresolved`.

    Raises:
        ValueError: where there are fewer than two methods, or their queries differ.
    """
    queries = {np.shape(rows)[1] for rows in scores.values()}
    if len(scores) < 2 or len(queries) > 1:
        raise ValueError(
            "a comparison needs two methods with the same queries, but the scores of "
            f"{', '.join(scores) or 'no method'} are of {sorted(queries)} queries."
        )
    order = sorted(scores, key=lambda method: (-scores[method].mean(), method))
    by_query = np.array([scores[method].mean(axis=0) for method in order])  # [k, Q]
    n = np.array([len(scores[method]) for method in order])
    spread = [np.var(scores[m].mean(axis=1), ddof=1) if len(scores[m]) > 1 else 0.0 for m in order]
    over_seeds, of_seeds = moderated(np.array(spread), np.maximum(n - 1, 1))
    others = len(order) - 1
    apart = by_query[1:] - by_query[0]  # [k - 1, Q]
    parts = (over_seeds[1:] / n[1:], np.full(others, over_seeds[0] / n[0]), _squared_error(apart))
    degrees = (of_seeds[1:], np.full(others, of_seeds[0]), np.full(others, max(queries) - 1))
    squared, freedom = np.array(parts), np.maximum(np.array(degrees), 1)
    difference = apart.mean(axis=1)
    p = cochran_cox(difference, squared, freedom)
    half = _critical(ALPHA / others, squared, freedom) * np.sqrt(squared.sum(axis=0))
    adjusted = np.minimum(others * p, 1)
    far = np.where(adjusted < ALPHA, "surely behind", "unresolved")
    return pd.DataFrame(
        {
            **{"method": order[1:], "best": order[0], "score": by_query[1:].mean(axis=1)},
            **{"seeds": n[1:], "queries": max(queries)},
            # Over the whole database a relevant item always gives a precision above zero.
            **{"without_relevant": int((by_query == 0).all(axis=0).sum())},
            "difference": difference,
            **{"low": difference - half, "high": difference + half},
            "outcome": np.where(difference > -POINT, "within a point", far),
            **{"p": p, "adjusted": adjusted},
        }
    )


def cochran_cox(difference: np.ndarray, squared: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Two-sided p-values of differences whose squared errors are sums of estimates.

    The critical value at a level is the mean of those of Student's t at the degrees of freedom of
    each part, weighted by the parts (Cochran 1964, Cochran and Cox 1950), and p the level at which
    it is the difference over its error. With three seeds Satterthwaite's degrees of freedom, as in
    the min F' of Clark (1973), are wrong at the small levels at which many comparisons are judged:
    up to fifteenfold at 0.001, where this is wrong at most twofold.

    Args:
        difference: `float [n]`. squared: squared standard errors `float [parts, n]`, of which any
            may be zero. freedom: of each part, `[parts, n]` or `[parts, 1]`.

    Returns:
        p `float [n]`. Where nothing varies, it is 1 for a difference of zero and 0 for others.
    """
    error = np.sqrt(squared.sum(axis=0))
    freedom = np.broadcast_to(freedom, squared.shape)
    varies = error > 0
    p = np.where(difference == 0, 1.0, 0.0)
    statistic = np.abs(difference[varies]) / error[varies]
    low = np.full(len(statistic), np.log(SMALLEST_P))
    high = np.zeros(len(statistic))
    for _ in range(45):  # bisection of log p: the critical value falls as the level grows
        middle = (low + high) / 2
        above = _critical(np.exp(middle), squared[:, varies], freedom[:, varies]) > statistic
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    p[varies] = np.exp(high)
    return p


def _critical(level: ArrayLike, squared: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Critical values `[n]` of Cochran and Cox at a two-sided level, 0 where nothing varies."""
    total = squared.sum(axis=0)
    weighted = (squared * stats.t.isf(np.asarray(level) / 2, freedom)).sum(axis=0)
    return weighted / np.where(total > 0, total, 1)


def _squared_error(values: np.ndarray) -> np.ndarray:
    """Squared standard errors of the means of the rows `[n, m]`; 0 for a single column."""
    m = values.shape[1]
    return values.var(axis=1, ddof=1) / m if m > 1 else np.zeros(len(values))
