"""PDH: its SVMs against scikit-learn's, its decorrelation against others, then as a method."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from on_disk import needs
from retrieval import scores
from sklearn.svm import LinearSVC

from mmhash_nb import datasets, hashers
from mmhash_nb.datasets import uci_digits
from mmhash_nb.hashers import pdh
from mmhash_nb.hashers.cca_itq import canonical_embedding, random_rotation
from mmhash_nb.hashers.pdh import LinearSVMs, decorrelated, mean_correlation


def labelled(seed=0, n=60, d=5, k=3):
    """A centred view, and bits that no hyperplane tells quite."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    x -= x.mean(axis=0)
    return x, np.where(x @ rng.normal(size=(d, k)) + rng.normal(size=(n, k)) >= 0, 1.0, -1.0)


@pytest.mark.parametrize("c", [0.02, 1.0, 30.0])
def test_the_svms_are_those_of_scikit_learn(monkeypatch, c):
    monkeypatch.setattr(pdh, "TOLERANCE", 1e-14)
    monkeypatch.setattr(pdh, "STEPS", 10_000)
    x, bits = labelled()
    ours = LinearSVMs(x, 3, c)
    np.testing.assert_allclose(ours.fit(bits), x @ ours.weights)
    for w, b in zip(ours.weights.T, bits.T, strict=True):
        theirs = LinearSVC(
            C=c, loss="squared_hinge", fit_intercept=False, tol=1e-10, max_iter=100_000
        )
        np.testing.assert_allclose(w, theirs.fit(x, b).coef_[0], rtol=1e-4, atol=1e-5)


def test_the_default_tolerance_comes_near():
    x, bits = labelled(1)
    ours = LinearSVMs(x, 3, 1.0)
    value = ours.objective(ours.fit(bits), bits)
    best = 0.0
    for b in bits.T:
        w = LinearSVC(fit_intercept=False, tol=1e-10, max_iter=100_000).fit(x, b).coef_[0]
        best += 0.5 * w @ w + sum(
            max(0, 1 - b_i * w @ x_i) ** 2 for b_i, x_i in zip(b, x, strict=True)
        )
    assert best <= value * (1 + 1e-9) and value < best * 1.005


def by_hand(x, b, c, steps, momentum=True):
    """FISTA with restarts, as a plain loop: the weights, objectives it accepts, and restarts."""

    def objective(w):
        return 0.5 * (w**2).sum() + c * (np.maximum(1 - b * (x @ w), 0) ** 2).sum()

    solve = np.linalg.inv(x.T @ x + np.eye(x.shape[1]) / (2 * c)) @ x.T
    w = np.zeros((x.shape[1], b.shape[1]))
    ahead, t, values, restarts = w, 1.0, [objective(w)], 0
    for _ in range(steps):
        reached = x @ ahead
        stepped = solve @ np.where(b * reached < 1, b, reached)
        if objective(stepped) > values[-1] and t > 1:
            ahead, t, restarts = w, 1.0, restarts + 1
            continue
        following = (1 + np.sqrt(1 + 4 * t * t)) / 2 if momentum else 1.0
        ahead = stepped + (t - 1) / following * (stepped - w)
        w, t = stepped, following
        values.append(objective(w))
    return w, values, restarts


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 80])
def test_steps_are_those_of_fista(monkeypatch, steps):
    monkeypatch.setattr(pdh, "STEPS", steps)
    monkeypatch.setattr(pdh, "TOLERANCE", 1e-14)
    x, bits = labelled()
    ours = LinearSVMs(x, 3, 30.0)
    ours.fit(bits)
    expected, _, restarts = by_hand(x, bits, 30.0, steps)
    np.testing.assert_allclose(ours.weights, expected, rtol=1e-8, atol=1e-10)
    assert steps < 80 or restarts > 0


def recorded(monkeypatch, c, tolerance, scale=1.0):
    """The objective of every step of one fit, with that of the start."""
    monkeypatch.setattr(pdh, "TOLERANCE", tolerance)
    values, objective = [], LinearSVMs.objective

    def noted(self, scores, b):
        values.append(objective(self, scores, b))
        return values[-1]

    with monkeypatch.context() as patch:
        patch.setattr(LinearSVMs, "objective", noted)
        x, bits = labelled()
        LinearSVMs(scale * x, 3, c).fit(bits)
    return values


def test_a_step_too_far_is_taken_back(monkeypatch):
    monkeypatch.setattr(pdh, "STEPS", 10_000)
    values = recorded(monkeypatch, 30.0, 1e-12)
    lowest = np.minimum.accumulate(values)
    up = np.flatnonzero(values[1:] > lowest[:-1]) + 1
    assert len(up) and (np.diff(up) > 1).all()  # some rise, and none right after another
    assert all(values[i + 1] <= lowest[i - 1] for i in up if i + 1 < len(values))


