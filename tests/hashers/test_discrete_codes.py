"""Discrete codes: each step against a generic solver or all codes, then the alternation."""

import itertools

import numpy as np
import pytest
import torch
from scipy import optimize
from torch import nn

from mmhash_nb import hashers
from mmhash_nb.hashers import discrete_codes
from mmhash_nb.hashers.discrete_codes import (
    CodeLearning,
    balanced_codes,
    best_codes,
    code_objective,
    svm_classifiers,
)
from mmhash_nb.training import loop as training
from mmhash_nb.training.optimisers import SGD


def problem(n=14, k=4, classes=3, seed=0):
    """Random codes, outputs and labels; samples have one or two labels."""
    rng = np.random.default_rng(seed)
    codes = rng.choice([-1.0, 1.0], size=(n, k))
    labels = np.eye(classes, dtype=bool)[rng.integers(classes, size=n)]
    labels[::4, 0] = True
    return codes, rng.uniform(-1, 1, (n, k)), labels


def equation4(codes, m, h, labels, lambda_):
    """The objective as printed, but for a slack for each class, by a loop."""
    slack = 0.0
    for n, code in enumerate(codes):
        for j in range(labels.shape[1]):
            y = 1 if labels[n, j] else -1
            slack += max(0.0, 1 - y * (m[:, j] @ code))
    return (m**2).sum() + slack, lambda_ * ((codes - h) ** 2).sum()


def generic_svm(codes, has):
    """The m that minimises ‖m‖² + Σ ξ with y m'b ≥ 1 − ξ, by a solver of any problem."""
    n, k = codes.shape
    y = np.where(has, 1.0, -1.0)
    found = optimize.minimize(
        lambda x: (x[:k] ** 2).sum() + x[k:].sum(),
        np.concatenate([np.zeros(k), np.ones(n)]),
        jac=lambda x: np.concatenate([2 * x[:k], np.ones(n)]),
        bounds=[(None, None)] * k + [(0, None)] * n,
        constraints={
            "type": "ineq",
            "fun": lambda x: y * (codes @ x[:k]) - 1 + x[k:],
            "jac": lambda x: np.hstack([y[:, None] * codes, np.eye(n)]),
        },
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert found.success
    return found.x[:k]


def test_the_objective_is_equation_4():
    codes, h, labels = problem()
    m = np.random.default_rng(1).normal(size=(4, 3))
    np.testing.assert_allclose(
        code_objective(codes, m, h, labels, 0.3), equation4(codes, m, h, labels, 0.3), rtol=1e-12
    )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_classifiers_are_those_of_a_generic_solver(seed):
    codes, h, labels = problem(seed=seed)
    # Equal codes of one class and of several, a label that all have, and one that none has.
    codes[5:9] = codes[4]
    labels = np.column_stack([labels, np.ones(14, bool), np.zeros(14, bool)])
    ours = svm_classifiers(codes, labels)
    theirs = np.stack([generic_svm(codes, has) for has in labels.T], axis=1)
    values = [equation4(codes, m, h, labels, 0.0)[0] for m in (ours, theirs)]
    assert values[0] == pytest.approx(values[1], rel=1e-4)
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_one_code_for_all_needs_no_second_class():
    codes, labels = np.ones((5, 3)), np.ones((5, 1), bool)
    # ‖m‖² + 5 [1 − 3 a]₊ with m = (a, a, a) has its minimum at a = 1/3.
    np.testing.assert_allclose(svm_classifiers(codes, labels), np.full((3, 1), 1 / 3), rtol=1e-3)


@pytest.mark.parametrize("update", ["margins", "printed"])
@pytest.mark.parametrize("k", [1, 3, 6])
def test_codes_are_the_best_of_all(k, update):
    _, h, labels = problem(k=k)
    m = np.random.default_rng(2).normal(scale=0.2, size=(k, 3))
    ours = best_codes(m, h, labels, 0.7, update)
    every = np.array(list(itertools.product([-1.0, 1.0], repeat=k)))
    for n in range(len(h)):
        own = [m[:, c] for c in range(3) if labels[n, c]]
        pull = sum(own)
        if update == "margins":
            pull = sum(m_c - m[:, j] for m_c in own for j in range(3))
        values = [-(pull @ b) + 0.7 * ((b - h[n]) ** 2).sum() for b in every]
        assert np.array_equal(ours[n], every[int(np.argmin(values))])


def test_a_value_of_zero_is_the_bit_1():
    found = best_codes(np.zeros((2, 1)), np.zeros((1, 2)), np.ones((1, 1), bool), 1.0)
    assert (found == 1).all()


def test_margins_do_not_see_what_all_classifiers_share():
    _, h, labels = problem()
    m = np.random.default_rng(3).normal(size=(4, 3))
    shifted = m + np.array([[9.0], [-9], [9], [-9]])
    ours, theirs = (best_codes(x, h, labels, 0.2) for x in (m, shifted))
    assert np.array_equal(ours, theirs)
    ours, theirs = (best_codes(x, h, labels, 0.2, "printed") for x in (m, shifted))
    assert not np.array_equal(ours, theirs)


def test_the_printed_update_turns_over_a_bit_that_all_codes_share():
    """Classifiers rest on it as on an intercept: for most classes a sample is no member."""
    of = np.arange(80) % 4
    codes = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])[of]
    codes = np.column_stack([np.ones(80), codes])
    labels = np.eye(4, dtype=bool)[of]
    m = svm_classifiers(codes, labels)
    np.testing.assert_allclose(m[0], -0.5, atol=0.02)
    assert np.array_equal(best_codes(m, 0.9 * codes, labels, 0.2), codes)
    printed = best_codes(m, 0.9 * codes, labels, 0.2, "printed")
    assert (printed[:, 0] == -1).all() and np.array_equal(printed[:, 1:], codes[:, 1:])


