"""Where the repository is, in which runs, results and figures lie."""

from pathlib import Path


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
