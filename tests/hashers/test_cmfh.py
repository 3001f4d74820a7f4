"""CMFH: every block against autograd and the whole objective written out, then as a method."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from retrieval import training_views
from scipy import optimize

from mmhash_nb import hashers
from mmhash_nb.hashers import cmfh
from mmhash_nb.hashers.cmfh import Factorisation

WEIGHTS = {"alpha": 0.3, "mu": 2.5, "gamma": 0.4}
BLOCKS = ("v", "u1", "u2", "p1", "p2")


def views(seed=0, n=30, d1=6, d2=4):
    """Two correlated views, centred."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 3))
    sides = [common @ rng.normal(size=(3, d)) + rng.normal(size=(n, d)) for d in (d1, d2)]
    return [side - side.mean(axis=0) for side in sides]


def written_out(x1, x2, v, u1, u2, p1, p2, alpha, mu, gamma):
    """The objective as the paper prints it, on tensors."""

    def norm2(matrix):
        return (matrix**2).sum()

    fit = alpha * norm2(x1 - v @ u1) + (1 - alpha) * norm2(x2 - v @ u2)
    miss = mu * (norm2(v - x1 @ p1) + norm2(v - x2 @ p2))
    return fit + miss + gamma * sum(norm2(matrix) for matrix in (u1, u2, v, p1, p2))


def value_and_gradients(x1, x2, a, bases, projections, weights):
    """The written-out objective and its gradient in every block, by autograd."""
    v = np.hstack([x1, x2]) @ a
    blocks = [torch.tensor(block, requires_grad=True) for block in (v, *bases, *projections)]
    value = written_out(torch.tensor(x1), torch.tensor(x2), *blocks, **weights)
    value.backward()
    return value.item(), {name: block.grad for name, block in zip(BLOCKS, blocks, strict=True)}


def random_point(seed, k=3, d1=6, d2=4):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(d1 + d2, k))
    bases = [rng.normal(size=(k, d)) for d in (d1, d2)]
    return a, bases, [rng.normal(size=(d, k)) for d in (d1, d2)]


def test_the_objective_is_the_printed_one():
    x1, x2 = views()
    point = random_point(1)
    expected, _ = value_and_gradients(x1, x2, *point, WEIGHTS)
    assert Factorisation(x1, x2, **WEIGHTS).objective(*point) == pytest.approx(expected, rel=1e-12)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 8))
def test_every_block_is_the_exact_minimiser(seed, k):
    x1, x2 = views(seed)
    problem = Factorisation(x1, x2, **WEIGHTS)
    a, bases, projections = random_point(seed, k)
    before, _ = value_and_gradients(x1, x2, a, bases, projections, WEIGHTS)
    updates = [
        (("u1", "u2"), lambda: (a, problem.bases(a), projections)),
        (("p1", "p2"), lambda: (a, bases, problem.projections(a))),
        (("v",), lambda: (problem.latent(bases, projections), bases, projections)),
    ]
    for names, update in updates:
        # The objective is convex in a block: where its gradient is 0, it has its minimum.
        value, gradients = value_and_gradients(x1, x2, *update(), WEIGHTS)
        assert value < before
        for name in names:
            assert gradients[name].abs().max() < 1e-8 * before


def test_no_step_of_any_round_raises_the_objective():
    x1, x2 = views(3)
    problem = Factorisation(x1, x2, **WEIGHTS)
    a, bases, projections = random_point(3)
    values = [problem.objective(a, bases, projections)]
    for _ in range(20):
        bases = problem.bases(a)
        values.append(value_and_gradients(x1, x2, a, bases, projections, WEIGHTS)[0])
        projections = problem.projections(a)
        values.append(value_and_gradients(x1, x2, a, bases, projections, WEIGHTS)[0])
        bases, projections = problem.rescaled(a, bases, projections)
        a = problem.latent(bases, projections)
        values.append(value_and_gradients(x1, x2, a, bases, projections, WEIGHTS)[0])
    assert (np.diff(values) <= 1e-12 * values[0]).all()
    assert values[-1] < 0.5 * values[0]


def test_the_scale_is_the_best_one():
    x1, x2 = views(6)
    problem = Factorisation(x1, x2, **WEIGHTS)
    a, bases, projections = random_point(6)

    def scaled(s):
        return problem.objective(s * a, [u / s for u in bases], [s * p for p in projections])

    found = optimize.minimize_scalar(scaled, bracket=(0.1, 1.0), tol=1e-10).x
    new_bases, new_projections = problem.rescaled(a, bases, projections)
    for new, old in zip(new_bases, bases, strict=True):
        np.testing.assert_allclose(new, old / found, rtol=1e-6)
    for new, old in zip(new_projections, projections, strict=True):
        np.testing.assert_allclose(new, found * old, rtol=1e-6)


def test_the_scale_only_shortens_the_way(noisy_views, monkeypatch):
    """Plain alternation, without the step of scale, ends at the same value after more rounds."""
    monkeypatch.setattr(cmfh, "TOLERANCE", 1e-9)
    ours = hashers.create("cmfh", 4, iterations=5000).fit(noisy_views).state["objective"]
    monkeypatch.setattr(Factorisation, "rescaled", lambda self, a, u, p: (u, p))
    plain = hashers.create("cmfh", 4, iterations=5000).fit(noisy_views).state["objective"]
    assert ours[-1] == pytest.approx(plain[-1], rel=1e-4)
    assert np.argmax(ours < 1.01 * plain[-1]) < 0.2 * np.argmax(plain < 1.01 * plain[-1])


