"""Run one notebook headlessly: its parameters typed and checked, in a process of its own."""

import ast
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
from typing import Any, BinaryIO

from mmhash_nb.io.source import parsed

#: Kernels that never answer (a port taken between choosing and binding it) are started again.
STARTS = 3
_DEAD_KERNEL = 138
_POLL_SECONDS = 0.5
#: a process that was asked to end and has not after so long is killed
_GRACE_SECONDS = 5.0
#: files of a run's own folder: what is to be executed, and the sentence of an error
REQUEST, ERROR = "request.json", "error.txt"
FULL = "the disk is full: free some space and run the same command again."
#: a value for each annotation of a list
_ITEMS = {"list[int]": [16], "list[float]": [0.5], "list[str]": [""], "list[bool]": [True]}


@dataclass(frozen=True)
class Outcome:
    """How one notebook ended: `error` is empty where it ran through."""

    notebook: str
    seconds: float
    error: str = ""


def code_cells(notebook: Path) -> list[tuple[str, list[str]]]:
    """Source and tags of each code cell.

    Raises:
        ValueError: where the file is no whole notebook.
    """
    try:
        return [
            ("".join(cell["source"]), cell.get("metadata", {}).get("tags", []))
            for cell in _cells(notebook)
            if cell["cell_type"] == "code"
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{notebook} is no whole notebook ({error!r}).") from None


def _cells(notebook: Path) -> list[dict[str, Any]]:
    """The cells of a notebook, read as JSON: importing `nbformat` takes seconds."""
    try:
        return json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{notebook} is no whole notebook ({error!r}).") from None


def defaults(notebook: Path) -> dict[str, Any]:
    """The parameters of a notebook with their defaults: the literals of its `parameters` cell.

    The cell is parsed rather than asked of `papermill.inspect_notebook`, which gives defaults as
    text and loses a parameter whose comment holds an equals sign.
    """
    return {name: default for name, (default, _) in _declared(notebook).items()}


def _declared(notebook: Path) -> dict[str, tuple[Any, Any]]:
    """Parameters with their default and a value of their type, which an empty list does not show.

    A list's type is read from its annotation: `list[int]`.
    """
    tagged = [source for source, tags in code_cells(notebook) if "parameters" in tags]
    found: dict[str, Any] = {}
    for statement in parsed(tagged[0]).body if tagged else []:
        annotation = ""
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                annotation = ast.unparse(statement.annotation)
            case _:
                continue
        default = ast.literal_eval(value)
        like = _ITEMS.get(annotation, default) if default == [] else default
        found[name] = (default, like)
    return found


def typed(value: object, default: object) -> object:
    """`value` as one of the type of `default`; lists are written `16,32` or `[16, 32]` as text.

    A single value stands for a list of one.

    Raises:
        KeyError, ValueError: where it is none.
    """
    if not isinstance(value, str):
        return _checked(value, default)
    text = value
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        return {"true": True, "false": False}[text.lower()]
    if isinstance(default, int | float):
        return type(default)(text)
    if isinstance(default, list | tuple):
        try:
            items = list(ast.literal_eval(text if text[:1] in ("[", "(") else f"[{text}]"))
        except (SyntaxError, ValueError):
            items = [item.strip() for item in text.split(",")]
        return [typed(str(item), default[0]) for item in items] if default else items
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _checked(value: object, default: object) -> object:
    """`value`, which is no text, as one of the type of `default`, or a ValueError."""
    if isinstance(default, list | tuple):
        items = value if isinstance(value, list) else [value]
        return [typed(item, default[0]) for item in items] if default else items
    if default is None and (value is None or isinstance(value, bool | int | float | list)):
        return value
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is type(default):
        return value
    raise ValueError


def parameters_for(notebook: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given`, values by name or their texts, typed as the notebook declares them.

    Raises:
        ValueError: on a name the notebook does not have (papermill itself would only warn), or a
            value or text that is none of its type.
    """
    known = _declared(notebook)
    values = {}
    for name, value in given.items():
        if name not in known:
            raise ValueError(
                f"{notebook.stem} has no parameter {name!r}; it has {', '.join(known) or 'none'}."
            )
        _, like = known[name]
        try:
            values[name] = typed(value, like)
        except (KeyError, ValueError):
            raise ValueError(
                f"parameter {name} of {notebook.stem} takes a value like {like!r}, not {value!r}."
            ) from None
    return values


def execute(
    notebook: Path,
    output: Path,
    parameters: Mapping[str, Any],
    *,
    folder: Path | None = None,
    shown: bool = True,
    surroundings: Mapping[str, str] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Run one notebook in a process and an IPython folder of its own.

    The process and its kernel end with this one, however that ends.

    Args:
        output: where the executed notebook goes; on failure it ends at the cell that failed.
        parameters: typed values; names must be the notebook's.
        folder: the current folder of the notebook, this process's by default.
        shown: whether what is printed, which goes to a log beside `output`, is printed here too.
        surroundings: environment variables of the run, beside those of this process.
        stopped: asked now and then; where it returns True, the run ends before its time.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    log = output.with_suffix(".log")
    start = time.perf_counter()
    error = ""
    for _ in range(STARTS):
        output.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix=_prefix(output)) as own:
            request = {
                "notebook": str(notebook.absolute()),
                "output": str(output.absolute()),
                "parameters": dict(parameters),
            }
            (Path(own) / REQUEST).write_text(json.dumps(request))
            with log.open("wb") as written, log.open("rb") as printed:
                exit_code = _wait(
                    subprocess.Popen(
                        [sys.executable, "-m", "mmhash_nb.runner.headless", own],
                        # Closed when this process ends, by whatever signal: the other sees it.
                        stdin=subprocess.PIPE,
                        stdout=written,
                        stderr=subprocess.STDOUT,
                        cwd=folder,
                        env={**os.environ, **_surroundings(own), **(surroundings or {})},
                        start_new_session=True,  # Ctrl-C comes here, and then there
                    ),
                    stopped,
                    _Copy(printed) if shown else lambda: None,
                )
            said = Path(own) / ERROR
            # On a full disk the file may be there and empty: a failure must not read as none.
            error = said.read_text().strip() if said.exists() else ""
            error = error or f"exit status {exit_code}"
        if exit_code == 0:
            error = ""
        if exit_code != _DEAD_KERNEL or _started(output):
            break
    return Outcome(notebook.stem, time.perf_counter() - start, error)


def clear(output: Path) -> None:
    """Delete what killed runs with this output have left; none may be running."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_prefix(output)}*"):
        shutil.rmtree(folder, ignore_errors=True)
    # As `files.whole` names them; another run may have a name that begins like this one.
    for part in output.parent.glob(f".{glob.escape(output.stem)}-????????.part.*"):
        part.unlink(missing_ok=True)


def _prefix(output: Path) -> str:
    """How IPython folders of runs with this output are named."""
    return f"mmhash-ipython-{hashlib.sha256(str(output.absolute()).encode()).hexdigest()[:12]}-"


class _Copy:
    """Prints what has come to a log since the last call."""

    def __init__(self, log: BinaryIO) -> None:
        self.log = log
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def __call__(self) -> None:
        print(self.decoder.decode(self.log.read()), end="", flush=True)


def _wait(
    process: subprocess.Popen, stopped: Callable[[], bool], now_and_then: Callable[[], None]
) -> int:
    """The exit status of `process`, which is ended with its kernel on Ctrl-C or where asked to."""
    try:
        while not stopped():
            now_and_then()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(_POLL_SECONDS)
    finally:
        process.terminate()  # the kernel is shut down first
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # a kernel ends when it sees that its parent has
        process.stdin.close()  # type: ignore[union-attr]
        now_and_then()
    return process.wait()


def _surroundings(folder: str) -> dict[str, str]:
    """The environment variables of a process that runs a notebook."""
    return {
        "IPYTHONDIR": folder,
        "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel before the user's
        "MMHASH_HEADLESS": "1",  # a line per epoch instead of bars
    }


def _papermill(folder: Path) -> int:
    """Execute what `folder` asks for; on an error leave its sentence there and return a status."""
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
        said, shown = in_words(error), traceback.format_exc()
        if isinstance(error, papermill.PapermillExecutionError):
            said, shown = f"{error.ename}: {error.evalue}", str(error)  # the cell's own traceback
            said = FULL if os.strerror(errno.ENOSPC) in error.evalue else said
        (folder / ERROR).write_text(said)
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
    metadata = [cell.get("metadata", {}) for cell in _cells(output)]
    return any(one.get("papermill", {}).get("start_time") for one in metadata)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(_papermill(Path(sys.argv[1])))
