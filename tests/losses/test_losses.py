"""Losses against naive loops over pairs, triplets and bits."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_cases import agree, normal
from torch.nn import functional as F

from mmhash_nb.losses.central_similarity import csq_loss, csq_targets, hash_centres
from mmhash_nb.losses.contrastive import contrastive_loss, dsh_loss
from mmhash_nb.losses.pairwise_likelihood import dpsh_loss, hashnet_loss
from mmhash_nb.losses.triplet import triplet_ranking_loss


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


def test_gradient_is_finite_where_a_dissimilar_pair_coincides():
    a = torch.zeros(2, 3, requires_grad=True)
    contrastive_loss(a, a, torch.eye(2, dtype=torch.bool), 2.0).backward()
    assert torch.isfinite(a.grad).all()


@pytest.mark.parametrize("distance", [1e-3, 1e-4])
def test_gradient_of_a_close_dissimilar_pair_in_float32_is_near_that_in_float64(distance):
    """‖a‖² + ‖b‖² − 2ab of long embeddings is wrong by more than such a square."""
    draw = torch.Generator().manual_seed(0)
    a = torch.randn(200, 48, generator=draw, dtype=torch.float64).mul(3).tanh()
    step = torch.randn(48, generator=draw, dtype=torch.float64)
    a[1] = a[0] + step * (distance / step.norm())
    similar = torch.eye(200, dtype=torch.bool) | (torch.rand(200, 200, generator=draw) > 0.9)
    similar[0, 1] = similar[1, 0] = False
    gradients = []
    for kind in (torch.float64, torch.float32):
        x = a.to(kind, copy=True).requires_grad_()
        contrastive_loss(x, x, similar, 5.0).backward()
        gradients.append(x.grad[:2].double())
    exact, ours = gradients
    assert (ours - exact).norm() < 0.1 * exact.norm()


@pytest.mark.parametrize("balanced", [True, False])
def test_gradient_agrees_with_finite_differences(balanced):
    draw = torch.Generator().manual_seed(0)
    a, b = (torch.randn(n, 3, generator=draw, dtype=torch.float64) for n in (4, 5))
    similar = torch.rand(4, 5, generator=draw) > 0.6
    a.requires_grad_(), b.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, y: contrastive_loss(x, y, similar, 2.0, balanced), (a, b)
    )


def test_loss_of_points_far_from_the_origin_is_not_negative():
    x = torch.full((4, 7), 0.1) * 3e3
    assert contrastive_loss(x, x, torch.ones(4, 4, dtype=torch.bool), 1.0) >= 0


# The losses of deep hashing. Each naive version loops over torch scalars; autograd then gives its
# gradient.


def naive_triplet(x, similarity, margin, reduction):
    """zeng2022, Eq. 9, triplet by triplet, or its mean."""
    costs = [
        F.relu(margin + (x[i] - x[j]).norm() - (x[i] - x[k]).norm())
        for i, j, k in itertools.permutations(range(len(x)), 3)
        if similarity[i, j] > similarity[i, k]
    ]
    if not costs:
        return 0 * x.sum()
    return sum(costs) if reduction == "sum" else sum(costs) / len(costs)


# Integer points on a line or grid: ties, coinciding points and hinges that are exactly zero.
@settings(max_examples=150)
@given(
    n=st.integers(2, 7),
    bits=st.integers(1, 2),
    levels=st.integers(1, 4),
    margin=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    grid=st.booleans(),
    reduction=st.sampled_from(["sum", "mean"]),
    seed=st.integers(0, 2**31),
)
def test_triplet_loss_equals_the_loop(n, bits, levels, margin, grid, reduction, seed):
    x = normal(n, bits, seed=seed)
    x = x.mul(1.5).round() if grid else x
    draw = torch.Generator().manual_seed(seed)
    similarity = torch.randint(levels, (n, n), generator=draw)  # the diagonal must not count
    agree(
        lambda y: triplet_ranking_loss(y, similarity, margin, reduction),
        lambda y: naive_triplet(y, similarity, margin, reduction),
        x,
    )


def test_triplet_loss_by_hand():
    """0, 1 and 3, the first two similar: triplet (0, 1, 2) is at its hinge, (1, 0, 2) costs 1."""
    x = torch.tensor([[0.0], [1.0], [3.0]], requires_grad=True)
    similarity = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]])
    loss = triplet_ranking_loss(x, similarity, 2.0)
    loss.backward()
    assert loss.item() == 0.5 and loss.dtype == torch.float32
    assert x.grad.flatten().tolist() == [-0.5, 1.0, -0.5]  # of ½ (d₀₁ − d₁₂): none at the hinge


@pytest.mark.parametrize("n", [1, 2, 5])
def test_triplet_loss_without_a_triplet_is_zero_with_a_gradient(n):
    x = normal(n, 3).requires_grad_()
    # The diagonal differs, but a sample is in no triplet with itself.
    loss = triplet_ranking_loss(x, torch.ones(n, n).long() + torch.eye(n).long(), 1.0)
    loss.backward()
    assert loss.item() == 0 and (x.grad == 0).all()


def test_triplet_gradient_is_finite_where_points_coincide():
    x = torch.zeros(6, 3, requires_grad=True)
    loss = triplet_ranking_loss(x, torch.arange(36).view(6, 6) % 5, 1.5)
    loss.backward()
    assert loss.item() == 1.5 and (x.grad == 0).all()


def test_triplet_loss_of_a_large_batch_takes_no_cubic_memory():
    """An array over all triplets would take 37 GB, and int32 could not count them.

    Each of the two classes lies in one point, so each triplet costs margin + 0 − 1.
    """
    which = torch.arange(2100) % 2
    x = which[:, None].float().requires_grad_()
    loss = triplet_ranking_loss(x, (which[:, None] == which).long(), 3.0)
    loss.backward()
    assert loss.item() == pytest.approx(2.0, rel=1e-6)
    # A sample is i in 1 / 2100 of the triplets and k in as many, and is pushed out in both.
    expected = (1 - 2 * which).double() * 2 / 2100
    torch.testing.assert_close(x.grad[:, 0].double(), expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_sum_of_half_a_million_costs_is_exact_in_single_precision(dtype):
    """A batch of 100 in ten classes, whose sum the papers' methods minimise."""
    x = normal(100, 64, seed=1)
    which = torch.arange(100) % 10
    similarity = (which[:, None] == which).long() * 3 + (which[:, None] % 5 == which % 5).long()
    distances = (x[:, None] - x).norm(dim=2)
    others = ~torch.eye(100, dtype=torch.bool)
    listed = (similarity[:, :, None] > similarity[:, None]) & others[:, :, None] & others[:, None]
    costs = (30 + distances[:, :, None] - distances[:, None])[listed].clamp(min=0)
    y = x.to(dtype).requires_grad_()
    loss = triplet_ranking_loss(y, similarity, 30.0, "sum")
    loss.backward()
    assert loss.item() == pytest.approx(costs.sum().item(), rel=1e-6) and loss > 4e6
    assert torch.isfinite(y.grad).all()
    mean = triplet_ranking_loss(y, similarity, 30.0)
    assert mean.item() == pytest.approx(costs.mean().item(), rel=1e-6)


