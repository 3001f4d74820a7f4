"""Losses against naive loops over pairs."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhash_nb.losses import contrastive_loss


def naive_contrastive(a, b, similar, margin, balanced):
    """masci2014, Eqs. 5 and 6, pair by pair."""
    pull, push = [], []
    for i in range(len(a)):
        for j in range(len(b)):
            distance = math.dist(a[i].tolist(), b[j].tolist())
            if similar[i, j]:
                pull.append(0.5 * distance**2)
            else:
                push.append(0.5 * max(0.0, margin - distance) ** 2)
    if balanced:
        return sum(pull) / max(len(pull), 1) + sum(push) / max(len(push), 1)
    return (sum(pull) + sum(push)) / (len(a) * len(b))


@settings(max_examples=50)
@given(
    n=st.integers(1, 6),
    m=st.integers(1, 6),
    bits=st.integers(1, 5),
    margin=st.floats(0.1, 6),
    balanced=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_contrastive_loss_equals_the_loop(n, m, bits, margin, balanced, seed):
    draw = torch.Generator().manual_seed(seed)
    a = torch.rand(n, bits, generator=draw, dtype=torch.float64) * 2 - 1
    b = torch.rand(m, bits, generator=draw, dtype=torch.float64) * 2 - 1
    similar = torch.rand(n, m, generator=draw) > 0.5
    ours = contrastive_loss(a, b, similar, margin, balanced).item()
    assert ours == pytest.approx(naive_contrastive(a, b, similar, margin, balanced), abs=1e-9)


def test_gradient_is_that_of_the_formula():
    """Similar pairs: (a − b); dissimilar within the margin: −(margin − d)/d (a − b); outside: 0."""
    a = torch.tensor([[0.5, -0.2]], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([[0.1, 0.1], [-0.9, 0.9], [0.4, 0.4]], dtype=torch.float64)
    contrastive_loss(a, b, torch.tensor([[True, False, False]]), 1.0).backward()
    near = a[0] - b[2]
    distance = near.norm()
    expected = (a[0] - b[0]) - 0.5 * (1.0 - distance) / distance * near
    assert torch.allclose(a.grad[0], expected.detach())
    assert (a[0] - b[1]).norm() > 1.0  # the second pair lies outside the margin


def test_gradient_is_finite_where_a_dissimilar_pair_coincides():
    a = torch.zeros(2, 3, requires_grad=True)
    contrastive_loss(a, a, torch.eye(2, dtype=torch.bool), 2.0).backward()
    assert torch.isfinite(a.grad).all()


@pytest.mark.parametrize("balanced", [True, False])
def test_gradient_agrees_with_finite_differences(balanced):
    draw = torch.Generator().manual_seed(0)
    a, b = (torch.randn(n, 3, generator=draw, dtype=torch.float64) for n in (4, 5))
    similar = torch.rand(4, 5, generator=draw) > 0.6
    a.requires_grad_(), b.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, y: contrastive_loss(x, y, similar, 2.0, balanced), (a, b)
    )


def test_gradient_of_one_network_on_both_sides_counts_both():
    """L_X has the same parameters behind both arguments (Eq. 5)."""
    x = torch.tensor([[0.3, 0.1], [-0.4, 0.8]], dtype=torch.float64, requires_grad=True)
    similar = torch.ones(2, 2, dtype=torch.bool)
    contrastive_loss(x, x, similar, 1.0).backward()
    # Mean over four pairs, of which two are ½‖x0 − x1‖² and two are zero.
    assert torch.allclose(x.grad[0], (0.5 * (x[0] - x[1])).detach())


def test_loss_of_points_far_from_the_origin_is_not_negative():
    x = torch.full((4, 7), 0.1) * 3e3
    assert contrastive_loss(x, x, torch.ones(4, 4, dtype=torch.bool), 1.0) >= 0
