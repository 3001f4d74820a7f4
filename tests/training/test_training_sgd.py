"""The training loop with SGD: its steps, rates of their own for parts, and an end on request."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from training_cases import minimise

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
