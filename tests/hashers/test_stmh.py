"""STMH's blocks against autograd, brute force and numeric solvers; its codes against loops."""

from itertools import combinations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from mmhash_nb import hashers
from mmhash_nb.hashers import stmh
from mmhash_nb.hashers.stmh import TopicModel, smallest_half

BLOCKS = ("concepts", "correlation", "mixtures", "topics", "membership")
#: λ, μ and γ of a size that lets each term matter
WEIGHTS = (0.3, 0.2, 0.05)


def some_model(seed=0, n=30, n_bits=6, weights=WEIGHTS, rounds=1) -> TopicModel:
    """A model away from its start, all of whose blocks have something to gain."""
    rng = np.random.default_rng(seed)
    image, text = rng.standard_normal((n, 5)), rng.standard_normal((n, 4))
    model = TopicModel(image, text, n_bits, weights, rng)
    for _ in range(rounds):
        for block in BLOCKS:
            update(model, block)
    model.mixtures = model.mixtures + 0.1 * rng.standard_normal(model.mixtures.shape)
    model.correlation = model.correlation + 0.1 * rng.standard_normal(model.correlation.shape)
    model.topics = model.topics + 0.1 * rng.standard_normal(model.topics.shape)
    return model


def update(model, block):
    if block == "topics":
        model.topics = model.mean_topics()
    else:
        getattr(model, f"update_{block}")()


def objective(model, robust=None, least_squares=False, **blocks):
    """The objective in PyTorch from its formula; with errors `robust`, the quadratic above it."""
    lam, mu, gamma = model.lam, model.mu, model.gamma
    x, y = torch.tensor(model.image), torch.tensor(model.text)
    c, r, g, t, m = (blocks.get(name, torch.tensor(getattr(model, name))) for name in BLOCKS)
    squared = (x - g @ c).square().sum(dim=1) + stmh.SMOOTH
    e = squared.sqrt() if robust is None else squared / (2 * robust) + robust / 2
    far = (y[:, None] - t[None]).square().sum(dim=2)  # [n, K]
    fit = (y - m @ t).square().sum() if least_squares else (m * far).sum()
    sizes = sum(block.square().sum() for block in (c, g, t, r))
    return lam * e.sum() + (1 - lam) * fit + mu * (m - g @ r).square().sum() + gamma * sizes


def slope(model, block, **options):
    variable = torch.tensor(getattr(model, block), requires_grad=True)
    objective(model, **options, **{block: variable}).backward()
    return variable.grad.abs().max().item()


def test_the_objective_is_its_formula_by_loop():
    model = some_model()
    lam, mu, gamma = WEIGHTS
    total = 0.0
    for i in range(30):
        error = model.image[i] - sum(model.mixtures[i, k] * model.concepts[k] for k in range(6))
        total += lam * np.sqrt(error @ error)
        for k in range(6):
            if model.membership[i, k]:
                total += (1 - lam) * np.square(model.text[i] - model.topics[k]).sum()
            expected = sum(model.mixtures[i, j] * model.correlation[j, k] for j in range(6))
            total += mu * (model.membership[i, k] - expected) ** 2
    for block in (model.concepts, model.mixtures, model.topics, model.correlation):
        total += gamma * sum(value**2 for value in block.ravel())
    assert model.objective() == pytest.approx(total, rel=1e-6)
    assert model.objective() == pytest.approx(objective(model).item(), rel=1e-12)


@pytest.mark.parametrize("block", ["concepts", "mixtures"])
def test_robust_blocks_are_the_minimum_of_the_quadratic_above_the_norm(block):
    model = some_model()
    robust = torch.tensor(model.errors())
    before = model.objective()
    assert objective(model, robust).item() == pytest.approx(before)  # they touch here
    steep = slope(model, block, robust=robust)
    update(model, block)
    assert slope(model, block, robust=robust) < 1e-10 * steep
    assert model.objective() < objective(model, robust).item() < before


@pytest.mark.parametrize("block", ["concepts", "mixtures"])
def test_robust_blocks_repeated_end_at_the_minimum_of_the_objective(block):
    model = some_model()
    steep = slope(model, block)
    for _ in range(500):
        update(model, block)
    assert slope(model, block) < 1e-4 * steep
    # Each block is a convex problem: a numeric solver comes no lower.
    start = np.zeros(getattr(model, block).shape)

    def flat(v):
        variable = torch.tensor(v.reshape(start.shape), requires_grad=True)
        value = objective(model, **{block: variable})
        value.backward()
        return value.item(), variable.grad.numpy().ravel()

    found = minimize(flat, start.ravel(), jac=True, options={"maxiter": 2000})
    assert model.objective() == pytest.approx(found.fun, rel=1e-5)


@pytest.mark.parametrize("block", ["correlation", "topics"])
def test_other_blocks_are_the_minimum_of_the_objective(block):
    model = some_model()
    before, steep = model.objective(), slope(model, block)
    update(model, block)
    assert slope(model, block) < 1e-12 * max(steep, 1)
    assert model.objective() <= before


def test_least_squares_topics_are_the_minimum_of_theirs():
    model = some_model()
    model.topics = model.least_squares_topics()
    assert slope(model, "topics", least_squares=True) < 1e-12
    assert slope(model, "topics") > 0.1


def test_membership_is_the_best_of_all_halves():
    model = some_model()
    model.mu = 2.0  # so that images have a say
    model.update_membership()
    halves = [np.isin(np.arange(6), half) * 1.0 for half in combinations(range(6), 3)]
    chosen = model.membership.copy()
    least = model.objective()
    for i in range(len(chosen)):
        for half in halves:
            model.membership[i] = half
            assert model.objective() >= least - 1e-9
        model.membership[i] = chosen[i]
    told = smallest_half(model.far())
    assert (chosen != told).any()


