"""Means over seeds with their 95 % intervals, and values paired by seed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

BySeed = dict[int, float]
#: Half-width below which no prediction interval is narrowed: the order that public code happens to
#: give items at equal distance moves mAP by this much, and papers round.
FLOOR = 0.01


class Interval(NamedTuple):
    """A mean and its 95 % t-interval."""

    mean: float
    low: float
    high: float


def interval(values: np.ndarray) -> Interval:
    """Mean of `values` (float `[n]`, one per seed) and its 95 % t-interval; NaN bounds where n = 1.

    Raises:
        ValueError: where there are no values.
    """
    values = np.asarray(values, dtype=float)
    if values.size == 0:
        raise ValueError("there is no interval of no values.")
    mean = float(values.mean())
    half = _spread(values) / np.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def per_cent(values: np.ndarray) -> str:
    """The mean of fractions in per cent, ± half of its 95 % t-interval where there are several."""
    mean, _, high = interval(values)
    return f"{100 * mean:.1f}" + ("" if np.isnan(high) else f" ± {100 * (high - mean):.1f}")


def shown_by_seed(values: BySeed, sound: BySeed) -> str:
    """Scores in per cent by seed, a cross after those that are NaN in `sound`, of failed runs."""
    crosses = {seed: " ✗" if np.isnan(value) else "" for seed, value in sound.items()}
    return ", ".join(f"{100 * values[seed]:.1f}{crosses[seed]}" for seed in sorted(values))


def prediction_half_width(values: np.ndarray) -> float:
    """Half-width of the 95 % interval of one more run: t · s · √(1 + 1/n), at least `FLOOR`."""
    values = np.asarray(values, dtype=float)
    half = _spread(values) * np.sqrt(1 + 1 / len(values))
    return float(np.fmax(half, FLOOR))  # fmax: a single run has no spread, and leaves the floor


def differences(first: BySeed, second: BySeed) -> np.ndarray:
    """First minus second at every seed that both have, `float [n]`."""
    return np.array(list(minus(first, second).values()))


def minus(first: BySeed, second: BySeed) -> BySeed:
    """First minus second at every seed that both have."""
    return {seed: first[seed] - second[seed] for seed in first if seed in second}


def mean_by_seed(runs: Sequence[BySeed]) -> BySeed:
    """The mean at every seed that all have."""
    shared = sorted(set.intersection(*map(set, runs))) if runs else []
    return {seed: float(np.mean([run[seed] for run in runs])) for seed in shared}


def _spread(values: np.ndarray) -> float:
    """t · s, the standard deviation times Student's 97.5 % quantile; NaN for a single value."""
    n = len(values)
    return float(stats.t.ppf(0.975, n - 1) * values.std(ddof=1)) if n > 1 else np.nan
