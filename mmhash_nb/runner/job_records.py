"""Which jobs are done: a record beside each executed notebook, with what went into the run."""

import hashlib
import heapq
import json
import os
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmhash_nb.io.download import digest_of
from mmhash_nb.io.files import whole
from mmhash_nb.io.finding import files_below
from mmhash_nb.io.project import located, project_root
from mmhash_nb.io.source import package_hash, versions
from mmhash_nb.runner.headless import Outcome, files_folder
from mmhash_nb.runner.jobs import Job
from mmhash_nb.runner.notebook_parameters import code_cells, defaults

#: what a record holds
_KINDS: dict[str, type | tuple[type, ...]] = {
    **{"hash": str, "notebook": str, "parameters": dict, "settings": dict, "error": str},
    **{"seconds": (int, float), "ended": (int, float), "took": list},
    **{"files": dict, "published": dict},
}
#: how many durations of a job's last runs a record holds
_LAST = 5


def inputs_hash(job: Job, folder: Path | None = None) -> str:
    """SHA-256 over what a run's outcome depends on.

    That is the notebook's code, the parameters, this package's code, tables and weights, and the
    versions of the libraries. Of files that are read, a dataset's or one that a parameter names, it
    is their names, sizes and times of change. The tables in `results/` are seen to by `done`.

    Args:
        folder: what relative paths are relative to, the current folder by default.
    """
    inputs = {
        "cells": code_cells(job.notebook),
        "parameters": dict(job.parameters),
        "package": package_hash(),
        "versions": versions(),
        "files": _read_files(_settings(job), folder or Path.cwd()),
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _settings(job: Job) -> dict[str, Any]:
    """All parameters of a job, those that are left at their defaults among them."""
    return {**defaults(job.notebook), **job.parameters}


def _read_files(settings: Mapping[str, Any], folder: Path) -> list[tuple[str, int, int]]:
    """Name, size and second of change of each file that a job with these settings reads."""
    from mmhash_nb import datasets  # takes seconds, and most processes never come here

    texts = (value for value in settings.values() if isinstance(value, str) and value)
    named = [located(value, folder) for value in texts]
    found = [(path.name, path) for path in named if os.path.isfile(path)]  # a value may be any text
    value = str(settings.get("dataset", ""))
    # A selection `<dataset>_<selection>` reads the files of its dataset.
    name = next((n for n in datasets.names() if value == n or value.startswith(f"{n}_")), None)
    where = name and datasets.find(name, datasets.data_root(settings.get("root"), folder))
    if where:
        inside = [where] if where.is_file() else files_below(where)
        found += [(p.relative_to(where.parent).as_posix(), p) for p in inside if p.is_file()]
    stats = ((name, path.stat()) for name, path in found)
    return sorted((name, stat.st_size, int(stat.st_mtime)) for name, stat in stats)


def record_path(job: Job) -> Path:
    """Where the record of a job is: beside its executed notebook."""
    return job.output.with_suffix(".json")


def begin(job: Job, folder: Path | None = None) -> None:
    """Mark a job as not done while it runs; how long its earlier runs took stays known."""
    outcome = Outcome(job.name, 0.0, "it was begun and did not end")
    _write(job, outcome, hash="", ended=0.0, files={}, published=_published(folder))


def _published(folder: Path | None) -> dict[str, str]:
    """SHA-256 of each table in `results/`, which notebooks quote."""
    tables = (project_root(folder) / "results").glob("*.csv")
    return {path.name: digest_of(path, "sha256") for path in tables}


def end(job: Job, inputs: str, outcome: Outcome) -> None:
    """Write the record of a run that ended, with digests of the files that it left."""
    folder = files_folder(job.output)
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.startswith(".")]
    digests = {p.relative_to(folder).as_posix(): digest_of(p, "sha256") for p in files}
    _write(job, outcome, hash=inputs, ended=time.time(), files=digests)


def _write(job: Job, outcome: Outcome, **of_run: Any) -> None:
    """Write a record; the published tables are those of `begin` unless they are given."""
    before = read(record_path(job)) or {"published": {}, "took": []}
    seconds = round(outcome.seconds, 1)
    record = {
        "notebook": job.notebook.stem,
        "parameters": dict(job.parameters),
        "settings": _settings(job),
        "seconds": seconds,
        "error": outcome.error,
        "published": before["published"],
        "took": before["took"] if outcome.error else [*before["took"], seconds][-_LAST:],
        **of_run,
    }
    with whole(record_path(job)) as aside:
        aside.write_text(json.dumps(record, indent=2) + "\n")


def read(path: Path) -> dict[str, Any] | None:
    """The record at `path`, None where there is none or it is not whole."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(record, dict):
        return None
    whole_record = all(isinstance(record.get(key), kind) for key, kind in _KINDS.items())
    numbers = whole_record and all(isinstance(one, int | float) for one in record["took"])
    return record if numbers else None


def succeeded(path: Path, record: Mapping[str, Any]) -> bool:
    """Whether a run ended without an error, and all files that it left are there, unchanged."""
    if record["error"]:
        return False
    folder = files_folder(path)
    try:
        files = record["files"].items()
        return all(digest_of(folder / name, "sha256") == digest for name, digest in files)
    except OSError:
        return False


def done(job: Job, since: float = 0.0, folder: Path | None = None) -> dict[str, Any] | None:
    """The record of a job that is done, None where it is to be run.

    A job is done where it ended without an error at `since` or later, nothing that went into it has
    changed, and its executed notebook and the files that it left are whole. A table in `results/`
    has changed where it is neither what it was nor what this very run left.

    Args:
        folder: as `inputs_hash` takes it.
    """
    record = read(record_path(job))
    if record is None or record["ended"] < since or not succeeded(record_path(job), record):
        return None
    try:
        json.loads(job.output.read_bytes())
    except (OSError, ValueError):
        return None
    before, left, now = record["published"], record["files"], _published(folder)
    for name in {*before, *now}:
        if now.get(name) not in (before.get(name), left.get(name, "")):
            return None
    return record if record["hash"] == inputs_hash(job, folder) else None


def records(out: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Path and content of every record below `out`, those of failed runs among them."""
    for path in sorted((out / "notebooks").rglob("*.json")):
        # Hidden ones were being written when their process was killed.
        if not path.name.startswith(".") and (record := read(path)) is not None:
            yield path, record


def expected_seconds(job: Job, records: Iterable[Mapping[str, Any]]) -> float | None:
    """What a job took with the same parameters, else with others: the median; None if unknown."""
    of_notebook = [r for r in records if r["notebook"] == job.notebook.stem and r["took"]]
    same = [r for r in of_notebook if r["parameters"] == job.parameters]
    took = [seconds for record in same or of_notebook for seconds in record["took"]]
    return statistics.median(took) if took else None


def makespan(seconds: Iterable[float], workers: int) -> float:
    """How long jobs of these durations take when each worker takes the next as it gets free."""
    free = [0.0] * max(1, workers)
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)
