"""The papers' printed numbers, one checked CSV for each paper."""

import io

import pandas as pd

from mmhash_nb.papers.folders import text_of

COLUMNS = ("table", "method", "dataset", "task", "bits", "metric", "value")
#: Retrieval directions, query-database. `average` is a table's mean over both cross-modal ones.
TASKS = ("image-image", "text-text", "image-text", "text-image", "joint-joint", "average")
METRICS = ("mAP", "mAP@10", "mAP@100", "mAP@500")


def tables(paper: str) -> pd.DataFrame:
    """Every number of every table of `paper`.

    Returns:
        Columns `table` (int), `method` (registry name), `dataset`, `task`, `bits` (`Int64`, missing
        where the method has no code length), `metric`, `value` (fraction 0..1; NaN where the paper
        prints that a run did not converge).

    Raises:
        ValueError: there is no such paper, or its CSV breaks the schema.
    """
    return parse(text_of(paper, "tables.csv"), paper)


def parse(text: str, name: str) -> pd.DataFrame:
    """The table in `text` (CSV), checked; `name` is what messages call it."""
    table = pd.read_csv(io.StringIO(text), keep_default_na=False, dtype=str)
    if tuple(table.columns) != COLUMNS:
        raise ValueError(
            f"{name} has columns {', '.join(table.columns)}, not {', '.join(COLUMNS)}."
        )
    for column, allowed in (("task", TASKS), ("metric", METRICS)):
        known = table[column].isin(allowed)
        _refuse(table[column][~known], f"one of {', '.join(allowed)}", name)
    for column, low, high in (("table", 1, 99), ("bits", 1, 4096), ("value", 0, 1)):
        numbers = pd.to_numeric(table[column], errors="coerce")
        right = numbers.between(low, high) | ((table[column] == "") & (column != "table"))
        _refuse(table[column][~right], f"a number between {low} and {high}", name)
        table[column] = numbers
    table = table.astype({"table": int, "bits": "Int64"})
    key = [column for column in COLUMNS if column != "value"]
    twice = table.duplicated(key)
    if twice.any():
        raise ValueError(f"{name}, line {twice.idxmax() + 2}: the same cell stands there twice.")
    return table


def _refuse(wrong: pd.Series, must: str, name: str) -> None:
    for row, text in wrong.items():
        line = int(str(row)) + 2  # the header is line 1
        raise ValueError(f"{name}, line {line}: {wrong.name} is {text!r}, not {must}.")
