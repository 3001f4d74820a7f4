"""Run one notebook headlessly with papermill, in a separate process."""

import codecs
import contextlib
import errno
import glob
import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmhash_nb.io.cache import cache_folder
from mmhash_nb.io.files import FULL
from mmhash_nb.io.output import lasting_output
from mmhash_nb.io.project import RUNS

#: Kernels that never answer (a port taken between choosing and binding it) are started again.
STARTS = 3
_DEAD_KERNEL = 138
_POLL_SECONDS = 0.5
#: a process that has not ended so long after SIGTERM is killed
_GRACE_SECONDS = 5.0
#: files of a run's IPython folder: what is to be executed, and the sentence of an error
REQUEST, ERROR = "request.json", "error.txt"
_THREAD_POOLS = ("OMP", "MKL", "OPENBLAS", "NUMBA")


@dataclass(frozen=True)
class Outcome:
    """How one notebook ended: `error` is empty where it ran through."""

    notebook: str
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class Conditions:
    """Under which conditions a notebook runs.

    Attributes:
        folder: the current folder of the notebook, this process's by default.
        shown: whether what is printed appears here too.
        runs: the `io.project.runs_folder` of the notebook, as the environment says by default.
        threads: of BLAS, PyTorch and Numba each, likewise.
        gpu: the only one that it sees, as `CUDA_VISIBLE_DEVICES` names it, likewise.
        stopped: called twice a second; where it returns True, the run ends before its time.
    """

    folder: Path | None = None
    shown: bool = True
    threads: int | None = None
    gpu: str | None = None
    runs: Path | None = None
    stopped: Callable[[], bool] = lambda: False


DEFAULT = Conditions()


