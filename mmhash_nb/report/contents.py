"""What the report says: a summary, then each paper's numbers, claims, errata and pictures."""

from collections.abc import Iterable, Iterator, Set
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

import pandas as pd

from mmhash_nb import __version__, datasets, papers
from mmhash_nb.experiments import summaries
from mmhash_nb.experiments.provenance import environment
from mmhash_nb.experiments.records import read
from mmhash_nb.io.project import project_root, runs_folder
from mmhash_nb.papers import compare, scoreboard
from mmhash_nb.papers.verdicts import comparisons, verdicts
from mmhash_nb.report.document import Link, fold, heading, links, picture, table, text
from mmhash_nb.report.numbers import counted, numbers, shown
from mmhash_nb.runner.headless import Outcome

TITLE = "Paper versus ours"
#: The name of notebook 5's records and pictures: it is no paper.
_ALL_METHODS = "side_by_side"
#: What folders hold records, and what that is.
_FOLDERS = {"results": "the committed full runs", "runs": "this machine's last runs"}


def _path(folder: str) -> Path:
    """Where a folder of this name lies: `results`, `figures`, `runs` or `runs/figures`."""
    first, *rest = Path(folder).parts
    return (runs_folder() if first == "runs" else project_root() / first).joinpath(*rest)


class Section(NamedTuple):
    """One paper's numbers from one folder, on its datasets (`dataset` is None) or another."""

    paper: str
    folder: str
    dataset: str | None
    records: pd.DataFrame
    numbers: pd.DataFrame
    claims: pd.DataFrame

    @property
    def title(self) -> str:
        """Such as `On scenes, from runs/`."""
        on = self.dataset or "the paper's datasets"
        return f"On {on}, from {self.folder}/"

    @property
    def anchor(self) -> str:
        """Unique in the report."""
        return "-".join((self.paper, self.folder, self.dataset or "paper"))


def blocks(outcomes: Iterable[Outcome] = ()) -> list[Element]:
    """The whole report, with how the notebooks of the same call ended."""
    files = datasets.available()
    present = set(files.name[files.present])
    by_paper = {paper: sections(paper, present) for paper in papers.names()}
    found: list[Element] = [heading(1, TITLE, "top"), *_summary(by_paper)]
    rows = [(o.notebook, f"{o.seconds:.0f}", o.error or "ok") for o in outcomes]
    if rows:
        found += [heading(2, "Notebooks", "notebooks"), text("What was run for this report:")]
        found.append(table(pd.DataFrame(rows, columns=["notebook", "seconds", "status"])))
    for paper, of_paper in by_paper.items():
        found += _paper(paper, of_paper)
    return [*found, *_side_by_side()]


def sections(paper: str, present: Set[str] = frozenset()) -> list[Section]:
    """Where there are numbers of a paper: first the paper's datasets from `results/`, always there.

    Another dataset stands once: from `runs/`, or from `results/` where nothing was run on it.
    `present` names the datasets whose files are on this machine.
    """
    of_paper = set(papers.tables(paper).dataset)
    by_folder = {folder: read(paper, _path(folder)) for folder in _FOLDERS}
    found = []
    for folder, records in by_folder.items():
        there = set(records.dataset)
        newer = set(by_folder["runs"].dataset) if folder == "results" else set()
        wanted: list[str | None] = [*sorted(there - of_paper - newer)]
        if folder == "results" or of_paper & there:
            wanted.insert(0, None)
        for dataset in wanted:
            rows = numbers(paper, records, dataset, present)
            claims = verdicts(paper, records, dataset)
            found.append(Section(paper, folder, dataset, records, rows, claims))
    return sorted(found, key=lambda section: section.dataset is not None)


def overall(of_paper: list[Section]) -> pd.DataFrame:
    """Each published number once, with the verdict that says most about it: `results/` first."""
    own = (section.numbers for section in of_paper if section.dataset is None)
    others = (section.numbers for section in of_paper if section.dataset is not None)
    return scoreboard.overall(own, others)


