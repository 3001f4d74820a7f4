"""The training loop with SGD: its steps, rates of their own for parts, and an end on request."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from training_cases import minimise

from mmhash_nb.training import loop as training
from mmhash_nb.training.optimisers import SGD, Adam


def two_layers(seed=0):
    """Two layers with weights from `seed`, and their loss on one fixed set of 24 samples."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(24, 5, generator=draw)
    y = x @ torch.randn(5, 1, generator=draw)
    return model, lambda batch: (model(x[batch]) - y[batch]).square().mean()


def by_hand(model, loss, batches, rates, decay, momentum=0.9):
    """Steps v ← 0.9 v + (gradient + decay · w), w ← w − rate · v, a rate for each weight."""
    speed = [torch.zeros_like(p) for p in model.parameters()]
    for batch in batches:
        gradients = torch.autograd.grad(loss(batch), list(model.parameters()))
        with torch.no_grad():
            for p, v, gradient, rate in zip(
                model.parameters(), speed, gradients, rates, strict=True
            ):
                v.mul_(momentum).add_(gradient + decay * p)
                p -= rate * v


@pytest.mark.parametrize("own", [None, 0.001])
def test_steps_have_momentum_decay_and_a_rate_for_each_part(own):
    model, loss = two_layers()
    seen = []
    rates = () if own is None else [(model[0], own)]
    minimise(
        model,
        lambda batch: (seen.append(batch), loss(batch))[1],
        24,
        epochs=3,
        batch_size=8,
        optimiser=SGD(learning_rate=0.02, weight_decay=0.1, rates=rates),
    )
    other, loss = two_layers()
    by_hand(other, loss, seen, [own or 0.02] * 2 + [0.02] * 2, 0.1)
    for ours, theirs in zip(model.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_weight_decay_pulls_to_the_ridge_solution():
    draw = torch.Generator().manual_seed(1)
    x, y = torch.randn(40, 3, generator=draw), torch.randn(40, 1, generator=draw)
    model = nn.Linear(3, 1, bias=False)
    minimise(
        model,
        lambda batch: 0.5 * (model(x[batch]) - y[batch]).square().sum(),
        40,
        epochs=200,
        batch_size=40,
        optimiser=SGD(learning_rate=0.005, weight_decay=2.0),
    )
    ridge = torch.linalg.solve(x.T @ x + 2.0 * torch.eye(3), x.T @ y)
    assert torch.allclose(model.weight.detach(), ridge.T, atol=1e-4)


def test_adam_takes_rates_too_and_all_are_divided_by_ten():
    """A step of Adam where the gradient is always one is the learning rate."""
    model = nn.ModuleList([nn.Linear(1, 1, bias=False) for _ in range(2)])
    seen = []

    def loss(batch):
        seen.append([layer.weight.item() for layer in model])
        return model[0].weight.sum() + model[1].weight.sum()

    minimise(
        model, loss, 4, epochs=3, batch_size=4,
        optimiser=Adam(learning_rate=0.1, decay_every=1, rates=[(model[1], 0.3)]),
    )  # fmt: skip
    steps = [[a - b for a, b in zip(*pair, strict=True)] for pair in pairwise(seen)]
    assert steps[0] == pytest.approx([0.1, 0.3], rel=1e-3)
    assert steps[1] == pytest.approx([0.01, 0.03], rel=1e-3)


@pytest.mark.parametrize("shape", ["layers", "convolution"])
def test_a_resumed_training_takes_the_same_steps(tmp_path, monkeypatch, shape):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)  # a checkpoint after every epoch

    def convolution(seed=0):
        x = torch.randn(24, 3, 5, 5, generator=torch.Generator().manual_seed(0))
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3))
        model = model.to(memory_format=torch.channels_last)
        return model, lambda batch: (model(x[batch]) - 1).square().mean()

    make = two_layers if shape == "layers" else convolution

    def run(model, loss, epochs, checkpoint=None):
        sgd = SGD(learning_rate=0.02, weight_decay=0.01, decay_every=2, rates=[(model[0], 0.005)])
        settings = {"epochs": epochs, "batch_size": 8, "checkpoint": checkpoint}
        return minimise(model, loss, 24, optimiser=sgd, **settings)

    whole, loss = make()
    expected = run(whole, loss, 6)
    run(*make(), 3, tmp_path)
    resumed, loss = make(seed=9)
    assert run(resumed, loss, 6, tmp_path) == expected
    for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("answer", [True, False, None])
def test_training_ends_before_the_epoch_that_on_epoch_refuses(answer):
    model, loss = two_layers()
    history = minimise(
        model,
        loss,
        24,
        epochs=6,
        batch_size=24,
        on_epoch=lambda epoch: answer if epoch >= 4 else False,
        optimiser=SGD(learning_rate=0.02),
    )
    assert len(history) == (4 if answer else 6)
