"""Metrics of a fitted method in every retrieval direction it has."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np

from mmhash_nb.codes import HashCodes
from mmhash_nb.experiments.collapse import signs
from mmhash_nb.hashers.base import Embedder, EncodedModality, Hasher, Method, Unified, share_label
from mmhash_nb.metrics import (
    acg,
    average_precision_from_distances,
    mean_average_precision,
    ndcg,
    precision_at,
    precision_recall_ranked,
)
from mmhash_nb.pairs import Pairs
from mmhash_nb.ranking import RankProfile, rank_profile

#: scores of embeddings by name, as options of `average_precision_from_distances`
_OF_DISTANCES: dict[str, dict[str, Any]] = {
    "mAP": {},
    "mAP@10": {"at": 10, "normalise_by": "retrieved"},
}
#: how many first items, and which recall, precision is recorded at
FIRST = (50, 100, 200, 500)
RECALLS = (0.2, 0.4, 0.6, 0.8)
#: embeddings are compared this many queries at a time, which bounds memory
_CHUNK = 100


def modalities(method: Method) -> list[EncodedModality]:
    """The modalities a method encodes, typed."""
    return [cast(EncodedModality, m) for m in method.modalities]


def all_codes(method: Hasher, pairs: Pairs) -> dict[str, HashCodes]:
    """Codes of all samples by modality, and `unified` where the method learns such."""
    codes = {str(m): method.encode(pairs, m) for m in modalities(method)}
    if method.unified:
        codes["unified"] = cast(Unified, method).database_codes(pairs)
    return codes


def tasks(encoded: list[str], cross_modal: bool) -> list[tuple[str, str]]:
    """Directions (query, database) whose codes compare; `joint` compares with itself alone.

    `unified` codes are for the database: a query has one modality.
    """
    single = [m for m in encoded if m not in ("joint", "unified")]
    pairs = [(q, d) for q in single for d in single if cross_modal or q == d]
    pairs += [(q, "unified") for q in single if "unified" in encoded]
    return pairs + [("joint", "joint")] * ("joint" in encoded)


def profile(
    codes: Mapping[str, HashCodes], pairs: Pairs, query: str, database: str, device: str = "cpu"
) -> RankProfile:
    """How the queries of `pairs` rank its database, each by the codes of one modality.

    Args:
        codes: for each modality, codes of all samples.
        query, database: modalities.
        device: as `rank_profile` takes it; the numbers are the same on all.
    """
    return rank_profile(
        codes[query][pairs.query],
        codes[database][pairs.database],
        pairs.labels[pairs.query],
        pairs.labels[pairs.database],
        device,
    )


def of_codes(
    codes: Mapping[str, HashCodes], pairs: Pairs, cross_modal: bool, device: str = "cpu"
) -> dict[str, dict[str, float]]:
    """Scores by task, from codes of all samples, which are compared on `device`.

    They are mAP (expected, best and worst over ties); mAP@10, mAP@100 and mAP@500, which divide by
    the relevant items among those retrieved; NDCG@100 and ACG@100; precision among the first so
    many items, P@50 to P@500 (all items, where there are fewer), and where recall reaches so much,
    P@recall=0.2 to P@recall=0.8; and the signs of collapse (`experiments.collapse`).
    """
    results = {}
    size = len(pairs.database)
    for query, database in tasks(list(codes), cross_modal):
        ranked = profile(codes, pairs, query, database, device)
        results[f"{query}-{database}"] = {
            "mAP": mean_average_precision(ranked),
            "mAP_best": mean_average_precision(ranked, ties="best"),
            "mAP_worst": mean_average_precision(ranked, ties="worst"),
            **{
                f"mAP@{at}": mean_average_precision(ranked, at=at, normalise_by="retrieved")
                for at in (10, 100, 500)
            },
            "NDCG@100": float(ndcg(ranked, min(100, size)).mean()),
            "ACG@100": float(acg(ranked, min(100, size)).mean()),
            **{f"P@{n}": float(precision_at(ranked, min(n, size)).mean()) for n in FIRST},
            **{
                f"P@recall={level}": float(precision)
                for level, precision in zip(
                    RECALLS, precision_recall_ranked(ranked, np.array(RECALLS)), strict=True
                )
            },
            **signs(codes, pairs, query, database),
        }
    return results


def of_embeddings(method: Embedder, pairs: Pairs) -> dict[str, dict[str, float]]:
    """mAP and mAP@10 by task of a method that ranks by Euclidean distance."""
    queries, database = pairs.take(pairs.query), pairs.take(pairs.database)
    encoded = modalities(method)
    results = {}
    for q, d in tasks(list(encoded), method.cross_modal):
        query = method.embed(queries, cast(EncodedModality, q)).astype(np.float64)
        found = method.embed(database, cast(EncodedModality, d)).astype(np.float64)
        squares = (found**2).sum(1)
        scores: dict[str, list[np.ndarray]] = {name: [] for name in _OF_DISTANCES}
        for start in range(0, len(query), _CHUNK):
            some = slice(start, start + _CHUNK)
            # Up to a constant for each query, which no ranking sees.
            distances = squares - 2 * query[some] @ found.T
            relevant = share_label(queries.labels[some], database.labels)
            for name, how in _OF_DISTANCES.items():
                scores[name].append(average_precision_from_distances(distances, relevant, **how))
        results[f"{q}-{d}"] = {n: float(np.concatenate(some).mean()) for n, some in scores.items()}
    return results
