"""Runs: train a method once, evaluate it, and save record, codes and weights."""

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pandas as pd
from safetensors import safe_open
from threadpoolctl import threadpool_limits

from mmhash_nb import hashers
from mmhash_nb.codes import HashCodes, load_codes, save_codes
from mmhash_nb.experiments import evaluation, provenance
from mmhash_nb.experiments.records import COLUMNS, COUNTS
from mmhash_nb.hashers.base import Embedder, Hasher
from mmhash_nb.io.files import locked, whole
from mmhash_nb.io.project import runs_folder, writable
from mmhash_nb.pairs import Pairs
from mmhash_nb.training.devices import resolve_device


@dataclass(frozen=True)
class Run:
    """A run with its record.

    Attributes:
        folder: holds `record.json`, `method/` and, of a method with codes, `codes.npz`.
        record: the configuration, `metrics` by task, seconds, versions.
    """

    folder: Path
    record: dict[str, Any]

    @property
    def key(self) -> tuple[str, int, int]:
        """(method, bits, seed)."""
        configuration = self.record["configuration"]
        return configuration["method"], configuration["bits"], configuration["seed"]

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """Metrics by task: `run.metrics["image-text"]["mAP"]`."""
        return self.record["metrics"]

    def codes(self) -> dict[str, HashCodes]:
        """Codes of all samples of the dataset, as `evaluation.all_codes` names them."""
        return load_codes(self.folder / "codes.npz")

    def method(self) -> Hasher | Embedder:
        """The fitted method."""
        return hashers.load(self.folder / "method")


def run(
    paper: str,
    method: str,
    pairs: Pairs,
    bits: int,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    *,
    device: str = "auto",
    root: Path | None = None,
    wait: bool = True,
) -> Run:
    """Train `method` on `pairs` and evaluate it in every direction it has, or find that done.

    A run is found by its configuration, the data's fingerprint and all code that fit and encode can
    execute (`provenance.method_hash`). A change of the metrics' code alone evaluates again without
    training. An interrupted training goes on from its checkpoint. Files appear whole or not at all.
    Of two processes that start the same run, one trains and the other waits for it.

    Args:
        paper: the short name of the paper it is run for, written into the record.
        method: registry name; bits, seed, options: as `hashers.create` takes them.
        pairs: dataset with its splits; queries never reach training.
        device: `auto`, `cpu` or `cuda`.
        root: the folder of run folders; `io.project.runs_folder()` by default.
        wait: for another process that trains the same run.

    Raises:
        filelock.Timeout: another process trains it, and `wait` is False.
    """
    fitted = hashers.create(method, bits, seed, device=device, **(options or {}))
    configuration = {
        "method": method,
        "dataset": pairs.name,
        "data": pairs.fingerprint,
        "bits": fitted.n_bits,
        "seed": fitted.seed,
        "options": dict(fitted.options),
        "code": provenance.method_hash(type(fitted)),
    }
    if files := provenance.option_files(fitted.options):
        configuration["files"] = files
    key = hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:20]
    folder = writable(root or runs_folder()) / key
    with locked(writable(folder.parent / "locks") / key, timeout=-1 if wait else 0):
        record = _found_or_done(fitted, configuration, pairs, folder, device)
    counts = zip(COUNTS, (len(pairs.query), pairs.without_relevant), strict=True)
    return Run(folder, record | {"paper": paper, **dict(counts)})


def _found_or_done(
    fitted: Hasher | Embedder,
    configuration: dict[str, Any],
    pairs: Pairs,
    folder: Path,
    device: str,
) -> dict[str, Any]:
    """The record of a run, which is trained or evaluated where that is not done yet."""
    evaluator = provenance.source_hash(evaluation)
    record = read_record(folder)
    if record is not None:
        if record["evaluator"] == evaluator and _are_whole(folder, fitted.has_codes):
            return record
        try:
            fitted = hashers.load(folder / "method", device)
        except (OSError, ValueError, KeyError, TypeError):
            record = None  # the method is not there, or not whole
    if record is None:
        seconds_fit = _train(fitted, pairs, folder)
        record = {
            "configuration": configuration,
            "source": f"{pairs.source}; {pairs.means}" if pairs.without_relevant else pairs.source,
            "splits": {s: len(getattr(pairs, s)) for s in ("query", "database", "train")},
            "seconds_fit": seconds_fit,
            "device": resolve_device(device).type,
            "environment": provenance.environment(),
        }
    record |= _evaluated(fitted, pairs, folder, device)
    record |= {"peak_memory_bytes": provenance.peak_memory(), "evaluator": evaluator}
    with whole(folder / "record.json") as aside:
        aside.write_text(json.dumps(record, indent=2) + "\n")
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    return record


def _train(method: Hasher | Embedder, pairs: Pairs, folder: Path) -> float:
    """Fit and save a method; give the seconds of fitting."""
    start = time.perf_counter()
    # The shallow methods work on matrices too small for several BLAS threads, which slow them
    # down fivefold or more on a few cores. PyTorch's threads are left alone.
    with threadpool_limits(1, user_api="blas"):
        method.fit(pairs, folder / "checkpoint")
    seconds = time.perf_counter() - start
    method.save(folder / "method")
    return seconds


def _evaluated(
    fitted: Hasher | Embedder, pairs: Pairs, folder: Path, device: str
) -> dict[str, Any]:
    """What a record says of a fitted method's metrics; its codes are saved."""
    if not fitted.has_codes:
        return {"metrics": evaluation.of_embeddings(cast(Embedder, fitted), pairs)}
    start = time.perf_counter()
    codes = evaluation.all_codes(cast(Hasher, fitted), pairs)
    seconds = time.perf_counter() - start
    save_codes(folder / "codes.npz", codes)
    metrics = evaluation.of_codes(codes, pairs, fitted.cross_modal, str(resolve_device(device)))
    return {"seconds_encode": seconds, "metrics": metrics}


def frame(runs: Iterable[Run]) -> pd.DataFrame:
    """Records as a long table, a row for each run, task and metric: `COLUMNS` and `COUNTS`."""
    rows = []
    for one in runs:
        record = one.record
        config = record["configuration"]
        common = {
            **{key: config[key] for key in ("method", "dataset", "bits", "seed")},
            **{key: record[key] for key in ("paper", "source", "seconds_fit", "device")},
            **{key: record.get(key) for key in COUNTS},
        }
        for task, metrics in record["metrics"].items():
            for metric, value in metrics.items():
                rows.append({**common, "task": task, "metric": metric, "value": value})
    return pd.DataFrame(rows, columns=[*COLUMNS, *COUNTS])


def read_record(folder: Path) -> dict[str, Any] | None:
    """The record of a run; None where there is none or it is not whole."""
    try:
        record = json.loads((folder / "record.json").read_text())
        complete = record["metrics"] and record["evaluator"] and record["configuration"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if complete else None


def codes_are_whole(folder: Path) -> bool:
    """Whether the codes of a run are there and whole."""
    try:
        load_codes(folder / "codes.npz")
    except (OSError, ValueError):
        return False
    return True


def _are_whole(folder: Path, has_codes: bool) -> bool:
    """Whether a run's codes, where it has such, and its fitted method are not cut short."""
    try:
        json.loads((folder / "method" / "method.json").read_text())
        with safe_open(folder / "method" / "state.safetensors", framework="numpy"):
            return codes_are_whole(folder) or not has_codes
    except Exception:
        return False