def test_momentum_halves_the_steps(monkeypatch):
    monkeypatch.setattr(pdh, "STEPS", 10_000)
    values = recorded(monkeypatch, 30.0, 1e-10)
    x, bits = labelled()
    slow = by_hand(x, bits, 30.0, 2 * len(values), momentum=False)[1]
    assert slow[-1] > min(values) * (1 + 1e-12)  # twice the steps do not get there


@pytest.mark.parametrize("c", [0.001, 1.0, 30.0])
def test_the_stop_is_relative(monkeypatch, c):
    """x times a with c / a² is the same problem, its objective divided by a²."""
    values = recorded(monkeypatch, c, 5e-4)
    assert len(values) - 1 < pdh.STEPS
    for scale in (0.01, 100):
        other = recorded(monkeypatch, c / scale**2, 5e-4, scale)
        assert len(other) == len(values)
        assert np.array(other) * scale**2 == pytest.approx(np.array(values), rel=1e-6)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), c=st.sampled_from([0.1, 1.0, 50.0]))
def test_no_step_of_the_svms_raises_their_objective(seed, c):
    x, bits = labelled(seed)
    svms = LinearSVMs(x, 3, c)
    svms.weights = np.random.default_rng(seed).normal(size=(5, 3))
    values = [svms.objective(x @ svms.weights, bits)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdh, "STEPS", 1)
        for _ in range(15):
            values.append(svms.objective(svms.fit(bits), bits))
    assert (np.diff(values) <= 1e-12 * values[0]).all() and values[-1] < values[0]


def test_a_fit_goes_on_from_the_last_ones_weights(monkeypatch):
    monkeypatch.setattr(pdh, "STEPS", 1)
    x, bits = labelled(2)
    once, twice = LinearSVMs(x, 3, 5.0), LinearSVMs(x, 3, 5.0)
    for svms, fits in ((once, 1), (twice, 2)):
        for _ in range(fits):
            svms.fit(bits)
    assert twice.objective(x @ twice.weights, bits) < once.objective(x @ once.weights, bits)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_decorrelated_bits_are_signs_of_the_nearest_orthonormal_columns(seed):
    rng = np.random.default_rng(seed)
    s = rng.normal(size=(12, 4)) @ rng.normal(size=(4, 4))
    # The other formula for the polar factor: S (S'S)^(-1/2).
    values, vectors = np.linalg.eigh(s.T @ s)
    nearest = s @ (vectors / np.sqrt(values)) @ vectors.T
    np.testing.assert_allclose(nearest.T @ nearest, np.eye(4), atol=1e-6)
    sure = np.abs(nearest) > 1e-6
    assert np.array_equal(decorrelated(s, 1)[sure], np.sign(nearest)[sure])
    for _ in range(20):
        other = np.linalg.qr(rng.normal(size=(12, 4)))[0]
        assert np.linalg.norm(s - nearest) <= np.linalg.norm(s - other) + 1e-9


@pytest.mark.parametrize("d", [0, 0.3, 0.5, 1])
def test_decorrelation_takes_the_gram_matrix_to_a_power(monkeypatch, d):
    rng = np.random.default_rng(5)
    s = rng.normal(size=(40, 4)) @ rng.normal(size=(4, 4))
    monkeypatch.setattr(pdh, "signs", lambda q: q)
    values, vectors = np.linalg.eigh(s.T @ s)
    q, expected = decorrelated(s, d), (vectors * values ** (1 - d)) @ vectors.T
    np.testing.assert_allclose(q.T @ q, expected, atol=1e-9)
    np.testing.assert_allclose(s.T @ q, (vectors * values ** (1 - d / 2)) @ vectors.T, atol=1e-9)


def test_decorrelation_uncouples_bits_and_leaves_uncoupled_ones(rng):
    common = rng.normal(size=(500, 1))
    coupled = rng.normal(size=(500, 6)) + 2 * common
    before, after = (mean_correlation(b) for b in (np.sign(coupled), decorrelated(coupled, 1)))
    assert before > 0.4 and after < 0.1
    orthogonal = np.linalg.qr(coupled)[0] * 7
    assert np.array_equal(decorrelated(orthogonal, 1), np.sign(orthogonal))


