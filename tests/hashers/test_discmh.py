"""DisCMH: every block against autograd, loops and brute force, then as a method."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from retrieval import scores, training_views
from scipy import sparse

from mmhash_nb import hashers
from mmhash_nb.hashers.discmh import Discriminant

WEIGHTS = {"lambda_": 0.7, "nu": 0.3, "ridge": 0.9}


def problem(seed, n=12, k=4, d1=5, d2=3, classes=3):
    """A random problem and a random point of it: views, labels, B, W and P."""
    rng = np.random.default_rng(seed)
    views = [rng.normal(size=(n, d)) for d in (d1, d2)]
    labels = rng.random((n, classes)) < 0.4
    b = rng.choice([-1.0, 1.0], size=(n, k))
    return (
        views,
        labels,
        b,
        rng.normal(size=(k, classes)),
        [rng.normal(size=(d, k)) for d in (5, 3)],
    )


def written_out(views, labels, b, w, p, lambda_, nu, ridge):
    """The objective as the docstring prints it, on tensors."""

    def norm2(matrix):
        return (matrix**2).sum()

    fit = norm2(labels - b @ w) + lambda_ * norm2(w)
    return fit + nu * sum(
        norm2(b - x @ m) + ridge * norm2(m) for x, m in zip(views, p, strict=True)
    )


def tensors(views, labels, b, w, p):
    return (
        [torch.tensor(x) for x in views],
        torch.tensor(labels, dtype=torch.float64),
        torch.tensor(b),
        torch.tensor(w, requires_grad=True),
        [torch.tensor(m, requires_grad=True) for m in p],
    )


def test_the_objective_is_the_printed_one():
    views, labels, b, w, p = problem(0)
    expected = written_out(*tensors(views, labels, b, w, p), **WEIGHTS).item()
    found = Discriminant(views, labels, **WEIGHTS).objective(b, w, p)
    assert found == pytest.approx(expected, rel=1e-12)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 9))
def test_w_and_p_are_the_exact_minimisers(seed, k):
    views, labels, b, _, _ = problem(seed, k=k)
    blocks = Discriminant(views, labels, **WEIGHTS)
    point = tensors(views, labels, b, blocks.classifier(b), blocks.projections(b))
    written_out(*point, **WEIGHTS).backward()
    # The objective is convex in W and P: where its gradient is 0, it has its minimum.
    for block in (point[3], *point[4]):
        assert block.grad.abs().max() < 1e-10


def pass_by_definition(views, labels, b, w, p, passes):
    """The bits tried one by one: each takes the value of the smaller objective."""
    b = b.copy()
    for _ in range(passes):
        for k, i in itertools.product(range(b.shape[1]), range(len(b))):
            values = {}
            for sign in (-1.0, 1.0):
                b[i, k] = sign
                values[sign] = written_out(views, labels, b, w, p, **WEIGHTS)
            b[i, k] = min(values, key=values.get)
    return b


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_codes_are_those_of_trying_every_bit(seed):
    views, labels, b, w, p = problem(seed)
    found = Discriminant(views, labels, **WEIGHTS).codes(b, w, p)
    expected = pass_by_definition(views, labels, b, w, p, passes=10)
    assert np.array_equal(found, expected)
    best = written_out(views, labels, found, w, p, **WEIGHTS)
    assert best <= written_out(views, labels, b, w, p, **WEIGHTS)


def test_one_pass_is_one_pass(monkeypatch):
    monkeypatch.setattr("mmhash_nb.hashers.discmh.SWEEPS", 1)
    differ = 0
    for seed in range(8):
        views, labels, b, w, p = problem(seed, k=6)
        found = Discriminant(views, labels, **WEIGHTS).codes(b, w, p)
        assert np.array_equal(found, pass_by_definition(views, labels, b, w, p, passes=1))
        differ += not np.array_equal(found, pass_by_definition(views, labels, b, w, p, passes=4))
    assert differ > 1


def test_a_bit_without_a_preference_stays():
    views, labels, b, w, p = problem(1)
    w[2] = 0  # the classifier does not use bit 2, nor do the views predict it
    for m in p:
        m[:, 2] = 0
    found = Discriminant(views, labels, **WEIGHTS).codes(b, w, p)
    assert np.array_equal(found[:, 2], b[:, 2])
    assert not np.array_equal(found, b)


def test_b_with_one_bit_is_a_global_minimum():
    views, labels, b, w, p = problem(2, n=6, k=1)
    found = Discriminant(views, labels, **WEIGHTS).codes(b, w, p)
    values = {
        bits: written_out(views, labels, np.array(bits)[:, None], w, p, **WEIGHTS)
        for bits in itertools.product((-1.0, 1.0), repeat=6)
    }
    assert tuple(found[:, 0]) == min(values, key=values.get)


@pytest.mark.parametrize("nu", [1e-5, 0.5])
def test_fit_lowers_the_objective_to_that_of_its_state(noisy_views, nu):
    options = {"lambda_": 0.7, "nu": nu, "ridge": 0.9, "iterations": 6}
    method = hashers.create("discmh", 9, seed=2, **options).fit(noisy_views)
    history = method.state["objective"]
    assert history.shape == (7,) and (np.diff(history) <= 1e-10 * history[0]).all()
    assert history[-1] < 0.9 * history[0]
    views, state = training_views(method, noisy_views), method.state
    b, w = state["codes"].astype(float), state["classifier"]
    p = [state["image.projection"], state["text.projection"]]
    labels = noisy_views.labels[noisy_views.train]
    value = written_out(views, labels, b, w, p, 0.7, nu, 0.9)
    assert history[-1] == pytest.approx(value, rel=1e-10)
    # P is the ridge regression of the final codes, not of those of a round before.
    for x, m in zip(views, p, strict=True):
        expected = np.linalg.solve(x.T @ x + 0.9 * np.eye(x.shape[1]), x.T @ b)
        np.testing.assert_allclose(m, expected, atol=1e-10)


def test_learned_codes_tell_classes_apart(two_views):
    method = hashers.create("discmh", 16).fit(two_views)
    b, w = method.state["codes"].astype(float), method.state["classifier"]
    labels = two_views.labels[two_views.train]
    assert set(np.unique(b)) == {-1.0, 1.0}
    assert np.array_equal((b @ w).argmax(axis=1), labels.argmax(axis=1))


def test_database_codes_are_learned_ones_where_the_sample_was_trained_on(noisy_views):
    method = hashers.create("discmh", 11, seed=1, nu=0.5).fit(noisy_views)
    everything = method.database_codes(noisy_views).signs()
    learned = method.state["codes"]
    assert np.array_equal(everything[noisy_views.train], learned)
    views = [method.view(noisy_views, modality) for modality in ("image", "text")]
    projections = [method.state[f"{modality}.projection"] for modality in ("image", "text")]
    ridge = np.where(sum(x @ m for x, m in zip(views, projections, strict=True)) >= 0, 1, -1)
    others = np.setdiff1d(np.arange(len(noisy_views)), noisy_views.train)
    assert np.array_equal(everything[others], ridge[others])
    assert not np.array_equal(everything[noisy_views.train], ridge[noisy_views.train])
    # A superset, a disjoint set and a shuffled part give each sample the same code.
    for some in (others, noisy_views.train[::-3], np.r_[others[:5], noisy_views.train[10:4:-1]]):
        assert np.array_equal(
            method.database_codes(noisy_views.take(some)).signs(), everything[some]
        )


def test_new_pairs_have_the_best_code_without_labels(noisy_views):
    method = hashers.create("discmh", 3, nu=0.5).fit(noisy_views)
    some = noisy_views.take(noisy_views.query[:8])
    x, y = (method.view(some, modality) for modality in ("image", "text"))
    p1, p2 = (method.state[f"{modality}.projection"] for modality in ("image", "text"))
    codes = method.database_codes(some).signs()
    for i in range(len(some)):
        best = min(
            itertools.product((-1, 1), repeat=3),
            key=lambda b: np.square(b - x[i] @ p1).sum() + np.square(b - y[i] @ p2).sum(),
        )
        assert tuple(codes[i]) == best


def test_labels_of_the_database_are_not_read(noisy_views):
    method = hashers.create("discmh", 8).fit(noisy_views)
    relabelled = dataclasses.replace(noisy_views, labels=np.roll(noisy_views.labels, 1, axis=1))
    assert method.database_codes(relabelled) == method.database_codes(noisy_views)


def test_beats_random_on_new_pairs_alone(noisy_views):
    """What labels of the training samples alone cannot give: a database that was not seen."""
    unseen = np.setdiff1d(noisy_views.database, noisy_views.train)
    held_out = dataclasses.replace(noisy_views, database=unseen)
    method = hashers.create("discmh", 16).fit(noisy_views)
    control = scores(hashers.create("random", 16).fit(noisy_views), held_out, unified=False)
    assert min(scores(method, held_out, unified=True)) > max(control) + 0.1


def test_pixels_and_sparse_texts_have_learned_codes_too(tiny_pictures):
    pairs = dataclasses.replace(tiny_pictures, texts=sparse.csr_matrix(tiny_pictures.texts))
    method = hashers.create("discmh", 8).fit(pairs)
    found = method.database_codes(tiny_pictures).signs()
    assert np.array_equal(found[tiny_pictures.train], method.state["codes"])
