"""Many comparisons of few seeds each: how noisy they are, and which are decided."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from scipy import optimize, special, stats

#: at most this is the probability that luck alone decides any comparison of a family
ALPHA = 0.05
#: a standard deviation below this is rounding: nothing random enters what is compared
_EXACT = 1e-9
#: a variance is drawn towards the usual one by at most so many degrees of freedom. With more,
#: simulated methods whose noise differs threefold are decided by luck in 12 % of families, not 5 %.
_MOST_PRIOR = 4.0
Outcome = Literal["above", "undecided", "below", "failed run", "not run"]


def decide(differences: Sequence[np.ndarray]) -> pd.DataFrame:
    """Which of a family of mean differences lie above or below zero, corrected for their number.

    Each is a paired t-test over seeds, with the noise of `moderated`, two-sided, and p adjusted by
    Holm's procedure. With three seeds a t-test by itself has two degrees of freedom, and would
    decide nothing among many. Seeds are samples of a training, and all of the same queries. Where
    nothing random enters, the sign decides.

    Args:
        differences: of each comparison, what is to be positive, by seed, `float [S]`; NaN at a seed
            where a failed run enters, and fewer than two where it was not run.

    Returns:
        A row each: `difference, low, high` (95 %, each by itself), `p, adjusted` and `outcome`:
        `above` or `below` zero, `undecided`, `failed run` or `not run`. Numbers are NaN in the last
        two.
    """
    outcomes: list[Outcome] = [
        "not run" if len(some) < 2 else "failed run" if np.isnan(some).any() else "undecided"
        for some in differences
    ]
    numbers = ["difference", "low", "high", "p", "adjusted"]
    table = pd.DataFrame(np.nan, index=range(len(outcomes)), columns=numbers)
    sound = [i for i, outcome in enumerate(outcomes) if outcome == "undecided"]
    if sound:
        table.loc[sound] = _tested([np.asarray(differences[i], dtype=float) for i in sound])
    for i in sound:
        difference, adjusted = table.loc[i, "difference"], table.loc[i, "adjusted"]
        if adjusted < ALPHA:
            outcomes[i] = "above" if difference > 0 else "below"
    return table.assign(outcome=outcomes)


def _tested(differences: list[np.ndarray]) -> np.ndarray:
    """Means, bounds, p and adjusted p of comparisons with two seeds or more, `[n, 5]`."""
    mean = np.array([some.mean() for some in differences])
    n = np.array([len(some) for some in differences])
    variance, freedom = moderated(np.array([some.var(ddof=1) for some in differences]), n - 1)
    error = np.sqrt(variance / n)
    half = stats.t.isf(0.025, freedom) * error
    statistic = np.divide(np.abs(mean), error, where=error > 0, out=np.full(len(n), np.inf))
    p = np.where((error == 0) & (np.abs(mean) < _EXACT), 1.0, 2 * stats.t.sf(statistic, freedom))
    return np.column_stack([mean, mean - half, mean + half, p, holm(p)])


def moderated(variance: np.ndarray, freedom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Variances drawn towards what is usual in a family, and their degrees of freedom then.

    Those of the moderated t-statistic of Smyth (2004, "Linear models and empirical Bayes methods
    for assessing differential expression", Sections 3 and 6.2), made for few replicates of many
    comparisons: each true variance is a draw from a
    scaled inverse χ² distribution, which is fitted to all. The more alike they are, the more each
    is drawn: by at most `_MOST_PRIOR` degrees of freedom, and those that all have together.

    Args:
        variance: estimates, `float [n]`. freedom: of each, `[n]`.

    Returns:
        Both as `float [n]`. A variance of zero, of what has nothing random in it, stays.
    """
    freedom = np.asarray(freedom, dtype=float)
    variance = np.where(np.sqrt(variance) < _EXACT, 0.0, variance)
    varies = variance > 0
    some, d = variance[varies], freedom[varies]
    if len(some) < 2:
        return variance, freedom
    expected = special.digamma(d / 2) - np.log(d / 2)
    logs = np.log(some) - expected
    excess = logs.var(ddof=1) - special.polygamma(1, d / 2).mean()
    if excess > 0:
        prior = 2 * optimize.brentq(lambda x: special.polygamma(1, x) - excess, 1e-8, 1e8)
        usual = np.exp(logs.mean() + special.digamma(prior / 2) - np.log(prior / 2))
    else:  # no more unlike than estimates of one variance are
        prior, usual = np.inf, np.exp(logs.mean())
    prior = min(prior, _MOST_PRIOR)
    variance, freedom = variance.copy(), freedom.copy()
    variance[varies] = (prior * usual + d * some) / (prior + d)
    freedom[varies] = np.minimum(prior + d, d.sum())
    return variance, freedom


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's step-down adjustment of p-values `float [m]`."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    steps = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    adjusted[order] = np.minimum(steps, 1)
    return adjusted