def _summary(by_paper: dict[str, list[Section]]) -> Iterator[Element]:
    built = environment()
    yield text(
        "Every number that four papers on cross-modal hashing print, with what this project "
        f"measured beside it. Written by mmhash_nb {__version__} at commit {built['commit']}."
    )
    yield links([Link(paper, paper) for paper in by_paper] + [Link("all methods", _ALL_METHODS)])
    yield heading(2, "Summary", "summary")
    yield text("The scoreboard, from results/ alone:")
    yield table(scoreboard.scoreboard())
    yield text(scoreboard.NOTE)
    yield text("With this machine's runs, by verdict:")
    kinds = (
        *("reproduced", "not reproduced", "failed run", "other backbone"),
        *("not published", "other data", "not run"),
    )
    counts, reasons = [], []
    for paper, of_paper in by_paper.items():
        best = overall(of_paper)
        n = best.verdict.value_counts()
        counts.append((Link(paper, paper), len(best), *(n.get(v, 0) for v in kinds)))
        without = best[best.verdict.isin(["other backbone", "other data", "not run"])]
        for (lacks, dataset), part in without.groupby(["lacks", "dataset"], sort=False):
            only = int((part.verdict == "other data").sum())
            why = part.reason.iloc[0]
            methods = ", ".join(part.method.unique())
            if lacks == "method":
                why = why.replace(part.method.iloc[0], methods, 1)
            elif lacks not in ("", "dataset"):
                why = f"this {lacks} is not in the records of {methods} on {dataset}"
            reasons.append((Link(paper, paper), dataset, len(part), only, why))
    columns = ["paper", "numbers", *kinds]
    yield table(pd.DataFrame(counts, columns=columns))
    yield text(
        "Each published number is counted once. Reproduced: the published number lies where one "
        "more run of ours would, with 95 % (at least ±1 point). Not reproduced: it does not. "
        "Failed run: one of our runs is far from its siblings or at chance. Other backbone: the "
        "paper's data, with other features than the paper's. Not "
        "published: the paper prints no value there. Other data: the paper's dataset is not "
        "here, and ours is from another one, which says nothing about the number. Not run: there "
        "is none of ours at all."
    )
    yield text("Why a number has no verdict:")
    columns = ["paper", "its dataset", "numbers", "of these on other data", "reason"]
    yield table(pd.DataFrame(reasons, columns=columns))
    yield text("What the papers say in words, checked on each set of runs (see the tables below):")
    rulings = ("holds", "mostly holds", "undecided", "does not hold", "not run")
    counts_of = ["above", "undecided", "below", "failed", "not_run"]
    ruled = []
    for section in (section for of_paper in by_paper.values() for section in of_paper):
        n = section.claims.verdict.value_counts()
        counted_in_all = [int(section.claims[name].sum()) for name in counts_of]
        verdict_counts = [int(n.get(ruling, 0)) for ruling in rulings]
        way = Link(section.title, section.anchor)
        ruled.append((section.paper, way, len(section.claims), *counted_in_all, *verdict_counts))
    decided = ["comparisons above", "undecided", "below", "failed (of the undecided)", "not run"]
    in_all = [f"claims: {ruling}" for ruling in rulings]
    yield table(pd.DataFrame(ruled, columns=["paper", "runs", "claims", *decided, *in_all]))
    yield text(
        "A claim's comparisons are corrected for their number (Holm). It holds where all are above "
        "zero, or most and none below where the paper says most; it mostly holds where more than "
        "half are above and fewer below; it does not hold where more are below than above; else it "
        "is undecided."
    )


