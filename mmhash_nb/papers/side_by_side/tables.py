"""All methods in one table: what each hashes, how well it ranks, and what it costs."""

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from mmhash_nb import hashers
from mmhash_nb.experiments import evaluation, failed_runs
from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.runs import Run, frame
from mmhash_nb.features import backbones
from mmhash_nb.features.vectors import feature_vectors
from mmhash_nb.hashers.base import FAMILIES, share_label
from mmhash_nb.metrics import average_precision_from_distances
from mmhash_nb.pairs import Pairs
from mmhash_nb.papers.compare import scores
from mmhash_nb.papers.folders import names

#: Directions of retrieval, galleries encoded from one modality, or from both at once.
DIRECTIONS = ("image-text", "text-image", "image-image", "text-text", "joint-joint")


def family(method: str) -> str:
    """How a method learns, one of `FAMILIES`."""
    return hashers.method_class(method).family


def arrow(task: str) -> str:
    """`image-text` as `image → text`."""
    return task.replace("-", " → ")


def listing(protocol: Protocol) -> pd.DataFrame:
    """What a protocol runs: a row a method, by family.

    Returns:
        Columns `family, papers, images` (`pixels` or `vectors` that it is given, empty where it
        reads none), `directions` and `learned gallery` (whether it also has unified codes).
    """
    of = {paper: set(hashers.names(paper)) for paper in names()}
    rows = {}
    for method in dict.fromkeys(name for name, *_ in protocol.runs()):
        made = hashers.method_class(method)
        sides = set(made.modalities) & {"image", "joint"}
        ways = evaluation.tasks(list(made.modalities), made.cross_modal)
        rows[method] = {
            "family": family(method),
            "papers": ", ".join(paper for paper, names in of.items() if method in names),
            "images": ("vectors" if method in protocol.on_vectors else "pixels") if sides else "",
            "directions": ", ".join(arrow("-".join(way)) for way in ways),
            "learned gallery": "yes" if made.unified else "",
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")
    return table.sort_values("family", key=lambda names: names.map(FAMILIES.index), kind="stable")


def costs(runs: Iterable[Run]) -> pd.DataFrame:
    """What each run with codes cost: `method, bits, seed, seconds_fit, ms_from_cache, bytes`.

    `seconds_fit` is the training as it was timed when it was done; what it finds in the cache, such
    as the maps of a frozen backbone, it does not pay for. `ms_from_cache` is the time of encoding
    all samples in each modality (and of unified codes, where there are such), by code, from
    features and maps that the cache has: what a new picture takes in the backbone comes on top.
    `bytes` is what a code takes in memory: 8 bits a byte.
    """
    rows = []
    for run in runs:
        if "seconds_encode" not in run.record:
            continue
        method, bits, seed = run.key
        encoded = sum(len(codes) for codes in run.codes().values())
        rows.append(
            {
                **{"method": method, "bits": bits, "seed": seed},
                "seconds_fit": run.record["seconds_fit"],
                "ms_from_cache": 1000 * run.record["seconds_encode"] / encoded,
                "bytes": -(-bits // 8),
            }
        )
    return pd.DataFrame(rows)


def backbone_ms(
    images: np.ndarray,
    backbone: str = "small",
    weights: str | Path | None = None,
    size: int | None = None,
) -> float:
    """Milliseconds of the CPU in which a frozen backbone describes a picture, in bulk.

    What a new picture takes before any method makes its code: `costs` has the rest, from the cache.

    Args:
        images: `uint8 [N, 3, H, W]`. backbone, weights: as `backbones.create` takes them.
        size: pixels to which images are scaled first; None leaves them.
    """
    network = backbones.create(backbone, weights=weights)
    feature_vectors(network, images[:1], size=size)  # what only the first call does is not counted
    start = time.perf_counter()
    feature_vectors(network, images, size=size, cached=False)
    return 1000 * (time.perf_counter() - start) / len(images)


def overview(runs: Sequence[Run]) -> pd.DataFrame:
    """The one table, as strings: mAP by direction and code length, and what it costs.

    Returns:
        Rows (family, method), those with codes; columns (direction, code length), in per cent, mean
        ± half of the 95 % t-interval over seeds, empty where the method does not have a direction;
        then seconds of training and milliseconds a code from cached features, the medians over
        lengths and seeds, and bytes an item at each length.
    """
    spent = costs(runs)
    coded = sorted(dict.fromkeys(spent.method), key=lambda name: FAMILIES.index(family(name)))
    records = frame(runs)
    dataset = cast(str, records.dataset.iloc[0])
    shown = scores(records[records.task.isin(DIRECTIONS)], dataset, methods=coded)
    wide = shown.unstack("task").swaplevel(axis=1)  # (task, bits)
    lengths = list(shown.columns)
    columns = [(task, bits) for task in DIRECTIONS for bits in lengths if (task, bits) in wide]
    table = wide[columns].loc[coded].fillna("")
    table.columns = pd.MultiIndex.from_tuples([(arrow(task), bits) for task, bits in columns])
    by_method = spent.groupby("method")
    table["training", "s"] = by_method.seconds_fit.median().map("{:.2f}".format)
    from_cache = by_method.ms_from_cache.median()
    table["code from cached features", "ms"] = from_cache.map("{:.3f}".format)
    for bits, at in spent.groupby("bits"):
        table["bytes an item", f"{bits} bits"] = at.groupby("method").bytes.first()
    by_family = [(family(name), name) for name in table.index]
    table.index = pd.MultiIndex.from_tuples(by_family, names=["family", "method"])
    return table


def tie_ranges(records: pd.DataFrame, bits: int) -> pd.DataFrame:
    """What the order among equal distances leaves room for in each score, mean over seeds.

    Only an order that knows the labels reaches the ends. `blind_orders` has those of a sort. Failed
    runs (`experiments.failed_runs`) are left out.

    Args:
        records: run records with the columns `records.COLUMNS`, of one dataset.
        bits: code length.

    Returns:
        Rows (task, method), tasks in the order of `DIRECTIONS`; columns `worst, expected, best`,
        fractions. References without codes, whose distances are real numbers, are not there.
    """
    names = {"mAP_worst": "worst", "mAP": "expected", "mAP_best": "best"}
    sound = failed_runs.without(records)
    some = sound[(sound.bits == bits) & sound.task.isin(DIRECTIONS)]
    wide = some.pivot_table(
        index=["task", "method"], columns="metric", values="value", sort=False
    ).rename(columns=names)
    table = wide.reindex(columns=list(names.values())).dropna()
    in_order = {"level": "task", "kind": "stable", "sort_remaining": False}
    return table.sort_index(key=lambda tasks: tasks.map(DIRECTIONS.index), **in_order)


def blind_orders(
    runs: Iterable[Run], pairs: Pairs, tasks: Mapping[str, str], bits: int, draws: int = 12
) -> pd.DataFrame:
    """What orders of the gallery do to mAP where a stable sort keeps them among equal distances.

    Args:
        runs: of which the first of each method and length counts.
        pairs: the dataset.
        tasks: method → task, such as `image-text`.
        bits: code length. draws: random orders.

    Returns:
        A row a method: `expected`, the mean over all orders; `random`, the standard deviation of
        mAP over random orders of the whole gallery; and `by class`, what mAP gains where the
        gallery is sorted by its labels. All are fractions.
    """
    labels = pairs.labels[pairs.database]
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(labels)) for _ in range(draws)] + [np.lexsort(labels.T[::-1])]
    relevant = share_label(pairs.labels[pairs.query], labels)
    rows: dict[str, dict[str, float]] = {}
    for run in runs:
        method, length, _ = run.key
        if length != bits or method not in tasks or method in rows:
            continue
        query, database = tasks[method].split("-")
        codes = run.codes()
        sides = (codes[query][pairs.query], codes[database][pairs.database])
        queries, searched = (side.signs().astype(np.float32) for side in sides)
        distances = (bits - queries @ searched.T) / 2
        expected = average_precision_from_distances(distances, relevant).mean()
        found = []
        for order in orders:
            # Equal distances no longer are: each item's rank in the order is added as a fraction.
            placed = distances[:, order] + np.arange(len(order)) / len(order)
            found.append(average_precision_from_distances(placed, relevant[:, order]).mean())
        by_class = float(found[-1] - expected)
        spread = float(np.std(found[:-1], ddof=1))
        rows[method] = {"expected": float(expected), "random": spread, "by class": by_class}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")
    return table.loc[[method for method in tasks if method in rows]]


def turned_by_ties(ranges: pd.DataFrame) -> pd.DataFrame:
    """How many pairs of methods some orders of ties, which know the labels, could exchange.

    One method's ties in their best order and the other's in their worst: a bound, that no sort
    which does not see the labels comes near (`blind_orders`).

    Args:
        ranges: what `tie_ranges` gives.

    Returns:
        A row a task: `pairs` of methods, how many have ranges from worst to best that overlap, and
        the median width of a range.
    """
    rows = {}
    for task, part in ranges.groupby(level="task", sort=False):
        bounds = list(part[["worst", "best"]].itertuples(index=False))
        overlap = [a.worst < b.best and b.worst < a.best for a, b in combinations(bounds, 2)]
        rows[task] = {
            "pairs": len(overlap),
            "have room to change places": sum(overlap),
            "median width": float((part.best - part.worst).median()),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("task")
