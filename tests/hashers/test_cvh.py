"""CVH: its matrices against the objective written out, CCA as a limit, then as a method."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from retrieval import training_views
from scipy import linalg, sparse

from mmhash_nb import hashers
from mmhash_nb.hashers.cvh import eigenproblem, neighbour_similarity


def views(seed=0, n=15, d1=5, d2=3):
    """Two correlated views, centred."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 2))
    sides = [common @ rng.normal(size=(2, d)) + rng.normal(size=(n, d)) for d in (d1, d2)]
    return [side - side.mean(axis=0) for side in sides]


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), ridge=st.sampled_from([0.0, 0.3]))
def test_the_matrices_are_the_objective_and_its_constraint(seed, ridge):
    x, y = views(seed)
    n = len(x)
    rng = np.random.default_rng(seed)
    half = rng.random((n, n)) * (rng.random((n, n)) < 0.3)
    other = half + half.T
    np.fill_diagonal(other, 0)
    a1, a2 = rng.normal(size=(5, 2)), rng.normal(size=(3, 2))
    similarity = other + np.eye(n)
    y1, y2 = x @ a1, y @ a2
    written_out = 0.0
    for i in range(n):
        for j in range(n):
            for u, v in ((y1[i], y1[j]), (y2[i], y2[j]), (y1[i], y2[j])):
                written_out += similarity[i, j] * np.square(u - v).sum()
    noise = [
        ridge * np.square(v).sum() / v.shape[1] * np.square(a).sum() for v, a in ((x, a1), (y, a2))
    ]
    distance, scale = eigenproblem(x, y, sparse.csr_array(other), ridge)
    a = np.vstack([a1, a2])
    assert np.trace(a.T @ distance @ a) == pytest.approx((written_out + sum(noise)) / n, rel=1e-10)
    length = np.square(y1).sum() + np.square(y2).sum()
    assert np.trace(a.T @ scale @ a) == pytest.approx((length + sum(noise)) / n, rel=1e-10)


@pytest.mark.parametrize("neighbours", [0, 4])
def test_directions_are_the_best_ones(noisy_views, neighbours):
    method = hashers.create("cvh", 5, neighbours=neighbours).fit(noisy_views)
    x, y = training_views(method, noisy_views)
    distance, scale = eigenproblem(x, y, neighbour_similarity(x, y, neighbours), 1e-4)
    # A solver that knows of no symmetry.
    values = np.sort(linalg.eig(np.linalg.inv(scale) @ distance)[0].real)
    np.testing.assert_allclose(method.state["eigenvalues"], values[:5], atol=1e-9)
    a = np.vstack([method.state[f"{m}.directions"] for m in ("image", "text")])
    np.testing.assert_allclose(a.T @ scale @ a, np.eye(5), atol=1e-9)
    np.testing.assert_allclose(a.T @ distance @ a, np.diag(values[:5]), atol=1e-9)


@pytest.mark.parametrize("ridge", [1e-4, 0.2])
def test_with_pairs_alone_it_is_cca(noisy_views, ridge):
    method = hashers.create("cvh", 12, ridge=ridge).fit(noisy_views)
    cca = hashers.create("cca_hash", 12, ridge=ridge).fit(noisy_views)
    np.testing.assert_allclose(
        method.state["eigenvalues"], 1 - cca.state["correlations"], atol=1e-9
    )
    codes = [
        np.hstack([m.encode(noisy_views, view).signs().T for view in ("image", "text")])
        for m in (method, cca)
    ]
    # A pair of directions may be turned round, both at once.
    turned = np.sign((codes[0].astype(int) * codes[1]).sum(axis=1))
    assert np.array_equal(codes[0] * turned[:, None], codes[1])


def test_bits_beyond_those_of_cca_read_the_wider_view_alone(noisy_views):
    method = hashers.create("cvh", 20).fit(noisy_views)
    np.testing.assert_allclose(method.state["eigenvalues"][12:], 1, atol=1e-9)
    assert not method.state["text.directions"][:, 12:].any()
    assert (method.encode(noisy_views, "text").signs()[:, 12:] == 1).all()
    image = method.encode(noisy_views, "image").signs()[:, 12:]
    assert (np.abs(image.mean(axis=0)) < 0.5).all()
    assert np.abs(method.state["text.directions"][:, :12]).min(axis=0).all()


def test_features_that_sum_to_one_leave_no_bits_of_rounding_errors(noisy_views):
    weights = np.exp(noisy_views.texts)
    topics = weights / weights.sum(axis=1, keepdims=True)  # 12 features, of rank 11
    method = hashers.create("cvh", 20).fit(dataclasses.replace(noisy_views, texts=topics))
    read = method.state["text.directions"].any(axis=0)
    assert read.tolist() == [True] * 11 + [False] * 9


def test_neighbours_tell_all_bits_of_both_views(noisy_views):
    method = hashers.create("cvh", 20, neighbours=5).fit(noisy_views)
    assert (np.diff(method.state["eigenvalues"]) > 0).all()
    for modality in ("image", "text"):
        assert np.abs(method.encode(noisy_views, modality).signs().mean(axis=0)).max() < 0.9


def test_neighbours_are_found_in_both_views():
    x, y = views(3)
    found = neighbour_similarity(x, y, 3).toarray()
    expected = np.zeros((15, 15))
    for view in (x, y):
        for i in range(15):
            far = [np.inf if j == i else np.linalg.norm(view[i] - view[j]) for j in range(15)]
            for j in np.argsort(far)[:3]:
                expected[i, j] += 1 / 3 / 4
                expected[j, i] += 1 / 3 / 4
    np.testing.assert_allclose(found, expected, atol=1e-15)
    # As similar to the neighbours in all as to itself.
    assert found.sum() == pytest.approx(15)
    assert neighbour_similarity(x, y, 0).nnz == 0
