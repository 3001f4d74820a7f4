"""Average precision under ties: exact over all orders of tied items, in closed form.

Notation, for one tie of one query: n items, r of them relevant, after N items of which R are
relevant; m of the n lie within the cut-off `at`. A ranking is a row of ties `[D]`, nearest first.
"""

from typing import Literal

import numpy as np

NormaliseBy = Literal["relevant", "min", "retrieved"]
Ties = Literal["expected", "best", "worst"]
# Entries of the largest temporary array where queries are worked through in parts.
PART = 1 << 20


def tie_groups(distances: np.ndarray, relevant: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Items and relevant items at each distinct distance of each row, in order, `int [Q, D]`."""
    order = distances.argsort(axis=1)
    ranked = np.take_along_axis(distances, order, axis=1)
    group = np.zeros(distances.shape, dtype=np.int64)
    group[:, 1:] = (ranked[:, 1:] != ranked[:, :-1]).cumsum(axis=1)
    shape = len(group), int(group[:, -1].max()) + 1
    place = (group + np.arange(shape[0])[:, None] * shape[1]).ravel()
    hit = np.take_along_axis(relevant, order, axis=1).ravel()
    n, r = (np.bincount(p, minlength=shape[0] * shape[1]) for p in (place, place[hit]))
    return n.reshape(shape), r.reshape(shape)


def tied_average_precision(
    n: np.ndarray, r: np.ndarray, at: int | None, normalise_by: NormaliseBy, ties: Ties
) -> np.ndarray:
    """Average precision `[Q]` of tie groups of n items, r relevant, `[Q, D]` in order of rank."""
    n, r = n.astype(np.float64), r.astype(np.float64)
    before_n, before_r = n.cumsum(axis=1) - n, r.cumsum(axis=1) - r
    total = r.sum(axis=1)
    m = n if at is None else np.clip(at - before_n, 0, n)
    sums = np.zeros_like(n)
    some = (r > 0) & (m > 0)
    sums[some] = _precision_sum(before_n[some], before_r[some], n[some], r[some], m[some], ties)
    if at is None or normalise_by == "relevant":
        return ratio(sums.sum(axis=1), total)
    if normalise_by == "min":
        return ratio(sums.sum(axis=1), np.minimum(total, at))
    split = (m > 0) & (m < n)  # the one distance that the cut-off splits, if any
    score = np.where(split, 0, sums).sum(axis=1)
    hits = np.where(m == n, r, 0).sum(axis=1)
    values = ratio(score, hits)
    rows = split.any(axis=1)
    if rows.any():
        of_split = (a[split] for a in (before_n, before_r, n, r, m))
        retrieved = {"expected": _retrieved_expected, "best": _retrieved_best}
        values[rows] = retrieved.get(ties, _retrieved_worst)(score[rows], *of_split)
    return values


def _precision_sum(
    N: np.ndarray, R: np.ndarray, n: np.ndarray, r: np.ndarray, m: np.ndarray, ties: Ties
) -> np.ndarray:
    """Sum of the precisions at the relevant items among the first m of a tie.

    Expected: place j is relevant with probability r/n, and then after (j−1)(r−1)/(n−1) others, so
    the sum is r/n Σ (R + 1 + (j−1)(r−1)/(n−1)) / (N + j) over j = 1..m. Best: the relevant come
    first; worst: last.
    """
    if ties == "expected":
        harmonic = _harmonic(N, m)
        slope = (r - 1) / np.maximum(n - 1, 1)
        return r / n * ((R + 1) * harmonic + slope * (m - (N + 1) * harmonic))
    if ties == "best":
        return _run_sum(N, R, np.minimum(m, r))
    return _run_sum(N + n - r, R, np.maximum(m - (n - r), 0))


def _retrieved_expected(
    score: np.ndarray, N: np.ndarray, R: np.ndarray, n: np.ndarray, r: np.ndarray, m: np.ndarray
) -> np.ndarray:
    """Mean of (score + precisions within the split tie) / hits, over the number of hits in it.

    That number h is hypergeometric, and given h the first m places are a tie of h among m. Farther
    than √(20 m (1 − (m−1)/n)) from its mean it has a probability below 2 exp(−40), which is left
    out (Serfling, 1974, Corollary 1.1).
    """
    mean, reach = m * r / n, np.sqrt(20 * m * (1 - (m - 1) / n))
    low = np.maximum(np.maximum(m - (n - r), 0), np.floor(mean - reach))
    high = np.minimum(np.minimum(m, r), np.ceil(mean + reach))
    # The precisions of h hits among the m sum to h a + h (h − 1) b.
    a, two = (_precision_sum(N, R, m, np.full_like(m, h), m, "expected") for h in (1, 2))
    b = two / 2 - a
    width = int((high - low).max()) + 1
    n_rows = max(1, PART // width)
    values = np.empty(len(n))
    for start in range(0, len(n), n_rows):
        some = slice(start, start + n_rows)
        S, R_, n_, r_, m_, a_, b_, lowest, highest = (
            x[some, None] for x in (score, R, n, r, m, a, b, low, high)
        )
        h = np.minimum(lowest + np.arange(width), highest)  # [rows, width]
        up = (r_ - h) * (m_ - h) / ((h + 1) * (n_ - r_ - m_ + h + 1))  # P(h + 1) / P(h)
        more = lowest + np.arange(width) < highest
        log_p = np.log(up, out=np.full_like(up, -np.inf), where=more).cumsum(axis=1)
        log_p = np.pad(log_p[:, :-1], ((0, 0), (1, 0)))
        p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
        scores = (S + h * (a_ - b_ + b_ * h)) / np.maximum(R_ + h, 1)  # no hit: 0 / 1
        values[some] = (p * scores).sum(axis=1) / p.sum(axis=1)
    return values


def _retrieved_best(
    score: np.ndarray, N: np.ndarray, R: np.ndarray, n: np.ndarray, r: np.ndarray, m: np.ndarray
) -> np.ndarray:
    """The best (score + precisions within the split tie) / hits, with h hits in the split tie.

    The hits come first, at ever higher precision, so the mean over them first falls, then rises
    with h: the best is at the fewest or at the most hits.
    """
    ends = np.maximum(m - (n - r), 0), np.minimum(m, r)
    few, many = (ratio(score + _run_sum(N, R, h), R + h) for h in ends)
    return np.maximum(few, many)


def _retrieved_worst(
    score: np.ndarray, N: np.ndarray, R: np.ndarray, n: np.ndarray, r: np.ndarray, m: np.ndarray
) -> np.ndarray:
    """The worst (score + precisions within the split tie) / hits, with h hits in the split tie.

    The hits come last of the m. One more hit adds Δ(h) = Σ_{t<h} 1/(N+m−t) + (R+1)/(N+m−h) to the
    sum, which grows with h; so the mean falls as long as Δ(h) is below it, and bisection finds
    where that ends. No hit at all, where that can be, scores 0.
    """
    low, high = np.maximum(m - (n - r), 0), np.minimum(m, r)
    possible_zero = R + low == 0
    low = np.where(possible_zero, high, low)

    def mean(h: np.ndarray) -> np.ndarray:
        return ratio(score + _run_sum(N + m - h, R, h), R + h)

    while (low < high).any():
        h = np.floor((low + high) / 2)
        end = N + m - h
        rises = _harmonic(end, h) + (R + 1) / np.maximum(end, 1) >= mean(h)
        low, high = np.where(rises | (low == high), low, h + 1), np.where(rises, h, high)
    return np.where(possible_zero, 0, mean(low))


def _run_sum(N: np.ndarray, R: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Sum of the precisions (R + j) / (N + j) over a run of relevant items j = 1..length."""
    return length - (N - R) * _harmonic(N, length)


def _harmonic(start: np.ndarray, length: np.ndarray) -> np.ndarray:
    """The sum of 1 / (start + j) over j = 1..length."""
    from scipy.special import digamma  # a third of a second, at the first score

    return digamma(start + length + 1) - digamma(start + 1)


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`part / whole`, and 0 where `whole` is 0."""
    part, whole = np.broadcast_arrays(part, whole)
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole != 0)
