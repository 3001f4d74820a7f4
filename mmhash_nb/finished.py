"""Which jobs are done: a record beside each executed notebook, found valid by what went into it."""

import hashlib
import heapq
import json
import statistics
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mmhash_nb.batch import Job
from mmhash_nb.files import whole
from mmhash_nb.headless import Outcome, code_cells
from mmhash_nb.sources import package_hash, versions


def inputs_hash(job: Job) -> str:
    """SHA-256 over what a run's outcome depends on.

    That is the notebook's code, the parameters, this package's code, tables and weights, and the
    versions of the libraries. Datasets, and what a notebook reads from `results/`, are no part.
    """
    inputs = {
        "cells": code_cells(job.notebook),
        "parameters": dict(job.parameters),
        "package": package_hash(),
        "versions": versions(),
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def record_path(job: Job) -> Path:
    """Where the record of a job is: beside its executed notebook."""
    return job.output.with_suffix(".json")


def results_folder(job: Job) -> Path:
    """Where a run of a grid leaves the numbers it measured."""
    return job.output.with_suffix(".results")


def keep(job: Job, inputs: str, outcome: Outcome) -> None:
    """Write the record of a run that ended, whole."""
    record = {
        "hash": inputs,
        "notebook": job.notebook.stem,
        "parameters": dict(job.parameters),
        "seconds": round(outcome.seconds, 1),
        "ended": time.time(),
        "error": outcome.error,
    }
    with whole(record_path(job)) as aside:
        aside.write_text(json.dumps(record, indent=2) + "\n")


def read(path: Path) -> dict[str, Any] | None:
    """The record at `path`, None where there is none or it is not whole."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        keys = ("hash", "notebook", "parameters", "seconds", "ended", "error")
        return {**{key: record[key] for key in keys}, "seconds": float(record["seconds"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def finished(job: Job, since: float = 0.0) -> dict[str, Any] | None:
    """The record of a job that is done, None where it is to be run.

    A job is done where it ended without an error at `since` or later, nothing that went into it has
    changed, and its executed notebook is whole.
    """
    record = read(record_path(job))
    if record is None or record["error"] or record["ended"] < since:
        return None
    try:
        json.loads(job.output.read_bytes())
    except (OSError, ValueError):
        return None
    return record if record["hash"] == inputs_hash(job) else None


def past(out: Path) -> list[dict[str, Any]]:
    """Records of all runs below `out` that ended without an error."""
    records = [read(path) for path in sorted((out / "notebooks").rglob("*.json"))]
    return [record for record in records if record is not None and not record["error"]]


def expected_seconds(job: Job, records: Iterable[Mapping[str, Any]]) -> float | None:
    """What a job took with the same parameters, else with others: the median; None if unknown."""
    own = [r for r in records if r["notebook"] == job.notebook.stem]
    same = [r for r in own if r["parameters"] == job.parameters]
    return statistics.median(r["seconds"] for r in same or own) if own else None


def expected_in_all(seconds: Iterable[float], workers: int) -> float:
    """How long jobs of these durations take when each worker takes the next as it gets free."""
    free = [0.0] * max(1, workers)
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)