def test_each_row_of_v_is_the_best_for_its_sample():
    x1, x2 = views(4)
    problem = Factorisation(x1, x2, **WEIGHTS)
    _, (u1, u2), (p1, p2) = random_point(4)
    v = np.hstack([x1, x2]) @ problem.latent((u1, u2), (p1, p2))

    def of_sample(row, i):
        tensors = (x1[i : i + 1], x2[i : i + 1], row[None], u1, u2, p1, p2)
        return written_out(*map(torch.tensor, tensors), **WEIGHTS).item()

    for i in range(3):
        found = optimize.minimize(of_sample, np.zeros(3), args=(i,), tol=1e-12).x
        np.testing.assert_allclose(v[i], found, atol=1e-5)


def learned(method):
    state = method.state
    bases = [state["image.basis"], state["text.basis"]]
    return state["latent"], bases, [state["image.projection"], state["text.projection"]]


def test_fit_lowers_the_objective_to_that_of_its_state(noisy_views):
    method = hashers.create("cmfh", 5, seed=2, **WEIGHTS, iterations=12).fit(noisy_views)
    history = method.state["objective"]
    assert history.shape == (12,) and (np.diff(history) < 0).all()
    x1, x2 = training_views(method, noisy_views)
    value, gradients = value_and_gradients(x1, x2, *learned(method), WEIGHTS)
    assert history[-1] == pytest.approx(value, rel=1e-10)
    assert gradients["v"].abs().max() < 1e-10 * value


def test_fit_stops_where_all_gradients_vanish(noisy_views, monkeypatch):
    monkeypatch.setattr(cmfh, "TOLERANCE", 1e-13)
    method = hashers.create("cmfh", 3, **WEIGHTS, iterations=20_000).fit(noisy_views)
    assert 10 < len(method.state["objective"]) < 20_000
    x1, x2 = training_views(method, noisy_views)
    value, gradients = value_and_gradients(x1, x2, *learned(method), WEIGHTS)
    assert all(gradient.abs().max() < 1e-4 * value for gradient in gradients.values())


def test_fit_stops_at_the_first_small_fall(noisy_views, monkeypatch):
    whole = hashers.create("cmfh", 5, **WEIGHTS, iterations=60).fit(noisy_views)
    falls = -np.diff(whole.state["objective"]) / whole.state["objective"][:-1]
    monkeypatch.setattr(cmfh, "TOLERANCE", (falls[20] + falls[19]) / 2)
    short = hashers.create("cmfh", 5, **WEIGHTS, iterations=60).fit(noisy_views)
    first = int(np.argmax(falls < cmfh.TOLERANCE))
    assert np.array_equal(short.state["objective"], whole.state["objective"][: first + 2])


def test_factors_have_mean_zero_over_the_training_samples(noisy_views):
    method = hashers.create("cmfh", 8).fit(noisy_views)
    x1, x2 = training_views(method, noisy_views)
    v = np.hstack([x1, x2]) @ method.state["latent"]
    np.testing.assert_allclose(v.mean(axis=0), 0, atol=1e-12 * np.abs(v).max())


def test_features_are_centred_alone_unless_they_are_to_be_scaled(noisy_views):
    train = noisy_views.take(noisy_views.train)
    centred = [side - side.mean(axis=0) for side in (train.images.astype(float), train.texts)]
    lengths = [np.sqrt(np.mean([row @ row for row in side])) for side in centred]
    assert min(lengths) > 1.5
    for options, divisors in (({}, (1, 1)), ({"scaled": True}, lengths)):
        method = hashers.create("cmfh", 4, iterations=2, **options).fit(noisy_views)
        for found, side, by in zip(
            training_views(method, noisy_views), centred, divisors, strict=True
        ):
            np.testing.assert_allclose(found, side / by, atol=1e-5)


def test_unified_codes_follow_the_formula(noisy_views):
    weights = {"alpha": 0.2, "mu": 0.7, "gamma": 0.1}
    method = hashers.create("cmfh", 5, **weights).fit(noisy_views)
    _, (u1, u2), (p1, p2) = learned(method)
    held_out = noisy_views.take(noisy_views.query)
    square = 0.2 * u1 @ u1.T + 0.8 * u2 @ u2.T + (2 * 0.7 + 0.1) * np.eye(5)
    expected = []
    for x, y in zip(method.view(held_out, "image"), method.view(held_out, "text"), strict=True):
        right = 0.2 * u1 @ x + 0.8 * u2 @ y + 0.7 * (p1.T @ x + p2.T @ y)
        expected.append(np.linalg.solve(square, right))
    assert np.array_equal(method.database_codes(held_out).signs() > 0, np.array(expected) >= 0)


def test_what_a_backbone_makes_of_pixels_is_scaled(tiny_pictures):
    for options, scaled in (({}, True), ({"scaled": False}, False)):
        state = hashers.create("cmfh", 4, iterations=2, **options).fit(tiny_pictures).state
        assert (state["text.length"] != 1) == (state["image.length"] != 1) == scaled
