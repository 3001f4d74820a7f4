"""Every published number with ours beside it, or the reason why there is none of ours."""

from collections.abc import Set
from typing import Any

import pandas as pd

from mmhash_nb.papers.compare import compare, in_per_cent

#: The columns of `shown`, for a table of numbers.
SHOWN = (
    *("table", "method", "dataset", "task", "bits", "metric", "published"),
    *("ours", "95 % interval", "seeds", "difference", "verdict", "why, or from what"),
)


def numbers(
    paper: str, records: pd.DataFrame, dataset: str | None = None, present: Set[str] = frozenset()
) -> pd.DataFrame:
    """What `compare` gives, and for numbers without ours the reason in full.

    Args:
        paper, records, dataset: as `compare` takes them.
        present: names of the datasets whose files are on this machine.

    Returns:
        The columns of `compare`, with `reason` told further.
    """
    rows = compare(paper, records, dataset=dataset)
    records = records[records.paper == paper]
    on = [dataset] * len(rows) if dataset else rows.dataset
    further = [_further(*row, records, present) for row in zip(rows.lacks, on, strict=True)]
    return rows.assign(reason=rows.reason + further)


def _further(lacking: str, dataset: str, records: pd.DataFrame, present: Set[str]) -> str:
    if lacking == "dataset":
        if dataset in present:
            return ": its files are here, but it has no record"
        return ": its files are not on this machine"
    if lacking == "method":
        here = records[records.dataset == dataset]
        sources = "; ".join(sorted(here.source.dropna().astype(str).unique()))
        return f", where there are {', '.join(here.method.unique())} ({sources})"
    return ""


def shown(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `numbers` as strings in per cent, no cell empty: columns `SHOWN`."""
    return pd.DataFrame([_strings(row) for row in rows.itertuples()], columns=list(SHOWN))


def _strings(row: Any) -> tuple:
    ours, interval, difference, why = "–", "–", "–", row.reason
    if row.n_seeds:
        ours = in_per_cent(row.ours)
        single, failing = pd.isna(row.low), row.verdict == "failed run"
        interval = (
            "–"
            if failing
            else "one run"
            if single
            else f"{in_per_cent(row.low)} to {in_per_cent(row.high)}"
        )
        difference = "–" if pd.isna(row.difference) else f"{100 * row.difference:+.2f}"
        on = f"{row.ours_from}: " if row.ours_from != row.dataset else ""
        why = row.reason or f"{on}{row.source or 'source not recorded'}"
    return (
        *(row.table, row.method, row.dataset, row.task),
        "no codes" if pd.isna(row.bits) else row.bits,
        *(row.metric, in_per_cent(row.published), ours, interval, row.n_seeds, difference),
        *(row.verdict, why),
    )


def counted(rows: pd.DataFrame) -> str:
    """How many of rows of `numbers` have each verdict, such as `5 reproduced, 2 not run`."""
    return ", ".join(f"{n} {verdict}" for verdict, n in rows.verdict.value_counts().items())
