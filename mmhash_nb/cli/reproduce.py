"""Run the notebooks headlessly with papermill, then write the paper-versus-ours report."""

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from mmhash_nb.cli import PROGRAM
from mmhash_nb.io.project import project_root
from mmhash_nb.runner.cluster import at_once
from mmhash_nb.runner.finished import expected_in_all, expected_seconds, finished, records
from mmhash_nb.runner.headless import Outcome, in_words
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

    What the runs measured is joined in `runs/`, where the report finds it.

    Args:
        out: the report goes to `out/report.md` and `out/report.html`; runs lie below it.
        again: run also what is done.
        workers, scheduler: as `workers.run_jobs` takes them.

    Returns:
        How each job ended, and last, named `REPORT`, why no report could be written, if so.

    Raises:
        ValueError: before anything runs, where workers cannot be had as asked.
    """
    since = time.time() if again else 0.0
    outcomes = run_jobs(jobs, since, workers=workers, scheduler=scheduler)
    begun = time.perf_counter()
    # Imported here, since they take most of the seconds in which a command starts.
    from mmhash_nb import report
    from mmhash_nb.runner.merging import gather

    try:
        for left_out in gather(jobs, out, project_root() / "runs"):
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
    waiting = [job for job in jobs if again or not finished(job)]
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
        f"{len(waiting)} of {len(jobs)} to run, about {expected_in_all(known, workers):.0f} s in "
        f"all{f', and {unknown} without a record' if unknown else ''}"
    )


def _summary(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    rows = [(o.notebook, f"{o.seconds:.0f}", o.error or "ok") for o in outcomes]
    return pd.DataFrame(rows, columns=["notebook", "seconds", "status"])


def _add_batches(command: argparse.ArgumentParser) -> None:
    """The options of batches."""
    command.add_argument(
        "--grid",
        nargs="+",
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a run for each of these values of a parameter",
    )
    command.add_argument("--batch", type=Path, metavar="FILE.yml", help="a file of jobs to run")
    where = command.add_mutually_exclusive_group()
    where.add_argument("--workers", type=_count, metavar="N", help="so many runs at once, by Dask")
    where.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster that runs already")
    command.add_argument("--dry-run", action="store_true", help="say what would run, and how long")
    command.add_argument("--again", action="store_true", help="run also what is done")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"it must be an integer of at least 1, but is {text!r}.")
    return int(text)


def _jobs(asked: argparse.Namespace) -> list[Job]:
    """The jobs that a command line asks for."""
    if asked.batch is not None:
        if asked.notebook or asked.p or asked.grid:
            raise ValueError("--batch says what to run: leave out --notebook, -p and --grid.")
        return from_file(asked.batch, asked.out)
    grid: dict[str, list[str]] = {}
    for name, *values in asked.grid:
        if not values:
            raise ValueError(f"--grid {name} has no values: give one or more.")
        grid.setdefault(name, []).extend(values)
    return from_grid(asked.notebook, dict(asked.p), grid, asked.out)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 0, 1 where a notebook failed, 2 on a wrong argument."""
    parser = argparse.ArgumentParser(prog=PROGRAM)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("reproduce", help="run the notebooks, write the report")
    command.add_argument("--notebook", nargs="+", default=[], metavar="NAME")
    command.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    _add_batches(command)
    command.add_argument("--out", type=Path, default=project_root() / "runs", metavar="DIR")
    written = commands.add_parser("report", help="write the report alone; nothing is run")
    written.add_argument("--out", type=Path, default=project_root() / "runs", metavar="DIR")
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "report":
            from mmhash_nb import report

            for path in report.write(asked.out):
                print(f"report: {path}")
            return 0
        jobs = _jobs(asked)
        if asked.dry_run:
            n = at_once(asked.workers, asked.scheduler)
            print(*plan(jobs, asked.out, asked.again, n), sep="\n")
            return 0
        outcomes = reproduce(
            jobs, asked.out, again=asked.again, workers=asked.workers, scheduler=asked.scheduler
        )
    except (FileNotFoundError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; finished notebooks and runs are kept", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"error: {in_words(error)}", file=sys.stderr)
        return 1
    print(_summary(outcomes).to_string(index=False))
    if outcomes[-1].notebook != REPORT:
        print(f"report: {asked.out / 'report.md'} and report.html beside it")
    return int(any(outcome.error for outcome in outcomes))
