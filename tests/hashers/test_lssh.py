"""LSSH: every step against autograd, scikit-learn and SciPy, then as a method."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import sparse_encode

from mmhash_nb import hashers
from mmhash_nb.hashers import lssh
from mmhash_nb.hashers.lssh import Terms, bounded_atoms, sparse_codes, unit_rows

WEIGHTS = {"rho": 0.15, "mu": 0.6, "lambda_": 1.7}
#: fewer atoms and rounds than by default, for tests that need no more
SMALL = {"atoms": 60, "iterations": 8}


def point(seed=0, n=25, d1=7, d2=4, m=10, k=3):
    """A random problem and a random point of it: X, T, S, V, B, R and A."""
    rng = np.random.default_rng(seed)
    x, t = (unit_rows(rng.normal(size=(n, d))) for d in (d1, d2))
    s = rng.normal(size=(n, m)) * (rng.random((n, m)) < 0.3)
    b, r = (unit_rows(rng.normal(size=(m, d))) for d in (d1, k))
    return x, t, s, rng.normal(size=(n, k)), b, r, unit_rows(rng.normal(size=(k, d2)))


def written_out(x, t, s, v, b, r, a):
    """The objective as the docstring prints it, on arrays or tensors, one row at a time."""
    total = 0.0
    for i in range(len(x)):
        total += ((x[i] - s[i] @ b) ** 2).sum() + WEIGHTS["rho"] * abs(s[i]).sum()
        total += WEIGHTS["lambda_"] * ((v[i] - s[i] @ r) ** 2).sum()
        total += WEIGHTS["mu"] * ((t[i] - v[i] @ a) ** 2).sum()
    return total


def test_the_objective_is_the_printed_one():
    assert Terms(**WEIGHTS).objective(*point()) == pytest.approx(written_out(*point()), rel=1e-12)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), k=st.integers(1, 6))
def test_v_is_the_exact_minimiser(seed, k):
    x, t, s, _, b, r, a = point(seed, k=k)
    v = torch.tensor(Terms(**WEIGHTS).latent(s @ r, t, a), requires_grad=True)
    written_out(*map(torch.tensor, (x, t, s)), v, *map(torch.tensor, (b, r, a))).backward()
    # The objective is convex in V: where its gradient is 0, it has its minimum.
    assert v.grad.abs().max() < 1e-12


def lasso_optimality(x, atoms, s, rho):
    """How far each coordinate's subgradient is from holding 0: all 0 at the minimum alone."""
    gradient = 2 * (s @ atoms - x) @ atoms.T
    return np.where(s != 0, abs(gradient + rho * np.sign(s)), np.maximum(abs(gradient) - rho, 0))


@pytest.mark.parametrize("rho", [0.02, 0.15, 0.6])
def test_sparse_codes_are_those_of_least_angle_regression(rho):
    x, _, _, _, b, _, _ = point(3, n=40)
    found = Terms(rho, 1.0, 1.0).codes(x, b)
    expected = sparse_encode(x, b, algorithm="lasso_lars", alpha=rho / 2)
    assert 0 < np.count_nonzero(found) < found.size
    np.testing.assert_allclose(found @ b, expected @ b, atol=2e-3)
    value, best = (np.square(x - s @ b).sum() + rho * np.abs(s).sum() for s in (found, expected))
    assert value <= (1 + 1e-5) * best
    assert lasso_optimality(x, b, found, rho).max() < 1e-3


def test_relative_penalties_are_shares_of_the_least_that_leaves_nothing():
    x, _, s, v, b, r, _ = point(3)
    root = np.sqrt(1.7)
    joint = np.hstack([x, root * v]), np.hstack([b, root * r])
    terms = Terms(**WEIGHTS, relative=True)
    for found, (samples, atoms) in (
        (terms.codes(x, b), (x, b)),
        (terms.joint_codes(x, v, b, r, s), joint),
    ):
        assert 0 < np.count_nonzero(found) < found.size
        for one, code in zip(samples, found, strict=True):
            least = 2 * max(abs(one @ atom) for atom in atoms)
            of_one = (Terms(share * least, 1.0, 1.0) for share in (1.001, 0.999))
            assert [t.codes(one[None], atoms).any() for t in of_one] == [False, True]
            optimality = lasso_optimality(one[None], atoms, code[None], WEIGHTS["rho"] * least)
            assert optimality.max() < 1e-3


def test_the_relative_objective_weighs_each_sample_by_its_penalty():
    x, t, s, v, b, r, a = point()
    plain = Terms(0.0, 0.6, 1.7).objective(x, t, s, v, b, r, a)
    largest = [
        max(abs(xi @ b[j] + 1.7 * vi @ r[j]) for j in range(10))
        for xi, vi in zip(x, v, strict=True)
    ]
    penalty = sum(0.3 * most * abs(si).sum() for most, si in zip(largest, s, strict=True))
    found = Terms(**WEIGHTS, relative=True).objective(x, t, s, v, b, r, a)
    assert found == pytest.approx(plain + penalty, rel=1e-12)


