"""Run one notebook headlessly: its parameters typed and checked, in a process of its own."""

import ast
import logging
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

#: Kernels that never answer (a port taken between choosing and binding it) are started again.
STARTS = 3
_DEAD_KERNEL = 138


@dataclass(frozen=True)
class Outcome:
    """How one notebook ended: `error` is empty where it ran through."""

    notebook: str
    seconds: float
    error: str = ""


def defaults(notebook: Path) -> dict[str, Any]:
    """The parameters of a notebook with their defaults: the literals of its `parameters` cell.

    The cell is parsed rather than asked of `papermill.inspect_notebook`, which gives defaults as
    text and loses a parameter whose comment holds an equals sign.
    """
    cells = nbformat.read(notebook, as_version=4).cells
    tagged = [c for c in cells if "parameters" in c.metadata.get("tags", [])]
    found: dict[str, Any] = {}
    for statement in ast.parse(tagged[0].source).body if tagged else []:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = ast.literal_eval(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = ast.literal_eval(value)
    return found


def typed(text: str, default: object) -> object:
    """`text` as a value of the type of `default`; lists are written `16,32` or `[16, 32]`.

    Raises:
        ValueError: where it is none.
    """
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


def parameters_for(notebook: Path, given: Mapping[str, str]) -> dict[str, Any]:
    """`given` (name to text) typed as the notebook declares it.

    Raises:
        ValueError: on a name the notebook does not have (papermill itself would only warn), or a
            text that is no value of its type.
    """
    known = defaults(notebook)
    values = {}
    for name, text in given.items():
        if name not in known:
            raise ValueError(
                f"{notebook.stem} has no parameter {name!r}; it has {', '.join(known) or 'none'}."
            )
        try:
            values[name] = typed(text, known[name])
        except (KeyError, ValueError):
            raise ValueError(
                f"parameter {name} of {notebook.stem} takes a value like {known[name]!r}, "
                f"not {text!r}."
            ) from None
    return values


def execute(notebook: Path, output: Path, parameters: Mapping[str, Any]) -> Outcome:
    """Run one notebook in a process and an IPython folder of its own.

    Args:
        output: where the executed notebook goes; on failure it ends at the cell that failed.
        parameters: typed values; names must be the notebook's.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    error = ""
    for _ in range(STARTS):
        output.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix="mmhash-ipython-") as folder:
            process = multiprocessing.get_context("spawn").Process(
                target=_papermill, args=(str(notebook), str(output), dict(parameters), folder)
            )
            process.start()
            try:
                process.join()
            finally:
                process.terminate()  # on Ctrl-C; the kernel ends with its parent
                process.join()
            said = Path(folder) / "error.txt"
            error = said.read_text() if said.exists() else f"exit status {process.exitcode}"
        if process.exitcode == 0:
            error = ""
        if process.exitcode != _DEAD_KERNEL or _started(output):
            break
    return Outcome(notebook.stem, time.perf_counter() - start, error)


def _papermill(notebook: str, output: str, parameters: dict[str, Any], folder: str) -> None:
    """Execute in this process; an error ends it, its sentence in `folder/error.txt`."""
    os.environ |= {
        "IPYTHONDIR": folder,
        "JUPYTER_PREFER_ENV_PATH": "1",  # this environment's kernel before the user's
        "MMHASH_HEADLESS": "1",  # a line per epoch instead of bars
    }
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout, force=True)
    import papermill

    try:
        papermill.execute_notebook(
            notebook,
            output,
            parameters,
            # Named here, since committed notebooks may be stripped of their metadata.
            kernel_name="python3",
            language="python",
            log_output=True,
            progress_bar=False,
        )
    except Exception as error:
        said, shown = f"{type(error).__name__}: {error}", traceback.format_exc()
        if isinstance(error, papermill.PapermillExecutionError):
            said, shown = f"{error.ename}: {error.evalue}", str(error)  # the cell's own traceback
        (Path(folder) / "error.txt").write_text(said)
        print(shown, flush=True)
        # Jupyter raises RuntimeError where a kernel does not answer, at the start or later.
        sys.exit(_DEAD_KERNEL if isinstance(error, RuntimeError) else 1)


def _started(output: Path) -> bool:
    """Whether any cell of an executed notebook began to run."""
    if not output.is_file():
        return False
    cells = nbformat.read(output, as_version=4).cells
    return any(cell.metadata.get("papermill", {}).get("start_time") for cell in cells)