def pairs_of(n):
    return list(itertools.permutations(range(n), 2))


def naive_dpsh(u, similar, quantisation):
    """Li et al. 2016, pair by pair."""
    likelihood = []
    for i, j in pairs_of(len(u)):
        theta = u[i] @ u[j] / 2
        likelihood.append((1 + theta.exp()).log() - (theta if similar[i, j] else 0))
    gaps = [(v - (1 if v >= 0 else -1)) ** 2 for v in u.flatten()]
    return sum(likelihood) / len(likelihood) + quantisation * sum(gaps) / len(gaps)


def naive_dsh(u, similar, margin, regularisation):
    """Liu et al. 2016, pair by pair."""
    total, count = 0, 0
    for i, j in itertools.combinations(range(len(u)), 2):
        square = ((u[i] - u[j]) ** 2).sum()
        total += 0.5 * square if similar[i, j] else 0.5 * F.relu(margin - square)
        total += regularisation * sum((abs(v) - 1).abs() for v in [*u[i], *u[j]])
        count += 1
    return total / count


def naive_hashnet(h, similar, alpha):
    """Cao et al. 2017, pair by pair."""
    pairs = pairs_of(len(h))
    same = sum(bool(similar[i, j]) for i, j in pairs)
    total = 0
    for i, j in pairs:
        logit = alpha * h[i] @ h[j]
        if similar[i, j]:
            total += len(pairs) / same * ((1 + logit.exp()).log() - logit)
        else:
            total += len(pairs) / (len(pairs) - same) * (1 + logit.exp()).log()
    return total / len(pairs)


