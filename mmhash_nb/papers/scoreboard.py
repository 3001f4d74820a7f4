"""The scoreboard: what became of every number that the papers print, in one table."""

from collections.abc import Iterable

import pandas as pd

from mmhash_nb.experiments.records import read
from mmhash_nb.papers.compare import compare
from mmhash_nb.papers.folders import names
from mmhash_nb.papers.printed import tables

#: Verdicts of `compare` on the paper's own data and setting.
JUDGED = ("reproduced", "not reproduced", "failed run")
#: The columns of `scoreboard`.
COLUMNS = (
    *("paper", "printed", "own data and setting", "of these reproduced"),
    *("same data, other backbone", "other data", "not run"),
)


def overall(own: Iterable[pd.DataFrame], others: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Each published number once, with the verdict that says most about it.

    Args:
        own: what `compare` gives on the paper's datasets; of several the first with ours counts.
        others: what it gives on other datasets: `other data` where there is nothing else.
    """
    first, *more = own
    best = first.copy()
    for rows in more:
        better = (best.n_seeds == 0) & (rows.n_seeds > 0)
        best.loc[better] = rows[better]
    for rows in others:
        better = (best.verdict == "not run") & (rows.verdict == "other data")
        best.loc[better, ["verdict", "ours_from"]] = rows[better][["verdict", "ours_from"]]
    return best


def numbers(paper: str) -> pd.DataFrame:
    """`overall` of a paper from the committed records: a row a published number."""
    records = read(paper)
    elsewhere = sorted(set(records.dataset) - set(tables(paper).dataset))
    others = [compare(paper, records, dataset=dataset) for dataset in elsewhere]
    return overall([compare(paper, records)], others)


def scoreboard() -> pd.DataFrame:
    """How many numbers each paper prints, how many are judged, and how many reproduced.

    Returns:
        A row a paper and one for all, columns `COLUMNS`. A number is judged where ours is of the
        paper's own data and setting; `reproduced` is as `compare` has it. The four last columns
        but `of these reproduced` and the judged ones add up to what is printed.
    """
    rows = []
    for paper in names():
        n = numbers(paper).verdict.value_counts()
        judged = sum(int(n.get(verdict, 0)) for verdict in JUDGED)
        rest = (int(n.get(verdict, 0)) for verdict in ("other backbone", "other data"))
        missing = int(n.get("not run", 0)) + int(n.get("not published", 0))
        rows.append((paper, int(n.sum()), judged, int(n.get("reproduced", 0)), *rest, missing))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table.loc[len(table)] = ["all", *table.iloc[:, 1:].sum()]
    return table


def unjudged() -> pd.DataFrame:
    """Why a number is not judged: a row a paper, dataset and reason.

    Returns:
        Columns `paper, dataset, numbers, of these on other data, why`.
    """
    rows = []
    for paper in names():
        open_ = numbers(paper).loc[lambda table: ~table.verdict.isin(JUDGED)]
        for (dataset, lacks), part in open_.groupby(["dataset", "lacks"], sort=False):
            only = int((part.verdict == "other data").sum())
            why = part.reason.iloc[0]
            if lacks not in ("", "dataset"):
                methods = ", ".join(part.method.unique())
                why = f"this {lacks} is not in the records: {methods}"
            rows.append((paper, dataset, len(part), only, why))
    columns = ["paper", "dataset", "numbers", "of these on other data", "why"]
    return pd.DataFrame(rows, columns=columns)
