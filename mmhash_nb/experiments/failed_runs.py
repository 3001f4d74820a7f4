"""Runs that failed: far from their siblings, the other seeds of one setting, or at chance."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

#: a run is far where it is this far from the mean of its siblings, a fraction of mAP,
FAR = 0.10
#: and outside the interval in which one more run would lie with this probability
INSIDE = 0.99
#: a run is at chance where it is no more than this above random codes,
NEAR = 0.01
#: which is a failure where a sibling is this far above them
LEARNED = 0.05
#: what a run and its direction are found by
RUN = ["paper", "method", "dataset", "task", "bits", "seed"]


def failed(records: pd.DataFrame) -> pd.DataFrame:
    """The runs that no mean over seeds should hide, by mAP and direction.

    A run is far from its siblings (paper, method, dataset, direction and code length the same)
    where it differs from their mean by more than `FAR` and lies outside their prediction interval:
    below them, or above, where they may be the failures. The noise is that of the siblings and of
    the method's other lengths, pooled, without the run itself: two runs that happen to be alike
    make no third one a failure. It is at chance where its mAP is that of `random` and a sibling's
    is not. A method all of whose runs are at chance is a result, and `at_chance` has it.

    Args:
        records: rows with the columns `records.COLUMNS`.

    Returns:
        A row a run and direction: the columns `RUN`, `value`, `siblings` (their mean) and `why`.
    """
    scores = records[(records.metric == "mAP") & (records.method != "random")]
    chance = _chance(records)
    rows = []
    for key, setting in scores.groupby([*RUN[:4]], sort=False):
        level = chance.get((key[2], key[3]), np.nan)
        cells = {bits: part for bits, part in setting.groupby("bits", sort=False)}
        for bits, part in cells.items():
            rest = [other.value.to_numpy() for name, other in cells.items() if name != bits]
            for i, siblings, why in _failed(part.value.to_numpy(), rest, level):
                row = part.iloc[i]
                rows.append((*key, bits, row.seed, row.value, siblings, why))
    return pd.DataFrame(rows, columns=[*RUN, "value", "siblings", "why"])


def marks(records: pd.DataFrame) -> pd.Series:
    """Which rows are of failed runs, in all metrics of the directions they fail in; `bool`."""
    names = pd.MultiIndex.from_frame(failed(records)[RUN])
    return pd.Series(pd.MultiIndex.from_frame(records[RUN]).isin(names), index=records.index)


def without(records: pd.DataFrame) -> pd.DataFrame:
    """`records` with NaN as `value` in the rows that `marks` marks."""
    return records.assign(value=records.value.mask(marks(records)))


def at_chance(records: pd.DataFrame) -> pd.DataFrame:
    """Settings all of whose runs have the mAP of `random`, a row each: `RUN` but the seed."""
    scores = records[(records.metric == "mAP") & (records.method != "random")]
    chance = _chance(records)
    levels = [chance.get(key, np.nan) for key in zip(scores.dataset, scores.task, strict=True)]
    most = scores.assign(above=scores.value - levels).groupby(RUN[:5], sort=False).above.max()
    return most[most <= NEAR].reset_index()[RUN[:5]]


def _failed(
    values: np.ndarray, others: list[np.ndarray], chance: float
) -> Iterator[tuple[int, float, str]]:
    """(place, mean of its siblings, why) of the runs of a cell that failed; chance may be NaN."""
    pooled = [some for some in others if len(some) > 1]
    squares = sum(float(((some - some.mean()) ** 2).sum()) for some in pooled)
    freedom = sum(len(some) - 1 for some in pooled)
    for i in range(len(values) if len(values) > 1 else 0):
        siblings = np.delete(values, i)
        mean, n = float(siblings.mean()), len(siblings)
        degrees = freedom + n - 1
        away = abs(values[i] - mean)
        if degrees and away > FAR:
            noise = (squares + float(((siblings - mean) ** 2).sum())) / degrees
            reach = stats.t.ppf((1 + INSIDE) / 2, degrees) * np.sqrt(noise * (1 + 1 / n))
            if away > reach:
                side = "below" if values[i] < mean else "above"
                yield i, mean, f"far {side} its siblings"
                continue
        if values[i] <= chance + NEAR and siblings.max() >= chance + LEARNED:
            yield i, mean, "at chance"


def _chance(records: pd.DataFrame) -> dict[tuple[str, str], float]:
    """The mean mAP of `random` by dataset and task."""
    control = records[(records.metric == "mAP") & (records.method == "random")]
    return control.groupby(["dataset", "task"]).value.mean().to_dict()
