"""Claims: what a paper says in words, and the verdict of our runs on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from mmhash_nb.experiments import failed_runs
from mmhash_nb.experiments.intervals import BySeed
from mmhash_nb.experiments.multiple_comparisons import decide
from mmhash_nb.experiments.records import Cells, checked, read
from mmhash_nb.papers import folders
from mmhash_nb.papers.checks import CHECKS, Check
from mmhash_nb.papers.compare import as_evaluated
from mmhash_nb.papers.printed import tables
from mmhash_nb.papers.rulings import Verdict, judge


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper, where it stands, the datasets it is about, and how we check it.

    `most` has the paper's words where it claims something of most cases and not of all.
    """

    text: str
    source: str
    datasets: Sequence[str]
    check: Check
    most: str = ""

    def verdict(self, ours: Cells, dataset: str) -> Verdict:
        """The verdict over our runs on a dataset, one of the claim's or another."""
        return judge(self.check.cells(ours, dataset), bool(self.most))

    def in_paper(self, printed: Cells, dataset: str) -> str:
        """How many of the paper's numbers agree, such as `11 of 12`; `–` if it prints none.

        Those on `dataset`, where the claim is about it; else on all datasets of the claim.
        """
        about = [dataset] if dataset in self.datasets else self.datasets
        cells = [c for name in about for c in self.check.cells(printed, name) if c.differences]
        agree = sum(bool(cell.values.mean() > 0) for cell in cells)
        return f"{agree} of {len(cells)}" if cells else "–"


def claims(paper: str) -> list[Claim]:
    """The claims of a paper, from the `claims.toml` of its folder; errors as `folders.text_of`.

    A claim there has `text`, `source`, `datasets`, the name of a `check` of `papers.checks`, and
    the check's arguments. `better` and `than` stand for all `pairs` of one of each. `most` quotes
    the paper where it speaks of most cases.
    """
    file = folders.toml_of(paper, "claims")
    return [_claim(**file.get("defaults", {}) | claim) for claim in file["claims"]]


def _claim(
    text: str, source: str, datasets: list[str], check: str, most: str = "", **given: Any
) -> Claim:
    if "better" in given:
        given["pairs"] = list(product(given.pop("better"), given.pop("than")))
    return Claim(text, source, datasets, CHECKS[check](**given), most)


def verdicts(
    paper: str, records: pd.DataFrame | None = None, dataset: str | None = None
) -> pd.DataFrame:
    """Every claim of `paper` with its verdict over our runs; errors as `folders.text_of`.

    Args:
        paper: one of `papers.names()`.
        records: run records (`records.COLUMNS`); default: those in `results/`.
        dataset: check all claims on this dataset, each once; default: each on every dataset that
            it is about.

    Returns:
        Columns `claim, source, dataset`; `effect`, the mean difference in points with its 95 %
        interval; the counts `above, undecided, below, failed, not_run`, corrected within the claim
        (`failed` of the undecided); the `verdict` that follows from them (`rulings.ruling`); and
        `in_paper`, how many of the paper's numbers agree with its claim. `comparisons` has each.
    """
    ours, printed = (
        _cells(paper, records),
        Cells(tables(paper).dropna(subset="value").assign(seed=0)),
    )
    rows = []
    for claim, on in _on(paper, dataset):
        found = claim.verdict(ours, on)
        rows.append(
            {
                **{"claim": claim.text, "source": claim.source, "dataset": on},
                "effect": _points(*found.effect),
                **{"above": found.above, "undecided": found.undecided, "below": found.below},
                **{"failed": found.failed, "not_run": found.not_run},
                **{"verdict": found.ruling, "in_paper": claim.in_paper(printed, on)},
            }
        )
    return pd.DataFrame(rows)


def comparisons(
    paper: str, records: pd.DataFrame | None = None, dataset: str | None = None
) -> pd.DataFrame:
    """Each comparison behind `verdicts`, which takes the same arguments.

    Returns:
        Columns `claim, dataset, comparison`, those of `multiple_comparisons.decide` with
        differences in points, and `by seed`, which names the seeds; a failed run's has a dash.
    """
    ours = _cells(paper, records)
    parts = []
    for claim, on in _on(paper, dataset):
        cells = list(claim.check.cells(ours, on))
        table = decide([cell.values for cell in cells])
        table[["difference", "low", "high"]] *= 100
        table.insert(0, "claim", claim.text)
        table.insert(1, "dataset", on)
        table.insert(2, "comparison", [cell.label for cell in cells])
        parts.append(table.assign(**{"by seed": [_by_seed(cell.differences) for cell in cells]}))
    return pd.concat(parts, ignore_index=True)


def _on(paper: str, dataset: str | None) -> list[tuple[Claim, str]]:
    """Each claim with each dataset that it is checked on."""
    return [(c, on) for c in claims(paper) for on in ([dataset] if dataset else c.datasets)]


def _cells(paper: str, records: pd.DataFrame | None) -> Cells:
    """The paper's records as it evaluates, without the values of failed runs."""
    records = as_evaluated(paper, checked(read(paper) if records is None else records))
    return Cells(failed_runs.without(records[records.paper == paper]))


def _points(mean: float, low: float, high: float) -> str:
    """A mean difference in points with its interval, where it has one."""
    if np.isnan(mean):
        return "–"
    bounds = "" if np.isnan(low) else f" [{100 * low:+.1f}, {100 * high:+.1f}]"
    return f"{100 * mean:+.1f}{bounds}"


def _by_seed(differences: BySeed) -> str:
    return ", ".join(
        f"{seed}: –" if np.isnan(value) else f"{seed}: {100 * value:+.1f}"
        for seed, value in differences.items()
    )
