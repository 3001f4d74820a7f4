"""The paired comparison against SciPy's tests, brute force and simulated scores."""

import itertools

import numpy as np
import pytest
from scipy import stats

from mmhash_nb.metrics import average_precision
from mmhash_nb.ranking import rank_profile
from mmhash_nb.results import run
from mmhash_nb.results.differences import ALPHA, against_best, holm, query_scores


def scores(rng, effects, seeds=3, queries=60, by_seed=0.02, by_query=0.1, noise=0.05):
    """Average precision with an effect of method, seed within method, query, and their product."""
    level = rng.uniform(0.2, 0.8, queries)
    return {
        f"m{i}": effect
        + level
        + by_seed * rng.normal(size=(seeds, 1))
        + by_query * rng.normal(size=(1, queries))
        + noise * rng.normal(size=(seeds, queries))
        for i, effect in enumerate(effects)
    }


def test_two_methods_are_compared_by_min_f(rng):
    made = scores(rng, (0.1, 0.0))
    (row,) = against_best(made).itertuples()
    d = made["m1"] - made["m0"]
    over_seeds = stats.ttest_1samp(d.mean(axis=1), 0)
    over_queries = stats.ttest_1samp(d.mean(axis=0), 0)
    f1, f2 = over_seeds.statistic**2, over_queries.statistic**2
    f = f1 * f2 / (f1 + f2)
    freedom = (f1 + f2) ** 2 / (f1**2 / (60 - 1) + f2**2 / (3 - 1))
    assert row.p == pytest.approx(stats.f.sf(f, 1, freedom))
    assert row.adjusted == row.p and row.difference == pytest.approx(d.mean())
    half = stats.t.ppf(1 - ALPHA / 2, freedom) * abs(d.mean()) / np.sqrt(f)
    assert (row.low, row.high) == pytest.approx((d.mean() - half, d.mean() + half))
    assert (row.method, row.best, row.score) == ("m1", "m0", pytest.approx(made["m1"].mean()))


def test_without_variation_over_seeds_it_is_the_paired_t_test_over_queries(rng):
    queries = {name: rng.random(50) for name in "ab"}
    made = {name: np.tile(row, (3, 1)) for name, row in queries.items()}
    (row,) = against_best(made).itertuples()
    expected = stats.ttest_rel(queries[row.method], queries[row.best])
    assert row.p == pytest.approx(expected.pvalue)
    low, high = expected.confidence_interval(0.95)
    assert (row.low, row.high) == pytest.approx((low, high))
    (single,) = against_best({name: part[:1] for name, part in made.items()}).itertuples()
    assert single.p == pytest.approx(row.p)


def test_without_variation_over_queries_it_is_the_t_test_over_seeds(rng):
    seeds = {"a": rng.random(4), "b": rng.random(4)}
    made = {name: np.tile(row[:, None], (1, 9)) for name, row in seeds.items()}
    (row,) = against_best(made).itertuples()
    expected = stats.ttest_rel(seeds[row.method], seeds[row.best])
    assert row.p == pytest.approx(expected.pvalue)


def test_equal_scores_do_not_differ_and_constant_gaps_do():
    one = np.full((2, 5), 0.5)
    table = against_best({"a": one, "b": one, "c": one - 0.25}).set_index("method")
    assert table.loc["b", ["p", "low", "high", "differs"]].tolist() == [1, 0, 0, False]
    assert table.loc["c", ["p", "low", "high", "differs"]].tolist() == [0, -0.25, -0.25, True]


def holm_by_hand(p):
    """As Holm wrote it: step down, stop at the first that stays."""
    rejected, left = set(), sorted(range(len(p)), key=lambda i: p[i])
    while left and p[left[0]] * len(left) < ALPHA:
        rejected.add(left.pop(0))
    return rejected


def test_holm_rejects_what_stepping_down_rejects(rng):
    for _ in range(200):
        p = rng.random(6) ** 4
        adjusted, level = holm(p)
        wanted = holm_by_hand(p)
        assert set(np.flatnonzero(adjusted < ALPHA)) == wanted
        assert set(np.flatnonzero(p < level)) == wanted


def test_holm_of_a_known_case():
    adjusted, level = holm(np.array([0.01, 0.04, 0.03, 0.005]))
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert level == pytest.approx([ALPHA / 3, ALPHA / 2, ALPHA / 2, ALPHA / 4])


def test_an_interval_holds_zero_exactly_where_the_difference_is_not_called_one(rng):
    told = []
    for _ in range(20):
        table = against_best(scores(rng, rng.uniform(-0.15, 0, 8)))
        inside = (table.low <= 0) & (table.high >= 0)
        assert (inside != table.differs).all()
        assert table.score.is_monotonic_decreasing
        told.extend(table.differs)
    assert 0.2 < np.mean(told) < 0.9  # both kinds came up


def test_false_differences_are_as_rare_as_promised(rng):
    """Two methods alike: over seeds and queries drawn anew, 5 % are called different, not more."""
    wrong = [against_best(scores(rng, (0, 0))).differs.any() for _ in range(400)]
    assert np.mean(wrong) < 0.08
    over_queries = []  # what the t-test over queries alone would say
    for _ in range(400):
        made = scores(rng, (0, 0))
        d = (made["m0"] - made["m1"]).mean(axis=0)
        over_queries.append(stats.ttest_1samp(d, 0).pvalue < ALPHA)
    assert np.mean(over_queries) > 0.1


@pytest.mark.parametrize("rows", [{}, {"a": (3, 5)}, {"a": (3, 5), "b": (2, 5)}])
def test_what_cannot_be_compared_is_refused(rows):
    with pytest.raises(ValueError, match="a comparison needs two methods with the same seeds"):
        against_best({name: np.zeros(shape) for name, shape in rows.items()})


def test_query_scores_are_those_of_the_kept_codes(two_views, tmp_path):
    asked = itertools.product(("random", "cvh", "raw"), (8, 12), (0, 1))
    runs = [run("x", method, two_views, b, s, root=tmp_path) for method, b, s in asked]
    found = query_scores(runs, two_views, "image-text", 12)
    assert {name: rows.shape for name, rows in found.items()} == {
        name: (2, len(two_views.query)) for name in ("random", "cvh")
    }
    codes = next(r for r in runs if r.key == ("cvh", 12, 1)).codes()
    q, d, labels = two_views.query, two_views.database, two_views.labels
    profile = rank_profile(codes["image"][q], codes["text"][d], labels[q], labels[d])
    assert found["cvh"][1] == pytest.approx(average_precision(profile))
    for r in runs:
        if r.key[1] == 12 and r.key[0] in found:
            mean = found[r.key[0]][r.key[2]].mean()
            assert mean == pytest.approx(r.metrics["image-text"]["mAP"])
    assert query_scores(runs, two_views, "image-unified", 12) == {}
