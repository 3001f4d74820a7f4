"""Run records as one long table: checked, on disk, and read cell by cell."""

import io
from pathlib import Path

import numpy as np
import pandas as pd

from mmhash_nb.io.files import whole
from mmhash_nb.io.project import output_folder, project_root, runs_folder, written_folder

#: One row of a record per task and metric; `value` is a fraction 0..1 (ACG: a number of labels).
COLUMNS = [
    "paper", "method", "dataset", "source", "task", "bits", "seed",
    "metric", "value", "seconds_fit", "device",
]  # fmt: skip
#: Over how many queries the value is a mean, and how many of them have nothing to find. Older
#: records are without: empty.
COUNTS = ["queries", "without_relevant"]
CROSS_MODAL = ("image-text", "text-image")
#: What one value belongs to.
KEY = ["paper", "method", "dataset", "task", "bits", "seed", "metric"]


def read(paper: str, folder: Path | None = None) -> pd.DataFrame:
    """The records of `paper` in `folder`: all its `<paper>_*.csv`, no rows where there are none.

    The default folder is the repository's `results/`, which keeps the records of full runs.
    """
    folder = folder or project_root() / "results"
    parts = [checked(_table(file), file) for file in sorted(folder.glob(f"{paper}_*.csv"))]
    if not parts:
        return pd.DataFrame({column: [] for column in COLUMNS}).astype({"bits": "Int64"})
    return checked(pd.concat(parts, ignore_index=True), folder)


def _table(file: Path) -> pd.DataFrame:
    try:
        text = file.read_text(encoding="utf-8")
        if not text.endswith("\n"):
            raise ValueError("its last line has no end")
        return pd.read_csv(io.StringIO(text))
    except ValueError as error:  # pandas has a dozen of these
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(f"{file} is no whole CSV file of records ({reason}).") from None


def write(records: pd.DataFrame, folder: Path | None = None) -> list[Path]:
    """Write `records` to `folder`, a `<paper>_<dataset>.csv` each, whole or not at all.

    A file that is there is replaced: it holds the last records of that paper and dataset. The
    default folder is `io.project.runs_folder()`. A run of a batch writes to its folder instead, and
    the batch merges those, as `io.project.output_folder` says.

    Returns:
        The files in `folder`.
    """
    folder = folder or runs_folder()
    now = written_folder("MMHASH_OUTPUT") or folder
    names = []
    for (paper, dataset), part in checked(records).groupby(["paper", "dataset"]):
        names.append(f"{paper}_{dataset}.csv")
        with whole(now / names[-1]) as aside:
            part[[*COLUMNS, *COUNTS]].to_csv(aside, index=False)
    return [folder / name for name in names]


def write_study(name: str, table: pd.DataFrame) -> None:
    """Write a study as `study_<name>.csv` to `runs/`, with the index where it has a name."""
    with whole(output_folder() / f"study_{name}.csv") as aside:
        table.to_csv(aside, index=table.index.names != [None])


def study_files(pattern: str, computed: bool = False) -> list[Path]:
    """The committed files `results/study_<pattern>.csv`, sorted by name.

    Args:
        pattern: a name as `write_study` takes it, or a glob pattern of names.
        computed: take those that were written to `runs/` in place of the committed ones.

    Raises:
        FileNotFoundError: there is none.
    """
    folders = [project_root() / "results", *([output_folder()] if computed else [])]
    found = {p.name: p for folder in folders for p in folder.glob(f"study_{pattern}.csv")}
    if not found:
        raise FileNotFoundError(f"there is no study_{pattern}.csv in {folders[0]}.")
    return [found[name] for name in sorted(found)]