def execute(
    notebook: Path,
    output: Path,
    parameters: Mapping[str, Any],
    conditions: Conditions = DEFAULT,
) -> Outcome:
    """Run one notebook in a new process with an empty IPython folder.

    The process and its kernel end with this one, however that ends.

    Args:
        output: where the executed notebook goes; on failure it ends at the cell that failed. Its
            tables and pictures go to `files_folder(output)`, what it prints to a log beside it.
        parameters: typed values; names must be the notebook's.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    request = {
        "notebook": str(notebook.absolute()),
        "output": str(output.absolute()),
        "parameters": dict(parameters),
    }
    start = time.perf_counter()
    for _ in range(STARTS):
        output.unlink(missing_ok=True)
        exit_code, error = _start(request, output, conditions)
        if exit_code != _DEAD_KERNEL or _started(output):
            break
    return Outcome(notebook.stem, time.perf_counter() - start, error)


def _start(request: Mapping[str, Any], output: Path, conditions: Conditions) -> tuple[int, str]:
    """Exit status and error of one process that executes `request`."""
    log = output.with_suffix(".log")
    with tempfile.TemporaryDirectory(prefix=_prefix(output)) as ipython:
        (Path(ipython) / REQUEST).write_text(json.dumps(request))
        with log.open("wb") as written, log.open("rb") as printed:
            process = subprocess.Popen(
                [sys.executable, "-m", "mmhash_nb.runner.headless", ipython],
                # Closed when this process ends, by whatever signal: the other sees it.
                stdin=subprocess.PIPE,
                stdout=written,
                stderr=subprocess.STDOUT,
                cwd=conditions.folder,
                env=variables(ipython, files_folder(output.absolute()), conditions),
                start_new_session=True,  # Ctrl-C comes here, and then there
            )
            decoder = codecs.getincrementaldecoder("utf-8")("replace")

            def copy_log() -> None:
                if conditions.shown:
                    print(decoder.decode(printed.read()), end="", flush=True)

            exit_code = _wait(process, conditions.stopped, copy_log)
        if exit_code == 0:
            return 0, ""
        sentence = Path(ipython) / ERROR
        # On a full disk the file may be there and empty: a failure must not read as none.
        error = sentence.read_text(encoding="utf-8").strip() if sentence.exists() else ""
        return exit_code, error or f"exit status {exit_code}"


def variables(ipython: str, files: Path, conditions: Conditions = DEFAULT) -> dict[str, str]:
    """The environment of a run, whose tables go to `files`."""
    threads = conditions.threads
    return {
        **os.environ,
        "IPYTHONDIR": ipython,
        "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel before the user's
        "MMHASH_HEADLESS": "1",  # a line per epoch instead of bars
        "MMHASH_OUTPUT": str(files),
        **({"CUDA_VISIBLE_DEVICES": conditions.gpu} if conditions.gpu else {}),
        **({RUNS: str(conditions.runs)} if conditions.runs else {}),
        **({} if _has_home() else {"HOME": ipython, "MMHASH_CACHE": str(cache_folder("."))}),
        **({f"{pool}_NUM_THREADS": str(threads) for pool in _THREAD_POOLS} if threads else {}),
    }


def _has_home() -> bool:
    """Whether there is a home that can be written; Jupyter, and more in a kernel, needs one."""
    with contextlib.suppress(RuntimeError):
        return os.access(Path.home(), os.W_OK)
    return False


def files_folder(output: Path) -> Path:
    """Where the run of an executed notebook leaves its tables and pictures: beside it."""
    return output.with_suffix(".files")


def clear(output: Path) -> None:
    """Delete what earlier runs with this output have left; none may be running."""
    shutil.rmtree(files_folder(output), ignore_errors=True)
    for folder in Path(tempfile.gettempdir()).glob(f"{_prefix(output)}*"):
        shutil.rmtree(folder, ignore_errors=True)
    # As `files.whole` names them; another run may have a name that begins like this one.
    for part in output.parent.glob(f".{glob.escape(output.stem)}-????????.part.*"):
        part.unlink(missing_ok=True)


def _prefix(output: Path) -> str:
    """How IPython folders of runs with this output are named."""
    return f"mmhash-ipython-{hashlib.sha256(str(output.absolute()).encode()).hexdigest()[:12]}-"


def _wait(
    process: subprocess.Popen, stopped: Callable[[], bool], copy_log: Callable[[], None]
) -> int:
    """The exit status of `process`, which is ended with its kernel on Ctrl-C or where `stopped`."""
    try:
        while not stopped():
            copy_log()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(_POLL_SECONDS)
    finally:
        process.terminate()  # the kernel is shut down first
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # a kernel ends when it sees that its parent has
        process.stdin.close()  # type: ignore[union-attr]
        copy_log()
    return process.wait()


def _papermill(folder: Path) -> int:
    """Execute the request in `folder`; on an error leave its sentence there, return a status."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
    import papermill

    request = json.loads((folder / REQUEST).read_text())
    try:
        papermill.execute_notebook(
            request["notebook"],
            request["output"],
            request["parameters"],
            # Named here, since committed notebooks may be stripped of their metadata.
            kernel_name="python3",
            language="python",
            log_output=True,
            progress_bar=False,
        )
    except Exception as error:
        sentence, shown = in_words(error), traceback.format_exc()
        if isinstance(error, papermill.PapermillExecutionError):
            sentence, shown = f"{error.ename}: {error.evalue}", str(error)  # the cell's traceback
            sentence = FULL if os.strerror(errno.ENOSPC) in error.evalue else sentence
        (folder / ERROR).write_text(sentence, encoding="utf-8", errors="backslashreplace")
        print(shown, flush=True)
        # Jupyter raises RuntimeError where a kernel does not answer, at the start or later.
        return _DEAD_KERNEL if isinstance(error, RuntimeError) else 1
    return 0


def in_words(error: BaseException) -> str:
    """One sentence for what stopped a run."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return FULL
    return f"{type(error).__name__}: {error}"


def _end_with_parent() -> None:
    """End this process when the one that started it has ended; the kernel sees that in turn."""
    while os.read(0, 1):
        pass
    os._exit(1)


def _started(output: Path) -> bool:
    """Whether any cell of an executed notebook began to run."""
    if not output.is_file():
        return False
    metadata = [cell.get("metadata", {}) for cell in json.loads(output.read_bytes())["cells"]]
    return any(one.get("papermill", {}).get("start_time") for one in metadata)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with lasting_output():
        status = _papermill(Path(sys.argv[1]))
    sys.exit(status)