def test_more_bits_than_dimensions_stay_in_the_scores_span(rng):
    low = rng.normal(size=(200, 3))
    s = low @ rng.normal(size=(3, 10))
    u, _, zt = np.linalg.svd(s, full_matrices=False)
    assert np.array_equal(decorrelated(s, 1), np.sign(u[:, :3] @ zt[:3]))
    # In 3 dimensions a bit is a side of a plane: no more than 3 of scores' worth of codes.
    assert mean_correlation(decorrelated(s, 1)) < mean_correlation(np.sign(s)) + 0.02


def test_the_mean_correlation_is_over_different_bits():
    b = labelled(4)[1]
    naive = [abs(np.mean(b[:, k] * b[:, m])) for k in range(3) for m in range(3) if k != m]
    assert mean_correlation(b) == pytest.approx(np.mean(naive), rel=1e-12)
    assert mean_correlation(b[:, :1]) == 0
    assert mean_correlation(np.hstack([b[:, :1], -b[:, :1]])) == 1


def training_codes(method, pairs):
    inside = pairs.take(pairs.train)
    return [method.encode(inside, m).signs().astype(float) for m in ("image", "text")]


def test_the_course_ends_at_the_state(noisy_views):
    method = hashers.create("pdh", 6, iterations=4).fit(noisy_views)
    image, text = training_codes(method, noisy_views)
    assert method.state["disagreement"].shape == (4,)
    assert method.state["disagreement"][-1] == pytest.approx(np.mean(image != text))
    expected = (mean_correlation(image) + mean_correlation(text)) / 2
    assert method.state["correlation"][-1] == pytest.approx(expected)


def test_each_view_learns_to_predict_the_other(noisy_views):
    course = hashers.create("pdh", 8).fit(noisy_views).state["disagreement"]
    assert course[-1] < course[0] and course[-1] < 0.2


def test_a_round_is_image_first_then_text(noisy_views, monkeypatch):
    monkeypatch.setattr(pdh, "STEPS", 2000)
    monkeypatch.setattr(pdh, "TOLERANCE", 1e-13)
    rounds = [hashers.create("pdh", 4, iterations=i).fit(noisy_views) for i in (3, 4)]
    x, y = (rounds[0].view(noisy_views.take(noisy_views.train), m) for m in ("image", "text"))
    image = LinearSVMs(x, 4, 1.0)
    image.fit(decorrelated(y @ rounds[0].state["text.weights"], 0.5))
    np.testing.assert_allclose(rounds[1].state["image.weights"], image.weights, atol=1e-4)
    text = LinearSVMs(y, 4, 1.0)
    text.fit(decorrelated(x @ rounds[1].state["image.weights"], 0.5))
    np.testing.assert_allclose(rounds[1].state["text.weights"], text.weights, atol=1e-4)


def test_without_decorrelation_bits_collapse(noisy_views):
    collapsed, half, full = (
        hashers.create("pdh", 8, iterations=20, decorrelation=d).fit(noisy_views).state
        for d in (0, 0.5, 1)
    )
    assert full["correlation"][-1] < 0.2
    assert collapsed["correlation"][-1] > half["correlation"][-1] + 0.05
    assert half["correlation"][-1] > full["correlation"][-1]


@needs(uci_digits)
def test_half_a_decorrelation_gains_with_bits_on_digits():
    pairs = datasets.load("uci_digits")
    found = {
        (bits, d): np.mean(scores(hashers.create("pdh", bits, decorrelation=d).fit(pairs), pairs))
        for bits, d in itertools.product((16, 64), (0.5, 1))
    }
    # At 16 and 64 bits, full decorrelation gives .48 and .48, CCA-ITQ .53 and .57.
    assert found[64, 1] == pytest.approx(0.48, abs=0.01)
    assert found[64, 0.5] > found[16, 0.5] + 0.02 and found[64, 0.5] > 0.61


def test_a_single_bit_splits_the_clusters(two_views):
    image, text = training_codes(hashers.create("pdh", 1).fit(two_views), two_views)
    assert np.mean(image == text) > 0.95 and abs(image.mean()) < 0.6


def test_the_first_round_starts_from_rotated_canonical_projections(noisy_views):
    method = hashers.create("pdh", 4, seed=3, c=7.0, iterations=1, decorrelation=0.2).fit(
        noisy_views
    )
    x, y = (method.view(noisy_views.take(noisy_views.train), m) for m in ("image", "text"))
    _, wy = canonical_embedding(x, y, 4)
    start = y @ wy @ random_rotation(4, 4, np.random.default_rng(3))
    image, text = (LinearSVMs(v, 4, 7.0) for v in (x, y))
    text.fit(decorrelated(image.fit(decorrelated(start, 0.2)), 0.2))
    for key, svms in (("image", image), ("text", text)):
        np.testing.assert_allclose(method.state[f"{key}.weights"], svms.weights, atol=1e-9)
