"""The numbers that runs measured, joined as one run of them all would leave them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from filelock import FileLock

from mmhash_nb.experiments.records import KEY, write
from mmhash_nb.runner.finished import ended_well, record_path, records, results_folder
from mmhash_nb.runner.jobs import Job

#: parameters that divide a run into parts, which are joined again
_PARTS = ("bits", "seeds")


class _Part(NamedTuple):
    """What one run measured: `asked` is its place among the jobs of this command, from 0, or -1."""

    asked: int
    ended: float
    setting: str
    path: Path


def gather(jobs: Sequence[Job], out: Path, folder: Path) -> list[str]:
    """Write what finished runs measured to `folder/<paper>_<dataset>.csv`.

    All runs below `out` and `folder` count, those of other commands too. Runs of a notebook that
    differ in code lengths and seeds alone belong together, and a file holds one such setting: that
    of the last of `jobs` that measured it. A file that none of `jobs` measured is left as it is;
    where it is not there, it gets the setting that ended last. Where a value was measured
    twice in a setting, say before and after a change of the code, the later run counts.

    Args:
        jobs: what was asked for.
        out: as `batch.from_grid` takes it.
        folder: as `results.records.write` takes it.

    Returns:
        A sentence for each file from which a setting is left out.

    Raises:
        ValueError: where a run measured what records cannot hold.
    """
    if not _found(jobs, out, folder):
        return []
    folder.mkdir(parents=True, exist_ok=True)
    # Of batches that end at once the last finds what all of them measured.
    with FileLock(folder / ".gathered.lock"):
        said = []
        for name, parts in sorted(_found(jobs, out, folder).items()):
            best = max(parts)
            if best.asked < 0 and (folder / name).exists():
                continue
            of_setting = [part for part in parts if part.setting == best.setting]
            rows = [pd.read_csv(part.path) for part in sorted(of_setting, key=lambda p: p.ended)]
            write(pd.concat(rows).drop_duplicates(KEY, keep="last"), folder)
            if others := sorted({part.setting for part in parts} - {best.setting}):
                said.append(_left_out(folder / name, best.setting, others))
    return said


def _found(jobs: Sequence[Job], out: Path, folder: Path) -> dict[str, list[_Part]]:
    """What whole runs measured, by the name of the file that it belongs to."""
    asked = {record_path(job).resolve(): place for place, job in enumerate(jobs)}
    there = {
        path.resolve(): record
        for place in (out, folder)
        for path, record in records(place)
        if ended_well(path, record)
    }
    found: dict[str, list[_Part]] = {}
    for path, record in there.items():
        for name in record["results"]:
            where = results_folder(path) / name
            part = _Part(asked.get(path, -1), record["ended"], _setting(record), where)
            found.setdefault(name, []).append(part)
    return found


def _setting(record: Mapping[str, Any]) -> str:
    """A notebook and its parameters but for those that divide it, as a text that sorts."""
    kept = {name: value for name, value in record["settings"].items() if name not in _PARTS}
    return json.dumps({"notebook": record["notebook"], **kept}, sort_keys=True)


def _left_out(path: Path, holds: str, others: Sequence[str]) -> str:
    chosen = json.loads(holds)
    rest = [json.loads(other) for other in others]
    names = [n for n in chosen if any(other.get(n, ...) != chosen[n] for other in rest)]
    said = "; ".join(_words(other, names) for other in rest)
    return f"{path.name} holds the runs with {_words(chosen, names)}; left out: {said}"


def _words(setting: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{name}={setting[name]}" for name in names if name in setting)
