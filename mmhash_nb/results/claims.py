"""Claims: what a paper says in words, and the verdict of our runs on it."""

from dataclasses import dataclass
from itertools import product

import pandas as pd

from mmhash_nb import published
from mmhash_nb.results.paired import Better, GrowsWithBits, Near, Verdict, judge
from mmhash_nb.results.records import CROSS_MODAL, Cells, checked, read

UNIMODAL = ("image-image", "text-text")
ALL_TASKS = UNIMODAL + CROSS_MODAL
NUS_METRICS = ("mAP@10", "mAP")


@dataclass(frozen=True)
class Claim:
    """A sentence of `paper`, where it stands, the dataset it is about, and how we check it."""

    paper: str
    text: str
    source: str
    dataset: str
    check: Better | Near | GrowsWithBits

    def verdict(self, ours: Cells, dataset: str | None = None) -> Verdict:
        """The verdict over our runs, on the claim's own dataset or on another."""
        return judge(self.check.cells(ours, dataset or self.dataset))

    def in_paper(self, printed: Cells) -> str:
        """How many of the paper's own numbers agree, such as `11 of 12`; `–` if it prints none."""
        cells = [c for c in self.check.cells(printed, self.dataset) if c.differences.size]
        agree = sum(bool(cell.differences.mean() > 0) for cell in cells)
        return f"{agree} of {len(cells)}" if cells else "–"


def _each(better: str, worse: str) -> tuple[tuple[str, str], ...]:
    """Every method of `better` with every one of `worse` (names separated by blanks)."""
    return tuple(product(better.split(), worse.split()))


_UNIMODAL_HASHING = "diffhash ssh agh1 agh2 ksh"
_TWO_OVER_ONE = (("mmnn_l2", "mmnn_l1"), ("cmnn_l2", "cmnn_l1"))
_MULTIMODAL_OVER_UNIMODAL = (("mmnn_l1", "nnhash_l1"), ("mmnn_l2", "nnhash_l2"))

