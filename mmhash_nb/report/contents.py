"""What the report says: a summary, then each paper's numbers, claims, errata and pictures."""

from collections.abc import Iterable, Iterator, Set
from typing import NamedTuple

import pandas as pd

from mmhash_nb import __version__, datasets, papers
from mmhash_nb.experiments.provenance import environment
from mmhash_nb.experiments.records import read
from mmhash_nb.io.project import project_root
from mmhash_nb.papers.compare import scores, table
from mmhash_nb.papers.verdicts import verdicts
from mmhash_nb.report.document import Block, Fold, Heading, Link, Links, Picture, Table, Text
from mmhash_nb.report.numbers import counted, numbers, shown
from mmhash_nb.report.pictures import pictures
from mmhash_nb.runner.headless import Outcome

TITLE = "Paper versus ours"
#: Notebook 5 keeps its records and pictures under this name: it is no paper.
_ALL_METHODS = "side_by_side"
#: Where records lie, under the project's root, and what that is.
_FOLDERS = {"results": "full runs kept with the project", "runs": "this machine's last runs"}


class Section(NamedTuple):
    """One paper's numbers from one folder, on its own datasets (`dataset` is None) or another."""

    paper: str
    folder: str
    dataset: str | None
    records: pd.DataFrame
    numbers: pd.DataFrame
    claims: pd.DataFrame

    @property
    def title(self) -> str:
        """Such as `On scenes, from runs/`."""
        return f"On {self.dataset or 'its own datasets'}, from {self.folder}/"

    @property
    def anchor(self) -> str:
        """The section's own."""
        return "-".join((self.paper, self.folder, self.dataset or "own"))


def blocks(outcomes: Iterable[Outcome] = ()) -> list[Block]:
    """The whole report.

    Args:
        outcomes: how the notebooks of the same call ended.
    """
    files = datasets.available()
    present = set(files.name[files.present])
    by_paper = {paper: sections(paper, present) for paper in papers.names()}
    found: list[Block] = [Heading(1, TITLE, "top"), *_summary(by_paper), *_notebooks(outcomes)]
    for paper, of_paper in by_paper.items():
        found += _paper(paper, of_paper)
    return [*found, *_side_by_side()]


def sections(paper: str, present: Set[str] = frozenset()) -> list[Section]:
    """Where there are numbers of a paper: first its own datasets from `results/`, always there.

    Args:
        paper: a paper of `papers.names()`.
        present: names of the datasets whose files are on this machine.
    """
    own = set(papers.tables(paper).dataset)
    found = []
    for folder in _FOLDERS:
        records = read(paper, project_root() / folder)
        there = sorted(set(records.dataset))
        wanted: list[str | None] = [name for name in there if name not in own]
        if folder == "results" or own & set(there):
            wanted.insert(0, None)
        for dataset in wanted:
            rows = numbers(paper, records, dataset, present)
            ruled = verdicts(paper, records, dataset)
            found.append(Section(paper, folder, dataset, records, rows, ruled))
    return sorted(found, key=lambda section: section.dataset is not None)


def overall(of_paper: list[Section]) -> pd.DataFrame:
    """Each published number once, with the verdict that says most about it.

    That of the paper's own data from `results/`, else from `runs/`, else `other data` where any
    section has ours on another dataset, else `not run` with its reason.
    """
    own = [section.numbers for section in of_paper if section.dataset is None]
    best = own[0].copy()
    for rows in own[1:]:
        better = (best.n_seeds == 0) & (rows.n_seeds > 0)
        best.loc[better] = rows[better]
    for section in of_paper:
        if section.dataset is not None:
            rows = section.numbers
            better = (best.verdict == "not run") & (rows.verdict == "other data")
            best.loc[better, ["verdict", "ours_from"]] = rows[better][["verdict", "ours_from"]]
    return best


