"""Tables that the site makes of the records and of the package, so that no page has a copy.

`{claims} PAPER` shows each claim of a paper with its counts on every dataset; `{numbers} PAPER
DATASET` our numbers beside the printed ones; `{spread} PAPER DATASET` how far scores move over
splits and seeds; `{datasets}` what to put where.
"""

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[1]


class Table(SphinxDirective):
    """A table in Markdown, and the files that it depends on."""

    def run(self) -> list[nodes.Node]:
        for path in self.sources():
            self.env.note_dependency(str(path))
        header, *rows = (f"| {' | '.join(row)} |" for row in self.rows())
        line = "|---" * (header.count(" | ") + 1) + "|"
        shown = self.parse_text_to_nodes("\n".join([header, line, *rows]))
        shown[0]["classes"].append(self.name)
        return shown


class Claims(Table):
    """Each claim of a paper with its counts above, undecided and below, by dataset."""

    required_arguments = 1

    def sources(self) -> list[Path]:
        paper = self.arguments[0]
        return [
            *(ROOT / "results").glob(f"{paper}_*.csv"),
            *(ROOT / "mmhash_nb" / "papers" / paper).glob("*.toml"),
        ]

    def rows(self) -> list[list[str]]:
        from mmhash_nb.experiments.records import read
        from mmhash_nb.papers.verdicts import verdicts

        paper = self.arguments[0]
        names = list(dict.fromkeys(read(paper).dataset))
        tables = {name: verdicts(paper, dataset=name).set_index("claim") for name in names}
        shown = {name: table for name, table in tables.items() if set(table.verdict) != {"not run"}}
        rows = [["claim", *(name.replace("_", " ") for name in shown)]]
        for claim in tables[names[0]].index:
            cells = [_cell(table.loc[claim]) for table in shown.values()]
            rows.append([claim.replace("|", "\\|"), *cells])
        return rows


def _cell(found) -> str:
    if found.verdict == "not run":
        return "–"
    counts = f"{found.above} / {found.undecided} / {found.below}".replace(" ", "\N{NO-BREAK SPACE}")
    return f"{found.verdict} ({counts})"


class Numbers(Table):
    """Our numbers beside those that a paper prints of a dataset, where there are ours."""

    required_arguments = 2

    def sources(self) -> list[Path]:
        paper, dataset = self.arguments
        return [ROOT / "results" / f"{paper}_{dataset}.csv"]

    def rows(self) -> list[list[str]]:
        from mmhash_nb.hashers.names_in_print import in_print
        from mmhash_nb.papers.compare import compare

        paper, dataset = self.arguments
        found = compare(paper)
        found = found[(found.ours_from == dataset) & (found.metric == "mAP")]
        found = found.sort_values(["task", "bits"], kind="stable")
        columns = list(dict.fromkeys(zip(found.task, found.bits, strict=True)))
        cells = {
            (row.method, row.task, row.bits): f"{100 * row.ours:.1f} ({100 * row.published:.1f})"
            for row in found.itertuples()
        }
        titles = [f"{task.replace('-', ' → ')}, {bits} bits" for task, bits in columns]
        rows = [["method", *titles]]
        for method in dict.fromkeys(compare(paper).method):
            if method in set(found.method):
                rows.append([in_print(method), *(cells.get((method, *c), "–") for c in columns)])
        return rows


class Spread(Table):
    """Means and standard deviations over splits and over seeds, of a study of both."""

    required_arguments = 2

    def sources(self) -> list[Path]:
        paper, dataset = self.arguments
        return [ROOT / "results" / f"study_{paper}_{dataset}_splits.csv"]

    def rows(self) -> list[list[str]]:
        import pandas as pd

        from mmhash_nb.experiments.records import CROSS_MODAL
        from mmhash_nb.experiments.split_spread import spread
        from mmhash_nb.hashers.names_in_print import in_print

        found = spread(pd.read_csv(*self.sources()), CROSS_MODAL)
        rows = [["method", "direction", "mAP", "SD over splits", "SD over seeds"]]
        for (method, task, _), row in found.iterrows():
            numbers = (row["mean"], row["SD over splits"], row["SD over seeds"])
            direction = task.replace("-", " → ")
            rows.append([in_print(method), direction, *(f"{number:.1f}" for number in numbers)])
        return rows


class Datasets(Table):
    """What each dataset needs under the folder of the datasets."""

    def sources(self) -> list[Path]:
        return list((ROOT / "mmhash_nb" / "datasets").glob("*.toml"))

    def rows(self) -> list[list[str]]:
        from mmhash_nb import datasets
        from mmhash_nb.datasets.about import about

        known = ((name, about(name).get("put")) for name in datasets.names())
        return [["name", "what to put where"], *([f"`{n}`", _plain(p)] for n, p in known if p)]


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("claims", Claims)
    app.add_directive("numbers", Numbers)
    app.add_directive("spread", Spread)
    app.add_directive("datasets", Datasets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
