"""Losses of the deep cross-modal methods against naive loops over triplets, pairs and bits."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_cases import agree, normal
from torch.nn import functional as F

from mmhash_nb.losses.max_margin import bitwise_max_margin_loss, cosine_max_margin_loss
from mmhash_nb.losses.pairwise_likelihood import dcmh_loss, dpsh_loss
from mmhash_nb.losses.quantisation import (
    bit_balance_loss,
    bit_decorrelation_loss,
    quantisation_loss,
)
from mmhash_nb.losses.triplet import (
    cross_triplet_ranking_loss,
    squared_triplet_ranking_loss,
    triplet_ranking_loss,
)


def grades(*shape, levels, seed=0):
    return torch.randint(levels, shape, generator=torch.Generator().manual_seed(seed))


def naive_cross_triplet(queries, database, similarity, margin, power=1, reduction="mean"):
    """zhang2018, Eq. 5, triplet by triplet; with `power` 2 its distances are squared."""
    costs = [
        F.relu(
            margin
            + (queries[i] - database[j]).norm() ** power
            - (queries[i] - database[k]).norm() ** power
        )
        for i in range(len(queries))
        for j, k in itertools.permutations(range(len(database)), 2)
        if similarity[i, j] > similarity[i, k]
    ]
    if not costs:
        return 0 * (queries.sum() + database.sum())
    return sum(costs) if reduction == "sum" else sum(costs) / len(costs)


# Integer points on a line or grid: ties, coinciding points and hinges that are exactly zero. Two
# levels are the similarity of zhang2018.
@settings(max_examples=100, deadline=None)
@pytest.mark.parametrize(
    ("loss", "power", "reduction"),
    [
        (partial(cross_triplet_ranking_loss, reduction="sum"), 1, "sum"),
        (partial(cross_triplet_ranking_loss, reduction="mean"), 1, "mean"),
        (squared_triplet_ranking_loss, 2, "mean"),
    ],
    ids=["sum", "mean", "squared"],
)
@given(
    n=st.integers(1, 4),
    m=st.integers(2, 6),
    bits=st.integers(1, 2),
    levels=st.integers(2, 4),
    margin=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    grid=st.booleans(),
    dtype=st.sampled_from([torch.float64, torch.float32]),
    seed=st.integers(0, 2**31),
)
def test_cross_triplet_loss_equals_the_loop(
    loss, power, reduction, n, m, bits, levels, margin, grid, dtype, seed
):
    queries, database = normal(n, bits, seed=seed), normal(m, bits, seed=seed + 1)
    if grid:
        queries, database = queries.mul(1.5).round(), database.mul(1.5).round()
    similarity = grades(n, m, levels=levels, seed=seed)
    agree(
        lambda q, d: loss(q, d, similarity, margin),
        lambda q, d: naive_cross_triplet(q, d, similarity, margin, power, reduction),
        queries.to(dtype),
        database.to(dtype),
    )


@pytest.mark.parametrize("levels", [2, 5])
@pytest.mark.parametrize("margin", [0.1, 0.7, 5.0])
@pytest.mark.parametrize(("n", "m"), [(30, 50), (50, 30)])
def test_cross_triplet_loss_equals_the_cubic_array(n, m, margin, levels):
    similarity = grades(n, m, levels=levels)

    def cubic(queries, database):
        distances = (queries[:, None] - database).square().sum(-1).sqrt()
        costs = F.relu(margin + distances[:, :, None] - distances[:, None, :])
        return costs[similarity[:, :, None] > similarity[:, None, :]].mean()

    agree(
        lambda q, d: cross_triplet_ranking_loss(q, d, similarity, margin),
        cubic,
        normal(n, 5),
        normal(m, 5, seed=1),
    )


def test_cross_triplet_loss_by_hand_counts_the_partner():
    """Each query is similar to its partner alone: (0, 0, 1) costs 1 + 3 − 1, (1, 1, 0) nothing."""
    queries = torch.tensor([[0.0], [1.0]], requires_grad=True)
    database = torch.tensor([[3.0], [1.0]], requires_grad=True)
    loss = cross_triplet_ranking_loss(queries, database, torch.eye(2).long(), 1.0)
    loss.backward()
    assert loss.item() == 1.5 and loss.dtype == torch.float32
    assert queries.grad.flatten().tolist() == [0, 0]  # both are to its right
    assert database.grad.flatten().tolist() == [0.5, -0.5]


def test_cross_triplet_loss_at_its_hinge_has_no_gradient():
    """Points nearer by exactly the margin of 1; then, at a margin of 0, two equally far ones."""
    queries = torch.zeros(1, 1, requires_grad=True)
    database = torch.tensor([[1.0], [2.0], [-1.0]], requires_grad=True)
    cross_triplet_ranking_loss(queries, database, torch.tensor([[1, 0, 1]]), 1.0).backward()
    assert queries.grad.item() == 0 and (database.grad == 0).all()
    cross_triplet_ranking_loss(queries, database, torch.tensor([[1, 1, 0]]), 0.0).backward()
    assert database.grad.flatten().tolist() == [0, 0.5, 0.5]


@pytest.mark.parametrize(("n", "m"), [(1, 1), (4, 1), (3, 5)])
def test_cross_triplet_loss_without_a_triplet_is_zero_with_a_gradient(n, m):
    queries, database = normal(n, 3).requires_grad_(), normal(m, 3, seed=1).requires_grad_()
    loss = cross_triplet_ranking_loss(queries, database, torch.arange(n)[:, None].expand(n, m), 1.0)
    loss.backward()
    assert loss.item() == 0 and (queries.grad == 0).all() and (database.grad == 0).all()


def test_cross_triplet_gradient_is_finite_where_points_coincide():
    queries = torch.zeros(3, 2, requires_grad=True)
    database = torch.zeros(4, 2, requires_grad=True)
    loss = cross_triplet_ranking_loss(queries, database, grades(3, 4, levels=3), 1.5)
    loss.backward()
    assert loss.item() == 1.5 and (queries.grad == 0).all() and (database.grad == 0).all()


def test_cross_triplet_loss_reaches_only_the_side_that_learns():
    """As in the adversarial step (zhang2018, Eq. 9), where the unattended side alone is moved."""
    queries, database, similarity = normal(4, 3), normal(5, 3, seed=1), grades(4, 5, levels=2)
    both = [queries.clone().requires_grad_(), database.clone().requires_grad_()]
    cross_triplet_ranking_loss(*both, similarity, 1.0).backward()
    for side in (0, 1):
        inputs = [queries, database]
        inputs[side] = inputs[side].clone().requires_grad_()
        cross_triplet_ranking_loss(*inputs, similarity, 1.0).backward()
        assert torch.equal(inputs[side].grad, both[side].grad) and inputs[side].grad.abs().sum() > 0
        assert inputs[1 - side].grad is None


def test_cross_triplet_loss_knows_levels_by_their_order_alone():
    queries, database, similarity = normal(6, 3), normal(7, 3, seed=1), grades(6, 7, levels=4)
    loss = cross_triplet_ranking_loss(queries, database, similarity, 1.0)
    stretched = torch.tensor([-5, 0, 1, 90])[similarity]
    assert torch.equal(loss, cross_triplet_ranking_loss(queries, database, stretched, 1.0))
    binary = cross_triplet_ranking_loss(queries, database, (similarity > 0).long(), 1.0)
    assert not torch.isclose(loss, binary)


@pytest.mark.parametrize("levels", [2, 4])
def test_triplet_loss_is_the_cross_loss_with_the_diagonal_removed(levels):
    n, similarity = 9, grades(9, 9, levels=levels)

    def row_by_row(x):
        total, triplets = 0, 0
        for i in range(n):
            rest = [j for j in range(n) if j != i]
            row = similarity[i, rest][None]
            count = (row[0][:, None] > row[0]).sum()
            total = total + count * cross_triplet_ranking_loss(x[[i]], x[rest], row, 0.9)
            triplets = triplets + count
        return total / triplets

    agree(lambda x: triplet_ranking_loss(x, similarity, 0.9), row_by_row, normal(n, 3))


@pytest.mark.parametrize("shape", [(5, 3), (3, 4), (4, 5), (3,)])
def test_cross_triplet_loss_refuses_a_similarity_of_other_pairs(shape):
    with pytest.raises(ValueError, match=r"shape \[.*3 queries and 5 points .* shape \[3, 5\]"):
        cross_triplet_ranking_loss(normal(3, 2), normal(5, 2), torch.zeros(shape).long(), 1.0)


def naive_dcmh(f, g, similar):
    """Jiang and Li 2017, pair by pair."""
    costs = []
    for i, j in itertools.product(range(len(f)), range(len(g))):
        theta = f[i] @ g[j] / 2
        costs.append((1 + theta.exp()).log() - (theta if similar[i, j] else 0))
    return sum(costs) / len(costs)


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 5),
    m=st.integers(1, 5),
    bits=st.integers(1, 4),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**31),
)
def test_dcmh_loss_equals_the_loop(n, m, bits, share, seed):
    similar = torch.rand(n, m, generator=torch.Generator().manual_seed(seed)) < share
    agree(
        lambda f, g: dcmh_loss(f, g, similar),
        lambda f, g: naive_dcmh(f, g, similar),
        normal(n, bits, seed=seed),
        normal(m, bits, seed=seed + 1),
    )


@pytest.mark.parametrize(("similar", "expected"), [(True, 0.0), (False, 20_000.0)])
def test_dcmh_loss_is_finite_far_out(similar, expected):
    f = torch.tensor([[200.0]], requires_grad=True)
    loss = dcmh_loss(f, torch.tensor([[200.0]]), torch.tensor([[similar]]))
    loss.backward()
    assert loss.item() == expected
    assert f.grad.item() == (0 if similar else 100)


def test_dcmh_loss_of_one_modality_is_dpsh_with_the_diagonal():
    u, similar = normal(6, 4), grades(6, 6, levels=2) > 0
    diagonal = sum(dcmh_loss(u[[i]], u[[i]], similar[i, i].view(1, 1)) for i in range(6))
    expected = 36 * dcmh_loss(u, u, similar) - diagonal
    assert 30 * dpsh_loss(u, similar, 0.0).item() == pytest.approx(expected.item(), rel=1e-12)


def test_dcmh_objective_is_the_sum_in_print():
    """Jiang and Li 2017, with sums over all pairs, samples and bits."""
    n, bits, gamma, eta = 5, 3, 0.7, 0.4
    f, g = normal(n, bits), normal(n, bits, seed=1)
    codes, similar = torch.sign(f + g), grades(n, n, levels=2) > 0
    printed = 0.0
    for i, j in itertools.product(range(n), range(n)):
        theta = (f[i] @ g[j]).item() / 2
        printed += math.log1p(math.exp(theta)) - theta * similar[i, j].item()
    for view in (f.tolist(), g.tolist()):
        for k in range(bits):
            printed += gamma * sum((codes[i, k].item() - view[i][k]) ** 2 for i in range(n))
            printed += eta * sum(row[k] for row in view) ** 2
    quantisation = quantisation_loss(f, codes) + quantisation_loss(g, codes)
    balance = bit_balance_loss(f) + bit_balance_loss(g)
    ours = dcmh_loss(f, g, similar) + gamma * bits / n * quantisation + eta * bits * balance
    assert n**2 * ours.item() == pytest.approx(printed, rel=1e-12)


def naive_quantisation(values, codes):
    n, bits = values.shape
    pairs = itertools.product(range(n), range(bits))
    return sum((values[i, k] - codes[i, k]) ** 2 for i, k in pairs) / (n * bits)


def naive_balance(values):
    n, bits = values.shape
    return sum((sum(values[i, k] for i in range(n)) / n) ** 2 for k in range(bits)) / bits


def naive_decorrelation(values):
    """Yang et al. 2017, ½ (‖C‖² − ‖diag C‖²), bit by bit."""
    n, bits = values.shape
    total = 0 * values.sum()
    for k, l in itertools.product(range(bits), range(bits)):
        a = values[:, k] - sum(values[:, k]) / n
        b = values[:, l] - sum(values[:, l]) / n
        covariance = sum(a[i] * b[i] for i in range(n)) / n
        total = total + 0.5 * covariance**2 * (k != l)
    return total


@pytest.mark.parametrize(("n", "bits"), [(1, 3), (6, 1), (5, 4)])
def test_terms_over_bits_equal_the_loops(n, bits):
    values, codes = normal(n, bits), torch.sign(normal(n, bits, seed=1))
    agree(quantisation_loss, naive_quantisation, values, codes)
    agree(bit_balance_loss, naive_balance, values)
    agree(bit_decorrelation_loss, naive_decorrelation, values)


HADAMARD = torch.tensor([[1.0, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1]], dtype=torch.float64)


def test_terms_over_bits_are_zero_for_codes_as_they_should_be():
    assert quantisation_loss(HADAMARD, HADAMARD) == 0
    assert bit_balance_loss(HADAMARD) == 0
    assert bit_decorrelation_loss(HADAMARD) == 0
    # Bits that are the same have the covariance 1; one that never changes has none.
    assert bit_decorrelation_loss(HADAMARD[:, [0, 0, 0]]) == 3
    assert bit_decorrelation_loss(HADAMARD[:, [0, 1]].abs()) == 0
    assert bit_balance_loss(HADAMARD[:, [0, 1]].abs()) == 1


def test_decorrelation_ignores_a_shift_and_matches_numpy():
    values = normal(7, 4)
    covariance = np.cov(values.numpy(), rowvar=False, bias=True)
    printed = 0.5 * ((covariance**2).sum() - (np.diag(covariance) ** 2).sum())
    assert bit_decorrelation_loss(values).item() == pytest.approx(printed, rel=1e-12)
    assert bit_decorrelation_loss(values + 100).item() == pytest.approx(printed, rel=1e-9)


def test_decorrelation_is_not_lost_beside_a_large_variance():
    """½ (‖C‖² − ‖diag C‖²) as printed would be a difference of two numbers of 10¹⁶."""
    values = HADAMARD[:, [0, 1, 1]].float() * torch.tensor([1e4, 1.0, 1.0])
    assert bit_decorrelation_loss(values) == 1


def naive_cosine(h, similar, margin):
    """Cao et al. 2016, pair by pair."""
    costs = []
    for i, j in itertools.permutations(range(len(h)), 2):
        cosine = h[i] @ h[j] / (h[i].norm() * h[j].norm())
        costs.append(F.relu(margin - (cosine if similar[i, j] else -cosine)))
    return sum(costs) / len(costs)


@settings(max_examples=50, deadline=None)
@given(
    n=st.integers(2, 6),
    bits=st.integers(1, 4),
    margin=st.sampled_from([0.1, 0.5, 1.0]),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**31),
)
def test_cosine_loss_equals_the_loop(n, bits, margin, share, seed):
    # A random diagonal, too: it must not count.
    similar = torch.rand(n, n, generator=torch.Generator().manual_seed(seed)) < share
    # In one dimension each cosine is ±1, where rounding decides a hinge at 1.
    margin = 0.5 if bits == 1 else margin
    agree(
        lambda h: cosine_max_margin_loss(h, similar, margin),
        lambda h: naive_cosine(h, similar, margin),
        normal(n, bits, seed=seed),
    )


def test_cosine_loss_by_hand():
    """Cosines 0, −1 and 0, of which the first and second are similar: costs ½, 3/2 and ½."""
    h = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-0.1, 0.0]])
    similar = torch.tensor([[1, 1, 1], [1, 1, 0], [1, 0, 1]]) > 0
    assert cosine_max_margin_loss(h, similar).item() == pytest.approx(5 / 6)
    scaled = h * torch.tensor([[1e4], [1e-4], [7.0]])
    assert cosine_max_margin_loss(scaled, similar).item() == pytest.approx(5 / 6)


def test_cosine_loss_is_zero_beyond_the_margin_alone():
    h = torch.tensor([[1.0, 0.1], [1.0, -0.1], [-1.0, 0.0]], dtype=torch.float64)
    similar = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]]) > 0
    assert cosine_max_margin_loss(h, similar, 0.98) == 0
    assert 0 < cosine_max_margin_loss(h, similar, 0.99) < 0.01
    assert cosine_max_margin_loss(h, ~similar, 0.5) > 1.4


def test_cosine_of_a_zero_vector_is_zero_with_a_tame_gradient():
    h = torch.tensor([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    similar = torch.tensor([[1, 1, 1], [1, 1, 0], [1, 0, 1]]) > 0
    loss = cosine_max_margin_loss(h, similar)
    loss.backward()
    assert loss.item() == 0.5
    assert h.grad.isfinite().all() and h.grad.abs().max() < 1


def naive_bitwise(h, margin):
    """Cao et al. 2016, value by value."""
    return sum(F.relu(margin - value.abs()) for value in h.flatten()) / h.numel()


@pytest.mark.parametrize("margin", [0.3, 0.5, 1.0])
def test_bitwise_loss_equals_the_loop(margin):
    h = normal(6, 5)
    agree(lambda x: bitwise_max_margin_loss(x, margin), lambda x: naive_bitwise(x, margin), h)


def test_bitwise_loss_by_hand():
    """Only the values within ½ of 0 cost something, and are drawn outwards."""
    h = torch.tensor([[0.25, -0.1], [0.5, -9.0]], requires_grad=True)
    loss = bitwise_max_margin_loss(h)
    loss.backward()
    assert loss.item() == pytest.approx((0.25 + 0.4) / 4)
    assert h.grad.tolist() == [[-0.25, 0.25], [0, 0]]
