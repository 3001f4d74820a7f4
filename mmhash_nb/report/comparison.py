"""The page of `mmhash compare`: all methods on one dataset, with the pictures inside."""

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mmhash_nb import figures
from mmhash_nb.experiments import failed_runs
from mmhash_nb.experiments.records import CROSS_MODAL
from mmhash_nb.experiments.runs import Run, frame
from mmhash_nb.hashers.names_in_print import in_print
from mmhash_nb.io.files import whole
from mmhash_nb.pairs import Pairs
from mmhash_nb.papers.side_by_side.differences import by_direction
from mmhash_nb.papers.side_by_side.tables import DIRECTIONS, arrow, costs, family, overview
from mmhash_nb.report.document import commands, heading, picture, table, text
from mmhash_nb.report.page import page

_QUERIES, _RESULTS, _BEST, _LINES, _SHOWN, _DPI = 3, 8, 2, 8, 5, 130


@dataclass(frozen=True, eq=False)
class Comparison:
    """What was run on a dataset.

    Args:
        name: what the dataset is called.
        pairs: the dataset, with pictures where it has such.
        runs: of `random` and one method at least, all with codes or references without.
        about: sentences on the dataset.
        left_out: what was not run, each with the reason.
    """

    name: str
    pairs: Pairs
    runs: Sequence[Run]
    about: Sequence[str]
    left_out: Mapping[str, str]

    @cached_property
    def records(self) -> pd.DataFrame:
        """The runs as a table, with the column `failed`."""
        records = frame(self.runs)
        return records.assign(failed=failed_runs.marks(records))

    @cached_property
    def bits(self) -> int:
        """The length nearest to 32 bits that a method has: methods are compared at it."""
        learned = self.records[(self.records.method != "random") & ~self.records.failed]
        return int(min(learned.bits.dropna().unique(), key=lambda bits: abs(bits - 32)))

    @cached_property
    def scores(self) -> pd.DataFrame:
        """mAP of methods with codes at these bits, means over seeds without failed runs.

        Rows are methods, the best first: by the mean over both directions across modalities, else
        over all that there are, and of equal ones the quickest. Columns are directions.
        """
        coded = {run.key[0] for run in self.runs if (run.folder / "codes.npz").is_file()}
        part = self.records[self.records.method.isin(coded) & (self.records.metric == "mAP")]
        part = part[(part.bits == self.bits) & ~part.failed & part.task.isin(DIRECTIONS)]
        wide = part.pivot_table(index="method", columns="task", values="value")
        wide = wide[[task for task in DIRECTIONS if task in wide]]
        across = [task for task in CROSS_MODAL if task in wide]
        first = wide[across].mean(axis=1, skipna=False) if across else wide.mean(axis=1)
        slow = -part.groupby("method").seconds_fit.median()
        order = pd.DataFrame({"first": first, "other": wide.mean(axis=1), "slow": slow})
        return wide.loc[order.sort_values([*order], ascending=False).index]

    @property
    def best(self) -> str:
        """The method with the highest mAP, as `scores` has them in order."""
        return next(method for method in self.scores.index if method != "random")


def write(out: Path, found: Comparison, next_steps: Sequence[str]) -> list[Path]:
    """Write `OUT.html`, which holds its pictures, and `OUT.csv`, each whole or not at all.

    Args:
        out: the files' path without suffix.
        next_steps: commands that take the best method further.
    """
    paths = [out.with_name(f"{out.name}{suffix}") for suffix in (".html", ".csv")]
    with tempfile.TemporaryDirectory() as folder:
        blocks = list(_blocks(found, next_steps, Path(folder)))
        document = page(blocks, f"Methods on {found.name}: mmhash-nb")
    with whole(paths[0]) as aside:
        aside.write_text(document, encoding="utf-8")
    with whole(paths[1]) as aside:
        found.records.drop(columns="failed").to_csv(aside, index=False)
    return paths


def _blocks(found: Comparison, next_steps: Sequence[str], folder: Path) -> Iterator[Element]:
    def drawn(name: str, figure: Figure, caption: str) -> Element:
        path = folder / f"{name}.png"
        path.write_bytes(figures.png(figure, dpi=_DPI))
        return picture(path, caption)

    pairs, n = found.pairs, len({run.key[0] for run in found.runs}) - 1
    yield heading(1, f"{n} methods on {found.name}", "top")
    best = ", ".join(
        f"{arrow(task)} {100 * score:.1f}" for task, score in found.scores.loc[found.best].items()
        if not np.isnan(score)
    )  # fmt: skip
    yield text(f"Best: {in_print(found.best)}, mAP in per cent at {found.bits} bits: {best}.")
    yield commands(next_steps)
    yield heading(2, "The data", "data")
    for line in found.about:
        yield text(line)
    some = np.concatenate([pairs.query, pairs.database])[:_SHOWN]
    yield drawn("pairs", figures.show_pairs(pairs, some), "Some items with their labels.")
    yield heading(2, "All methods", "table")
    yield text(
        "mAP over the whole database in per cent, mean ± half of the 95 % interval over seeds. "
        "Then seconds of training, milliseconds a code from cached features, bytes an item."
    )
    yield text(f"{pairs.means[0].upper()}{pairs.means[1:]}.")
    yield table(_table(found))
    yield heading(2, "Quality, time and bytes", "costs")
    across, within = (set(found.scores) & set(CROSS_MODAL), set(found.scores) - set(CROSS_MODAL))
    for name, tasks in (("across modalities", across), ("within one", within)):
        if figure := _against_time(found, tasks):
            caption = (
                f"mAP against seconds of training, {name}: the line joins the best for a time."
            )
            yield drawn(f"time-{name}", figure, caption)
    for task, figure in _against_length(found).items():
        yield drawn(f"bits-{task}", figure, f"{arrow(task)}: mAP by bits; 8 bits are a byte.")
    yield heading(2, "What differs surely", "differences")
    compared = by_direction(found.runs, found.pairs, found.bits)
    for task, rows in compared.items():
        yield text(_in_words(task, rows, found))
    if compared:
        named = {arrow(task): rows for task, rows in compared.items()}
        caption = "Each method behind the best of its direction, with corrected intervals."
        yield drawn("forest", figures.forest(named), caption)
    yield heading(2, "What the best methods find", "galleries")
    for task in _shown_tasks(found):
        figure = figures.gallery(pairs, _codes(found, task), task, _queries(pairs), _RESULTS)
        caption = f"{arrow(task)}: ✓ and blue share a label with the query, ✗ and orange do not."
        yield drawn(f"gallery-{task}", figure, caption)
    if found.left_out:
        yield heading(2, "Not run", "left-out")
        why = [(_with_bits_in_print(name), reason) for name, reason in found.left_out.items()]
        yield table(pd.DataFrame(why, columns=["method", "why"]))


