"""The paired comparison against SciPy's tests, brute force and simulated scores."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mmhash_nb.experiments.multiple_comparisons import ALPHA, moderated
from mmhash_nb.experiments.significance import POINT, against_best, cochran_cox, query_scores
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
    d = made["m1"].mean(axis=0) - made["m0"].mean(axis=0)
    spread = np.array([made[m].mean(axis=1).var(ddof=1) for m in ("m1", "m0")])
    seeds, freedom = moderated(spread, np.array([2, 2]))
    parts = np.array([*(seeds / 3), stats.sem(d) ** 2])
    degrees = np.array([*freedom, 59])

    def critical(level):
        return (parts * stats.t.isf(level / 2, degrees)).sum() / parts.sum()

    error = np.sqrt(parts.sum())
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


def test_equal_scores_are_within_a_point_and_constant_gaps_are_behind():
    one = np.full((2, 5), 0.5)
    table = against_best({"a": one, "b": one, "c": one - 0.25}).set_index("method")
    assert table.loc["b", ["p", "low", "high", "outcome"]].tolist() == [1, 0, 0, "within a point"]
    gap = table.loc["c", ["p", "low", "high", "outcome"]].tolist()
    assert gap == [0, -0.25, -0.25, "surely behind"]


def test_it_is_corrected_for_the_number_of_the_others(rng):
    made = scores(rng, rng.uniform(-0.15, 0, 8), seeds=5)
    table = against_best(made)
    assert table.adjusted.to_numpy() == pytest.approx(np.minimum(7 * table.p, 1))
    for row in table.itertuples():
        zero_inside = row.low <= 0 <= row.high
        assert zero_inside == (row.adjusted >= ALPHA)
        expected = "unresolved" if zero_inside else "surely behind"
        assert row.outcome == ("within a point" if row.difference > -POINT else expected)
    assert table.score.is_monotonic_decreasing


def test_the_order_of_methods_does_not_matter(rng):
    made = scores(rng, rng.uniform(-0.15, 0, 8))
    turned = against_best(dict(reversed(made.items())))
    pd.testing.assert_frame_equal(turned, against_best(made))


def test_the_truly_best_of_many_is_not_called_behind():
    """28 methods, as unlike in noise as here, of which one leads by a little."""
    rng, wrong, all_alike = np.random.default_rng(0), 0, 0
    for _ in range(150):
        noise = 0.008 * np.exp(0.8 * rng.normal(size=28))
        level = rng.uniform(0.2, 0.8, 60)
        made = {
            f"m{i}": (0.0005 if i == 0 else 0.0)
            + level
            + noise[i] * rng.normal(size=(3, 1))
            + 0.05 * rng.normal(size=(1, 60))
            for i in range(28)
        }
        table = against_best(made)
        sure = table[table.adjusted < ALPHA]
        wrong += "m0" in set(sure.method)
        all_alike += len(sure)
    assert wrong <= ALPHA * 150
    assert all_alike <= 0.02 * 150 * 27  # a method as good as the best is rarely called behind


def test_five_points_are_found_with_three_seeds():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(40):
        effects = [0.0, *[-0.05] * 27]
        table = against_best(scores(rng, effects, queries=200, by_seed=0.007, by_query=0.05))
        found.append((table.outcome == "surely behind").mean())
    assert np.mean(found) > 0.9


def test_more_seeds_of_some_methods_count(rng):
    made = scores(rng, (0.1, 0.0, 0.05))
    more = {**made, "m1": np.repeat(made["m1"], 4, axis=0)}
    one, other = (against_best(m).set_index("method").loc["m1"] for m in (made, more))
    assert one.difference == pytest.approx(other.difference)
    assert (one.seeds, other.seeds) == (3, 12) and other.p < one.p


@pytest.mark.parametrize("rows", [{}, {"a": (3, 5)}, {"a": (3, 5), "b": (3, 4)}])
def test_what_cannot_be_compared_is_refused(rows):
    with pytest.raises(ValueError, match="a comparison needs two methods with the same queries"):
        against_best({name: np.zeros(shape) for name, shape in rows.items()})


def test_query_scores_are_those_of_the_saved_codes(two_views, tmp_path, monkeypatch):
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
    gone = pd.DataFrame([("cvh", "image-text", 12, 0)], columns=["method", "task", "bits", "seed"])
    monkeypatch.setattr("mmhash_nb.experiments.failed_runs.failed", lambda records: gone)
    (left,) = query_scores(runs, two_views, "image-text", 12)["cvh"]
    assert left == pytest.approx(found["cvh"][1])


def test_queries_without_relevant_items_are_those_of_no_score_for_any_method(rng):
    made = scores(rng, [0.1, 0.0, 0.0])
    made = {name: rows + 1.0 for name, rows in made.items()}
    for name, rows in made.items():
        rows[:, :13] = 0.0
        rows[:, 13] *= name != "m1"
    table = against_best(made)
    assert set(table.queries) == {60} and set(table.without_relevant) == {13}