def _summary(by_paper: dict[str, list[Section]]) -> Iterator[Block]:
    built = environment()
    yield Text(
        "Every number that four papers on cross-modal hashing print, with what this project "
        f"measured beside it. Written by mmhash_nb {__version__} at commit {built['commit']}."
    )
    yield Links([Link(paper, paper) for paper in by_paper] + [Link("all methods", _ALL_METHODS)])
    yield Heading(2, "Summary", "summary")
    kinds = ("reproduced", "not reproduced", "not published", "other data", "not run")
    counts, reasons = [], []
    for paper, of_paper in by_paper.items():
        best = overall(of_paper)
        n = best.verdict.value_counts()
        counts.append((Link(paper, paper), len(best), *(n.get(v, 0) for v in kinds)))
        without = best[best.verdict.isin(["other data", "not run"])]
        for (lacks, dataset), part in without.groupby(["lacks", "dataset"], sort=False):
            only = int((part.verdict == "other data").sum())
            why = part.reason.iloc[0]
            methods = ", ".join(part.method.unique())
            if lacks == "method":
                why = why.replace(part.method.iloc[0], methods, 1)
            elif lacks != "dataset":
                why = f"this {lacks} is not in the records of {methods} on {dataset}"
            reasons.append((Link(paper, paper), dataset, len(part), only, why))
    columns = ["paper", "numbers", *kinds]
    yield Table(pd.DataFrame(counts, columns=columns))
    yield Text(
        "Each published number is counted once. Reproduced: the published number lies where one "
        "more run of ours would, with 95 % (at least ±1 point). Not reproduced: it does not. Not "
        "published: the paper prints no value there. Other data: the paper's dataset is not at "
        "hand, and ours is from another one, which says nothing about the number. Not run: there "
        "is none of ours at all."
    )
    yield Text("Why a number has no verdict:")
    columns = ["paper", "its dataset", "numbers", "of these on other data", "reason"]
    yield Table(pd.DataFrame(reasons, columns=columns))
    yield Text("What the papers say in words, checked on each set of runs (see the tables below):")
    rulings = ("holds", "does not hold", "within noise", "not run")
    ruled = []
    for section in (section for of_paper in by_paper.values() for section in of_paper):
        n = section.claims.verdict.value_counts()
        ruled.append((section.paper, Link(section.title, section.anchor), len(section.claims)))
        ruled[-1] += tuple(n.get(ruling, 0) for ruling in rulings)
    yield Table(pd.DataFrame(ruled, columns=["paper", "runs", "checks", *rulings]))


def _notebooks(outcomes: Iterable[Outcome]) -> Iterator[Block]:
    rows = [(o.notebook, f"{o.seconds:.0f}", o.error or "ok") for o in outcomes]
    if rows:
        yield Heading(2, "Notebooks", "notebooks")
        yield Text("What was run for this report:")
        yield Table(pd.DataFrame(rows, columns=["notebook", "seconds", "status"]))


def _paper(paper: str, of_paper: list[Section]) -> Iterator[Block]:
    yield Heading(2, f"{paper}: {papers.title(paper)}", paper)
    errata, drawn = papers.errata(paper), _drawn(paper)
    ways = [Link(section.title, section.anchor) for section in of_paper]
    ways += [Link(f"{len(errata)} errata and interpretations", f"{paper}-errata")]
    ways += [Link("Pictures", f"{paper}-pictures"), Link("Back to the summary", "summary")]
    yield Links(ways)
    for section in of_paper:
        yield from _section(section)
    yield Heading(3, "Errata and interpretations", f"{paper}-errata")
    yield Text("What is printed inconsistently in the paper or left open, and our interpretation.")
    yield Fold(f"{len(errata)} places", [Table(errata)])
    yield Heading(3, "Pictures", f"{paper}-pictures")
    yield from _pictures(drawn)


def _section(section: Section) -> Iterator[Block]:
    rows = section.numbers
    yield Heading(3, section.title, section.anchor)
    kind = f"Other data than the paper's: {section.dataset}. " if section.dataset else ""
    what = f"{kind}{len(rows)} published numbers: {counted(rows)}."
    yield Text(f"{what} Ours are of {_FOLDERS[section.folder]}.")
    for number, part in rows.groupby("table"):
        inner: list[Block] = []
        if part.n_seeds.any():
            laid = table(section.paper, int(str(number)), section.records, section.dataset)
            inner += [
                Text("As the paper lays it out, in per cent: ours ± half of the 95 % interval of "
                "the mean (published)."),
                Table(laid.reset_index()),
                Text("Number by number:"),
            ]  # fmt: skip
        inner.append(Table(shown(part)))
        on = "" if section.dataset else f" on {', '.join(part.dataset.unique())}"
        yield Fold(f"Table {number}{on}, {len(part)} numbers: {counted(part)}", inner)
    ruled = section.claims
    said = ", ".join(f"{n} {ruling}" for ruling, n in ruled.verdict.value_counts().items())
    yield Fold(f"Claims of the paper in words, {len(ruled)} checks: {said}", [Table(ruled)])


def _drawn(room: str) -> dict[str, list[Picture]]:
    return pictures(project_root() / "figures" / room, papers.captions(room))


def _pictures(drawn: dict[str, list[Picture]]) -> Iterator[Block]:
    if not drawn:
        yield Text("None is there yet: the paper's notebook draws them.")
    for dataset, some in drawn.items():
        yield Fold(f"{len(some)} pictures on {dataset}", some)


def _side_by_side() -> Iterator[Block]:
    yield Heading(2, "All methods side by side", _ALL_METHODS)
    yield Text("Every method under one protocol, as notebook 5 runs it. No paper prints these.")
    for folder, what in _FOLDERS.items():
        records = read(_ALL_METHODS, project_root() / folder)
        for dataset in sorted(set(records.dataset)):
            laid = scores(records, dataset).reset_index()
            said = f"mAP in per cent on {dataset}, mean ± half of the 95 % interval; {what}"
            yield Fold(said, [Table(laid.replace("", "–"))])
    yield from _pictures(_drawn(_ALL_METHODS))