@pytest.mark.parametrize(("n", "total"), [(20, 0), (21, 1)])
def test_codes_start_random_and_centred(n, total):
    codes = balanced_codes(n, 6, np.random.default_rng(0))
    assert set(np.unique(codes)) == {-1.0, 1.0} and codes.shape == (n, 6)
    assert (np.abs(codes.sum(axis=0)) == total).all()
    assert len(np.unique(codes, axis=1).T) == 6  # a bit is not like the next
    assert np.array_equal(codes, balanced_codes(n, 6, np.random.default_rng(0)))
    assert not np.array_equal(codes, balanced_codes(n, 6, np.random.default_rng(1)))


class Sum(nn.Module):
    """A fusion network of one layer for each modality, and a dropout that evaluation must stop."""

    def __init__(self, k):
        super().__init__()
        torch.manual_seed(0)
        self.i, self.t, self.drop = nn.Linear(20, k), nn.Linear(12, k), nn.Dropout(0.2)

    def forward(self, image, text):
        return self.drop(self.i(image) + self.t(text)).tanh()


def learning(pairs, k=8, seed=0, **options):
    """The alternation over the training samples of `pairs`, with a network of two layers."""
    train = pairs.take(pairs.train)
    method = hashers.create("cmdvh", k, seed, device="cpu", **options)
    inputs = torch.from_numpy(train.images), torch.from_numpy(train.texts)
    return CodeLearning(Sum(k), inputs, torch.from_numpy(train.labels), method)


def run(made, checkpoint=None, learning_rate=0.1, batch_size=20):
    training.train(
        made,
        len(made.codes),
        epochs=made.options["rounds"],
        batch_size=batch_size,
        optimiser=SGD(learning_rate=learning_rate),
        checkpoint=checkpoint,
    )
    return made.record()


def test_the_loss_has_the_gradient_of_equation_8(noisy_views):
    made = learning(noisy_views, lambda_=0.3)
    made.network.eval()
    batch, seen = torch.tensor([3, 60, 11]), []
    made.network.register_forward_hook(lambda *args: seen.append(args[-1]))
    loss = made.loss(batch)
    (h,) = seen
    (gradient,) = torch.autograd.grad(loss, h)
    torch.testing.assert_close(gradient, -2 * 0.3 * (made.codes[batch] - h) / 3)


@pytest.mark.parametrize("update", ["margins", "printed"])
def test_which_step_lowers_what(noisy_views, update):
    """The SVMs lower J, the codes lower Eq. 5, the network lowers the quantisation."""
    made = learning(noisy_views, rounds=8, code_update=update, lambda_=0.3)
    belongs, lambda_ = made.belongs, made.options["lambda_"]

    def equation5(codes, m, h):
        own = belongs @ m.T
        if update == "margins":
            own = 4 * own - m.sum(axis=1)  # of four classes a sample has one
        return -(own * codes).sum() + lambda_ * ((codes - h) ** 2).sum()

    rises = 0
    old_m = None
    for round_ in range(8):
        before, h = made.codes.numpy().astype(float), made.outputs()
        made.on_epoch(round_)
        m, after = made.classifiers.numpy(), made.codes.numpy().astype(float)
        if old_m is not None:
            now, then = (sum(code_objective(before, x, h, belongs, lambda_)) for x in (m, old_m))
            assert now <= then * (1 + 1e-3)
        old_m = m.copy()
        assert equation5(after, m, h) <= equation5(before, m, h) + 1e-9
        assert np.array_equal(after, best_codes(m, h, belongs, lambda_, update))
        hinge = [code_objective(x, m, h, belongs, lambda_)[0] for x in (before, after)]
        rises += hinge[1] > hinge[0]
        optimiser = torch.optim.SGD(made.network.parameters(), lr=0.02)
        made.network.eval()
        every, values = torch.arange(80), []
        for _ in range(10):
            optimiser.zero_grad()
            values.append(made.loss(every))
            values[-1].backward()
            optimiser.step()
        assert (np.diff([x.item() for x in values]) < 0).all()
    assert rises  # Eq. 5 is not the hinge of J: the codes can raise it


