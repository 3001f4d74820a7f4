"""Run the notebooks headlessly, write the paper-versus-ours report, publish what runs left.

`reproduce` runs every numbered notebook of `notebooks/` with its default parameters, or what the
arguments say, in a process each (`runner/headless.py`). All that is written goes below `--out`,
which is `runs/` by default; `publish` replaces the committed files by it.
"""

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mmhash_nb.cli import PROGRAM
from mmhash_nb.io.project import project_root, runs_folder, writable, writing_below
from mmhash_nb.runner import cluster, machine
from mmhash_nb.runner.headless import Outcome, in_words
from mmhash_nb.runner.job_records import done, expected_seconds, makespan, records
from mmhash_nb.runner.jobs import Job, from_file, from_grid
from mmhash_nb.runner.workers import run_jobs

#: what a report that could not be written is called among the outcomes
REPORT = "report"


def reproduce(
    jobs: Sequence[Job],
    out: Path,
    *,
    again: bool = False,
    workers: int | None = None,
    scheduler: str | None = None,
) -> list[Outcome]:
    """Run what is not done of `jobs`, all of it even where some fail, then write the report.

    Args:
        out: holds all that is written: runs, their tables and pictures merged, and the report in
            `out/report.md` and `out/report.html`.
        again: run also what is done.
        workers, scheduler: as `workers.run_jobs` takes them; its errors come before anything runs.

    Returns:
        How each job ended, and last, named `REPORT`, why no report could be written, if so.
    """
    since = time.time() if again else 0.0
    outcomes = run_jobs(jobs, since, workers=workers, scheduler=scheduler)
    begun = time.perf_counter()
    # Imported here, since they take most of the seconds in which a command starts.
    from mmhash_nb import report
    from mmhash_nb.runner.merging import merge

    try:
        for left_out in merge(jobs, out):
            print(left_out, flush=True)
        report.write(out, outcomes)
    except (OSError, ValueError) as error:
        # One bad file of records must not hide how hours of work ended.
        outcomes.append(Outcome(REPORT, time.perf_counter() - begun, in_words(error)))
    return outcomes


def plan(jobs: Sequence[Job], out: Path, again: bool, workers: int) -> Iterator[str]:
    """Lines that say what `reproduce` would run, what it would not, and how long it may take."""
    known_runs = [record for _, record in records(out)]
    known: list[float] = []
    waiting = [job for job in jobs if again or not done(job)]
    for job in jobs:
        if job not in waiting:
            yield f"done       {job.name}"
            continue
        seconds = expected_seconds(job, known_runs)
        known += [] if seconds is None else [seconds]
        expected = "no record" if seconds is None else f"about {seconds:.0f} s"
        yield f"would run  {job.name}  ({expected})"
    unknown = len(waiting) - len(known)
    yield (
        f"{len(waiting)} of {len(jobs)} to run, about {makespan(known, workers):.0f} s in "
        f"all{f', and {unknown} without a record' if unknown else ''}"
    )


def _publish(given: argparse.Namespace) -> Iterator[str]:
    """Copy files of runs to the committed ones, with a line for each file."""
    from mmhash_nb.runner.merging import merge
    from mmhash_nb.runner.publishing import publish, publish_benchmarks

    root = project_root()
    if given.benchmarks:
        yield from publish_benchmarks(given.out, root)
        return
    jobs = _jobs(given)
    yield from merge(jobs, given.out)
    yield from publish(jobs, given.out, root)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("reproduce")
    copied = commands.add_parser("publish")
    report = commands.add_parser("report")
    named: dict[str, Any] = {"action": "append", "default": [], "metavar": ("NAME", "VALUE")}
    for command in (run, copied):
        command.add_argument("--notebook", nargs="+", default=[], metavar="NAME")
        command.add_argument("-p", nargs=2, **named)
        words = "a run for each of these values of a parameter"
        command.add_argument("--grid", nargs="+", help=words, **named)
        command.add_argument("--batch", type=Path, metavar="FILE.yml", help="a file of jobs")
    copied.add_argument("--benchmarks", action="store_true", help="the tables of benchmarks/ alone")
    for command in (run, copied, report):
        words = "where all goes that is written; default %(default)s"
        command.add_argument("--out", type=_out, default=runs_folder(), help=words, metavar="DIR")
    where = run.add_mutually_exclusive_group()
    words = "so many runs at once; by default as many as there are cores, memory and GPUs for"
    where.add_argument("--workers", type=_count, metavar="N", help=words)
    where.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster that runs already")
    run.add_argument("--dry-run", action="store_true", help="say what would run, and how long")
    run.add_argument("--again", action="store_true", help="run also what is done")
    return parser


def _out(text: str) -> Path:
    """An absolute path, which remains the same in processes of another folder."""
    return Path(os.path.abspath(os.path.expanduser(text)))


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"it must be an integer of at least 1, but is {text!r}.")
    return int(text)


def _jobs(arguments: argparse.Namespace) -> list[Job]:
    if arguments.batch is not None:
        if arguments.notebook or arguments.p or arguments.grid:
            raise ValueError("--batch says what to run: leave out --notebook, -p and --grid.")
        return from_file(arguments.batch, arguments.out)
    grid: dict[str, list[str]] = {}
    for name, *values in arguments.grid:
        if not values:
            raise ValueError(f"--grid {name} has no values: give one or more.")
        grid.setdefault(name, []).extend(values)
    return from_grid(arguments.notebook, dict(arguments.p), grid, arguments.out)


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands; returns 0, or 1 where a notebook failed."""
    given = _parser().parse_args(arguments)
    with writing_below(given.out):
        return _run(given)


def _run(given: argparse.Namespace) -> int:
    if given.command == "report":
        from mmhash_nb import report

        for path in report.write(given.out):
            print(f"report: {path}")
        return 0
    if given.command == "publish":
        for line in _publish(given):
            print(line, flush=True)
        return 0
    jobs = _jobs(given)
    if given.dry_run:
        n = cluster.at_once(there) if (there := given.scheduler) else machine.at_once(given.workers)
        print(*plan(jobs, given.out, given.again, n), sep="\n")
        return 0
    outcomes = reproduce(
        jobs,
        writable(given.out),
        again=given.again,
        workers=given.workers,
        scheduler=given.scheduler,
    )
    rows = [(o.notebook, f"{o.seconds:.0f}", o.error or "ok") for o in outcomes]
    table = pd.DataFrame(rows, columns=["notebook", "seconds", "status"])
    print(table.to_string(index=False))
    if outcomes[-1].notebook != REPORT:
        print(f"report: {given.out / 'report.md'} and report.html beside it")
    return int(any(outcome.error for outcome in outcomes))