def test_sparse_codes_do_not_depend_on_their_start():
    x, _, s, _, b, _, _ = point(4, m=6)  # fewer atoms than dimensions: the minimum is unique
    before = s.copy()
    found = sparse_codes(b @ b.T, x @ b.T, np.full(25, 0.1), s)
    assert np.array_equal(s, before)
    np.testing.assert_allclose(found, Terms(0.1, 1.0, 1.0).codes(x, b), atol=1e-3)


def test_a_large_penalty_leaves_nothing_and_none_is_least_squares():
    x, _, s, _, b, _, _ = point(5, m=5)
    assert not sparse_codes(b @ b.T, x @ b.T, np.full(25, 2.1), s).any()
    exact = np.linalg.lstsq(b.T, x.T, rcond=None)[0].T
    found = sparse_codes(b @ b.T, x @ b.T, np.full(25, 1e-9), s)
    np.testing.assert_allclose(found @ b, exact @ b, atol=2e-3)


def test_an_atom_of_length_zero_is_not_used():
    x, _, s, _, b, _, _ = point(6)
    b[2] = 0
    s[:, 2] = 0
    found = sparse_codes(b @ b.T, x @ b.T, np.full(25, 0.1), s)
    assert np.isfinite(found).all() and not found[:, 2].any()


def test_joint_codes_minimise_the_objective_over_s():
    x, t, s, v, b, r, a = point(7)
    terms = Terms(**WEIGHTS)
    found = terms.joint_codes(x, v, b, r, s)
    root = np.sqrt(WEIGHTS["lambda_"])
    both, atoms = np.hstack([x, root * v]), np.hstack([b, root * r])
    expected = sparse_encode(both, atoms, algorithm="lasso_lars", alpha=WEIGHTS["rho"] / 2)
    best = written_out(x, t, expected, v, b, r, a)
    assert written_out(x, t, found, v, b, r, a) == pytest.approx(best, rel=1e-6)
    assert best < written_out(x, t, s, v, b, r, a)


def far_from_optimal(atoms, codes, targets):
    """How far the conditions of Karush, Kuhn and Tucker are from holding: 0 at the minimum alone.

    With the gradient G of an atom a: G = 0 where a is shorter than 1, else G = −c a with c ≥ 0.
    """
    gradient = 2 * codes.T @ (codes @ atoms - targets)
    lengths = np.linalg.norm(atoms, axis=1)
    assert (lengths <= 1 + 1e-12).all()
    pull = np.maximum(-(gradient * atoms).sum(axis=1), 0) * (lengths > 1 - 1e-9)
    return abs(gradient + pull[:, None] * atoms).max() / abs(codes.T @ targets).max()


@pytest.mark.parametrize("scale", [0.3, 2.0, 20.0])
def test_many_passes_end_at_the_constrained_minimum(scale, monkeypatch):
    """For no, some and all atoms as long as they may be."""
    monkeypatch.setattr(lssh, "SWEEPS", 500)
    rng = np.random.default_rng(8)
    mixed = rng.normal(size=(4, 3))
    codes = rng.normal(size=(30, 4))
    targets = scale * (codes @ (mixed / np.linalg.norm(mixed)) + 0.1 * rng.normal(size=(30, 3)))
    start = unit_rows(rng.normal(size=(4, 3)))
    found = bounded_atoms(start, codes, targets)
    assert far_from_optimal(found, codes, targets) < 1e-10 < far_from_optimal(start, codes, targets)
    long = np.linalg.norm(found, axis=1) > 1 - 1e-9
    assert {0.3: not long.any(), 2.0: 0 < long.sum() < 4, 20.0: long.all()}[scale]


def test_one_atom_is_exact_in_one_pass(monkeypatch):
    monkeypatch.setattr(lssh, "SWEEPS", 1)
    rng = np.random.default_rng(9)
    codes, targets = rng.normal(size=(20, 1)), rng.normal(size=(20, 3))
    for scale in (0.3, 30.0):
        found = bounded_atoms(np.ones((1, 3)), codes, scale * targets)
        assert far_from_optimal(found, codes, scale * targets) < 1e-12


def test_every_pass_lowers_the_error_and_unused_atoms_stay(monkeypatch):
    _, _, codes, targets, _, atoms, _ = point(10)
    codes[:, 3] = 0
    before = atoms.copy()
    monkeypatch.setattr(lssh, "SWEEPS", 1)
    errors = [np.square(targets - codes @ atoms).sum()]
    now = atoms
    for _ in range(5):
        now = bounded_atoms(now, codes, targets)
        errors.append(np.square(targets - codes @ now).sum())
    assert (np.diff(errors) < 0).all()
    assert np.array_equal(atoms, before) and np.array_equal(now[3], atoms[3])
    assert (np.linalg.norm(now, axis=1) <= 1 + 1e-12).all()


