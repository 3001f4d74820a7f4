"""Every metric against its definition, averaged over every order of the tied items."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score
from table_cases import table_rows

from mmhash_nb import metrics, ties
from mmhash_nb.codes import HashCodes
from mmhash_nb.metrics import (
    acg,
    average_precision,
    average_precision_from_distances,
    lookup_precision,
    mean_average_precision,
    ndcg,
    precision_at,
    precision_recall,
    precision_recall_ranked,
    recall_at,
)
from mmhash_nb.ranking import RankProfile, rank_profile

NORMALISE_BY = ["relevant", "min", "retrieved"]
TIES = {"expected": np.mean, "best": max, "worst": min}


# One query: the labels shared by the items at each distance, 0..K. Its counts, and the rankings
# it stands for (orders that look the same stand for equally many, so each is taken once).
def query_profile(query, depth=4):
    counts = np.zeros((1, len(query), depth), dtype=np.int64)
    for distance, shared in enumerate(query):
        np.add.at(counts[0, distance], shared, 1)
    return RankProfile(counts)


def rankings(query):
    orders = product(*(sorted(set(permutations(tie))) for tie in query))
    return [[g for tie in order for g in tie] for order in orders]


@st.composite
def same_bits(draw):
    """One to three queries of one code length, each with 1 to 8 items."""
    n_distances = draw(st.integers(1, 4))
    tie = st.lists(st.integers(0, 3), max_size=5)
    query = st.lists(tie, min_size=n_distances, max_size=n_distances)
    fits = query.filter(lambda q: 1 <= sum(map(len, q)) <= 8)
    return draw(st.lists(fits, min_size=1, max_size=3))


def precision_sum_over(ranking, at, normalise_by):
    """Average precision of one ranking, as in a textbook."""
    hits, score = 0, 0.0
    for rank, shared in enumerate(ranking[:at], start=1):
        if shared > 0:
            hits += 1
            score += hits / rank
    total = sum(g > 0 for g in ranking)
    least = total if at is None else min(at, total)
    divisor = {"relevant": total, "min": least, "retrieved": hits}[normalise_by]
    return score / divisor if divisor else 0.0


def dcg(ranking, at):
    return sum((2**g - 1) / np.log2(1 + rank) for rank, g in enumerate(ranking[:at], start=1))


def all_orders(queries):
    return [rankings(query) for query in queries]


def over_orders(orders, metric, reduce=np.mean):
    return [reduce([metric(ranking) for ranking in of_query]) for of_query in orders]


def joined(queries):
    return RankProfile.concatenate([query_profile(query) for query in queries])


@settings(max_examples=150)
@given(same_bits(), st.sampled_from(NORMALISE_BY), st.sampled_from(sorted(TIES)))
def test_average_precision_over_all_orders(queries, normalise_by, tie_rule):
    profile, orders = joined(queries), all_orders(queries)
    for at in [None, *range(1, 10)]:
        expected = over_orders(
            orders, lambda r, at=at: precision_sum_over(r, at, normalise_by), TIES[tie_rule]
        )
        found = average_precision(profile, at, normalise_by, tie_rule)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, atol=1e-12)
        mean = mean_average_precision(profile, at, normalise_by, tie_rule)
        assert mean == pytest.approx(np.mean(expected), abs=1e-12)


@settings(max_examples=80)
@given(same_bits())
def test_cut_off_metrics_over_all_orders(queries):
    profile, orders = joined(queries), all_orders(queries)
    for n in range(1, 10):
        share = over_orders(
            orders, lambda r, n=n: sum(g > 0 for g in r[:n]) / max(1, sum(g > 0 for g in r))
        )
        np.testing.assert_allclose(recall_at(profile, n), share, atol=1e-12)
        gain = over_orders(
            orders, lambda r, n=n: dcg(r, n) / (dcg(sorted(r, reverse=True), n) or 1)
        )
        np.testing.assert_allclose(ndcg(profile, n), gain, atol=1e-12)
        if n <= min(sum(map(len, query)) for query in queries):
            hits = over_orders(orders, lambda r, n=n: sum(g > 0 for g in r[:n]) / n)
            np.testing.assert_allclose(precision_at(profile, n), hits, atol=1e-12)
            shared = over_orders(orders, lambda r, n=n: sum(r[:n]) / n)
            np.testing.assert_allclose(acg(profile, n), shared, atol=1e-12)
    np.testing.assert_allclose(ndcg(profile), ndcg(profile, 10), atol=1e-12)


@settings(max_examples=80)
@given(same_bits())
def test_hash_lookup_by_its_definition(queries):
    profile = joined(queries)
    precisions, recalls = [], []
    for radius in range(len(queries[0])):
        near = [[g > 0 for tie in query[: radius + 1] for g in tie] for query in queries]
        total = [sum(g > 0 for tie in query for g in tie) for query in queries]
        at_radius = [np.mean(hits) if hits else 0.0 for hits in near]
        np.testing.assert_allclose(lookup_precision(profile, radius), at_radius)
        precisions.append(np.mean(at_radius))
        pairs = zip(near, total, strict=True)
        recalls.append(np.mean([sum(hits) / t if t else 0.0 for hits, t in pairs]))
    recall, precision = precision_recall(profile)
    np.testing.assert_allclose(recall, recalls)
    np.testing.assert_allclose(precision, precisions)
    np.testing.assert_array_equal(lookup_precision(profile), lookup_precision(profile, radius=2))
    assert (np.diff(recall) >= 0).all() and recall[-1] <= 1


def precision_at_level(query, level):
    """Walk the ties until the expected hits reach the level, and stop inside the tie."""
    total = sum(g > 0 for tie in query for g in tie)
    wanted, hits, rank = max(1, int(np.ceil(round(level * total, 9)))), 0, 0
    for tie in query:
        here = sum(g > 0 for g in tie)
        if here and hits + here >= wanted:
            return wanted / (rank + len(tie) * (wanted - hits) / here)
        hits, rank = hits + here, rank + len(tie)
    return 0.0


LEVELS = np.linspace(0, 1, 11)


@settings(max_examples=80)
@given(same_bits())
def test_ranked_curve_by_its_definition(queries):
    expected = [np.mean([precision_at_level(query, x) for query in queries]) for x in LEVELS]
    found = precision_recall_ranked(joined(queries), LEVELS)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_ranked_curve_without_ties_is_the_precision_at_each_relevant_item():
    rng = np.random.default_rng(0)
    relevant = rng.random((6, 40)) < 0.3
    profile = RankProfile(np.stack([~relevant, relevant], axis=2).astype(np.int64))
    expected = np.zeros((6, len(LEVELS)))
    for q, row in enumerate(relevant):
        ranks = np.flatnonzero(row) + 1
        precision = np.arange(1, len(ranks) + 1) / ranks
        for i, tenths in enumerate(range(11)):
            expected[q, i] = precision[max(1, -(-tenths * len(ranks) // 10)) - 1]
    np.testing.assert_allclose(precision_recall_ranked(profile, LEVELS), expected.mean(axis=0))


def random_profile(seed, n_queries=20, n_bits=16, depth=4, most=30):
    rng = np.random.default_rng(seed)
    return RankProfile(rng.integers(0, most, size=(n_queries, n_bits + 1, depth)))


def test_scikit_learn_agrees_where_the_definitions_coincide():
    rng = np.random.default_rng(1)
    relevant = rng.random((5, 80)) < 0.2
    distances = rng.random((5, 80))
    found = average_precision_from_distances(distances, relevant)
    pairs = list(zip(relevant, distances, strict=True))
    expected = [average_precision_score(r, -d) for r, d in pairs]
    np.testing.assert_allclose(found, expected)

    profile = random_profile(2, most=5)
    for q, counts in enumerate(profile.counts):
        distance, shared = np.nonzero(counts)
        times = counts[distance, shared]
        gains, near = np.repeat(2.0**shared - 1, times), np.repeat(-distance, times)
        for at in (1, 7, 60, None):
            # scikit-learn averages over ties as well.
            expected = ndcg_score([gains], [near], k=at)
            assert ndcg(profile, at)[q] == pytest.approx(expected)


@pytest.mark.parametrize("normalise_by", NORMALISE_BY)
@pytest.mark.parametrize("at", [None, 1, 50, 300, 10_000])
def test_expected_lies_between_worst_and_best(normalise_by, at):
    profile = random_profile(3)
    worst, expected, best = (
        average_precision(profile, at, normalise_by, tie_rule)
        for tie_rule in ("worst", "expected", "best")
    )
    assert (worst <= expected + 1e-12).all() and (expected <= best + 1e-12).all()
    assert (worst < best).any() and best.max() <= 1 + 1e-12


@pytest.mark.parametrize("normalise_by", NORMALISE_BY)
@pytest.mark.parametrize("tie_rule", sorted(TIES))
@pytest.mark.parametrize("at", [None, 3, 20])
def test_distances_score_as_the_profile_they_make(normalise_by, tie_rule, at, monkeypatch):
    rng = np.random.default_rng(4)
    distances = rng.integers(0, 9, size=(7, 60)).astype(np.float32)
    shared = rng.integers(0, 3, size=(7, 60))
    shared[2] = 0
    counts = np.zeros((7, 9, 3), dtype=np.int64)
    rows = np.repeat(np.arange(7), 60)
    np.add.at(counts, (rows, distances.astype(int).ravel(), shared.ravel()), 1)
    expected = average_precision(RankProfile(counts), at, normalise_by, tie_rule)
    options = (at, normalise_by, tie_rule)
    found = average_precision_from_distances(distances / 3, shared > 0, *options)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    monkeypatch.setattr(metrics, "PART", 130)  # two rows at a time, and a rest
    monkeypatch.setattr(ties, "PART", 40)
    found = average_precision_from_distances(distances / 3, shared > 0, *options)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    kept = average_precision_from_distances(distances / 3, shared > 0, *options, skip_empty=True)
    np.testing.assert_allclose(kept, np.delete(expected, 2), atol=1e-12)


def test_queries_without_relevant_items_score_zero_or_are_left_out():
    nothing, something = [[0], [0, 0]], [[1], [0, 0]]
    profile = joined([nothing, something])
    assert average_precision(profile).tolist() == [0, 1]
    assert mean_average_precision(profile) == 0.5
    assert average_precision(profile, skip_empty=True).tolist() == [1]
    assert mean_average_precision(profile, skip_empty=True) == 1
    for metric in (ndcg, lookup_precision):
        assert metric(profile)[0] == 0
    for metric in (precision_at, recall_at, acg):
        assert metric(profile, 1).tolist() == [0, 1]
    assert precision_recall_ranked(profile, [0.5]) == [0.5]
    with pytest.raises(ValueError, match="none of the 1 queries has a relevant item"):
        mean_average_precision(query_profile(nothing), skip_empty=True)


def test_the_three_conventions_of_map_at_k_differ():
    profile = query_profile([[1], [0], [0], [1], [1]])
    found = [average_precision(profile, 2, name)[0] for name in NORMALISE_BY]
    assert found == pytest.approx([1 / 3, 1 / 2, 1])


PROFILE = random_profile(5)
SIZE = int(PROFILE.items.sum(axis=1).min())


@pytest.mark.parametrize(
    ("function", "arguments", "named", "sentence"),
    [
        *table_rows("wrong_metric_arguments"),
        (
            "precision_at",
            [SIZE + 1],
            {},
            f"cut-off is {SIZE + 1}, but the database holds {SIZE} it",
        ),
        ("acg", [SIZE + 1], {}, f"the database holds {SIZE} items"),
        *((name, [None], {}, "positive integer, but is None") for name in ("acg", "recall_at")),
    ],
)
def test_bad_arguments_are_named(function, arguments, named, sentence):
    with pytest.raises(ValueError, match=sentence):
        getattr(metrics, function)(PROFILE, *arguments, **named)


@pytest.mark.parametrize(
    ("distances", "relevant", "sentence"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4), bool), r"distances is \[2, 3\] but relevant is \[2, 4"),
        (np.zeros((2, 0)), np.zeros((2, 0), bool), r"at least one item .* \[2, 0\]"),
        (np.zeros(3), np.zeros(3, bool), r"must be \[Q, N\]"),
        (np.zeros((2, 3)), np.zeros((2, 3)), "relevant bool, .* float64"),
        (
            np.array([[0.0, 1], [2, np.nan]]),
            np.ones((2, 2), bool),
            "distance of query 1 to item 1 is NaN",
        ),
    ],
)
def test_bad_distances_are_named(distances, relevant, sentence):
    with pytest.raises(ValueError, match=sentence):
        average_precision_from_distances(distances, relevant)


def test_no_mean_is_over_the_share_of_queries_that_can_find_something():
    labels = np.eye(4, dtype=bool)
    queries, database = labels[[0, 1, 2, 3, 3]], labels[[0, 0, 1]]
    codes = HashCodes.from_bits(np.unpackbits(np.arange(4, dtype=np.uint8)[:, None], axis=1))
    ranked = rank_profile(codes[[0, 1, 2, 3, 3]], codes[[0, 0, 1]], queries, database)
    assert metrics.reachable(ranked) == 0.4
    assert metrics.mean_average_precision(ranked) == metrics.ndcg(ranked).mean() == 0.4
    assert metrics.mean_average_precision(ranked, skip_empty=True) == 1
