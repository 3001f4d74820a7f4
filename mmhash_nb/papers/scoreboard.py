"""The scoreboard: what became of every number that the papers print, in one table."""

from collections.abc import Iterable

import pandas as pd

from mmhash_nb.experiments.records import read
from mmhash_nb.papers.compare import compare
from mmhash_nb.papers.folders import names, setups, toml_of
from mmhash_nb.papers.printed import tables

#: Verdicts of `compare` on the paper's own data and setting.
JUDGED = ("reproduced", "not reproduced", "failed run")
#: The columns of `scoreboard`.
COLUMNS = (
    *("paper", "printed", "own data and setting", "of these reproduced"),
    *("same data, other backbone", "other data", "not run"),
)
#: What a reader of the table must know.
NOTE = (
    "CIFAR-10 is trained on with 2,000 images, the row after a comma has it from all 59,000. That "
    "row has all else as the row above, and is not in the sum."
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


def numbers(paper: str, setup: str = "") -> pd.DataFrame:
    """`overall` of a paper from the committed records: a row a published number.

    Args:
        paper: short name.
        setup: takes the place of the dataset that it loads, such as `cifar10_all`.
    """
    records = read(paper)
    elsewhere = sorted({*records.dataset, setup} - {*tables(paper).dataset, ""})
    others = {dataset: compare(paper, records, dataset=dataset) for dataset in elsewhere}
    found = overall([compare(paper, records)], others.values())
    if setup:
        replaced = found.dataset == setups(paper)[setup].load
        found = pd.concat([found[~replaced], others[setup][replaced]]).sort_index()
    return found


def scoreboard() -> pd.DataFrame:
    """How many numbers each paper prints, how many are judged, and how many reproduced.

    Returns:
        A row a paper, one for each setup in `[beside]` of its `about.toml` in place of the dataset
        that it loads, and one for all papers; columns `COLUMNS`. A number is judged where ours is
        of the paper's own data and setting; `reproduced` is as `compare` has it. All columns but
        `of these reproduced` add up to `printed`.
    """
    rows = {}
    for paper in names():
        rows[paper] = _counts(numbers(paper))
        for setup, words in toml_of(paper, "about").get("beside", {}).items():
            rows[f"{paper}, {words}"] = _counts(numbers(paper, setup))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS[1:]))
    table.loc["all"] = table.loc[names()].sum()
    return table.rename_axis(COLUMNS[0]).reset_index()


def _counts(rows: pd.DataFrame) -> tuple[int, ...]:
    """How many numbers there are, and in each of the columns of `scoreboard`."""
    n = rows.verdict.value_counts()
    judged = sum(int(n.get(verdict, 0)) for verdict in JUDGED)
    rest = (int(n.get(verdict, 0)) for verdict in ("other backbone", "other data"))
    missing = int(n.get("not run", 0)) + int(n.get("not published", 0))
    return (len(rows), judged, int(n.get("reproduced", 0)), *rest, missing)


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