def _paper(paper: str, of_paper: list[Section]) -> Iterator[Element]:
    yield heading(2, f"{paper}: {papers.title(paper)}", paper)
    errata = papers.errata(paper)
    ways = [Link(section.title, section.anchor) for section in of_paper]
    ways += [Link(f"{len(errata)} errata and interpretations", f"{paper}-errata")]
    ways += [Link("Pictures", f"{paper}-pictures"), Link("Back to the summary", "summary")]
    yield links(ways)
    for section in of_paper:
        yield from _section(section)
    yield heading(3, "Errata and interpretations", f"{paper}-errata")
    yield text("What is printed inconsistently in the paper or left open, and our interpretation.")
    yield fold(f"{len(errata)} errata", [table(errata)])
    yield heading(3, "Pictures", f"{paper}-pictures")
    yield from _pictures(paper)


def _section(section: Section) -> Iterator[Element]:
    rows = section.numbers
    yield heading(3, section.title, section.anchor)
    kind = f"Other data than the paper's: {section.dataset}. " if section.dataset else ""
    what = f"{kind}{len(rows)} published numbers: {counted(rows)}."
    yield text(f"{what} Ours are of {_FOLDERS[section.folder]}.")
    of_section = section.records.dataset.isin(section.numbers.ours_from)
    for sentence in summaries.over_queries(section.records[of_section]).splitlines():
        yield text(sentence)
    for number, part in rows.groupby("table"):
        inner: list[Element] = []
        if part.n_seeds.any():
            laid = compare.table(section.paper, int(str(number)), section.records, section.dataset)
            inner += [
                text("As the paper lays it out, in per cent: ours ± half of the 95 % interval of "
                "the mean (published)."),
                table(laid.reset_index()),
                text("Number by number:"),
            ]  # fmt: skip
        inner.append(table(shown(part)))
        on = "" if section.dataset else f" on {', '.join(part.dataset.unique())}"
        yield fold(f"Table {number}{on}, {len(part)} numbers: {counted(part)}", inner)
    ruled = section.claims
    counts = ", ".join(f"{n} {ruling}" for ruling, n in ruled.verdict.value_counts().items())
    yield fold(f"Claims of the paper in words, {len(ruled)} checks: {counts}", [table(ruled)])
    each = comparisons(section.paper, section.records, section.dataset)
    each = each[each.outcome != "not run"].round(3)
    if len(each):
        yield fold(f"The {len(each)} comparisons behind them, in points", [table(each)])


def pictures(paper: str) -> dict[tuple[str, str], list[Element]]:
    """The pictures of a paper by folder and dataset: those of `runs/`, else the committed ones."""
    captions = papers.captions(paper)
    found: dict[str, tuple[str, list[Element]]] = {}
    for folder in ("figures", "runs/figures"):
        for of_dataset in sorted((_path(folder) / paper).glob("*/")):
            some = []
            for path in sorted(of_dataset.glob("*.png")):
                by_name = f"{path.stem.replace('_', ' ').capitalize()}."
                some.append(picture(path, captions.get(path.stem, by_name)))
            found |= {of_dataset.name: (folder, some)} if some else {}
    return {(folder, dataset): some for dataset, (folder, some) in sorted(found.items())}


def _pictures(paper: str) -> Iterator[Element]:
    if not (found := pictures(paper)):
        yield text("None is there yet: the paper's notebook draws them.")
    records = pd.concat([read(paper, _path(folder)) for folder in _FOLDERS])
    for (folder, dataset), some in found.items():
        over = summaries.over_queries(records[records.dataset == dataset])
        means = [text(sentence) for sentence in over.splitlines()]
        yield fold(f"{len(some)} pictures on {dataset}, from {folder}/", [*means, *some])


def _side_by_side() -> Iterator[Element]:
    yield heading(2, "All methods side by side", _ALL_METHODS)
    yield text("Every method under one protocol, as notebook 5 runs it. No paper prints these.")
    for folder, what in _FOLDERS.items():
        records = read(_ALL_METHODS, _path(folder))
        for dataset in sorted(set(records.dataset)):
            laid = compare.scores(records, dataset).reset_index()
            summary = f"mAP in per cent on {dataset}, mean ± half of the 95 % interval; {what}"
            yield fold(summary, [table(laid.replace("", "–"))])
    yield from _pictures(_ALL_METHODS)
