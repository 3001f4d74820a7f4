"""Claims: what a paper says in words, and the verdict of our runs on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pandas as pd

from mmhash_nb.experiments.records import Cells, checked, read
from mmhash_nb.papers import folders
from mmhash_nb.papers.checks import CHECKS, Check, Verdict, judge
from mmhash_nb.papers.compare import as_evaluated
from mmhash_nb.papers.printed import tables


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper, where it stands, the datasets it is about, and how we check it."""

    text: str
    source: str
    datasets: Sequence[str]
    check: Check

    def verdict(self, ours: Cells, dataset: str) -> Verdict:
        """The verdict over our runs on a dataset, one of the claim's or another."""
        return judge(self.check.cells(ours, dataset))

    def in_paper(self, printed: Cells, dataset: str) -> str:
        """How many of the paper's numbers agree, such as `11 of 12`; `–` if it prints none.

        Those on `dataset`, where the claim is about it; else on all datasets of the claim.
        """
        about = [dataset] if dataset in self.datasets else self.datasets
        cells = [c for name in about for c in self.check.cells(printed, name) if c.differences.size]
        agree = sum(bool(cell.differences.mean() > 0) for cell in cells)
        return f"{agree} of {len(cells)}" if cells else "–"


def claims(paper: str) -> list[Claim]:
    """The claims of a paper, from the `claims.toml` of its folder; errors as `folders.text_of`.

    A claim there has `text`, `source`, `datasets`, the name of a `check` of `papers.checks`, and
    the check's arguments. `better` and `than` stand for all `pairs` of one of each.
    """
    file = folders.toml_of(paper, "claims")
    return [_claim(**file.get("defaults", {}) | claim) for claim in file["claims"]]


def _claim(text: str, source: str, datasets: list[str], check: str, **given: Any) -> Claim:
    if "better" in given:
        given["pairs"] = list(product(given.pop("better"), given.pop("than")))
    return Claim(text, source, datasets, CHECKS[check](**given))


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
        Columns `claim, source, dataset, verdict, comparisons, detail, in_paper`; `in_paper` says
        how many of the paper's numbers agree with its claim.
    """
    found = claims(paper)
    records = as_evaluated(paper, checked(read(paper) if records is None else records))
    ours = Cells(records[records.paper == paper])
    printed = Cells(tables(paper).dropna(subset="value").assign(seed=0))
    rows = []
    for claim in found:
        for on in [dataset] if dataset else claim.datasets:
            verdict = claim.verdict(ours, on)
            outcome = (verdict.ruling, verdict.cells, verdict.detail, claim.in_paper(printed, on))
            rows.append((claim.text, claim.source, on, *outcome))
    columns = ["claim", "source", "dataset", "verdict", "comparisons", "detail", "in_paper"]
    return pd.DataFrame(rows, columns=columns)
