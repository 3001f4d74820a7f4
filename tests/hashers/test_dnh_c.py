"""DNH-C: bits by slices, the threshold, triplets one by one, and the method on small sets."""

import itertools

import pytest
import torch
from deep_cases import create, quick, scores
from hypothesis import given, settings
from hypothesis import strategies as st
from retrieval import scores as retrieval
from torch import nn
from torch.nn import functional as F

from mmhash_nb import hashers
from mmhash_nb.hashers.cross_modal import CrossModalNetworkHasher
from mmhash_nb.hashers.dnh_c import DivideAndEncode, TripletsAcross, piecewise_threshold
from mmhash_nb.losses.triplet import squared_triplet_ranking_loss

SMALL = {"slice_features": 8}


def normal(*shape, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draw, dtype=torch.float64)


def naive_triplets(queries, database, similarity, margin):
    """Triplet by triplet."""
    costs = [
        F.relu(margin + (q - database[j]).square().sum() - (q - database[k]).square().sum())
        for i, q in enumerate(queries)
        for j, k in itertools.permutations(range(len(database)), 2)
        if similarity[i, j] > similarity[i, k]
    ]
    return torch.stack(costs).mean() if costs else 0 * (queries.sum() + database.sum())


def agree(loss, naive, *tensors):
    """Value and gradients of `loss` are those of `naive` at `tensors`."""
    results = []
    for function in (loss, naive):
        leaves = [tensor.clone().requires_grad_() for tensor in tensors]
        value = function(*leaves)
        value.backward()
        results.append([value.detach(), *(leaf.grad for leaf in leaves)])
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-12)