def checked(records: pd.DataFrame, where: str | Path = "the records") -> pd.DataFrame:
    """`records`, bits and counts as `Int64`, repeated rows dropped.

    Args:
        records: rows with the columns `COLUMNS`; `COUNTS` are empty where they are not there.
        where: what messages call them.

    Raises:
        ValueError: where a column is missing, an entry is of another type, a value is no fraction,
            or two runs of one configuration and seed differ.
    """
    missing = [column for column in COLUMNS if column not in records]
    if missing:
        raise ValueError(f"{where} have no column {missing[0]!r}; they need {', '.join(COLUMNS)}.")
    records = records.assign(**{name: pd.NA for name in COUNTS if name not in records})
    for column in (*COLUMNS, *COUNTS):
        if (wrong := _wrong(column, records[column])).any():
            raise ValueError(
                f"{where} hold {str(records[column][wrong].iloc[0])[:40]!r} as {column} in row "
                f"{int(np.argmax(wrong)) + 1}: correct it, or run again what they record."
            )
    highest = records.metric.astype(str).str.startswith("ACG").map({True: np.inf, False: 1.0})
    wrong = records[~records.value.between(0, highest)]
    if len(wrong):
        row = wrong.iloc[0]
        raise ValueError(
            f"{where} hold {row.metric} = {row.value} of {row.method} on {row.dataset}, "
            "but values are fractions between 0 and 1."
        )
    whole_numbers = dict.fromkeys(["bits", *COUNTS], "Int64")
    records = records.astype(whole_numbers).drop_duplicates([*KEY, "value"])
    twice = records[records.duplicated(KEY)]
    if len(twice):
        row = twice.iloc[0]
        raise ValueError(
            f"{where} hold two different values of {row.metric} for {row.method}, {row.task}, "
            f"{row.bits} bits, seed {row.seed} on {row.dataset}: keep the records of one setting."
        )
    return records


def _wrong(column: str, entries: pd.Series) -> np.ndarray:
    """Which entries a column cannot have, `bool [rows]`; `bits` and `COUNTS` may be missing."""
    missing = entries.isna().to_numpy()
    if column in ("bits", "seed", "value", *COUNTS):
        numbers = pd.to_numeric(entries, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        unlike = np.isnan(numbers) & ~missing | (numbers < 0) & (column in COUNTS)
        if column != "value":
            unlike |= (numbers % 1 != 0) & ~np.isnan(numbers) | (np.abs(numbers) >= 1 << 31)
        return unlike if column != "seed" else unlike | missing
    return missing if column in KEY else np.zeros(len(entries), dtype=bool)


def with_unified_gallery(records: pd.DataFrame) -> pd.DataFrame:
    """`records` in which unified codes, where a method learns such, are its cross-modal gallery.

    `image-unified` takes the place of `image-text`, `text-unified` that of `text-image`. Methods
    without unified codes encode the gallery from one modality, as before.
    """
    gallery = {"image-unified": "image-text", "text-unified": "text-image"}
    unified = records.task.isin(list(gallery))
    renamed = records[unified].assign(task=records.task[unified].map(gallery))
    return pd.concat([records[~unified], renamed]).drop_duplicates(KEY, keep="last")


class Cells:
    """Values of run records, found by method, dataset, task, bits, metric and seed.

    The task `average` is the mean of both cross-modal tasks, for the seeds that have both.

    Args:
        records: rows with `method`, `dataset`, `task`, `bits`, `metric`, `seed` and `value`.
    """

    def __init__(self, records: pd.DataFrame) -> None:
        self._values: dict[tuple, dict[int | None, dict[int, float]]] = {}
        names = ["method", "dataset", "task", "metric", "bits", "seed", "value"]
        for *key, bits, seed, value in records[names].itertuples(index=False):
            lengths = self._values.setdefault(tuple(key), {})
            lengths.setdefault(None if pd.isna(bits) else int(bits), {})[seed] = value

    def has(self, dataset: str, method: str | None = None) -> bool:
        """Whether there is any value of a dataset, or of a method on it."""
        return any(there == dataset and method in (None, name) for name, there, *_ in self._values)

    def lengths(self, method: str, dataset: str, task: str, metric: str) -> list[int]:
        """The code lengths at which there are values, ascending."""
        there = [set(self._values.get((method, dataset, t, metric), ())) for t in _directions(task)]
        return sorted(bits for bits in set.intersection(*there) if bits is not None)

    def by_seed(
        self, method: str, dataset: str, task: str, bits: int | None, metric: str
    ) -> dict[int, float]:
        """Values of one cell by seed, empty where there is none.

        `bits` is None for a method without codes: any of its runs is the same, at whatever length.
        """
        found = []
        for direction in _directions(task):
            at = self._values.get((method, dataset, direction, metric), {})
            some = at.values() if bits is None else [at.get(bits, {})]
            found.append({seed: value for values in some for seed, value in values.items()})
        seeds = sorted(set.intersection(*(set(values) for values in found)))
        return {seed: sum(values[seed] for values in found) / len(found) for seed in seeds}

    def by_length(
        self, method: str, dataset: str, task: str, metric: str
    ) -> dict[int, dict[int, float]]:
        """Values by code length, ascending, and seed."""
        where = (method, dataset, task)
        lengths = self.lengths(*where, metric)
        return {bits: self.by_seed(*where, bits, metric) for bits in lengths}


def _directions(task: str) -> tuple[str, ...]:
    return CROSS_MODAL if task == "average" else (task,)
