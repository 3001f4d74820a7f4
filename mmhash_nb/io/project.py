"""Where the repository is, in which runs, results and figures lie."""

import os
from pathlib import Path


def project_root(here: Path | None = None) -> Path:
    """The repository root: the nearest folder upwards with `notebooks/`, else `here` itself.

    nbval runs a notebook in the notebook's folder and papermill in the caller's; both find the
    same `runs/`, `results/` and `figures/` through this.

    Args:
        here: the current folder by default.
    """
    here = here or Path.cwd()
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
