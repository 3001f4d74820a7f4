"""The search over settings on held-out training samples, the same for every method."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from mmhash_nb.experiments.convergence import last_tenth
from mmhash_nb.experiments.held_out import held_out
from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.records import COUNTS, CROSS_MODAL
from mmhash_nb.experiments.runs import Run, run
from mmhash_nb.experiments.search_space import FINALISTS, is_trained, options, settings
from mmhash_nb.features.vectors import described
from mmhash_nb.pairs import Pairs

#: of the epochs of a setting, for which all are trained first
SHARE = 1 / 3
#: columns of a search that are no settings: before those, and after them
FIRST = ("dataset", "method", "bits")
LAST = ("seeds", "mAP_third", "mAP", "loss", "fall in %", "seconds", "chosen", *COUNTS)


def search(
    paper: str,
    protocol: Protocol,
    pairs: Pairs,
    methods: Iterable[str] = (),
    *,
    bits: int = 32,
    seeds: Sequence[int] = (0, 1),
) -> pd.DataFrame:
    """Compare as many settings of each method that is trained, on held-out training samples.

    All settings of a method (`search_space.settings`) are trained for a third of their epochs with
    the first seed. The best `FINALISTS` of them are trained in full with all seeds, and the best of
    these is chosen. A line on each run goes to the standard error. An interrupted search goes on,
    as runs that were made are found.

    Args:
        paper: as `runs.run` takes it.
        protocol: its options are those of every run, but for what is searched.
        pairs: the protocol's dataset, whose queries are not used (`held_out`).
        methods: some of the protocol's; by default all that are trained.
        bits: code length.
        seeds: of the trainings in full.

    Returns:
        One row a method and setting: `dataset`, `method`, `bits`, the settings (empty where the
        method does not have them), how many `seeds` were trained in full, held-out mAP after a
        third of the epochs (`mAP_third`) and after all (`mAP`, the mean over seeds and directions,
        see `score`), the last `loss`, its `fall in %` in the last tenth, the `seconds` of all
        trainings, whether the setting is `chosen`, and over how many held-out queries mAP is a mean
        (`records.COUNTS`). Where a training diverged, mAP is NaN; of
        settings that were trained for a third alone, `mAP`, `loss` and fall are.
    """
    part = held_out(pairs)
    methods = list(methods) or trained(protocol)
    vectors = described(part, **protocol.vectors) if protocol.on_vectors else part
    tables = []
    for method in methods:
        view = vectors if method in protocol.on_vectors else part
        train = partial(_trained, paper, method, view, bits, protocol.options.get(method, {}))
        table = _by_rungs(settings(method, protocol.search_epochs), seeds, train)
        table[list(FIRST)] = pairs.name, method, bits
        table[COUNTS] = len(part.query), part.without_relevant
        tables.append(table)
    found = pd.concat(tables, ignore_index=True)
    return found[[*FIRST, *(c for c in found if c not in (*FIRST, *LAST)), *LAST]]


def trained(protocol: Protocol) -> list[str]:
    """The methods of a protocol whose training has a length and a rate to search over."""
    return [m for m in dict.fromkeys(name for name, *_ in protocol.runs()) if is_trained(m)]


def score(metrics: Mapping[str, Mapping[str, float]]) -> float:
    """Held-out mAP of a run: the mean of both cross-modal directions, else of all it has.

    Where a method learns unified codes, they are the database.
    """
    directions = [task for task in CROSS_MODAL if task in metrics] or list(metrics)
    unified = [f"{task.split('-')[0]}-unified" for task in directions]
    chosen = unified if set(unified) <= set(metrics) else directions
    return float(np.mean([metrics[task]["mAP"] for task in chosen]))


def compared(
    paper: str,
    pairs: Pairs,
    bits: int,
    seeds: Iterable[int],
    candidates: Mapping[str, Iterable[Mapping[str, Any]]],
) -> pd.DataFrame:
    """Held-out mAP of options that are given, such as variants of a method.

    Args:
        paper, bits: as `runs.run` takes them.
        pairs: the dataset, whose queries are not used (`held_out`).
        candidates: for each method, options to compare.

    Returns:
        One row a method and candidate: `dataset`, `method`, the options, and `mAP`, the mean over
        seeds and directions (`score`); NaN where a training diverged.
    """
    part, seeds = held_out(pairs), list(seeds)
    rows = []
    for method, several in candidates.items():
        for some in several:
            done = [_run(paper, method, part, bits, seed, some) for seed in seeds]
            scores = [np.nan if one is None else score(one.metrics) for one in done]
            rows.append({"dataset": pairs.name, "method": method, **some, "mAP": np.mean(scores)})
    return pd.DataFrame(rows)


def _by_rungs(
    some: Sequence[dict[str, Any]],
    seeds: Sequence[int],
    train: Callable[[Mapping[str, Any], int, float], dict[str, float]],
) -> pd.DataFrame:
    """The settings with what `train(setting, seed, share)` measures, the best in full."""
    first = pd.DataFrame([train(one, seeds[0], SHARE) for one in some])
    table = pd.DataFrame(some).assign(seeds=0, mAP_third=first["mAP"], seconds=first["seconds"])
    best = first["mAP"].fillna(-1).sort_values(ascending=False, kind="stable").index[:FINALISTS]
    for place in sorted(best):
        full = pd.DataFrame([train(some[place], seed, 1.0) for seed in seeds])
        table.loc[place, "seeds"] = len(seeds)
        table.loc[place, "seconds"] += full["seconds"].sum()
        for column in ("mAP", "loss", "fall in %"):
            table.loc[place, column] = full[column].mean(skipna=False)
    # One, also where an option changes nothing, as α of CMDVH2.
    highest = table["mAP"].fillna(-1).idxmax() if table["mAP"].notna().any() else None
    return table.assign(chosen=table.index == highest)


def _trained(
    paper: str,
    method: str,
    part: Pairs,
    bits: int,
    base: Mapping[str, Any],
    setting: Mapping[str, Any],
    seed: int,
    share: float,
) -> dict[str, float]:
    """What one training of a setting reached; it says so in a line."""
    given = {**base, **options(setting, share)}
    done = _run(paper, method, part, bits, seed, given)
    found = {"mAP": np.nan, "seconds": 0.0, "loss": np.nan, "fall in %": np.nan}
    if done is not None:
        found |= {"mAP": score(done.metrics), "seconds": done.record["seconds_fit"]}
        found |= last_tenth(done.method())
    words = ", ".join(f"{name} {value}" for name, value in options(setting, share).items())
    print(
        f"{part.name} {method} {bits} bits seed {seed}, {words}: held-out mAP {found['mAP']:.4f} "
        f"({found['seconds']:.1f} s)",
        file=sys.stderr,
        flush=True,
    )
    return found


def _run(
    paper: str, method: str, part: Pairs, bits: int, seed: int, given: Mapping[str, Any]
) -> Run | None:
    """The run; None where its training diverged."""
    try:
        return run(paper, method, part, bits, seed, given)
    except FloatingPointError:
        return None
