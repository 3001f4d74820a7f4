"""Run the notebooks headlessly with papermill, then write the paper-versus-ours report."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from mmhash_nb import report
from mmhash_nb.files import project_root
from mmhash_nb.headless import Outcome, execute, parameters_for


def find_notebooks(names: Sequence[str] = ()) -> list[Path]:
    """The notebooks of these names, or all numbered ones of the repository in order.

    Args:
        names: file names in `notebooks/`, with or without `.ipynb`, or paths.

    Raises:
        FileNotFoundError: naming the notebooks there are.
    """
    numbered = sorted((project_root() / "notebooks").glob("[0-9]*.ipynb"))
    if not names and not numbered:
        raise FileNotFoundError(
            f"{project_root() / 'notebooks'} holds no numbered notebook: run from the repository."
        )
    by_stem = {path.stem: path for path in numbered}
    found = []
    for name in names:
        path = by_stem.get(name.removesuffix(".ipynb"), Path(name))
        if not path.is_file():
            there = ", ".join(by_stem)
            raise FileNotFoundError(f"there is no notebook {name!r}; there are {there}.")
        found.append(path)
    return found or numbered


def reproduce(names: Sequence[str], given: Mapping[str, str], out: Path) -> list[Outcome]:
    """Run notebooks one after the other, all of them even where one fails, then write the report.

    Args:
        names: as for `find_notebooks`.
        given: parameters as text; every notebook of the run must have each of them.
        out: executed notebooks go to `out/notebooks/`, the report to `out/report.md`
            and `out/report.html`.

    Raises:
        FileNotFoundError, ValueError: before anything runs, on an unknown notebook or parameter.
    """
    runs = [(notebook, parameters_for(notebook, given)) for notebook in find_notebooks(names)]
    outcomes = []
    for notebook, parameters in runs:
        print(f"=== {notebook.stem}", *(f"{k}={v!r}" for k, v in parameters.items()), flush=True)
        outcomes.append(execute(notebook, out / "notebooks" / notebook.name, parameters))
    report.write(out, outcomes)
    return outcomes


def _summary(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    rows = [(o.notebook, f"{o.seconds:.0f}", o.error or "ok") for o in outcomes]
    return pd.DataFrame(rows, columns=["notebook", "seconds", "status"])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 0, 1 where a notebook failed, 2 on a wrong argument."""
    parser = argparse.ArgumentParser(prog="python -m mmhash_nb")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("reproduce", help="run the notebooks, write the report")
    command.add_argument("--notebook", nargs="+", default=[], metavar="NAME")
    command.add_argument("-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    command.add_argument("--out", type=Path, default=project_root() / "runs", metavar="DIR")
    written = commands.add_parser("report", help="write the report alone; nothing is run")
    written.add_argument("--out", type=Path, default=project_root() / "runs", metavar="DIR")
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "report":
            for path in report.write(asked.out):
                print(f"report: {path}")
            return 0
        outcomes = reproduce(asked.notebook, dict(asked.p), asked.out)
    except (FileNotFoundError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; finished notebooks and runs are kept", file=sys.stderr)
        return 130
    print(_summary(outcomes).to_string(index=False))
    print(f"report: {asked.out / 'report.md'} and report.html beside it")
    return int(any(outcome.error for outcome in outcomes))
