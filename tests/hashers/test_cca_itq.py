"""CCA-ITQ: both steps against other solvers, the error's fall, then as a method."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from retrieval import training_views
from scipy import linalg

from mmhash_nb import hashers
from mmhash_nb.hashers.cca_itq import (
    best_rotation,
    canonical_embedding,
    quantisation_error,
    random_rotation,
    signs,
)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), r=st.integers(1, 5), extra=st.integers(0, 4))
def test_the_rotation_is_the_best_of_its_kind(seed, r, extra):
    rng = np.random.default_rng(seed)
    v, b = rng.normal(size=(20, r)), signs(rng.normal(size=(20, r + extra)))
    best = best_rotation(v, b)
    np.testing.assert_allclose(best @ best.T, np.eye(r), atol=1e-12)
    for _ in range(20):
        other = random_rotation(r, r + extra, rng)
        assert np.linalg.norm(b - v @ best) <= np.linalg.norm(b - v @ other) + 1e-12
        # Nor is there a better one nearby.
        near = linalg.polar(best + 1e-3 * rng.normal(size=best.shape))[0]
        assert np.linalg.norm(b - v @ best) <= np.linalg.norm(b - v @ near) + 1e-12


def test_a_square_rotation_is_scipys(rng):
    v, b = rng.normal(size=(30, 5)), signs(rng.normal(size=(30, 5)))
    np.testing.assert_allclose(best_rotation(v, b), linalg.orthogonal_procrustes(v, b)[0])


def test_random_rotations_are_uniform():
    rng = np.random.default_rng(5)
    drawn = np.array([random_rotation(2, 3, rng) for _ in range(4000)])
    np.testing.assert_allclose(
        drawn @ drawn.transpose(0, 2, 1), np.tile(np.eye(2), (4000, 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=0.04)
    np.testing.assert_allclose(np.square(drawn).mean(axis=0), 1 / 3, atol=0.03)


def test_zeros_in_the_embedding_change_nothing(rng):
    """More bits than directions: as with columns of zeros and a square rotation."""
    v, b = rng.normal(size=(30, 3)), signs(rng.normal(size=(30, 7)))
    padded = np.hstack([v, np.zeros((30, 4))])
    square = linalg.orthogonal_procrustes(padded, b)[0]
    np.testing.assert_allclose(v @ best_rotation(v, b), padded @ square, atol=1e-12)


def test_the_error_is_a_mean_over_bits(rng):
    x = rng.normal(size=(4, 3))
    naive = sum((1 - e) ** 2 if e >= 0 else (-1 - e) ** 2 for row in x for e in row) / 12
    assert quantisation_error(x) == pytest.approx(naive, rel=1e-12)
    assert signs(np.array([0.0, -1e-300])).tolist() == [1, -1]


@pytest.mark.parametrize("n_bits", [5, 12, 40])
def test_neither_step_of_any_round_raises_the_error(noisy_views, n_bits):
    method = hashers.create("cca_itq", n_bits, seed=3).fit(noisy_views)
    image, text = training_views(method, noisy_views)
    wx, wy = canonical_embedding(image, text, n_bits)
    v = np.vstack([image @ wx, text @ wy])
    r = random_rotation(v.shape[1], n_bits, np.random.default_rng(3))
    values, after_rounds = [], []
    for _ in range(50):
        b = signs(v @ r)
        values.append(np.square(b - v @ r).mean())
        r = best_rotation(v, b)
        values.append(np.square(b - v @ r).mean())
        after_rounds.append(quantisation_error(v @ r))
    assert (np.diff(values) <= 1e-12).all() and values[-1] < values[0] - 1e-3
    np.testing.assert_allclose(method.state["quantisation_error"], after_rounds, rtol=1e-12)
    assert (np.diff(after_rounds) <= 1e-12).all()
    np.testing.assert_allclose(method.state["image.directions"], wx @ r, atol=1e-10)
    np.testing.assert_allclose(method.state["text.directions"], wy @ r, atol=1e-10)


def test_the_embedding_is_cca_scaled_by_its_correlations(noisy_views):
    cca = hashers.create("cca_hash", 4).fit(noisy_views)
    image, text = training_views(cca, noisy_views)
    for ours, modality in zip(canonical_embedding(image, text, 4), ("image", "text"), strict=True):
        expected = cca.state[f"{modality}.directions"] * cca.state["correlations"]
        np.testing.assert_allclose(ours, expected, atol=1e-12)
    assert [w.shape for w in canonical_embedding(image, text, 99)] == [(20, 12), (12, 12)]


def test_the_ridge_is_that_of_cca(noisy_views):
    method = hashers.create("cca_itq", 4, ridge=0.7, iterations=1).fit(noisy_views)
    image, text = training_views(method, noisy_views)
    wx, _ = canonical_embedding(image, text, 4, ridge=0.7)
    # A rotation leaves the span: the same projector on both.
    projectors = [w @ np.linalg.pinv(w) for w in (wx, method.state["image.directions"])]
    np.testing.assert_allclose(*projectors, atol=1e-10)


def test_both_views_are_treated_alike(noisy_views):
    swapped = dataclasses.replace(noisy_views, images=noisy_views.texts, texts=noisy_views.images)
    ours, theirs = (hashers.create("cca_itq", 8).fit(p) for p in (noisy_views, swapped))
    # The directions' signs are those of a decomposition, so errors are compared, not codes.
    first, second = (m.state["quantisation_error"][-1] for m in (ours, theirs))
    assert first == pytest.approx(second, rel=0.05)


def test_iterations_are_rounds(noisy_views):
    few, more = (
        hashers.create("cca_itq", 12, iterations=n).fit(noisy_views).state["quantisation_error"]
        for n in (3, 5)
    )
    assert (len(few), len(more)) == (3, 5)
    np.testing.assert_array_equal(few, more[:3])
