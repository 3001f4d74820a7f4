"""The same codes scored under every evaluation that a paper's "mAP" may have meant."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from mmhash_nb.codes import HashCodes
from mmhash_nb.experiments.records import CROSS_MODAL
from mmhash_nb.experiments.runs import Run, run
from mmhash_nb.hashers.base import Embedder, share_label
from mmhash_nb.metrics import (
    average_precision,
    average_precision_from_distances,
    mean_average_precision,
)
from mmhash_nb.pairs import Pairs
from mmhash_nb.ranking import RankProfile, rank_profile
from mmhash_nb.ties import NormaliseBy

CUTS = (10, 50, 100, 500)


def by_evaluation(pairs: Pairs, codes: Mapping[str, HashCodes]) -> pd.DataFrame:
    """Cross-modal mAP of one method under other queries, databases and normalisations.

    Args:
        pairs: the dataset.
        codes: for `image` and `text`, codes of all samples.

    Returns:
        One row an evaluation, columns `evaluation`, `image-text` and `text-image` (fractions 0..1).
    """
    q, d, t = pairs.query, pairs.database, pairs.train
    whole, against = mean_average_precision, "queries against the database"
    normalisers: dict[NormaliseBy, str] = {
        "relevant": "over all relevant",
        "retrieved": "over those retrieved",
    }
    evaluations: list[tuple[str, np.ndarray, np.ndarray, Callable[[RankProfile], float]]] = [
        (f"{against}, full mAP (ours)", q, d, whole),
        ("queries against the queries (Rasiwasia et al. 2010)", q, q, whole),
        ("training samples against the training samples", t, t, whole),
        ("training samples against the queries", t, q, whole),
        *(
            (f"{against}, mAP@{at} {words}", q, d, partial(whole, at=at, normalise_by=by))
            for at, (by, words) in product(CUTS, normalisers.items())
        ),
        ("full mAP, mean over classes instead of queries", q, d, partial(_by_class, pairs)),
    ]
    labels, ways = pairs.labels, [task.split("-") for task in CROSS_MODAL]
    rows = []
    for name, query, database, score in evaluations:
        sides = (labels[query], labels[database])
        profiles = (rank_profile(codes[a][query], codes[b][database], *sides) for a, b in ways)
        rows.append((name, *map(score, profiles)))
    return pd.DataFrame(rows, columns=["evaluation", *CROSS_MODAL])


def by_epochs(
    paper: str,
    method: str,
    pairs: Pairs,
    bits: int,
    epochs: Iterable[int],
    seeds: Iterable[int],
    options: Mapping[str, Any],
) -> pd.DataFrame:
    """How cross-modal mAP moves with the length of training, mean over seeds.

    Args:
        paper, method, pairs, bits, options: as `runs.run` takes them.
        epochs: lengths of training, each run in full.

    Returns:
        One row a length, columns `epochs`, `loss`, `image-text` and `text-image`.
    """
    rows = []
    for count in epochs:
        full = {**options, "epochs": count, "tolerance": None}
        for seed in seeds:
            done = run(paper, method, pairs, bits, seed, full)
            scores = {task: done.metrics[task]["mAP"] for task in CROSS_MODAL}
            loss = float(done.method().state["image.loss"][-1])
            rows.append({"epochs": count, "loss": loss, **scores})
    return pd.DataFrame(rows).groupby("epochs", as_index=False).mean()


def by_training_set(
    paper: str,
    methods: Iterable[str],
    sets: Iterable[Pairs],
    bits: int,
    seeds: Iterable[int],
    options: Mapping[str, Any],
) -> pd.DataFrame:
    """mAP in every direction by the number of training samples, mean over seeds.

    Args:
        paper, bits, options: as `runs.run` takes them; methods: registry names.
        sets: the same dataset with training sets of different sizes.

    Returns:
        One row a method and size, columns `method`, `training` and the tasks.
    """
    rows = []
    for pairs in sets:
        for method in methods:
            for seed in seeds:
                done = run(paper, method, pairs, bits, seed, options)
                scores = {task: metrics["mAP"] for task, metrics in done.metrics.items()}
                rows.append({"method": method, "training": len(pairs.train), **scores})
    return pd.DataFrame(rows).groupby(["method", "training"], as_index=False).mean()


def references_against_queries(pairs: Pairs, runs: Iterable[Run]) -> pd.DataFrame:
    """Cross-modal mAP of embedders, queries ranked against queries (Rasiwasia et al. 2010).

    Returns:
        Indexed by method, columns `image-text` and `text-image` (fractions 0..1).
    """
    queries = pairs.take(pairs.query)
    relevant = share_label(queries.labels, queries.labels)
    rows = {}
    for one in runs:
        method = one.method()
        if method.cross_modal and not method.has_codes:
            assert isinstance(method, Embedder)
            image, text = method.embed(queries, "image"), method.embed(queries, "text")
            ways = {"image-text": cdist(image, text), "text-image": cdist(text, image)}
            rows[method.name] = {
                task: average_precision_from_distances(distances, relevant).mean()
                for task, distances in ways.items()
            }
    return pd.DataFrame(rows).T.rename_axis("method")


def _by_class(pairs: Pairs, profile: RankProfile) -> float:
    scores, labels = average_precision(profile), pairs.labels[pairs.query]
    return float(np.mean([scores[column].mean() for column in labels.T if column.any()]))