def test_the_history_is_what_the_parts_say(noisy_views):
    made, changed, objectives = learning(noisy_views, rounds=5, lambda_=0.7), [], []
    on_epoch = made.on_epoch

    def by_loop():
        m = made.classifiers.numpy()
        return equation4(made.codes.numpy(), m, made.outputs(), made.belongs, 0.7)

    def noted(epoch):
        if epoch:
            objectives.append(by_loop())
        before = made.codes.clone()
        stop = on_epoch(epoch)
        changed.append((before != made.codes).double().mean().item())
        return stop

    made.on_epoch = noted
    state = run(made)
    history = state["history"]
    assert history.shape == (5, 4) and history.dtype == np.float64
    np.testing.assert_allclose(history[:, 3], changed)
    assert changed[0] > 0.3 > 0.05 > changed[-1]
    objectives.append(by_loop())
    np.testing.assert_allclose(history[:, 1:3], objectives, rtol=1e-9)
    np.testing.assert_allclose(history[:, 0], np.sum(objectives, axis=1), rtol=1e-9)
    assert made.network.training and made.network.drop.training
    assert state["codes"].dtype == np.int8 and state["codes"].shape == (80, 8)
    assert history[-1, 0] < 0.3 * history[0, 0]


def test_outputs_go_by_parts(noisy_views, monkeypatch):
    made = learning(noisy_views)
    whole = made.outputs()
    monkeypatch.setattr("mmhash_nb.hashers.networks.inputs.BATCH", 7)
    np.testing.assert_allclose(made.outputs(), whole, atol=1e-6)


def test_300_passes_come_within_the_stated_share(monkeypatch):
    codes, h, labels = problem(n=600, k=64, classes=10)
    few = svm_classifiers(codes, labels)
    monkeypatch.setattr(discrete_codes, "PASSES", 5000)
    many = svm_classifiers(codes, labels)
    ours, best = (code_objective(codes, m, h, labels, 0.0)[0] for m in (few, many))
    assert ours <= 1.003 * best


def test_rounds_end_at_the_first_small_change(two_views, monkeypatch):
    made = learning(two_views, rounds=40)
    history = run(made)["history"]
    small = np.abs(np.diff(history[:, 0])) < discrete_codes.TOLERANCE * history[:-1, 0]
    assert 2 < len(history) < 40 and small[-1] and not small[:-1].any()
    monkeypatch.setattr(discrete_codes, "TOLERANCE", 0.0)
    assert len(run(learning(two_views, rounds=40))["history"]) == 40


@pytest.mark.parametrize("rounds", [4, 40])
def test_interrupted_rounds_resume_to_the_same_codes(two_views, tmp_path, monkeypatch, rounds):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    whole = run(learning(two_views, rounds=rounds))
    made = learning(two_views, rounds=rounds)
    on_epoch = made.on_epoch

    def interrupt(epoch):
        if epoch == 3:
            raise KeyboardInterrupt
        return on_epoch(epoch)

    made.on_epoch = interrupt
    with pytest.raises(KeyboardInterrupt):
        run(made, tmp_path)
    seen = []
    again = learning(two_views, rounds=rounds)
    on_epoch = again.on_epoch
    again.on_epoch = lambda epoch: (seen.append(epoch), on_epoch(epoch))[1]
    state = run(again, tmp_path)
    assert seen[0] == 3
    assert all(np.array_equal(state[key], whole[key]) for key in whole)
    ended = run(learning(two_views, rounds=rounds), tmp_path)  # nothing is left to do
    assert all(np.array_equal(ended[key], whole[key]) for key in whole)


def test_codes_of_a_class_come_to_agree_and_the_seed_decides(two_views):
    states = [run(learning(two_views, seed=seed, rounds=10)) for seed in (0, 0, 1)]
    codes = states[0]["codes"].astype(float)
    labels = two_views.labels[two_views.train]
    same = labels.astype(float) @ labels.T > 0
    agree = codes @ codes.T / 8
    assert agree[same].mean() > 0.95 and agree[~same].mean() < 0.5
    assert np.array_equal(states[0]["codes"], states[1]["codes"])
    assert not np.array_equal(states[0]["codes"], states[2]["codes"])