# "Significantly", "largely" and "by a large margin" are read as a 95 % interval above zero: the
# paper gives no margin, and calls 2.1 points large (MM-NN L1 against SCM, Table 6).
_MASCI2014 = (
    (
        "NN-based methods significantly outperform all the rest, including AGH and KSH",
        "Section 4, Table 2",
        "cifar10",
        Better(_each("nnhash_l1 nnhash_l2", _UNIMODAL_HASHING + " raw"), UNIMODAL),
    ),
    (
        "Two layers bring further significant improvement over one (unimodal training)",
        "Section 4, Table 2",
        "cifar10",
        Better((("nnhash_l2", "nnhash_l1"),), UNIMODAL),
    ),
    (
        "NN-based methods significantly outperform CM-SSH across modalities",
        "Section 4, Table 3",
        "cifar10",
        Better(_each("cmnn_l1 cmnn_l2 mmnn_l1 mmnn_l2", "cmssh"), CROSS_MODAL),
    ),
    (
        "MM-NN is superior to CM-NN across modalities: intra-modal training data matters",
        "Section 4, Table 3",
        "cifar10",
        Better((("mmnn_l1", "cmnn_l1"), ("mmnn_l2", "cmnn_l2")), CROSS_MODAL),
    ),
    (
        "Multimodal training gives slightly better unimodal retrieval than unimodal training",
        "Section 4, Tables 2 and 3",
        "cifar10",
        Better(_MULTIMODAL_OVER_UNIMODAL, UNIMODAL),
    ),
    (
        "Ideally, multimodal training at least does not deteriorate unimodal retrieval (a point)",
        "Section 4, Tables 2 and 3",
        "cifar10",
        Better(_MULTIMODAL_OVER_UNIMODAL, UNIMODAL, margin=-0.01),
    ),
    (
        "Without CM-SSH's relaxation the same linear architecture hashes better (CM-NN L1)",
        "Sections 1 and 4, Table 3",
        "cifar10",
        Better((("cmnn_l1", "cmssh"),), ALL_TASKS),
    ),
    (
        "A multi-layer architecture results in a significant improvement (multimodal training)",
        "Section 5, Table 3",
        "cifar10",
        Better(_TWO_OVER_ONE, ALL_TASKS),
    ),
    (
        "SSH requires relatively long codes to achieve good performance",
        "Section 2.1, Table 2",
        "cifar10",
        GrowsWithBits("ssh", UNIMODAL),
    ),
    (
        "CCA across modalities is near chance (a number of the table, not a sentence)",
        "Table 3",
        "cifar10",
        Near(("cca", "random"), CROSS_MODAL, within=0.02),
    ),
    (
        "NN outperforms the best competitor among the hashing methods",
        "Section 4, Table 4",
        "nuswide",
        Better(_each("nnhash_l1", _UNIMODAL_HASHING), UNIMODAL, NUS_METRICS),
    ),
    (
        "An additional layer brings no improvement (over a point of mAP)",
        "Section 4, Table 4",
        "nuswide",
        Better((("nnhash_l1", "nnhash_l2"),), UNIMODAL, NUS_METRICS, margin=-0.01),
    ),
    (
        "KSH performs worse than AGH, a completely unsupervised technique",
        "Section 4, Table 4",
        "nuswide",
        Better(_each("agh1 agh2", "ksh"), UNIMODAL, NUS_METRICS),
    ),
    (
        "NN-based methods outperform CM-SSH by a large margin",
        "Section 4, Table 5",
        "nuswide",
        Better(_each("cmnn_l1 mmnn_l1", "cmssh"), ALL_TASKS, NUS_METRICS),
    ),
    (
        "MM-NN delivers the best precision and recall across modalities (read as mAP)",
        "Section 4, Figure 3 right, Table 5",
        "nuswide",
        Better(_each("mmnn_l1", "cmnn_l1 cmssh cca"), CROSS_MODAL),
    ),
    (
        "MM-NN largely outperforms SCM in all evaluation criteria",
        "Section 4, Table 6",
        "wiki",
        Better(_each("mmnn_l1 mmnn_l2", "scm_rasiwasia"), (*CROSS_MODAL, "average")),
    ),
    (
        "A multi-layer architecture results in a significant improvement",
        "Section 5, Table 6",
        "wiki",
        Better(_TWO_OVER_ONE, CROSS_MODAL),
    ),
    (
        "Performance is superior to state-of-the-art hashing (CM-SSH)",
        "Section 5, Table 6",
        "wiki",
        Better(_each("cmnn_l1 cmnn_l2 mmnn_l1 mmnn_l2", "cmssh"), CROSS_MODAL),
    ),
)

#: The claims of each paper.
CLAIMS = {"masci2014": [Claim("masci2014", *claim) for claim in _MASCI2014]}


def verdicts(
    paper: str, records: pd.DataFrame | None = None, dataset: str | None = None
) -> pd.DataFrame:
    """Every claim of `paper` with its verdict over our runs.

    Args:
        paper: a paper that has claims here.
        records: run records (`records.COLUMNS`); default: those in `results/`.
        dataset: check all claims on this dataset; default: each on the one it is about.

    Returns:
        Columns `claim, source, dataset, verdict, comparisons, detail, in_paper`; `in_paper` says
        how many of the paper's own numbers agree with its claim.

    Raises:
        ValueError: where no claims of `paper` are listed.
    """
    if paper not in CLAIMS:
        raise ValueError(f"no claims of {paper!r} are listed, but of {', '.join(CLAIMS)}.")
    records = checked(read(paper) if records is None else records)
    ours = Cells(records[records.paper == paper])
    printed = Cells(published.load(paper).dropna(subset="value").assign(seed=0))
    rows = []
    for claim in CLAIMS[paper]:
        on = dataset or claim.dataset
        verdict = claim.verdict(ours, on)
        outcome = (verdict.ruling, verdict.cells, verdict.detail, claim.in_paper(printed))
        rows.append((claim.text, claim.source, on, *outcome))
    columns = ["claim", "source", "dataset", "verdict", "comparisons", "detail", "in_paper"]
    return pd.DataFrame(rows, columns=columns)
