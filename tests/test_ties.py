"""Average precision of ties too large to try every order: against sums over all places."""

import numpy as np
import pytest
from scipy.stats import hypergeom

from mmhash_nb.ties import tied_average_precision

# Items and relevant items at four distances; with these cut-offs, each splits one of the ties.
ITEMS = np.array([[300, 2500, 40, 900], [0, 4000, 0, 0], [500, 3000, 100, 7]])
RELEVANT = np.array([[10, 700, 3, 80], [0, 4000, 0, 0], [0, 30, 100, 0]])


def expected_numerator(N, R, n, r, m):
    """The expected sum of precisions over the first m places of a tie, place by place."""
    j = np.arange(1, m + 1)
    others = (j - 1) * (r - 1) / max(n - 1, 1)
    return (r / n * (R + 1 + others) / (N + j)).sum()


def cut(row, at):
    """Sum over whole ties, and N, R, n, r, m of the one that the cut-off splits."""
    N = R = 0
    for n, r in zip(ITEMS[row], RELEVANT[row], strict=True):
        if N + n >= at:
            return N, R, int(n), int(r), at - N
        N, R = N + int(n), R + int(r)
    raise AssertionError


@pytest.mark.parametrize("at", [1, 250, 1500, 2790])
def test_expected_retrieved_is_the_mean_over_the_hits_in_the_split_tie(at):
    found = tied_average_precision(ITEMS, RELEVANT, at, "retrieved", "expected")
    for row in range(3):
        N, R, n, r, m = cut(row, at)
        before = R and expected_numerator(0, 0, ITEMS[row, 0], R, N)
        h = np.arange(max(0, m - (n - r)), min(m, r) + 1)
        p = hypergeom(n, r, m).pmf(h)
        scores = [
            (before + expected_numerator(N, R, m, k, m)) / (R + k) if R + k else 0.0 for k in h
        ]
        assert found[row] == pytest.approx((p * scores).sum(), rel=1e-9)


@pytest.mark.parametrize("at", [1, 250, 1500, 2790])
@pytest.mark.parametrize("tie_rule", ["best", "worst"])
def test_bounds_of_retrieved_are_extremes_over_the_hits_in_the_split_tie(at, tie_rule):
    found = tied_average_precision(ITEMS, RELEVANT, at, "retrieved", tie_rule)
    first = tie_rule == "best"
    for row in range(3):
        N, R, n, r, m = cut(row, at)
        run = np.arange(1, R + 1)
        before = (run / (run + (0 if first else N - R))).sum()
        scores = []
        for h in range(max(0, m - (n - r)), min(m, r) + 1):
            run = np.arange(1, h + 1)
            start = N if first else N + m - h
            total = before + ((R + run) / (start + run)).sum()
            scores.append(total / (R + h) if R + h else 0.0)
        assert found[row] == pytest.approx(max(scores) if first else min(scores), rel=1e-12)


def test_a_hundred_million_items_keep_their_precision():
    # All relevant: every order scores 1. One relevant item in a tie of n: H(n) / n.
    n = np.array([[10**8, 0]])
    for tie_rule in ("expected", "best", "worst"):
        found = tied_average_precision(n, n, None, "relevant", tie_rule)
        assert found == pytest.approx(1, abs=1e-12)
    found = tied_average_precision(n, np.array([[1, 0]]), None, "relevant", "expected")
    assert found * 10**8 == pytest.approx(np.log(1e8) + 0.5772156649015329 + 5e-9, rel=1e-12)
    found = tied_average_precision(n, n // 2, 10**7 + 1, "retrieved", "expected")
    assert 0.5 < found[0] < 0.501