PAIRWISE = {
    "dpsh": (dpsh_loss, naive_dpsh, (0.3,)),
    "dsh": (dsh_loss, naive_dsh, (2.5, 0.2)),
    "hashnet": (hashnet_loss, naive_hashnet, (1.7,)),
}


@settings(max_examples=30)
@given(
    n=st.integers(2, 6), bits=st.integers(1, 4), share=st.floats(0, 1), seed=st.integers(0, 2**31)
)
@pytest.mark.parametrize("name", PAIRWISE)
def test_pairwise_loss_equals_the_loop(name, n, bits, share, seed):
    loss, naive, options = PAIRWISE[name]
    same = torch.rand(n, n, generator=torch.Generator().manual_seed(seed)) < share
    same = same.triu() | same.triu().T  # a random diagonal, too: it must not count
    agree(
        lambda u: loss(u, same, *options),
        lambda u: naive(u, same, *options),
        normal(n, bits, seed=seed),
    )


@pytest.mark.parametrize("name", PAIRWISE)
@pytest.mark.parametrize("kind", [True, False])
def test_pairwise_loss_where_all_pairs_are_of_one_kind_equals_the_loop(name, kind):
    loss, naive, options = PAIRWISE[name]
    same = torch.full((4, 4), kind)
    agree(lambda u: loss(u, same, *options), lambda u: naive(u, same, *options), normal(4, 3))


@pytest.mark.parametrize(
    ("loss", "naive", "defaults"),
    [
        (dpsh_loss, naive_dpsh, (0.1,)),
        (dsh_loss, naive_dsh, (2 * 6, 0.01)),
        (hashnet_loss, naive_hashnet, (10 / 6,)),
    ],
)
def test_pairwise_defaults_are_those_of_the_papers(loss, naive, defaults):
    same = normal(5, 5, seed=1) > 0
    same = same & same.T
    agree(lambda u: loss(u, same), lambda u: naive(u, same, *defaults), normal(5, 6))


