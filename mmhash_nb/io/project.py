"""Where files lie: one rule for all that is read, and one for all that is written.

*Read.* What is committed (`notebooks/`, `results/`, `figures/`) is that of `project_root`. A path
that a parameter or a variable names is `located`: from the current folder, else from a repository.

*Written.* All goes below `runs_folder`. The cache has a rule of its own, `io.cache.cache_folder`.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CHECKOUT = Path(__file__).parents[2]
#: names the folder of all that is written; `reproduce --out` sets it
RUNS = "MMHASH_RUNS"


def project_root(here: Path | None = None) -> Path:
    """The repository whose files are read: the nearest upwards, else that of this package.

    A package that is installed without its repository has none: it is `here` itself.

    Args:
        here: the current folder by default.
    """
    here = here or Path.cwd()
    return _around(here) or (_CHECKOUT if _is_root(_CHECKOUT) else here)


def runs_folder(here: Path | None = None) -> Path:
    """The folder of all that is written: `$MMHASH_RUNS`, else `runs/`.

    That is in the repository around `here`, and where there is none in `here` itself. So a
    repository that one may not write to is used from a folder of one's own.

    Args:
        here: the current folder by default.
    """
    return written_folder(RUNS, here) or _base(here or Path.cwd()) / "runs"


def output_folder() -> Path:
    """Where a notebook writes tables and pictures: `runs_folder`.

    Runs of a batch would replace each other's files: theirs go to `$MMHASH_OUTPUT`, a folder for
    each run, and the batch merges them when it ends.
    """
    return written_folder("MMHASH_OUTPUT") or runs_folder()


@contextmanager
def writing_below(folder: Path) -> Iterator[None]:
    """Have `folder` be the `runs_folder` of this process and of those that it starts."""
    before = os.environ.get(RUNS)
    os.environ[RUNS] = str(folder.absolute())
    try:
        yield
    finally:
        os.environ.pop(RUNS)
        os.environ.update({} if before is None else {RUNS: before})


def writable(folder: Path, by: str = f"--out or the variable {RUNS}") -> Path:
    """`folder`, which is made where it is not there.

    Args:
        by: how another folder is named.

    Raises:
        PermissionError: it cannot be written; the sentence names it and what to do.
        OSError: the disk is full.
    """
    reason = "it is read-only for you"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        reason = error.strerror or str(error)
    raise PermissionError(
        f"{folder.absolute()} cannot be written ({reason}): name another folder by {by}."
    )


def located(path: str | os.PathLike[str], here: Path | None = None) -> Path:
    """The absolute path that is meant by `path`, with `~` and `$NAME` as a shell has them.

    A relative one is looked for from `here`, then from the repository around it, then from that of
    this package. JupyterLab runs notebooks in `notebooks/`, and papermill in its caller's folder.
    Where none has it, it is that of the repository around `here`, or of `here`.

    Args:
        here: the current folder by default.
    """
    here = here or Path.cwd()
    path = os.path.expandvars(os.path.expanduser(path))
    paths = (folder / path for folder in (here, project_root(here)))
    # `os.path.exists` also takes what cannot be a path, such as a text of thousands of letters.
    return next(filter(os.path.exists, paths), _base(here) / path)


def short_path(path: Path) -> str:
    """A path for people: from the repository or the current folder where it is below them."""
    for folder in (project_root(), Path.cwd()):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return str(path)


def variable(name: str) -> str:
    """An environment variable without quotes and spaces around it; empty where it is not set."""
    text = os.environ.get(name, "").strip()
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def written_folder(name: str, here: Path | None = None) -> Path | None:
    """The folder to write to that an environment variable names; None where it names none.

    A relative one is in the repository around `here`, and where there is none in `here`.

    Raises:
        ValueError: it names a variable that is not set, or a home that is not known.
    """
    text = variable(name)
    path = os.path.expandvars(os.path.expanduser(text))
    if re.match(r"~|.*\$\w|.*\$\{", path):
        raise ValueError(f"the variable {name} is {text!r}, in which a part is not known: set it.")
    return _base(here or Path.cwd()) / path if text else None


def headless() -> bool:
    """Whether lines are printed in place of progress bars: `$MMHASH_HEADLESS`, which is not 0."""
    return variable("MMHASH_HEADLESS").lower() not in ("", "0", "false", "no", "off")


def _base(here: Path) -> Path:
    """What relative paths to write to are relative to."""
    return _around(here) or here


def _around(here: Path) -> Path | None:
    return next((folder for folder in (here, *here.parents) if _is_root(folder)), None)


def _is_root(folder: Path) -> bool:
    return (folder / "notebooks").is_dir() and (folder / "pyproject.toml").is_file()