@pytest.mark.parametrize("weights", [WEIGHTS, (0.5, 1e-6, 1e-6), (0.9, 5.0, 1.0)])
@pytest.mark.parametrize("n_bits", [4, 7, 12])
def test_no_update_lets_the_objective_rise(weights, n_bits):
    model = some_model(n_bits=n_bits, weights=weights, rounds=0)
    value = model.objective()
    for _ in range(12):
        for block in BLOCKS:
            update(model, block)
            now = model.objective()
            assert now <= value * (1 + 1e-12), block
            value = now


def test_the_objective_of_a_fit_falls_throughout_with_means(noisy_views):
    method = hashers.create("stmh", 8, topics="means").fit(noisy_views)
    course = method.state["objective"]
    assert len(course) == 11 and (np.diff(course) <= 1e-9).all()
    other = hashers.create("stmh", 8).fit(noisy_views).state["objective"]
    assert len(other) == 11 and other[-1] < other[0]
    assert other[-1] > course[-1]  # least squares is not the minimum
    assert len(hashers.create("stmh", 8, iterations=3).fit(noisy_views).state["objective"]) == 4


@pytest.mark.parametrize("n_bits", [2, 5, 8])
def test_half_of_the_bits_are_the_nearest_topics(noisy_views, n_bits):
    method = hashers.create("stmh", n_bits).fit(noisy_views)
    half = (n_bits + 1) // 2
    bits = method.encode(noisy_views, "text").signs() > 0
    for y, code in zip(method.view(noisy_views, "text"), bits, strict=True):
        far = np.square(y - method.state["text.topics"]).sum(axis=1)
        assert set(np.flatnonzero(code)) == set(np.argsort(far)[:half])
    assert (method.encode(noisy_views, "image").signs() > 0).sum(axis=1).tolist() == [half] * 160


def test_a_new_image_has_the_ridge_mixture_and_its_best_topics():
    rng = np.random.default_rng(1)
    image, text = rng.standard_normal((30, 5)), rng.standard_normal((30, 4))
    method = hashers.create("stmh", 6, lam=0.3, mu=0.2, gamma=0.05, iterations=4)
    method.state = method.fit_views(image, text, np.ones((30, 1), bool), np.random.default_rng(2))
    model = TopicModel(image, text, 6, (0.3, 0.2, 0.05), np.random.default_rng(2))
    for _ in range(4):
        for block in BLOCKS:
            if block == "topics":
                model.topics = model.least_squares_topics()
            else:
                update(model, block)
    np.testing.assert_allclose(method.state["text.topics"], model.topics)
    for x, near in zip(image, method.project_view(image, "image"), strict=True):
        rows = np.concatenate([model.concepts.T, np.sqrt(0.05 / 0.3) * np.eye(6)])
        mixture = np.linalg.lstsq(rows, np.concatenate([x, np.zeros(6)]))[0]
        expected = mixture @ model.correlation
        np.testing.assert_allclose(near, expected - np.median(expected), atol=1e-9)


@pytest.mark.parametrize("mu", [1e-6, 20.0])
def test_a_sample_with_both_has_the_membership_that_is_best_for_the_objective(noisy_views, mu):
    method = hashers.create("stmh", 6, mu=mu, lam=0.3).fit(noisy_views)
    bits = method.database_codes(noisy_views).signs() > 0
    topics, weights = method.state["text.topics"], method.state["image.weights"]
    views = [method.view(noisy_views, modality) for modality in ("image", "text")]
    halves = [np.isin(np.arange(6), half) for half in combinations(range(6), 3)]
    for x, y, found in zip(*views, bits, strict=True):
        far = [np.square(y - topic).sum() for topic in topics]
        cost = [0.7 * half @ far + mu * np.square(half - x @ weights).sum() for half in halves]
        assert np.array_equal(found, halves[np.argmin(cost)])
    by_text = method.encode(noisy_views, "text").signs() > 0
    assert np.array_equal(bits, by_text) == (mu < 1)


def test_the_gallery_of_training_samples_is_the_membership_they_learned(noisy_views, monkeypatch):
    models = []
    init = TopicModel.__init__
    monkeypatch.setattr(
        TopicModel, "__init__", lambda self, *given: (models.append(self), init(self, *given))[1]
    )
    method = hashers.create("stmh", 8).fit(noisy_views)
    train = method.database_codes(noisy_views).signs()[noisy_views.train] > 0
    assert np.array_equal(train, models[0].membership > 0)


def test_odd_images_weigh_less():
    """Of images along one line and one far off it, the concept follows the line."""
    rng = np.random.default_rng(0)
    line = rng.standard_normal((40, 1)) * np.array([[1.0, 0.0]])
    image = np.concatenate([line, [[0.0, 8.0]]])
    model = TopicModel(image, rng.standard_normal((41, 3)), 1, (0.5, 1e-9, 1e-6), rng)
    for _ in range(100):
        model.update_concepts()
        model.update_mixtures()
    along, across = np.abs(model.concepts[0])
    assert across < 1e-3 * along
    _, _, leading = np.linalg.svd(image)  # least squares follows the odd one
    assert np.abs(leading[0, 1]) > 0.99


def test_smallest_half_is_by_row():
    cost = np.array([[3.0, 1, 2, 0, 9], [1, 1, 1, 1, 1]])
    assert smallest_half(cost).tolist() == [[0, 1, 1, 1, 0], [1, 1, 1, 0, 0]]