@pytest.mark.parametrize("name", PAIRWISE)
def test_pairwise_loss_is_low_for_the_codes_of_the_classes_and_finite_far_out(name):
    loss, _, options = PAIRWISE[name]
    which = torch.arange(16) % 4
    same = which[:, None] == which
    codes = torch.from_numpy(hash_centres(4, 8, seed=0))[which].float()
    shuffled = codes[torch.arange(16) // 4]
    assert loss(codes, same, *options) < 0.7 * loss(shuffled, same, *options)
    far = (1e4 * shuffled).requires_grad_()
    value = loss(far, same, *options)
    value.backward()
    assert value.isfinite() and far.grad.isfinite().all()


def test_dpsh_takes_the_sign_of_zero_for_one():
    u = torch.zeros(2, 3, requires_grad=True)
    dpsh_loss(u, torch.eye(2) > 0, 3.0).backward()
    assert torch.allclose(u.grad, torch.full((2, 3), -2 * 3.0 / 6))


def test_dsh_is_zero_for_codes_that_differ_in_half_of_their_bits():
    which = torch.arange(8) % 4
    codes = torch.from_numpy(hash_centres(4, 8, seed=0))[which].double()
    assert dsh_loss(codes, which[:, None] == which).item() == pytest.approx(0, abs=1e-12)


def hamming(centres):
    """Distances of all pairs i < j."""
    upper = np.triu_indices(len(centres), 1)
    return (centres[:, None] != centres).sum(-1)[upper]


@pytest.mark.parametrize(("n_classes", "n_bits"), [(2, 1), (4, 2), (10, 16), (32, 16), (21, 64)])
def test_hadamard_centres_are_half_or_all_bits_apart(n_classes, n_bits):
    centres = hash_centres(n_classes, n_bits, seed=0)
    assert centres.shape == (n_classes, n_bits) and centres.dtype == np.int8
    assert set(np.unique(centres)) == {-1, 1}
    allowed = {n_bits / 2} if n_classes <= n_bits else {n_bits / 2, n_bits}
    assert set(hamming(centres)) <= allowed
    assert np.array_equal(centres, hash_centres(n_classes, n_bits, seed=1))


@pytest.mark.parametrize(("n_classes", "n_bits"), [(40, 48), (33, 16), (81, 32)])
def test_drawn_centres_are_half_the_bits_apart_on_average(n_classes, n_bits):
    centres = hash_centres(n_classes, n_bits, seed=0)
    assert centres.shape == (n_classes, n_bits) and centres.dtype == np.int8
    assert set(np.unique(centres)) == {-1, 1}
    assert hamming(centres).min() > 0
    assert hamming(centres).mean() == pytest.approx(n_bits / 2, rel=0.04)
    assert np.array_equal(centres, hash_centres(n_classes, n_bits, seed=0))
    assert not np.array_equal(centres, hash_centres(n_classes, n_bits, seed=1))


def test_centres_are_distinct_as_long_as_there_are_codes():
    assert len(np.unique(hash_centres(32, 5, seed=0), axis=0)) == 32
    assert hash_centres(9, 3, seed=0).shape == (9, 3)  # more classes than codes: two must coincide


def test_targets_are_the_votes_of_the_centres():
    rng = np.random.default_rng(0)
    labels = rng.random((50, 7)) < 0.4
    centres = hash_centres(7, 48, seed=3)
    targets = csq_targets(labels, centres, seed=3)
    assert targets.shape == (50, 48) and targets.dtype == np.int8
    ties: dict[int, set[int]] = {}
    for sample in range(50):
        for bit in range(48):
            vote = sum(int(centres[c, bit]) for c in range(7) if labels[sample, c])
            if vote == 0:
                ties.setdefault(bit, set()).add(int(targets[sample, bit]))
            else:
                assert targets[sample, bit] == (1 if vote > 0 else -1)
    assert len(ties) > 40 and all(len(coin) == 1 for coin in ties.values())


def test_a_single_label_has_its_centre_and_many_labels_do_not_overflow():
    centres = hash_centres(300, 12, seed=0)
    assert np.array_equal(csq_targets(np.eye(300, dtype=bool), centres, seed=0), centres)
    same = np.ones((200, 12), np.int8)  # 200 votes would be −56 in int8
    assert (csq_targets(np.ones((1, 200), bool), same, seed=0) == 1).all()


def test_ties_go_to_fair_seeded_coins_of_their_own():
    centres = hash_centres(5, 1000, seed=4)
    opposed = np.concatenate([centres, -centres])
    both = np.tile(np.eye(5, dtype=bool), 2)  # each class and its opposite: all bits tie
    targets = csq_targets(both, opposed, seed=4)
    assert (targets == targets[0]).all() and abs(targets[0].mean()) < 0.1
    assert np.array_equal(targets, csq_targets(both, opposed, seed=4))
    assert not np.array_equal(targets, csq_targets(both, opposed, seed=5))
    assert np.abs(hamming(np.concatenate([targets[:1], centres])) - 500).max() < 100


def naive_csq(h, targets, quantisation):
    """Yuan et al. 2020, bit by bit."""
    total = 0
    for value, target in zip(h.flatten(), targets.flatten().tolist(), strict=True):
        p, t = (value + 1) / 2, (target + 1) / 2
        total -= t * p.log() + (1 - t) * (1 - p).log()
        total += quantisation * (abs(value) - 1) ** 2
    return total / h.numel()


@pytest.mark.parametrize("options", [(), (0.5,)])
def test_csq_loss_equals_the_loop(options):
    targets = torch.from_numpy(csq_targets(np.eye(5, dtype=bool), hash_centres(5, 6, 0), 0))
    agree(
        lambda h: csq_loss(h, targets, *options),
        lambda h: naive_csq(h, targets, *(options or (1e-4,))),
        normal(5, 6).tanh(),
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_csq_of_saturated_bits_is_zero_where_right_and_finite_where_wrong(dtype):
    targets = torch.from_numpy(hash_centres(4, 8, seed=0))
    h = targets.to(dtype).requires_grad_()
    assert csq_loss(h, targets) == 0
    wrong = csq_loss(-h, targets)
    wrong.backward()
    assert 10 < wrong < 40 and h.grad.isfinite().all()
