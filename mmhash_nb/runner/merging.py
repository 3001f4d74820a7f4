"""Tables and pictures of many runs, merged as one run of them all would leave them."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from mmhash_nb.experiments.records import COLUMNS, KEY, write
from mmhash_nb.io.files import locked, whole
from mmhash_nb.runner.headless import files_folder
from mmhash_nb.runner.job_records import record_path, records, succeeded
from mmhash_nb.runner.jobs import Job

#: parameters that divide an experiment into runs, whose records are joined again
_DIVIDING = ("bits", "seeds")


class _Part(NamedTuple):
    """A file of one run: `job` is the run's index among the jobs of this command, or -1."""

    job: int
    ended: float
    setting: str
    path: Path


def merge(jobs: Sequence[Job], out: Path) -> list[str]:
    """Write to `out` the files that runs left: tables, and pictures below `figures/`.

    All runs below `out` count, those of other commands too. Records of runs that
    differ in code lengths and seeds alone belong together, and a file holds one such setting: that
    of the last of `jobs` that wrote it. Any other file is that of the last such run. A file that
    none of `jobs` wrote is left as it is; where it is not there, it gets the setting that ended
    last. Where a value was measured twice in a setting, say before and after a change of the code,
    the later run counts.

    Args:
        jobs: the jobs of this command.
        out: as `jobs.from_grid` takes it.

    Returns:
        A sentence for each file of records from which a setting is left out.

    Raises:
        ValueError: where a run measured what records cannot hold.
    """
    if not _found(jobs, out):
        return []
    # Of batches that end at once the last finds the files of all of them.
    with locked(out / ".merging.lock"):
        sentences = []
        for name, parts in sorted(_found(jobs, out).items()):
            best = max(parts)
            if best.job < 0 and (out / name).exists():
                continue
            if not holds_records(best.path):
                with whole(out / name) as aside:
                    shutil.copyfile(best.path, aside)
                continue
            same = [part for part in parts if part.setting == best.setting]
            rows = [pd.read_csv(part.path) for part in sorted(same, key=lambda p: p.ended)]
            write(pd.concat(rows).drop_duplicates(KEY, keep="last"), out)
            if others := sorted({part.setting for part in parts} - {best.setting}):
                sentences.append(_left_out(name, best.setting, others))
        return sentences


def holds_records(path: Path) -> bool:
    """Whether a file is a table of records: pictures and studies of settings are none."""
    if path.suffix != ".csv":
        return False
    with path.open(encoding="utf-8") as file:
        return set(COLUMNS) <= set(file.readline().rstrip("\n").split(","))


def _found(jobs: Sequence[Job], out: Path) -> dict[str, list[_Part]]:
    """The files of successful runs by the path that they get below `out`."""
    index = {record_path(job).resolve(): i for i, job in enumerate(jobs)}
    there = {path.resolve(): r for path, r in records(out) if succeeded(path, r)}
    found: dict[str, list[_Part]] = {}
    for path, record in there.items():
        of_run = (index.get(path, -1), record["ended"], _setting(record))
        for name in record["files"]:
            part = _Part(*of_run, files_folder(path) / name)
            found.setdefault(name, []).append(part)
    return found


def _setting(record: Mapping[str, Any]) -> str:
    """A notebook and its parameters but for those that divide it, as a text that sorts."""
    rest = {name: value for name, value in record["settings"].items() if name not in _DIVIDING}
    return json.dumps({"notebook": record["notebook"], **rest}, sort_keys=True)


def _left_out(name: str, holds: str, others: Sequence[str]) -> str:
    chosen = json.loads(holds)
    rest = [json.loads(other) for other in others]
    names = [n for n in chosen if any(other.get(n, ...) != chosen[n] for other in rest)]
    settings = "; ".join(_words(other, names) for other in rest)
    return f"{name} holds the runs with {_words(chosen, names)}; left out: {settings}"


def _words(setting: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{name}={setting[name]}" for name in names if name in setting)
