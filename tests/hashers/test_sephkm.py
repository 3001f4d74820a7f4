"""SePH-km against all pairs of samples, autograd and scikit-learn's logistic regression."""

import numpy as np
import pytest
import torch
from scipy import linalg
from sklearn.linear_model import LogisticRegression

from mmhash_nb import hashers
from mmhash_nb.hashers import sephkm
from mmhash_nb.hashers.sephkm import Objective, draw, k_means, kernel_logistic, label_sets, rbf


def several_labels(n=24, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return np.eye(classes, dtype=bool)[np.arange(n) % classes] | (rng.random((n, classes)) < 0.2)


def objective_of(labels, alpha=0.3):
    sets, of, counts = label_sets(labels)
    return Objective(sets, counts, alpha), of


@pytest.mark.parametrize("rows", [3, 256])
def test_objective_and_gradient_are_those_of_all_pairs_of_samples(rng, rows, monkeypatch):
    """By the formulas of the paper, the gradient by autograd."""
    monkeypatch.setattr(sephkm, "ROWS", rows)
    labels = several_labels()
    objective, of = objective_of(labels)
    assert 4 < len(objective.p) < len(labels)  # some samples share a label set, not all
    assert objective.p.sum() == pytest.approx(1)
    h = torch.tensor(2 * rng.standard_normal((len(objective.p), 5)), requires_grad=True)
    every = h[torch.tensor(of)]
    unit = torch.nn.functional.normalize(torch.tensor(labels, dtype=torch.float64))
    other = ~torch.eye(len(labels), dtype=torch.bool)
    p = (unit @ unit.T)[other]
    p = p / p.sum()
    q = 1 / (1 + (every[:, None] - every[None]).square().sum(dim=2) / 4)[other]
    divergence = torch.nn.functional.kl_div((q / q.sum()).log(), p, reduction="sum")
    value = divergence + 0.3 * (every.abs() - 1).square().mean()
    value.backward()
    ours, gradient = objective(h.detach().numpy())
    assert ours == pytest.approx(value.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, h.grad.numpy(), atol=1e-14)


def test_only_the_second_term_changes_where_all_codes_move(rng):
    objective, _ = objective_of(several_labels(), alpha=0)
    h = rng.standard_normal((len(objective.p), 5))
    value, gradient = objective(h)
    assert objective(h + 3)[0] == pytest.approx(value)
    np.testing.assert_allclose(gradient.sum(axis=0), 0, atol=1e-14)


def test_learning_ends_at_a_stationary_point_far_below_its_start(rng, monkeypatch):
    monkeypatch.setattr(sephkm, "CODE_STEPS", 3000)
    objective, _ = objective_of(several_labels(n=40), alpha=0.01)
    start = 0.1 * rng.standard_normal((len(objective.p), 8))
    before, _ = objective(start)
    after, flat = objective(sephkm.learn_codes(objective, start))
    # With α, |h| has corners at 0; away from them the slope is gone.
    assert after < 0.8 * before
    assert np.linalg.norm(flat) < 1e-3 * before


def test_a_large_alpha_brings_the_codes_to_signs(rng):
    labels = several_labels()
    spread = []
    for alpha in (0.01, 1e4):
        objective, _ = objective_of(labels, alpha)
        start = 0.1 * rng.standard_normal((len(objective.p), 8))
        h = sephkm.learn_codes(objective, start)
        spread.append(np.abs(np.abs(h) - 1).mean())
    assert spread[1] < 0.01 < spread[0]


def test_classes_get_codes_of_their_own(two_views):
    method = hashers.create("sephkm", 16).fit(two_views)
    start, end = method.state["objective"]
    assert end < 0.5 * start
    classes = two_views.labels.argmax(axis=1)
    for modality in ("image", "text"):
        codes = method.encode(two_views, modality).signs()
        own = [np.unique(codes[classes == c], axis=0) for c in range(4)]
        assert [len(codes) for codes in own] == [1] * 4
        assert len(np.unique(np.concatenate(own), axis=0)) == 4
    unified = method.database_codes(two_views)
    assert unified == method.encode(two_views, "image") == method.encode(two_views, "text")


def test_samples_of_so_many_label_sets_are_drawn(rng):
    labels = several_labels(n=60)
    n_sets = len(label_sets(labels)[0])
    everything = draw(labels, n_sets, np.random.default_rng(3))
    assert sorted(everything) == list(range(60))
    assert not np.array_equal(everything, range(60))
    expected = []
    for i in everything:
        sets = {labels[j].tobytes() for j in expected} | {labels[i].tobytes()}
        if len(sets) <= n_sets - 2:
            expected.append(i)
    some = draw(labels, n_sets - 2, np.random.default_rng(3))
    assert some.tolist() == expected
    assert len(np.unique(labels[some], axis=0)) == n_sets - 2


def test_only_drawn_samples_are_learned_from(noisy_views):
    train = noisy_views.take(noisy_views.train)
    chosen = draw(train.labels, 2, np.random.default_rng(0))
    assert len(chosen) == 40  # of four classes with 20 samples each
    method = hashers.create("sephkm", 4, label_sets=2)
    views = [train.images.astype(float), train.texts.astype(float)]
    changed = [view.copy() for view in views]
    rest = np.setdiff1d(np.arange(len(train)), chosen)
    for view in changed:
        view[rest] = 99
    one, two = (
        method.fit_views(*v, train.labels, np.random.default_rng(0)) for v in (views, changed)
    )
    assert all(np.array_equal(one[key], two[key]) for key in one)


def test_regressions_are_scikit_learns(rng):
    """In features whose products are the kernel, the penalty is that of logistic regression."""
    x, anchors = rng.standard_normal((60, 3)), rng.standard_normal((12, 3))
    kernel, between = rbf(x, anchors, 2), rbf(anchors, anchors, 2)
    signs = np.where(x[:, :2] + 0.5 * rng.standard_normal((60, 2)) > 0.2, 1.0, -1.0)
    weights = kernel_logistic(kernel, between, signs)
    features = kernel @ linalg.inv(linalg.sqrtm(between).real)
    for bit in range(2):
        # It minimises ‖w‖²/2 + C Σ log(1 + e⁻ᵐ): a penalty of 0.01 is C = 1/0.02.
        model = LogisticRegression(C=50, fit_intercept=False, tol=1e-10, max_iter=10000)
        expected = model.fit(features, signs[:, bit]).decision_function(features)
        np.testing.assert_allclose(kernel @ weights[:, bit], expected, rtol=0.01, atol=0.01)


def test_a_regression_is_at_a_stationary_point_by_autograd(rng):
    x = rng.standard_normal((50, 3))
    kernel, between = rbf(x, x[:10], 2), rbf(x[:10], x[:10], 2)
    signs = rng.choice([-1.0, 1.0], (50, 4))
    weights = kernel_logistic(kernel, between, signs)

    def slope(w):
        w = torch.tensor(w, requires_grad=True)
        margins = torch.tensor(signs) * (torch.tensor(kernel) @ w)
        penalty = 0.01 * torch.trace(w.T @ torch.tensor(between) @ w)
        (torch.nn.functional.softplus(-margins).sum() + penalty).backward()
        return w.grad.norm().item()

    assert slope(weights) < 1e-3 * slope(np.zeros_like(weights))


def test_equal_anchors_are_no_trouble(rng):
    x = rng.standard_normal((50, 3))
    signs = np.where(x[:, :1] > 0, 1.0, -1.0)
    twice = np.concatenate([x[:10], x[:10]])
    weights = kernel_logistic(rbf(x, twice, 2), rbf(twice, twice, 2), signs)
    once = kernel_logistic(rbf(x, x[:10], 2), rbf(x[:10], x[:10], 2), signs)
    assert np.isfinite(weights).all()
    assert np.array_equal(rbf(x, twice, 2) @ weights >= 0, rbf(x, x[:10], 2) @ once >= 0)


@pytest.mark.parametrize(("options", "width"), [({}, 1), ({"width": 2.5}, 2.5)])
def test_the_kernel_has_the_mean_squared_distance_as_its_width(noisy_views, options, width):
    method = hashers.create("sephkm", 4, **options).fit(noisy_views)
    train = noisy_views.take(noisy_views.train)
    for modality in ("image", "text"):
        features = train.features(modality).astype(float)  # the kernel does not depend on units
        mean = np.square(features[:, None] - features[None]).sum(axis=2).mean()
        x, state = method.view(train, modality), method.state
        anchors = state[f"{modality}.anchors"] * state[f"{modality}.length"]
        anchors += state[f"{modality}.mean"]
        squared = np.square(features[:, None] - anchors[None]).sum(axis=2)
        expected = np.exp(-squared / (width * mean)) @ state[f"{modality}.weights"]
        np.testing.assert_allclose(method.project_view(x, modality), expected, rtol=1e-4)


def test_anchors_are_means_of_clusters_as_many_as_there_are_different_samples(rng):
    x = np.repeat(rng.standard_normal((5, 3)), 4, axis=0)
    for wanted, count in ((500, 5), (3, 3)):
        means = k_means(x, wanted, rng)
        nearest = np.square(x[:, None] - means[None]).sum(axis=2).argmin(axis=1)
        assert len(means) == count
        for mean, members in zip(means, range(count), strict=True):
            np.testing.assert_allclose(mean, x[nearest == members].mean(axis=0))


def test_a_unified_bit_is_the_more_likely_given_both_views(noisy_views):
    method = hashers.create("sephkm", 12).fit(noisy_views)
    odds = [
        method.project_view(method.view(noisy_views, modality), modality)
        for modality in ("image", "text")
    ]
    p, q = (1 / (1 + np.exp(-o)) for o in odds)
    unified = method.database_codes(noisy_views)
    assert np.array_equal(unified.signs() > 0, p * q - (1 - p) * (1 - q) > 0)
    for modality in ("image", "text"):
        assert unified != method.encode(noisy_views, modality)


def test_a_learned_gallery_is_predicted_where_nothing_was_learned(noisy_views):
    predicted = hashers.create("sephkm", 12, anchors=2).fit(noisy_views)
    learned = hashers.create("sephkm", 12, anchors=2, gallery="learned").fit(noisy_views)
    codes = [method.database_codes(noisy_views).signs() for method in (predicted, learned)]
    same = codes[0] == codes[1]
    assert same[noisy_views.query].all() and not same[noisy_views.train].all()


def test_training_samples_keep_their_learned_codes(noisy_views):
    method = hashers.create("sephkm", 12, gallery="learned").fit(noisy_views)
    train = noisy_views.take(noisy_views.train)
    codes = method.database_codes(train).signs()
    drawn = draw(train.labels, 4000, np.random.default_rng(0))
    assert np.array_equal(codes[drawn], method.state["codes"])
    sets = label_sets(train.labels)[1]
    for group in np.unique(sets):
        assert len(np.unique(codes[sets == group], axis=0)) == 1  # a code a label set
    backwards = method.database_codes(train.take(np.arange(len(train))[::-1]))
    assert np.array_equal(backwards.signs(), codes[::-1])
    some = hashers.create("sephkm", 12, label_sets=2, gallery="learned").fit(noisy_views)
    chosen = draw(train.labels, 2, np.random.default_rng(0))
    assert np.array_equal(some.database_codes(train.take(chosen)).signs(), some.state["codes"])
