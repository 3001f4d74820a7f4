"""Paper versus ours: the published numbers beside the mean of our runs, and a verdict on each.

A few lines over 250: numbers, a paper's table and what came out have one rule for failed runs.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd

from mmhash_nb.experiments import failed_runs
from mmhash_nb.experiments.intervals import interval, per_cent, prediction_half_width, shown_by_seed
from mmhash_nb.experiments.records import Cells, checked, read, with_unified_gallery
from mmhash_nb.hashers import method_class, names
from mmhash_nb.papers.folders import setups, toml_of
from mmhash_nb.papers.printed import tables

#: What is missing where there is none of ours, from the most to the least.
LACKS = ("dataset", "method", "code length", "metric or direction")


def as_evaluated(paper: str, records: pd.DataFrame) -> pd.DataFrame:
    """`records`, those of `paper` with the gallery that it searches in their cross-modal tasks.

    That is the unified codes where the paper searches them (`about.toml`), else the encoded ones.
    Records that are so already do not change.
    """
    if not toml_of(paper, "about").get("unified_gallery"):
        return records
    of_paper = records.paper == paper
    return pd.concat([records[~of_paper], with_unified_gallery(records[of_paper])])


def compare(
    paper: str,
    records: pd.DataFrame | None = None,
    published: pd.DataFrame | None = None,
    dataset: str | None = None,
) -> pd.DataFrame:
    """Every published number of `paper` with ours beside it.

    Args:
        paper: one of `papers.names()`.
        records: run records with the columns `records.COLUMNS`; default: those in `results/`.
        published: rows as `papers.tables` gives them; default: all of the paper's.
        dataset: take ours from this dataset; default: that of each number.

    Returns:
        Columns `table, method, dataset, task, bits, metric, published, ours, low, high, n_seeds,
        difference, ours_from, source, verdict, reason, lacks`. `low` and `high` bound the mean by a
        95 % t-interval; `ours_from` names the dataset ours was measured on, and `source` the files
        it came from. Verdicts:

        - `reproduced`: the published number lies where one more run of ours would, with 95 %
          (`prediction_half_width`: at least ±0.01; nothing but that with a single seed);
        - `not reproduced`: it does not;
        - `other backbone`: ours is of the paper's data, and its method reads pictures, of which
          it has other features than the paper's (`other_backbone` of its `about.toml`), which
          `reason` names;
        - `failed run`: one of ours failed (`experiments.failed_runs`), so that a mean would hide
          it; `reason` has all by seed;
        - `other data`: ours is from another dataset, which says nothing about the number;
        - `not run`: there is none of ours; `reason` says what is missing, and `lacks` is which of
          `LACKS` that is;
        - `not published`: the paper prints that its run did not converge.
    """
    records = as_evaluated(paper, checked(read(paper) if records is None else records))
    of_paper = records.paper == paper
    records = records[of_paper if dataset is None else of_paper & (records.dataset == dataset)]
    published = tables(paper) if published is None else published
    cells, sound = Cells(records), Cells(failed_runs.without(records))
    features = toml_of(paper, "about").get("other_backbone", {})
    sources = records.groupby(["method", "dataset"]).source.agg(
        lambda names: ", ".join(sorted(names.dropna().astype(str).unique()))
    )
    rows = []
    # A setup with another training set is of the same data.
    loaded = {name: setup.load for name, setup in setups(paper).items() if setup.load}
    for printed in published.itertuples(index=False):
        row = _row(printed._asdict(), cells, sound, dataset, loaded, features)
        row["source"] = sources.get((row["method"], row["ours_from"]), "")
        rows.append(row)
    columns = [
        *("table", "method", "dataset", "task", "bits", "metric", "published"),
        *("ours", "low", "high", "n_seeds", "difference", "ours_from", "source"),
        *("verdict", "reason", "lacks"),
    ]
    return pd.DataFrame(rows, columns=columns).astype({"bits": "Int64", "n_seeds": int})


def _row(
    printed: dict,
    cells: Cells,
    sound: Cells,
    dataset: str | None,
    loaded: dict[str, str],
    features: dict[str, str],
) -> dict:
    value = printed.pop("value")
    bits = None if pd.isna(printed["bits"]) else int(printed["bits"])
    ours_from = dataset or printed["dataset"]
    where = (printed["method"], ours_from, printed["task"], bits, printed["metric"])
    values = np.array(list(cells.by_seed(*where).values()))
    row = {**printed, "published": value, "n_seeds": len(values), "reason": "", "lacks": ""}
    if not len(values):
        lacks, reason = _why_not(cells, *where)
        return {**row, "ours_from": "", "verdict": "not run", "reason": reason, "lacks": lacks}
    if np.isnan(list(sound.by_seed(*where).values())).any():
        by_seed = shown_by_seed(cells.by_seed(*where), sound.by_seed(*where))
        failing = {"ours_from": ours_from, "verdict": "failed run", "reason": f"by seed: {by_seed}"}
        return {**row, **dict.fromkeys(("ours", "low", "high", "difference"), np.nan), **failing}
    ours = interval(values)
    difference = ours.mean - value
    if np.isnan(value):
        verdict, row["reason"] = "not published", "the paper's run did not converge"
    elif printed["dataset"] not in (ours_from, loaded.get(ours_from)):
        verdict = "other data"
    elif ours_from in features and _reads_pictures(printed["method"]):
        verdict, row["reason"] = "other backbone", features[ours_from]
    elif abs(difference) <= prediction_half_width(values):
        verdict = "reproduced"
    else:
        verdict = "not reproduced"
    measured = {"ours": ours.mean, "low": ours.low, "high": ours.high, "difference": difference}
    return {**row, **measured, "ours_from": ours_from, "verdict": verdict}


def _reads_pictures(method: str) -> bool:
    """Whether a method reads pictures; one that is not registered is taken to read them."""
    return method not in names() or method_class(method).modalities != ("text",)


def _why_not(
    cells: Cells, method: str, dataset: str, task: str, bits: int | None, metric: str
) -> tuple[str, str]:
    """Which of `LACKS`, and a reason that names it."""
    if not cells.has(dataset=dataset):
        return LACKS[0], f"no run on {dataset}"
    if not cells.has(dataset=dataset, method=method):
        return LACKS[1], f"no run of {method} on {dataset}"
    there = cells.lengths(method, dataset, task, metric)
    if bits is not None and there and bits not in there:
        lengths = ", ".join(map(str, there))
        return LACKS[2], f"{method} was not run at {bits} bits on {dataset}, but at {lengths}"
    return LACKS[3], f"no {metric} of {method} for {task} on {dataset}"


def table(
    paper: str,
    number: int,
    records: pd.DataFrame | None = None,
    dataset: str | None = None,
) -> pd.DataFrame:
    """Table `number` of `paper` in the paper's layout, as strings in per cent.

    A cell reads `ours ± half-width of the 95 % interval of the mean (published)`: without the
    half-width for a single seed, `–` where there is no number. Where a run failed there is no mean,
    but each seed's score, the failed one's with a cross. Variants without a published number,
    such as `sm_plain`, have a row where they were run.

    Args:
        paper, records, dataset: as for `compare`.
        number: the table's number in the paper.

    Returns:
        Rows are methods. A column's name is its dataset, task, `K bits` and metric, of which those
        are left out that are the same in the whole table (but the task). Where methods have
        different tasks, each a single one, they share columns, which name no task. A method
        without codes has the same number at every length.

    Raises:
        ValueError: where the paper has no such table.
    """
    published = tables(paper)
    numbers = sorted(published.table.unique())
    if number not in numbers:
        raise ValueError(
            f"{paper} has no table {number} of results; it has {', '.join(map(str, numbers))}."
        )
    rows = compare(paper, records, _with_variants(paper, published, number), dataset)
    rows = rows[(rows.n_seeds > 0) | rows.method.isin(published.method)]
    lengths, metrics = rows.bits.dropna().unique(), rows.metric.unique()
    tasks: list[str] = list(rows.task.unique())
    if len(tasks) > 1 and rows.groupby("method").task.nunique().max() == 1:
        tasks = [""]
    columns: dict[str, dict[str, str]] = {}
    datasets = rows.dataset.unique()
    for name, task, bits, metric in product(datasets, tasks, lengths, metrics):
        header = [name] * (len(datasets) > 1) + [task] * bool(task)
        header += [f"{bits} bits"] * (len(lengths) > 1) + [metric] * (len(metrics) > 1)
        at = rows[(rows.dataset == name) & (rows.metric == metric)]
        at = at[(at.task == task) | (task == "")]
        at = at[at.bits.eq(bits).fillna(True)]
        if at.empty:  # a metric of another dataset
            continue
        cells = columns[", ".join(header)] = {}
        for c in at.itertuples():
            half = "" if np.isnan(c.high) else f" ± {100 * (c.high - c.ours):.2f}"
            failing = c.verdict == "failed run"
            ours = c.reason.partition(": ")[2] if failing else f"{in_per_cent(c.ours)}{half}"
            cells[c.method] = f"{ours} ({in_per_cent(c.published)})"
    layout = pd.DataFrame(columns, index=pd.Index(rows.method.unique(), name="method"))
    return layout.fillna("")


def _with_variants(paper: str, published: pd.DataFrame, number: int) -> pd.DataFrame:
    """Rows of table `number`, and the same without a number for variants that no table prints.

    Args:
        paper: whose methods may stand there.
        published: the paper's tables.

    Returns:
        The first printed method of a class has its rows repeated for each such variant.
    """
    rows = published[published.table == number]
    printed = [m for m in rows.method.unique() if m in names()]
    parts, of_class = [rows], {method_class(m): m for m in reversed(printed)}
    for variant in names(paper):
        if variant not in set(published.method) and method_class(variant) in of_class:
            alike = rows[rows.method == of_class[method_class(variant)]]
            parts.append(alike.assign(method=variant, value=np.nan))
    return pd.concat(parts)


def scores(
    records: pd.DataFrame, dataset: str, metric: str = "mAP", methods: Sequence[str] = ()
) -> pd.DataFrame:
    """What came out on a dataset, as strings in per cent: mean ± half of the 95 % t-interval.

    Args:
        records: run records with the columns `records.COLUMNS`.
        dataset: whose runs. metric: which score.
        methods: rows, in this order; default: all there are, in the records' order.

    Returns:
        Rows `method, task`, columns code lengths; the half-width is left out for a single seed,
        and a cell without a run is empty. Where a run failed, a cell has each seed's score in place
        of a mean, the failed one's with a cross; where all are at chance, it says so.
    """
    records = records[records.dataset == dataset]
    by_luck = failed_runs.at_chance(records)
    chance = set(zip(by_luck.method, by_luck.task, by_luck.bits, strict=True))
    there = records.assign(failed=failed_runs.marks(records))[records.metric == metric]
    cells: dict[tuple[str, str], dict[int, str]] = {}
    for name in methods or there.method.unique():
        for task, of_task in there[there.method == name].groupby("task", sort=False):
            for bits, of_bits in of_task.groupby("bits"):
                row = cells.setdefault((str(name), str(task)), {})
                by_seed = dict(zip(of_bits.seed, of_bits.value, strict=True))
                sound = dict(zip(of_bits.seed, of_bits.value.mask(of_bits.failed), strict=True))
                failing = of_bits.failed.any()
                shown = (
                    shown_by_seed(by_seed, sound) if failing else per_cent(of_bits.value.to_numpy())
                )
                row[int(str(bits))] = shown + " (chance)" * ((name, task, bits) in chance)
    table = pd.DataFrame.from_dict(cells, orient="index").fillna("")
    table.index = pd.MultiIndex.from_tuples(table.index, names=["method", "task"])
    return table[sorted(table.columns)].rename(columns=lambda bits: f"{bits} bits")


def in_per_cent(value: float) -> str:
    """A fraction in per cent, `–` where there is none."""
    return "–" if np.isnan(value) else f"{100 * value:.2f}"
