"""Which methods are behind the best one of each direction, and how many."""

from collections.abc import Iterable

import pandas as pd

from mmhash_nb.experiments import significance
from mmhash_nb.experiments.runs import Run
from mmhash_nb.hashers.names_in_print import in_print
from mmhash_nb.pairs import Pairs
from mmhash_nb.papers.side_by_side.tables import DIRECTIONS, arrow


def by_direction(runs: Iterable[Run], pairs: Pairs, bits: int) -> dict[str, pd.DataFrame]:
    """Each method less the best of its direction, as `significance.against_best` compares them.

    Args:
        runs: of the protocol. Random codes among them are not compared.
        pairs: the dataset; bits: code length.

    Returns:
        By task, for each that two methods or more have.
    """
    runs, tables = list(runs), {}
    for task in DIRECTIONS:
        scores = significance.query_scores(runs, pairs, task, bits)
        scores.pop("random", None)
        if len(scores) > 1:
            tables[task] = significance.against_best(scores)
    return tables


def behind_best(runs: Iterable[Run], pairs: Pairs, bits: int) -> pd.DataFrame:
    """The tables of `by_direction` as one, with `task` as first column; arguments as there.

    Raises:
        ValueError: no direction has two methods.
    """
    tables = by_direction(runs, pairs, bits)
    if not tables:
        raise ValueError(f"no direction has two methods with codes of {bits} bits to compare.")
    return pd.concat(tables, names=["task", None]).reset_index("task").reset_index(drop=True)


def by_title(compared: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of `behind_best` by direction, named as figures name it, in their order."""
    parts = compared.groupby("task", sort=False)
    return {arrow(str(task)): found.reset_index(drop=True) for task, found in parts}


def outcomes(compared: pd.DataFrame) -> pd.DataFrame:
    """How many methods are behind the best, a row a direction of `behind_best`.

    Returns:
        Columns `best`, how many `others`, over how many `queries` and `seeds` (the fewest of a
        method), a count for each of `significance.OUTCOMES`, and the names of those `not surely
        behind`.
    """
    rows = {}
    for title, found in by_title(compared).items():
        near = found.method[found.outcome != "surely behind"]
        rows[title] = {
            **{"best": in_print(found.best.iloc[0]), "others": len(found)},
            **{"queries": found.queries.iloc[0], "seeds": found.seeds.min()},
            **found.outcome.value_counts().reindex(significance.OUTCOMES, fill_value=0),
            "not surely behind": ", ".join(map(in_print, near)) or "–",
        }
    return pd.DataFrame.from_dict(rows, orient="index")
