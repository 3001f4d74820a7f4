"""Queries, database and training samples: drawn by a seed, disjoint, of the right numbers."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhash_nb.datasets import cifar10, iaprtc12, mirflickr25k, nuswide, photo_tables
from mmhash_nb.datasets.splits import at_random, for_each_label, most_frequent

NAMES = [f"concept{i:02}" for i in range(21)]


def checked(split, n):
    """A split that `split` draws, the same each time, sorted, with training samples to search."""
    query, database, train = split()
    assert sorted([*query, *database]) == list(range(n)) and np.isin(train, database).all()
    for indices, again in zip((query, database, train), split(), strict=True):
        assert (np.diff(indices) > 0).all() and again.tolist() == indices.tolist()
    return query, database, train


@given(n=st.integers(2, 80), seed=st.integers(0, 1000), data=st.data())
def test_at_random(n, seed, data):
    n_query = data.draw(st.integers(1, n - 1))
    n_train = data.draw(st.integers(1, n - n_query))
    query, _, train = checked(lambda: at_random(n, n_query, n_train, seed), n)
    assert (len(query), len(train)) == (n_query, n_train)
    assert at_random(n, n_query, 1, seed)[0].tolist() == query.tolist()


@settings(max_examples=50)
@given(
    n=st.integers(40, 90),
    n_query=st.integers(1, 5),
    n_train=st.integers(1, 20),
    seed=st.integers(0, 5),
    share=st.floats(0.0, 0.6),
)
def test_for_each_label(n, n_query, n_train, seed, share):
    rng = np.random.default_rng(seed)
    labels = np.arange(4) == (np.arange(n) % 4)[:, None]
    labels |= rng.random((n, 4)) < share
    query, _, train = checked(lambda: for_each_label(labels, "abcd", n_query, n_train, seed), n)
    assert (len(query), len(train)) == (4 * n_query, n_train)
    assert (labels[query].sum(axis=0) >= n_query).all()
    # How many are trained on does not move the queries.
    np.testing.assert_array_equal(for_each_label(labels, "abcd", n_query, 1, seed)[0], query)


def test_exclusive_labels_give_exactly_as_many_queries_each():
    labels = np.eye(21, dtype=bool).repeat(110, axis=0)
    query, database, train = for_each_label(labels, NAMES, 100, 200, 0)
    assert labels[query].sum(axis=0).tolist() == [100] * 21
    assert (len(query), len(database), len(train)) == (2100, 210, 200)


def test_a_rare_label_inside_a_frequent_one_still_gets_its_queries():
    labels = np.ones((40, 2), dtype=bool)
    labels[5:, 1] = False  # five samples of the second, all of them of the first too
    for seed in range(20):
        query, *_ = for_each_label(labels, ["sky", "moon"], 5, 1, seed)
        assert np.isin(np.arange(5), query).all() and len(query) == 10


@settings(max_examples=25)
@given(
    per_class=st.integers(3, 12),
    n_query=st.integers(1, 4),
    n_train=st.none() | st.integers(1, 4),
    seed=st.integers(0, 3),
)
def test_for_each_class_of_cifar10(per_class, n_query, n_train, seed):
    classes = np.random.default_rng(seed).permutation(np.repeat(np.arange(10), per_class))
    if n_query + (n_train or 1) > per_class:
        with pytest.raises(ValueError, match=f"class airplane has {per_class} images, too few"):
            cifar10.split(classes, n_query, n_train, seed)
        return
    query, database, train = checked(
        lambda: cifar10.split(classes, n_query, n_train, seed), len(classes)
    )
    assert (np.bincount(classes[query]) == n_query).all()
    assert (np.bincount(classes[train]) == (n_train or per_class - n_query)).all()
    if n_train is None:
        np.testing.assert_array_equal(train, database)
    np.testing.assert_array_equal(cifar10.split(classes, n_query, None, seed)[0], query)


@given(st.data())
def test_in_proportion_to_classes(data):
    n_classes = data.draw(st.integers(1, 4))
    n = data.draw(st.integers(4 * n_classes, 60))
    n_query = data.draw(st.integers(n_classes, n - n_classes))
    seed = data.draw(st.integers(0, 1000))
    classes = data.draw(st.sampled_from([None, np.arange(n) % n_classes]))

    def split():
        query, rest = photo_tables.split(n, n_query, seed, classes)
        return query, rest, rest

    query, *_ = checked(split, n)
    assert len(query) == n_query
    if classes is not None:
        share = np.bincount(classes, minlength=n_classes) * n_query / n
        assert (np.abs(np.bincount(classes[query], minlength=n_classes) - share) <= 1).all()


@pytest.mark.parametrize(
    "split",
    [
        lambda seed: at_random(100, 10, 20, seed),
        lambda seed: for_each_label(np.eye(3, dtype=bool).repeat(60, axis=0), "abc", 5, 40, seed),
        lambda seed: cifar10.split(np.repeat(np.arange(10), 50), 5, 10, seed),
    ],
)
def test_another_seed_draws_another_split(split):
    first, second = split(0), split(1)
    assert first[0].tolist() != second[0].tolist() and first[2].tolist() != second[2].tolist()


@pytest.mark.parametrize("value", [0, -3])
def test_numbers_that_are_not_positive_are_refused(value):
    labels, classes = np.ones((9, 1), bool), np.arange(10).repeat(9)
    for option, split in (
        ("n_query_per_concept", lambda: for_each_label(labels, ["sky"], value, 1, 0)),
        ("n_train", lambda: for_each_label(labels, ["sky"], 1, value, 0)),
        ("n_query_per_class", lambda: cifar10.split(classes, value, 1, 0)),
        ("n_train_per_class", lambda: cifar10.split(classes, 1, value, 0)),
    ):
        with pytest.raises(ValueError, match=f"{option} must be at least 1, but is {value}"):
            split()


def test_the_most_frequent_labels_keep_the_order_of_the_list():
    labels = np.zeros((10, 5), dtype=np.uint8)
    for column, count in enumerate([4, 1, 9, 4, 7]):
        labels[:count, column] = 1
    assert most_frequent(labels, 2).tolist() == [2, 4]
    assert most_frequent(labels, 3).tolist() == [0, 2, 4]  # of equals, the first
    # A sum of uint8 would wrap at 256.
    assert most_frequent(np.ones((300, 2), np.uint8) * [[1, 0]], 1).tolist() == [0]
    many = np.zeros((300, 2), np.uint8)
    many[:257, 1], many[:5, 0] = 1, 1
    assert most_frequent(many, 1).tolist() == [1]


@pytest.mark.parametrize("dataset", [mirflickr25k, nuswide, iaprtc12])
def test_the_papers_numbers_are_those_of_the_table(dataset):
    """Of `protocols.csv`: what a selection holds, and what is drawn of it."""
    with open(Path(__file__).with_name("protocols.csv"), newline="") as file:
        rows = {(row.pop("dataset"), row.pop("protocol")): row for row in csv.DictReader(file)}
    name = dataset.__name__.rpartition(".")[2]
    assert {(name, paper) for paper in dataset.PROTOCOLS} == {key for key in rows if key[0] == name}
    for paper, rule in dataset.PROTOCOLS.items():
        assert {key: str(getattr(rule, key)) for key in rows[name, paper]} == rows[name, paper]