@settings(max_examples=60)
@given(
    n=st.integers(1, 4),
    m=st.integers(2, 6),
    bits=st.integers(1, 3),
    margin=st.sampled_from([0.0, 0.3, 1.0, 4.0]),
    grid=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_the_loss_is_that_of_all_triplets(n, m, bits, margin, grid, seed):
    queries, database = normal(n, bits, seed=seed), normal(m, bits, seed=seed + 1)
    if grid:  # bits of 0 and 1 coincide and tie
        queries, database = (queries > 0).double(), (database > 0).double()
        margin += 0.5  # between the hinges, at which roundings of a root would decide
    similarity = torch.randint(2, (n, m), generator=torch.Generator().manual_seed(seed))
    agree(
        lambda q, d: squared_triplet_ranking_loss(q, d, similarity, margin),
        lambda q, d: naive_triplets(q, d, similarity, margin),
        queries,
        database,
    )


def test_between_codes_the_loss_counts_bits():
    """3 bits differ from the similar point and 2 from the other: 1 + 3 − 2."""
    query = torch.zeros(1, 4)
    database = torch.tensor([[1.0, 1, 1, 0], [0, 0, 1, 1]])
    loss = squared_triplet_ranking_loss(query, database, torch.tensor([[1, 0]]), 1.0)
    assert loss.item() == pytest.approx(2)


@pytest.mark.parametrize("similar", [0, 1])
def test_without_triplets_nothing_is_lost(similar):
    queries = normal(3, 2).requires_grad_()
    similarity = torch.full((3, 3), similar)
    loss = squared_triplet_ranking_loss(queries, queries, similarity, 1.0)
    loss.backward()
    assert loss.item() == 0 and not queries.grad.any()


def test_the_threshold_decides_outside_its_band_and_passes_gradient_within():
    s = torch.tensor([0.0, 0.2, 0.3, 0.5, 0.6, 0.71, 1.0], dtype=torch.float64, requires_grad=True)
    decided = piecewise_threshold(s, 0.2)
    assert decided.tolist() == [0, 0, 0.3, 0.5, 0.6, 1, 1]
    decided.sum().backward()
    assert s.grad.tolist() == [0, 0, 1, 1, 1, 0, 0]
    assert torch.equal(piecewise_threshold(s, 0.5), s)


def test_each_bit_is_encoded_from_its_own_slice():
    torch.manual_seed(0)
    module = DivideAndEncode(6, 3, 4).double()
    nn.init.normal_(module.bias)
    x = normal(5, 6)
    hidden = (x @ module.intermediate.weight.T + module.intermediate.bias).clamp(min=0)
    for i in range(5):
        for k in range(3):
            bit = module.bias[k] + sum(module.weight[k, f] * hidden[i, 4 * k + f] for f in range(4))
            torch.testing.assert_close(module(x)[i, k], bit)
    (gradient,) = torch.autograd.grad(module(x)[:, 1].sum(), module.intermediate.weight)
    reached = gradient.abs().sum(1) > 0
    assert reached[4:8].any() and not reached[:4].any() and not reached[8:].any()


def test_both_modalities_are_divided_and_encoded():
    network = create("dnh_c", bits=5, slice_features=3).unfitted(7, 6)
    for layer, width in ((network.image_code, 32), (network.text_code, 32)):
        assert layer.intermediate.weight.shape == (15, width)
        assert layer.weight.shape == (5, 3) and not layer.bias.any()
        assert 0.05 < layer.weight.std() < 0.15
    images, texts = normal(4, 6).float(), normal(4, 7).float()
    maps = images[:, :, None, None]
    hidden = network.image_layers(maps)
    torch.testing.assert_close(network("image", images), network.image_code(hidden))
    text = network.text2(network.text1(texts))
    torch.testing.assert_close(network("text", texts), network.text_code(text))


class TwoLayers(nn.Module):
    """A network with one layer for each modality."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.image, self.text = nn.Linear(3, 4), nn.Linear(2, 4)

    def forward(self, modality, given):
        return 3 * getattr(self, modality)(given)


@pytest.mark.parametrize(
    "options", [{"epsilon": 0.5, "margin": 1.0}, {"epsilon": 0.3, "margin": 2.5}]
)
def test_the_loss_of_a_batch_is_its_triplets_across_modalities(options):
    labels = torch.tensor([[1, 0], [0, 1], [1, 1], [0, 1], [1, 0]], dtype=torch.bool)
    inputs = normal(5, 3).float(), normal(5, 2, seed=1).float()
    made = TripletsAcross(TwoLayers(), inputs, labels, create("dnh_c", bits=4, **options))
    batch = torch.tensor([4, 0, 1, 2])
    epsilon, bits = options["epsilon"], {}
    for modality, x in zip(("image", "text"), inputs, strict=True):
        s = torch.sigmoid(made.network(modality, x[batch]))
        low, high = s < 0.5 - epsilon, s > 0.5 + epsilon
        assert low.any() == high.any() == (epsilon < 0.5)
        bits[modality] = torch.where(low, 0.0, torch.where(high, 1.0, s))
    similar = [[int((labels[i] & labels[j]).any()) for j in batch] for i in batch]
    similar, margin = torch.tensor(similar), options["margin"]
    wanted = naive_triplets(bits["image"], bits["text"], similar, margin)
    wanted = wanted + naive_triplets(bits["text"], bits["image"], similar, margin)
    ours = made.loss(batch)
    torch.testing.assert_close(ours, wanted)
    weights = list(made.network.parameters())
    for one, other in zip(
        torch.autograd.grad(ours, weights), torch.autograd.grad(wanted, weights), strict=True
    ):
        assert other.abs().max() > 1e-3
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("epsilon", [0.5, 0.3])
def test_it_learns_pictures_and_words(epsilon, tiny_pictures):
    control = scores(hashers.create("random", 16).fit(tiny_pictures), tiny_pictures)
    method = create("dnh_c", **SMALL, epsilon=epsilon).fit(tiny_pictures)
    assert max(control) < 0.45 < 0.65 < min(scores(method, tiny_pictures))
    assert method.state["loss"][-1] < method.state["loss"][0]


def test_it_solves_vectors_and_beats_chance_on_noisy_ones(two_views, noisy_views):
    settings = {"bits": 8, "epochs": 40, "decay_every": 100, **SMALL}
    solved = create("dnh_c", **settings).fit(two_views)
    assert solved.state["loss"][-1] < 0.01
    assert min(retrieval(solved, two_views)) > 0.95
    control = retrieval(hashers.create("random", 8).fit(noisy_views), noisy_views)
    better = retrieval(create("dnh_c", **settings).fit(noisy_views), noisy_views)
    assert min(better) > max(control) + 0.2


def test_a_code_is_where_the_bit_is_at_least_a_half(tiny_pictures):
    method = quick("dnh_c", **SMALL).fit(tiny_pictures)
    network, words = method.fitted(), torch.from_numpy(tiny_pictures.texts)
    with torch.no_grad():
        values = network.text_code(network.text2(network.text1(words))).double()
    bits = values.sigmoid().numpy()
    assert ((method.encode(tiny_pictures, "text").signs() > 0) == (bits >= 0.5)).all()


def test_options_as_documented_are_the_defaults():
    own = {"slice_features": 50, "margin": 1.0, "epsilon": 0.5}
    assert hashers.create("dnh_c", 8).options == {**CrossModalNetworkHasher.defaults, **own}
