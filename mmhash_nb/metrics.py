"""Retrieval metrics from a `RankProfile`: exact under ties, whatever the order of the database.

Items at one Hamming distance are tied. A per-query metric is its mean over all orders of the
tied items, in closed form; none needs a sort. All metrics are in this module.

A query with no relevant item scores 0 and counts in every mean, so that a mean of average
precision, NDCG or recall is at most `reachable(profile)`. Say so beside the mean.
"""

from typing import get_args

import numpy as np

from mmhash_nb.codes import check_radius
from mmhash_nb.ranking import RankProfile
from mmhash_nb.ties import PART, NormaliseBy, Ties, ratio, tie_groups, tied_average_precision


def reachable(profile: RankProfile) -> float:
    """The share of queries that have a relevant item: the highest mean that is possible, 0 to 1."""
    return float(profile.relevant.any(axis=1).mean())


def average_precision(
    profile: RankProfile,
    at: int | None = None,
    normalise_by: NormaliseBy = "relevant",
    ties: Ties = "expected",
    skip_empty: bool = False,
) -> np.ndarray:
    """Average precision of each query: precision at the relevant items, summed and divided.

    Args:
        profile: counts of Q queries.
        at: only the first `at` items count; None: all.
        normalise_by: divide by all `"relevant"` items of the database, by the smaller of `at` and
            that (`"min"`), or by the relevant items `"retrieved"` among the first `at` (liong2017,
            Eq. 15; 0 where there is none).
        ties: the exact mean over all orders of tied items (`"expected"`), or the `"best"` or
            `"worst"` order for the score.
        skip_empty: leave out queries with no relevant item, which otherwise score 0.

    Returns:
        `float64 [Q]`, or fewer with `skip_empty`.

    Raises:
        ValueError: on an `at` that is not a positive integer, or an unknown option.
    """
    _check_options(at, normalise_by, ties)
    values = tied_average_precision(profile.items, profile.relevant, at, normalise_by, ties)
    return values[profile.relevant.any(axis=1)] if skip_empty else values


def mean_average_precision(
    profile: RankProfile,
    at: int | None = None,
    normalise_by: NormaliseBy = "relevant",
    ties: Ties = "expected",
    skip_empty: bool = False,
) -> float:
    """The mean of `average_precision`, same arguments, over queries.

    Queries without a relevant item count as 0 unless `skip_empty` leaves them out, so that the
    highest possible value is `reachable(profile)`.

    Raises:
        ValueError: as `average_precision`, and where `skip_empty` leaves no query.
    """
    values = average_precision(profile, at, normalise_by, ties, skip_empty)
    if len(values) == 0:
        raise ValueError(
            f"none of the {len(profile)} queries has a relevant item, so skip_empty leaves no "
            "average precision to take the mean of."
        )
    return float(values.mean())


