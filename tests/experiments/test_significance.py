"""The paired comparison against SciPy's tests, brute force and simulated scores."""

import itertools

import numpy as np
import pytest
from scipy import stats

from mmhash_nb.experiments.significance import (
    ALPHA,
    against_best,
    cochran_cox,
    holm,
    query_scores,
)
from mmhash_nb.metrics import average_precision
from mmhash_nb.ranking import rank_profile
from mmhash_nb.results import run


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


def test_two_methods_are_compared_by_the_critical_value_of_cochran_and_cox(rng):
    made = scores(rng, (0.1, 0.0))
    (row,) = against_best(made).itertuples()
    d = made["m1"] - made["m0"]
    seeds, queries = stats.sem(d.mean(axis=1)) ** 2, stats.sem(d.mean(axis=0)) ** 2
    error = np.sqrt(seeds + queries)

    def critical(level):
        t2, t59 = stats.t.isf(level / 2, 2), stats.t.isf(level / 2, 59)
        return (seeds * t2 + queries * t59) / (seeds + queries)

    assert critical(row.p) == pytest.approx(abs(d.mean()) / error, rel=1e-9)
    assert row.adjusted == row.p and row.difference == pytest.approx(d.mean())
    half = critical(ALPHA) * error
    assert (row.low, row.high) == pytest.approx((d.mean() - half, d.mean() + half))
    assert (row.method, row.best, row.score) == ("m1", "m0", pytest.approx(made["m1"].mean()))


@pytest.mark.parametrize("seeds_to_queries", [0.1, 3, 10])
def test_small_levels_are_kept_with_three_seeds(rng, seeds_to_queries):
    """Where Satterthwaite's degrees of freedom, as in min F', are wrong threefold and more."""
    n = 20_000
    squared = np.array([seeds_to_queries * rng.chisquare(2, n) / 2, rng.chisquare(59, n) / 59])
    difference = rng.normal(0, np.sqrt(seeds_to_queries + 1), n)
    freedom = np.array([[2], [59]])
    p = cochran_cox(difference, squared, freedom)
    error = squared.sum(axis=0)
    satterthwaite = error**2 / (squared**2 / freedom).sum(axis=0)
    min_f = 2 * stats.t.sf(np.abs(difference) / np.sqrt(error), satterthwaite)
    for level, times in ((0.05, 1.1), (0.01, 1.3), (0.001, 3)):
        assert np.mean(p < level) < times * level
    assert np.mean(min_f < 0.001) > 0.005 or seeds_to_queries not in (3, 10)


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


def test_it_is_corrected_for_all_pairs_of_methods(rng):
    made = scores(rng, rng.uniform(-0.15, 0, 8), seeds=5)
    table = against_best(made)
    pairs = itertools.combinations(sorted(made, key=lambda m: -made[m].mean()), 2)
    p = [against_best({m: made[m] for m in pair}).p[0] for pair in pairs]
    assert table.p.tolist() == pytest.approx(p[:7])  # those with the best come first
    assert table.adjusted.tolist() == pytest.approx(holm(np.array(p))[:7])
    assert (table.differs == (table.adjusted < ALPHA)).all()


def test_an_interval_holds_zero_exactly_where_a_difference_is_none_by_itself(rng):
    told = []
    for _ in range(20):
        table = against_best(scores(rng, rng.uniform(-0.15, 0, 8)))
        inside = (table.low <= 0) & (table.high >= 0)
        assert (inside == (table.p >= ALPHA)).all()
        assert table.score.is_monotonic_decreasing
        told.extend(~inside)
    assert 0.2 < np.mean(told) < 0.9  # both kinds came up


def test_the_best_of_many_alike_is_not_called_better():
    """28 methods alike: 5 % of such tables have a difference, not the 20 % of the best's own."""
    rng, ours, chosen = np.random.default_rng(0), [], []
    for _ in range(60):
        table = against_best(scores(rng, [0] * 28, by_seed=0.05))
        ours.append(table.differs.any())
        chosen.append((holm(table.p.to_numpy()) < ALPHA).any())  # as if the best were given
    assert np.mean(ours) < 0.08 and np.mean(chosen) > 0.12


@pytest.mark.parametrize("rows", [{}, {"a": (3, 5)}, {"a": (3, 5), "b": (2, 5)}])
def test_what_cannot_be_compared_is_refused(rows):
    with pytest.raises(ValueError, match="a comparison needs two methods with the same seeds"):
        against_best({name: np.zeros(shape) for name, shape in rows.items()})


def test_query_scores_are_those_of_the_kept_codes(two_views, tmp_path):
    asked = itertools.product(("random", "cvh", "cca"), (8, 12), (1, 0))
    runs = [run("x", method, two_views, b, s, root=tmp_path) for method, b, s in asked]
    found = query_scores(runs, two_views, "image-text", 12)
    assert {name: rows.shape for name, rows in found.items()} == {
        name: (2, len(two_views.query)) for name in ("random", "cvh")
    }
    codes = next(r for r in runs if r.key == ("cvh", 12, 1)).codes()
    q, d, labels = two_views.query, two_views.database, two_views.labels
    profile = rank_profile(codes["image"][q], codes["text"][d], labels[q], labels[d])
    assert found["cvh"][1] == pytest.approx(average_precision(profile))
    assert any("image-text" in r.metrics for r in runs if r.key[0] == "cca")  # but no codes
    for r in runs:
        if r.key[1] == 12 and r.key[0] in found:
            mean = found[r.key[0]][r.key[2]].mean()
            assert mean == pytest.approx(r.metrics["image-text"]["mAP"])
    assert query_scores(runs, two_views, "image-unified", 12) == {}
