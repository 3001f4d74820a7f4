"""Claims: what a paper says in words, and the verdict of our runs on it.

The claims themselves are in `claims_<paper>.py`.
"""

from dataclasses import dataclass

import pandas as pd

from mmhash_nb.experiments.records import Cells, as_evaluated, checked, read
from mmhash_nb.papers import printed as published
from mmhash_nb.papers.checks import Check, Verdict, judge
from mmhash_nb.papers.liong2017 import claims as claims_liong2017
from mmhash_nb.papers.masci2014 import claims as claims_masci2014
from mmhash_nb.papers.zeng2022 import claims as claims_zeng2022
from mmhash_nb.papers.zhang2018 import claims as claims_zhang2018


@dataclass(frozen=True)
class Claim:
    """A sentence of `paper`, where it stands, the datasets it is about, and how we check it."""

    paper: str
    text: str
    source: str
    datasets: tuple[str, ...]
    check: Check

    def verdict(self, ours: Cells, dataset: str) -> Verdict:
        """The verdict over our runs on a dataset, be it the claim's own or another."""
        return judge(self.check.cells(ours, dataset))

    def in_paper(self, printed: Cells, dataset: str) -> str:
        """How many of the paper's own numbers agree, such as `11 of 12`; `–` if it prints none.

        Those on `dataset`, where the claim is about it; else those on all of the claim's.
        """
        own = (dataset,) if dataset in self.datasets else self.datasets
        cells = [c for name in own for c in self.check.cells(printed, name) if c.differences.size]
        agree = sum(bool(cell.differences.mean() > 0) for cell in cells)
        return f"{agree} of {len(cells)}" if cells else "–"


#: The claims of each paper.
CLAIMS = {
    paper: [Claim(paper, *claim) for claim in claims]
    for paper, claims in (
        ("liong2017", claims_liong2017.CLAIMS),
        ("masci2014", claims_masci2014.CLAIMS),
        ("zeng2022", claims_zeng2022.CLAIMS),
        ("zhang2018", claims_zhang2018.CLAIMS),
    )
}


def verdicts(
    paper: str, records: pd.DataFrame | None = None, dataset: str | None = None
) -> pd.DataFrame:
    """Every claim of `paper` with its verdict over our runs.

    Args:
        paper: a paper that has claims here.
        records: run records (`records.COLUMNS`); default: those in `results/`.
        dataset: check all claims on this dataset, each once; default: each on every dataset that
            it is about.

    Returns:
        Columns `claim, source, dataset, verdict, comparisons, detail, in_paper`; `in_paper` says
        how many of the paper's own numbers agree with its claim.

    Raises:
        ValueError: where no claims of `paper` are listed.
    """
    if paper not in CLAIMS:
        raise ValueError(f"no claims of {paper!r} are listed, but of {', '.join(CLAIMS)}.")
    records = as_evaluated(paper, checked(read(paper) if records is None else records))
    ours = Cells(records[records.paper == paper])
    printed = Cells(published.load(paper).dropna(subset="value").assign(seed=0))
    rows = []
    for claim in CLAIMS[paper]:
        for on in (dataset,) if dataset else claim.datasets:
            verdict = claim.verdict(ours, on)
            outcome = (verdict.ruling, verdict.cells, verdict.detail, claim.in_paper(printed, on))
            rows.append((claim.text, claim.source, on, *outcome))
    columns = ["claim", "source", "dataset", "verdict", "comparisons", "detail", "in_paper"]
    return pd.DataFrame(rows, columns=columns)
