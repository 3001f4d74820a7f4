"""Where files live, and how they are written: whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path beside `path` to write to; rename it to `path` only if the block succeeds.

    A full disk, an exception or a kill leaves the previous `path` as it was. The yielded name
    keeps the suffix of `path`, since NumPy and Matplotlib choose a format by it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".{path.stem}-", suffix=f".part{path.suffix}", dir=path.parent
    )
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        with open(aside, "rb") as written:
            os.fsync(written.fileno())
        # mkstemp makes files private; a result is as readable as any other new file.
        umask = os.umask(0)
        os.umask(umask)
        aside.chmod(0o666 & ~umask)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def project_root() -> Path:
    """The repository root: the nearest folder upwards with `notebooks/`, else the current one.

    nbval runs a notebook in the notebook's folder and papermill in the caller's; both find the
    same `runs/`, `results/` and `figures/` through this.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "notebooks").is_dir() and (folder / "pyproject.toml").is_file():
            return folder
    return here


def output_folder() -> Path:
    """Where a notebook writes tables and pictures: `runs/` of the repository.

    Runs of a batch would replace each other's files: theirs go to `$MMHASH_OUTPUT`, a folder for
    each run, and the batch merges them in `runs/` when it ends.
    """
    folder = os.environ.get("MMHASH_OUTPUT")
    return Path(folder) if folder else project_root() / "runs"


def cache_folder(name: str) -> Path:
    """A folder for what can be computed again: `$MMHASH_CACHE/name`, or the user's cache folder."""
    base = os.environ.get("MMHASH_CACHE")
    if base is None:
        base = os.path.join(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "mmhash_nb")
    folder = Path(base) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