@pytest.mark.parametrize("options", [{}, WEIGHTS, {"mu": 5.0, "lambda_": 0.1}])
def test_the_objective_falls_at_every_round(noisy_views, options):
    method = hashers.create("lssh", 5, seed=2, atoms=60, relative=False, **options)
    method.fit(noisy_views)
    history = method.state["objective"]
    assert history.shape == (20,) and (np.diff(history) < 0).all()
    assert history[-1] < 0.8 * history[0]


@pytest.mark.parametrize("relative", [False, True])
def test_no_step_of_a_round_raises_what_it_minimises(noisy_views, relative):
    """A fit, step by step, by the functions that fit uses: it ends at the state's values."""
    options = {**WEIGHTS, "relative": relative}
    method = hashers.create("lssh", 5, seed=2, **options, atoms=60, iterations=4).fit(noisy_views)
    train = noisy_views.take(noisy_views.train)
    x, t = (unit_rows(method.view(train, modality)) for modality in ("image", "text"))
    terms, squares, rng = Terms(**options), Terms(**WEIGHTS | {"rho": 0}), np.random.default_rng(2)
    b = unit_rows(rng.standard_normal((60, len(x))) @ x)
    r = unit_rows(rng.standard_normal((60, 5)))
    a = unit_rows(rng.standard_normal((5, t.shape[1])))
    s, v = terms.codes(x, b), np.zeros((len(x), 5))
    values = []  # after each step the objective, and its squares alone

    def note():
        values.append([one.objective(x, t, s, v, b, r, a) for one in (terms, squares)])

    note()
    for _ in range(4):
        v = terms.latent(s @ r, t, a)
        note()
        a = bounded_atoms(a, v, t)
        note()
        s = terms.joint_codes(x, v, b, r, s)
        note()
        b = bounded_atoms(b, s, x)
        note()
        r = bounded_atoms(r, s, v)
        note()
    whole, of_squares = np.diff(values, axis=0).reshape(4, 5, 2).transpose(2, 1, 0)
    # Relative penalties move with V, B and R, which the steps of these three take as they were.
    assert ((whole[[1, 2]] if relative else whole) < 0).all()
    assert (of_squares[[0, 1, 3, 4]] < 0).all()
    np.testing.assert_allclose(method.state["objective"], [v[0] for v in values[5::5]], rtol=1e-9)
    for key, block in (("image.atoms", b), ("image.map", r), ("text.basis", a)):
        np.testing.assert_allclose(method.state[key], block, atol=1e-9)
        assert (np.linalg.norm(block, axis=1) <= 1 + 1e-12).all()


def test_codes_follow_the_formulas(noisy_views):
    method = hashers.create("lssh", 5, **WEIGHTS, **SMALL).fit(noisy_views)
    some = noisy_views.take(noisy_views.query)
    b, r, a = (method.state[key] for key in ("image.atoms", "image.map", "text.basis"))
    ratio = WEIGHTS["lambda_"] / WEIGHTS["mu"]
    expected = {"image": [], "text": [], "unified": []}
    for x, t in zip(method.view(some, "image"), method.view(some, "text"), strict=True):
        x, t = x / np.linalg.norm(x), t / np.linalg.norm(t)
        alpha = WEIGHTS["rho"] * abs(b @ x).max()
        s = sparse_encode(x[None], b, algorithm="lasso_lars", alpha=alpha)[0]
        square = a @ a.T + ratio * np.eye(5)
        expected["image"].append(r.T @ s)
        expected["text"].append(np.linalg.solve(square, a @ t))
        expected["unified"].append(np.linalg.solve(square, ratio * (r.T @ s) + a @ t))
    found = {modality: method.encode(some, modality) for modality in ("image", "text")}
    for name, codes in (found | {"unified": method.database_codes(some)}).items():
        values = np.array(expected[name])
        clear = abs(values) > 1e-3
        assert clear.mean() > 0.95
        assert np.array_equal(codes.signs()[clear], np.sign(values)[clear])


def test_a_text_has_the_code_of_a_pair_whose_image_says_nothing(noisy_views):
    method = hashers.create("lssh", 6, **SMALL).fit(noisy_views)
    images = np.tile(method.state["image.mean"].astype(np.float32), (len(noisy_views), 1))
    method.state["image.mean"] = images[0].astype(np.float64)
    blank = dataclasses.replace(noisy_views, images=images)
    assert method.database_codes(blank) == method.encode(noisy_views, "text")


def test_a_sample_counts_by_its_direction_from_the_mean(noisy_views):
    method = hashers.create("lssh", 6, **SMALL).fit(noisy_views)
    mean = method.state["image.mean"]
    nearer = (mean + 0.25 * (noisy_views.images - mean)).astype(np.float32)
    moved = dataclasses.replace(noisy_views, images=nearer)
    agree = method.encode(moved, "image").signs() == method.encode(noisy_views, "image").signs()
    assert agree.mean() > 0.999


def test_there_are_no_more_atoms_than_training_samples(noisy_views):
    for wanted, found in ((512, 80), (7, 7)):
        method = hashers.create("lssh", 4, atoms=wanted, iterations=1).fit(noisy_views)
        assert method.state["image.atoms"].shape == (found, 20)
        assert method.state["image.map"].shape == (found, 4)