def average_precision_from_distances(
    distances: np.ndarray,
    relevant: np.ndarray,
    at: int | None = None,
    normalise_by: NormaliseBy = "relevant",
    ties: Ties = "expected",
    skip_empty: bool = False,
) -> np.ndarray:
    """`average_precision` of rankings by real-valued distances; equal distances are tied.

    Args:
        distances: `float [Q, N]`, smaller is nearer.
        relevant: `bool [Q, N]`.
        at, normalise_by, ties, skip_empty: as for `average_precision`.

    Returns:
        `float64 [Q]`, or fewer with `skip_empty`.

    Raises:
        ValueError: as `average_precision`; on shapes that differ, no items, or NaN.
    """
    _check_options(at, normalise_by, ties)
    if distances.ndim != 2 or distances.size == 0 or relevant.dtype != np.bool_:
        raise ValueError(
            f"distances must be [Q, N] with at least one item and relevant bool, but they are "
            f"{list(distances.shape)} and {relevant.dtype}."
        )
    if distances.shape != relevant.shape:
        raise ValueError(
            f"distances is {list(distances.shape)} but relevant is {list(relevant.shape)}: they "
            "must align."
        )
    if np.isnan(distances).any():
        row, column = np.argwhere(np.isnan(distances))[0]
        raise ValueError(f"the distance of query {row} to item {column} is NaN, which has no rank.")
    n_rows = max(1, PART // distances.shape[1])
    values = [
        tied_average_precision(
            *tie_groups(distances[i : i + n_rows], relevant[i : i + n_rows]),
            at,
            normalise_by,
            ties,
        )
        for i in range(0, len(distances), n_rows)
    ]
    joined = np.concatenate(values)
    return joined[relevant.any(axis=1)] if skip_empty else joined


def precision_at(profile: RankProfile, n: int) -> np.ndarray:
    """Relevant share of the first `n` items of each query, `float64 [Q]`, expected over ties.

    Raises:
        ValueError: unless `n` is an integer from 1 to the size of the database.
    """
    _check_cut_within(profile, n)
    return (profile.relevant * _share(profile.items, n)).sum(axis=1) / n


def recall_at(profile: RankProfile, n: int) -> np.ndarray:
    """Share of each query's relevant items among its first `n`, `float64 [Q]`, expected over ties.

    Raises:
        ValueError: unless `n` is a positive integer.
    """
    _check_cut(n)
    found = (profile.relevant * _share(profile.items, n)).sum(axis=1)
    return ratio(found, profile.relevant.sum(axis=1))


def lookup_precision(profile: RankProfile, radius: int = 2) -> np.ndarray:
    """Relevant share of the items within a Hamming radius, `float64 [Q]`; 0 where there is none.

    Raises:
        ValueError: unless `radius` is an integer of at least 0.
    """
    check_radius(radius)
    near = slice(radius + 1)
    return ratio(profile.relevant[:, near].sum(axis=1), profile.items[:, near].sum(axis=1))


def ndcg(profile: RankProfile, at: int | None = None) -> np.ndarray:
    """Normalised discounted cumulative gain of the first `at` items (None: all), `float64 [Q]`.

    The gain of an item that shares g labels is 2^g − 1, the discount at a rank 1/log2(1 + rank);
    the ideal order is that of the whole database. Expected over ties (Järvelin and Kekäläinen,
    2002; gain of Burges et al., 2005; ties as McSherry and Najork, 2008).

    Raises:
        ValueError: unless `at` is a positive integer or None.
    """
    if at is not None:
        _check_cut(at)
    gain = 2.0 ** np.arange(profile.counts.shape[2]) - 1
    by_gain = profile.counts.sum(axis=1)[:, ::-1]  # [Q, G+1], most shared labels first
    found = _dcg(profile.items, profile.counts @ gain, at)
    return ratio(found, _dcg(by_gain, by_gain * gain[::-1], at))


def acg(profile: RankProfile, at: int) -> np.ndarray:
    """Average cumulative gain: mean number of labels shared by the first `at` items, `float64 [Q]`.

    Expected over ties (Järvelin and Kekäläinen, 2000).

    Raises:
        ValueError: unless `at` is an integer from 1 to the size of the database.
    """
    _check_cut_within(profile, at)
    shared = profile.counts @ np.arange(profile.counts.shape[2])
    return (shared * _share(profile.items, at)).sum(axis=1) / at


def precision_recall(profile: RankProfile) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision of hash lookup within each Hamming radius 0..K, means over all queries.

    A query that finds nothing within a radius counts with precision 0 there, and one with no
    relevant item with precision and recall 0: no query is left out.

    Returns:
        recall `float64 [K+1]`, precision `float64 [K+1]`.
    """
    found = profile.relevant.cumsum(axis=1)
    precision = ratio(found, profile.items.cumsum(axis=1))
    return ratio(found, found[:, -1:]).mean(axis=0), precision.mean(axis=0)


def precision_recall_ranked(profile: RankProfile, recall_levels: np.ndarray) -> np.ndarray:
    """Precision of Hamming ranking where recall reaches each level, mean over all queries.

    With T relevant items, a level ρ is reached by t = max(1, ⌈ρT⌉) hits. Without ties that is the
    precision at the t-th relevant item, not interpolated. Within a tie, expected hits grow evenly:
    t falls into the first distance with R + r ≥ t, at the cut-off x = N + n (t − R) / r, and the
    precision is t / x. A query with no relevant item counts with precision 0.

    Args:
        recall_levels: `float [L]`, from 0 to 1.

    Returns:
        precision `float64 [L]`.

    Raises:
        ValueError: where a level is not between 0 and 1.
    """
    levels = np.asarray(recall_levels, dtype=np.float64)
    outside = levels[~((levels >= 0) & (levels <= 1))]
    if levels.ndim != 1 or outside.size:
        raise ValueError(
            f"recall_levels must be a list of fractions 0..1, but has shape {list(levels.shape)}"
            + (f" and holds {outside[0]}." if outside.size else ".")
        )
    n, r = profile.items, profile.relevant
    n_end, r_end = n.cumsum(axis=1), r.cumsum(axis=1)
    total = r_end[:, -1]
    # 0.1 · 30 is a little over 3 in floating point, but asks for 3 hits.
    hits = np.maximum(np.ceil(levels * total[:, None] * (1 - 1e-12)), 1)  # [Q, L]
    # One search over all queries: row q's cumulated hits are raised above those of row q − 1.
    row = np.arange(len(profile))[:, None]
    raised = row * (total.max() + 1)
    where = np.searchsorted((r_end + raised).ravel(), (hits + raised).ravel())
    # Without relevant items there is no such distance: any place will do, the result is 0.
    where = np.minimum(where.reshape(hits.shape), (row + 1) * n.shape[1] - 1)
    here_n, here_r, end_n, end_r = (a.ravel()[where] for a in (n, r, n_end, r_end))
    cut = end_n - ratio(here_n * (end_r - hits), here_r)
    return np.where(total[:, None] > 0, ratio(hits, cut), 0).mean(axis=0)


def _dcg(n: np.ndarray, gains: np.ndarray, at: int | None) -> np.ndarray:
    """Discounted gain of tie groups of n items `[Q, D]` whose gains sum to `gains`, expected."""
    end = n.cumsum(axis=1)
    size = int(end[:, -1].max()) if at is None else min(at, int(end[:, -1].max()))
    discount = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, size + 2)))])
    discounts = discount[np.minimum(end, size)] - discount[np.minimum(end - n, size)]
    return (ratio(gains, n) * discounts).sum(axis=1)


def _share(n: np.ndarray, at: int) -> np.ndarray:
    """The share of each distance's n items that lies within the first `at`, `[Q, K+1]`."""
    return ratio(np.clip(at - (n.cumsum(axis=1) - n), 0, n), n)


def _check_options(at: int | None, normalise_by: str, ties: str) -> None:
    if at is not None:
        _check_cut(at)
    for name, value, choices in (
        ("normalise_by", normalise_by, get_args(NormaliseBy)),
        ("ties", ties, get_args(Ties)),
    ):
        if value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, but is {value!r}.")


def _check_cut(at: object) -> None:
    if isinstance(at, bool) or not isinstance(at, int | np.integer) or at < 1:
        raise ValueError(f"the cut-off must be a positive integer, but is {at!r}.")


def _check_cut_within(profile: RankProfile, at: int) -> None:
    _check_cut(at)
    size = int(profile.items.sum(axis=1).min())
    if at > size:
        raise ValueError(f"the cut-off is {at}, but the database holds {size} items: lower it.")