def _with_bits_in_print(name: str) -> str:
    """A method's name in print; that of `scm, 16 bits` keeps its length."""
    method, comma, bits = name.partition(",")
    return in_print(method) + comma + bits


def _table(found: Comparison) -> pd.DataFrame:
    """The overview with plain columns, the best first."""
    wide = overview(found.runs).reset_index("family")
    wide.columns = [", ".join(part for part in map(str, column) if part) for column in wide.columns]
    order = [*found.scores.index, *(name for name in wide.index if name not in found.scores.index)]
    # Whole numbers stay so in columns with empty cells.
    wide = wide.loc[order].rename(index=in_print)
    return wide.reset_index().convert_dtypes().astype(object).fillna("")


def _shown_tasks(found: Comparison) -> list[str]:
    """Across modalities where methods do that, else the directions that there are."""
    there = [task for task in found.scores if _leading(found, task, 1)]
    return [task for task in CROSS_MODAL if task in there] or there


def _leading(found: Comparison, task: str, most: int) -> list[str]:
    """The methods with the highest mAP in a direction, without random codes."""
    there = found.scores[task].dropna().drop("random", errors="ignore")
    return list(there.sort_values(ascending=False).index[:most])


def _against_time(found: Comparison, tasks: Collection[str]) -> Figure | None:
    """mAP against seconds, a panel for each of the tasks that a method has."""
    spent = costs(found.runs)
    seconds = spent[spent.bits == found.bits].groupby("method").seconds_fit.median()
    panels, chance = {}, {}
    for task in (task for task in found.scores if task in tasks):
        there = {str(name): float(score) for name, score in found.scores[task].dropna().items()}
        chance[arrow(task)] = there.pop("random")
        # Nothing is trained in less than a millisecond, and zero has no logarithm.
        panels[arrow(task)] = {m: (max(float(seconds[m]), 1e-3), there[m]) for m in there}
    panels = {title: points for title, points in panels.items() if points}
    of = {method: family(method) for points in panels.values() for method in points}
    return figures.trade_off(found.pairs, panels, of, (), chance) if panels else None


def _against_length(found: Comparison) -> dict[str, Figure]:
    """The leading methods by code length, where there are two lengths or more."""
    drawn = {}
    scored = found.records[(found.records.metric == "mAP") & found.records.bits.notna()]
    if found.records.bits.nunique() < 2:
        return {}
    for task in _shown_tasks(found):
        part = scored[scored.task == task]
        curves = {
            name: {int(str(b)): list(of.value) for b, of in some.groupby("bits")}
            for name in [*_leading(found, task, _LINES), "random"]
            if len(some := part[part.method == name])
        }
        drawn[task] = figures.map_by_bits(curves, title=arrow(task), failed=part[part.failed])
    return drawn


def _in_words(task: str, rows: pd.DataFrame, found: Comparison) -> str:
    best = str(rows.best.iloc[0])
    behind = rows.outcome == "surely behind"
    rest = ", ".join(map(in_print, rows.method[~behind])) or "none"
    score = 100 * found.scores[task][best]
    return (
        f"{arrow(task)}: {in_print(best)} is best with {score:.1f}. {behind.sum()} of "
        f"{len(rows)} others are surely behind it; not surely: {rest}."
    )


def _queries(pairs: Pairs) -> np.ndarray:
    """Three queries with something to find, drawn by lot, always the same."""
    findable = pairs.labels[:, pairs.labels[pairs.database].any(axis=0)]
    some = pairs.query[findable[pairs.query].any(axis=1)]
    return np.sort(np.random.default_rng(0).permutation(some)[:_QUERIES])


def _codes(found: Comparison, task: str) -> dict:
    """Codes of the leading methods of a direction, of their first seed."""
    best = _leading(found, task, _BEST)
    runs = [run for run in found.runs if run.key[1] == found.bits]
    first = {run.key[0]: run for run in reversed(runs)}
    return {name: first[name].codes() for name in best}
