"""Small notebooks and the command line, for tests of batches and of what goes wrong in them."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil

#: what a counting notebook leaves: a line for each time its cell was begun
COUNT = "import os; open('count.txt', 'a').write(f'{name} {seeds}\\n')"
#: stays in its cell until the file is there
WAIT = "import time\nwhile not os.path.exists('go'): time.sleep(0.05)"
PARAMETERS = """\
name: str = "a"  # of the notebook
seeds: list[int] = []  # which
pause: float = 0.0  # seconds"""


def notebook(path: Path, *cells: str, parameters: str = PARAMETERS) -> Path:
    made = [nbformat.v4.new_code_cell(source) for source in (parameters, *cells)]
    made[0].metadata["tags"] = ["parameters"]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)
    return path


_COMMAND = Path(__file__).with_name("batch_command.py")
_started: list[subprocess.Popen] = []


def start(
    folder: Path, *arguments: str, whole: bool = False, ignored: signal.Signals | None = None
) -> subprocess.Popen:
    """`python -m mmhash_nb reproduce` in a new process group.

    Args:
        whole: write the report too.
        ignored: as `begin` takes it.
    """
    command = ["-m", "mmhash_nb"] if whole else [str(_COMMAND)]
    return begin(folder, *command, "reproduce", *arguments, ignored=ignored)


def begin(folder: Path, *arguments: str, ignored: signal.Signals | None = None) -> subprocess.Popen:
    """Python with these arguments, in a new process group.

    Args:
        ignored: a signal that it ignores when it starts, as a shell has it for what runs behind.
    """
    # Tests that run in the background ignore Ctrl-C, under nohup HUP, and so would what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    trap = f"trap '' {ignored.name.removeprefix('SIG')}; " if ignored else ""
    command = subprocess.Popen(
        ["sh", "-c", f'{trap}exec "$@"', "sh", sys.executable, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    _started.append(command)
    return command


def kill_started() -> None:
    """Kill what was begun and a failed test has left."""
    while _started:
        command = _started.pop()
        if command.poll() is None:
            command.kill()
            command.wait()
        command.stdout.close()


def ended(process: subprocess.Popen, seconds: float = 900) -> tuple[int, str]:
    """Exit status and output of a command."""
    log, _ = process.communicate(timeout=seconds)
    return process.returncode, log


def reproduce(folder: Path, *arguments: str, whole: bool = False) -> tuple[int, str]:
    return ended(start(folder, *arguments, whole=whole))


def until(true: Callable[[], object], seconds: float = 600) -> None:
    """Wait for a condition, and fail where it does not come."""
    limit = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < limit, "it did not come in time"
        time.sleep(0.05)


def descendants(process: subprocess.Popen) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def with_argument(processes: list[psutil.Process], text: str) -> list[psutil.Process]:
    """Those whose command line holds `text`."""
    found = []
    for one in processes:
        try:
            found += [one] if text in " ".join(one.cmdline()) else []
        except psutil.Error:
            continue
    return found


def gone(processes: list[psutil.Process]) -> None:
    """Wait until all of these have ended."""
    until(lambda: not any(p.is_running() and p.status() != "zombie" for p in processes))


def begun(folder: Path, n: int = 1) -> None:
    """Wait until so many counting cells were begun."""
    until(lambda: len(lines(folder / "count.txt")) >= n)


def lines(path: Path) -> list[str]:
    return sorted(path.read_text().splitlines()) if path.exists() else []


def waiting(folder: Path) -> Path:
    """A project of one notebook that counts, then waits."""
    (folder / "pyproject.toml").touch()
    notebook(folder / "notebooks" / "1_wait.ipynb", COUNT, WAIT, "print('through', seeds)")
    return folder


def printed(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "".join(o.get("text", "") for cell in cells for o in cell.get("outputs", []))
