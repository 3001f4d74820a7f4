"""The committed pictures, tables and executed notebooks, replaced by those of runs."""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mmhash_nb.io.files import whole
from mmhash_nb.runner.job_records import done
from mmhash_nb.runner.jobs import Job
from mmhash_nb.runner.merging import holds_records

#: how many examples of a change are shown
_SHOWN = 3


def publish(jobs: Sequence[Job], runs: Path, root: Path) -> Iterator[str]:
    """Copy what `jobs` left to `figures/`, `results/` and `notebooks/`, each file whole.

    Pictures and studies of settings are copied from every job. Records are copied from jobs with
    parameters alone: those of the default parameters are shown by the executed notebook, which is
    copied in turn.

    Args:
        jobs: all of them done, and merged in `runs`.
        runs: where `merging.merge` wrote to.
        root: the repository.

    Yields:
        For each file its path, and whether it is new, unchanged, or what changed.

    Raises:
        ValueError: before anything is copied, where a job is not done.
    """
    records = {job.name: record for job in jobs if (record := done(job))}
    if missing := [job.name for job in jobs if job.name not in records]:
        raise ValueError(
            f"{', '.join(missing[:_SHOWN])}{' …' if missing[_SHOWN:] else ''} is not done, or what "
            "went into it has changed: run reproduce with the same arguments first."
        )
    names = dict.fromkeys(
        name
        for job in jobs
        for name in records[job.name]["files"]
        if job.parameters or not holds_records(runs / name)
    )
    for name in names:
        committed = name if name.startswith("figures/") else f"results/{name}"
        yield _replaced(root, committed, (runs / name).read_bytes())
    for folder in sorted({Path(name).parent for name in names if name.startswith("figures/")}):
        for path in sorted((root / folder).iterdir()):
            if (old := path.relative_to(root).as_posix()) not in names:
                yield f"not drawn  {old}: delete it where no run draws it any more"
    for job in jobs:
        if not job.parameters and job.notebook.parent == root / "notebooks":
            yield _replaced(root, f"notebooks/{job.notebook.name}", executed(job).encode())


def publish_benchmarks(runs: Path, root: Path) -> Iterator[str]:
    """Copy the tables that `benchmarks/` left in `runs` to `results/`, and say what changed.

    Raises:
        FileNotFoundError: there is none.
    """
    if not (tables := sorted(runs.glob("benchmarks_*.csv"))):
        raise FileNotFoundError(f"{runs} has no benchmarks_*.csv: run one of benchmarks/ first.")
    for table in tables:
        yield _replaced(root, f"results/{table.name}", table.read_bytes())


def executed(job: Job) -> str:
    """The notebook of a job with the outputs of its run, as JSON text.

    Cells, their names and tags are those of the notebook itself. Nothing is in it that every run
    changes: no time, no state of widgets, no line of progress, and the identifier of a widget only
    where the output changed otherwise.
    """
    notebook = json.loads(job.notebook.read_text(encoding="utf-8"))
    run = json.loads(job.output.read_text(encoding="utf-8"))
    of_run = {cell["id"]: cell for cell in run["cells"] if cell["cell_type"] == "code"}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            ran = of_run[cell["id"]]
            # Progress and warnings go to the standard error.
            outputs = [output for output in ran["outputs"] if output.get("name") != "stderr"]
            cell["execution_count"] = ran["execution_count"]
            if _without_ids(outputs) != _without_ids(cell["outputs"]):
                cell["outputs"] = outputs
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _without_ids(value: Any) -> Any:
    """Outputs without the identifiers of widgets; a text and the list of its lines are the same."""
    if isinstance(value, dict):
        return {key: _without_ids(item) for key, item in value.items() if key != "model_id"}
    if isinstance(value, list):
        if value and all(isinstance(line, str) for line in value):
            return "".join(value)
        return [_without_ids(item) for item in value]
    return value


def _replaced(root: Path, name: str, content: bytes) -> str:
    path = root / name
    before = path.read_bytes() if path.exists() else None
    if before == content:
        return f"unchanged  {name}"
    with whole(path) as aside:
        aside.write_bytes(content)
    if before is None:
        return f"new        {name}"
    change = {".csv": _rows, ".ipynb": _cells}.get(path.suffix, lambda *_: "")(before, content)
    return f"changed    {name}{f': {change}' if change else ''}"


def _rows(before: bytes, after: bytes) -> str:
    """How two versions of a table differ, with the first rows that do."""
    old, new = (list(csv.reader(text.decode().splitlines())) for text in (before, after))
    if old[0] != new[0]:
        return f"columns {', '.join(old[0])} → {', '.join(new[0])}"
    if len(old) != len(new):
        gone = [row for row in old if row not in new]
        came = [row for row in new if row not in old]
        return f"{_examples('rows gone', gone)}; {_examples('rows new', came)}"
    changes = []
    for i, column in enumerate(new[0]):
        rows = [
            [*(text for a, text in zip(was, now, strict=True) if a == text), was[i], "→", now[i]]
            for was, now in zip(old[1:], new[1:], strict=True)
            if was[i] != now[i]
        ]
        changes += [_examples(f"values of {column}", rows)] if rows else []
    return "; ".join(changes)


def _examples(what: str, rows: Sequence[Sequence[str]]) -> str:
    shown = ", ".join(" ".join(filter(None, row)) for row in rows[:_SHOWN])
    return f"{len(rows)} {what} ({shown}{', …' if rows[_SHOWN:] else ''})" if rows else f"0 {what}"


def _cells(before: bytes, after: bytes) -> str:
    old, new = (json.loads(text)["cells"] for text in (before, after))
    changed = [
        str(i)
        for i, (was, now) in enumerate(zip(old, new, strict=True))
        if was.get("outputs") != now.get("outputs")
    ]
    return f"outputs of {len(changed)} cells ({', '.join(changed)})"
