"""Which of the papers' orderings of methods survive on another dataset."""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from mmhash_nb.experiments import failed_runs
from mmhash_nb.experiments.intervals import differences, mean_by_seed
from mmhash_nb.experiments.multiple_comparisons import decide
from mmhash_nb.experiments.protocol import is_reference
from mmhash_nb.experiments.records import Cells
from mmhash_nb.papers.printed import tables

#: the task of a table in which each method has another
ACROSS = "across tasks"
#: what becomes of a pair
VERDICTS = ("agree", "disagree", "undecided")
COLUMNS = ("paper", "table", "task", "methods", "pairs", "agree", "disagree", "undecided", "tau")


class Judged(NamedTuple):
    """A pair that a paper orders, and what became of it: one of `VERDICTS`."""

    above: str
    below: str
    verdict: str


def orderings(paper: str, records: pd.DataFrame, dataset: str, metric: str = "mAP") -> pd.DataFrame:
    """Pairs of methods that stand in one table of `paper`: is the better one the better one here?

    The paper's difference of a pair is the mean over the table's columns (datasets, code lengths,
    metrics) of one direction that have both; ours is the mean over our code lengths, by seed. A
    pair agrees or disagrees where `multiple_comparisons.decide` says that ours lies on one side of
    zero, corrected for all pairs of the table and direction, and is undecided otherwise, or where a
    run of it failed. Comparisons are over seeds alone, of the same queries. Where nothing random
    enters either method, the sign decides. Pairs that the paper has
    equal are left out, and so are averages over directions. Tables of a paper can share pairs: see
    `distinct`. Where the methods of a table have different tasks, as where image hashing
    stands beside joint codes, they are compared across tasks, as the paper does.

    The data are not the paper's: a pair that disagrees says that its order is not one of the
    methods alone, not that the paper's number is wrong.

    Args:
        paper: a paper of `papers.names()`.
        records: rows with the columns `records.COLUMNS`, of whatever paper they were run for.
        dataset: whose records. metric: of ours.

    Returns:
        A row for each table and task with two methods that were run, columns `COLUMNS`; `tau` is
        Kendall's, between the means over the columns that all methods have and our means, and NaN
        where there is no such column.
    """
    rows = []
    for (table, task), printed, ours in _tables(paper, records, dataset, metric):
        verdicts = [row.verdict for row in _judged(printed, ours)]
        counts = [verdicts.count(name) for name in VERDICTS]
        shared = printed.dropna().mean()
        means = [np.nanmean(list(ours[method].values())) for method in shared.index]
        tau = float(stats.kendalltau(shared, means).statistic)
        rows.append((paper, table, task, len(ours), len(verdicts), *counts, tau))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def judged(paper: str, records: pd.DataFrame, dataset: str, metric: str = "mAP") -> pd.DataFrame:
    """The pairs that `orderings` counts, a row each: arguments as there.

    Returns:
        Columns `paper, table, task, above, below` (in the paper) and `verdict`, of `VERDICTS`.
    """
    rows = [
        (paper, table, task, *row)
        for (table, task), printed, ours in _tables(paper, records, dataset, metric)
        for row in _judged(printed, ours)
    ]
    return pd.DataFrame(rows, columns=["paper", "table", "task", *Judged._fields])


def distinct(rows: pd.DataFrame) -> pd.DataFrame:
    """`judged` pairs counted once each, whatever tables and in whatever order print them.

    Returns:
        A row a paper: `pairs`, and how many `agree`, `disagree` and are `undecided`; `both ways`
        are those of which tables print different orders, or of which only some are undecided.
    """
    names = [tuple(sorted(pair)) for pair in zip(rows.above, rows.below, strict=True)]
    groups = rows.assign(pair=names).groupby(["paper", "task", "pair"], sort=False).verdict
    verdict = groups.agg(lambda found: found.iloc[0] if found.nunique() == 1 else "both ways")
    table = verdict.groupby("paper", sort=False).value_counts().unstack(fill_value=0)
    table = table.reindex(columns=[*VERDICTS, "both ways"], fill_value=0).rename_axis(columns=None)
    table.insert(0, "pairs", table.sum(axis=1))
    return table.loc[list(dict.fromkeys(rows.paper))]


def totals(rows: pd.DataFrame) -> pd.DataFrame:
    """`orderings` of several papers, a row a paper: counts added, tau averaged by pairs."""
    weight = rows.pairs.where(rows.tau.notna(), 0)
    by_paper = rows.assign(tau=rows.tau * weight, weight=weight).groupby("paper", sort=False)
    summed = by_paper[["pairs", "agree", "disagree", "undecided", "tau", "weight"]].sum()
    return summed.assign(tau=summed.tau / summed.weight).drop(columns="weight")


def _tables(
    paper: str, records: pd.DataFrame, dataset: str, metric: str
) -> Iterator[tuple[tuple[int, str], pd.DataFrame, dict[str, dict[int, float]]]]:
    """((table, task), printed values, ours by seed) where two methods or more were run."""
    records = failed_runs.without(records[records.dataset == dataset])
    cells, seeds = Cells(records), sorted(records.seed.unique())
    for key, part in _by_task(tables(paper)):
        printed = _printed(part)
        ours = {}
        for method in printed.columns:
            direction = part.task[part.method == method].iloc[0]
            # Over code lengths, for the seeds that have them all.
            values = mean_by_seed([*cells.by_length(method, dataset, direction, metric).values()])
            if len(values) == 1 and is_reference(method):  # its one run stands for all seeds
                values = dict.fromkeys(seeds, *values.values())
            if values:
                ours[method] = values
        if len(ours) > 1:
            yield key, printed[list(ours)], ours


def _by_task(table: pd.DataFrame) -> Iterator[tuple[tuple[int, str], pd.DataFrame]]:
    """((table, task), its rows), a table whose methods have a task each as one."""
    table = table[table.task != "average"].dropna(subset="value")
    for number, part in table.groupby("table"):
        each = part.groupby("method").task.nunique().max() == 1
        if each and part.task.nunique() > 1:
            yield (number, ACROSS), part
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


def _judged(printed: pd.DataFrame, ours: dict[str, dict[int, float]]) -> list[Judged]:
    """The pairs that the paper does not have equal, and what ours say."""
    names, found = [], []
    for a, b in combinations(ours, 2):
        wanted = np.sign((printed[a] - printed[b]).mean())
        by_seed = differences(ours[a], ours[b])
        if wanted in (1, -1) and len(by_seed):  # NaN: no column has both
            names.append((a, b) if wanted > 0 else (b, a))
            found.append(wanted * by_seed)
    words = {"above": "agree", "below": "disagree"}
    outcomes = decide(found).outcome
    return [Judged(*n, words.get(o, "undecided")) for n, o in zip(names, outcomes, strict=True)]
