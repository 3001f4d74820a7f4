"""The numbers that the runs of a grid measured, joined as one run of them all would leave them."""

import json
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from mmhash_nb.batch import Job
from mmhash_nb.finished import results_folder
from mmhash_nb.results.records import write


def gather(jobs: Iterable[Job], folder: Path) -> list[Path]:
    """Write what the runs of grids measured to `folder/<paper>_<dataset>.csv`.

    Runs that differ in code lengths and seeds alone belong together. A file holds one such group:
    where several measure the same paper and dataset, say with other epochs, the last of them.

    Args:
        jobs: those without records are passed over.
        folder: as `results.records.write` takes it.
    """
    found: dict[str, dict[str, list[pd.DataFrame]]] = {}
    for job in jobs:
        setting = {k: v for k, v in job.parameters.items() if k not in ("bits", "seeds")}
        group = json.dumps([str(job.notebook), setting], sort_keys=True)
        for path in sorted(results_folder(job).glob("*.csv")):
            found.setdefault(path.name, {}).setdefault(group, []).append(pd.read_csv(path))
    last = [list(groups.values())[-1] for groups in found.values()]
    return [path for parts in last for path in write(pd.concat(parts), folder)]
