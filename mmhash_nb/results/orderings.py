"""Which of the papers' orderings of methods survive on another dataset."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from mmhash_nb import published
from mmhash_nb.results.compare import interval
from mmhash_nb.results.paired import minus
from mmhash_nb.results.records import Cells

#: what a table is of where each of its methods has a task of its own
OWN = "each its own"
COLUMNS = ("paper", "table", "task", "methods", "pairs", "agree", "disagree", "undecided", "tau")


def orderings(paper: str, records: pd.DataFrame, dataset: str, metric: str = "mAP") -> pd.DataFrame:
    """Pairs of methods that stand in one table of `paper`: is the better one the better one here?

    The paper's difference of a pair is the mean over the table's columns (datasets, code lengths,
    metrics) of one direction that have both; ours is the mean over our code lengths, by seed. A
    pair agrees or disagrees where the 95 % t-interval of ours over seeds lies on one side of zero,
    and is undecided otherwise. Pairs that the paper has equal are left out, and so are averages
    over directions. Where each method of a table has a task of its own, as where image hashing
    stands beside joint codes, they are compared across tasks, as the paper does.

    The data are not the paper's: a pair that disagrees says that its order is not one of the
    methods alone, not that the paper's number is wrong.

    Args:
        paper: a paper of `published.papers()`.
        records: rows with the columns `records.COLUMNS`, of whatever paper they were run for.
        dataset: whose records. metric: of ours.

    Returns:
        A row for each table and task with two methods that were run, columns `COLUMNS`; `tau` is
        Kendall's, between the means over the columns that all methods have and our means, and NaN
        where there is no such column.
    """
    records = records[records.dataset == dataset]
    cells, seeds = Cells(records), sorted(records.seed.unique())
    rows = []
    for (table, task), part in _by_task(published.load(paper)):
        printed = _printed(part)
        ours = {}
        for method in printed.columns:
            direction = part.task[part.method == method].iloc[0]
            values = _by_seed(cells, (method, dataset, direction, metric))
            if len(values) == 1:  # nothing random in it: its one run stands for all seeds
                values = dict.fromkeys(seeds, *values.values())
            if values:
                ours[method] = values
        if len(ours) > 1:
            rows.append((paper, table, task, *_compared(printed[list(ours)], ours)))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def totals(rows: pd.DataFrame) -> pd.DataFrame:
    """`orderings` of several papers, a row a paper: counts added, tau averaged by pairs."""
    weight = rows.pairs.where(rows.tau.notna(), 0)
    by_paper = rows.assign(tau=rows.tau * weight, weight=weight).groupby("paper", sort=False)
    summed = by_paper[["pairs", "agree", "disagree", "undecided", "tau", "weight"]].sum()
    return summed.assign(tau=summed.tau / summed.weight).drop(columns="weight")


def _by_task(table: pd.DataFrame) -> Iterator[tuple[tuple[int, str], pd.DataFrame]]:
    """((table, task), its rows), a table whose methods have a task each as one."""
    table = table[table.task != "average"].dropna(subset="value")
    for number, part in table.groupby("table"):
        each = part.groupby("method").task.nunique().max() == 1
        if each and part.task.nunique() > 1:
            yield (number, OWN), part
        else:
            for task, rows in part.groupby("task", sort=False):
                yield (number, task), rows


def _printed(rows: pd.DataFrame) -> pd.DataFrame:
    """A column a method, a row a column of the paper's table; codeless ones at every length."""
    coded = rows.dropna(subset="bits")
    wide = coded.pivot(index=["dataset", "metric", "bits"], columns="method", values="value")
    for method, part in rows[rows.bits.isna()].groupby("method"):
        at = part.set_index(["dataset", "metric"]).value
        wide[method] = [at.get((name, metric), np.nan) for name, metric, _ in wide.index]
    return wide


def _by_seed(cells: Cells, where: tuple[str, str, str, str]) -> dict[int, float]:
    """Our mean over code lengths, for the seeds that have them all."""
    method, dataset, task, metric = where
    lengths = cells.lengths(*where)
    values = [cells.by_seed(method, dataset, task, bits, metric) for bits in lengths]
    shared = set.intersection(*map(set, values)) if values else set()
    return {seed: float(np.mean([v[seed] for v in values])) for seed in sorted(shared)}


def _compared(
    printed: pd.DataFrame, ours: dict[str, dict[int, float]]
) -> tuple[int, int, int, int, int, float]:
    """Methods, pairs, those that agree, disagree and are undecided, and Kendall's tau."""
    counts = {1: 0, -1: 0, 0: 0}
    for a, b in combinations(ours, 2):
        wanted = np.sign((printed[a] - printed[b]).mean())
        found = minus(ours[a], ours[b])
        if wanted in (1, -1) and len(found):  # NaN: no column has both
            _, low, high = interval(wanted * found)
            counts[int(low > 0) - int(high < 0)] += 1
    shared = printed.dropna().mean()
    means = [np.mean(list(ours[method].values())) for method in shared.index]
    tau = float(stats.kendalltau(shared, means).statistic)
    return len(ours), sum(counts.values()), counts[1], counts[-1], counts[0], tau
