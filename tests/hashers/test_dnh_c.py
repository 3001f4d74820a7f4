"""DNH-C: bits by slices, the threshold, triplets across modalities, and the method."""

import pytest
import torch
from deep_cases import TwoLayers, create, quick, scores
from loss_cases import normal
from torch import nn

from mmhash_nb import hashers
from mmhash_nb.hashers.dnh_c import DivideAndEncode, TripletsAcross, piecewise_threshold
from mmhash_nb.losses.triplet import squared_triplet_ranking_loss

SMALL = {"slice_features": 8}


def test_between_codes_the_loss_counts_bits():
    """3 bits differ from the similar point and 2 from the other: 1 + 3 − 2."""
    query = torch.zeros(1, 4)
    database = torch.tensor([[1.0, 1, 1, 0], [0, 0, 1, 1]])
    loss = squared_triplet_ranking_loss(query, database, torch.tensor([[1, 0]]), 1.0)
    assert loss.item() == pytest.approx(2)


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


@pytest.mark.parametrize(
    "options", [{"epsilon": 0.5, "margin": 1.0}, {"epsilon": 0.3, "margin": 2.5}]
)
def test_the_loss_of_a_batch_is_its_triplets_across_modalities(options):
    labels = torch.tensor([[1, 0], [0, 1], [1, 1], [0, 1], [1, 0]], dtype=torch.bool)
    inputs = normal(5, 3).float(), normal(5, 2, seed=1).float()
    made = TripletsAcross(
        TwoLayers(3, 2, 4, scale=3), inputs, labels, create("dnh_c", bits=4, **options)
    )
    batch = torch.tensor([4, 0, 1, 2])
    epsilon, bits = options["epsilon"], {}
    for modality, x in zip(("image", "text"), inputs, strict=True):
        s = torch.sigmoid(made.network(modality, x[batch]))
        low, high = s < 0.5 - epsilon, s > 0.5 + epsilon
        assert low.any() == high.any() == (epsilon < 0.5)
        bits[modality] = torch.where(low, 0.0, torch.where(high, 1.0, s))
    similar = [[int((labels[i] & labels[j]).any()) for j in batch] for i in batch]
    similar, margin = torch.tensor(similar), options["margin"]
    wanted = squared_triplet_ranking_loss(bits["image"], bits["text"], similar, margin)
    wanted = wanted + squared_triplet_ranking_loss(bits["text"], bits["image"], similar, margin)
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


def test_a_code_is_where_the_bit_is_at_least_a_half(tiny_pictures):
    method = quick("dnh_c", **SMALL).fit(tiny_pictures)
    network, words = method.fitted(), torch.from_numpy(tiny_pictures.texts)
    with torch.no_grad():
        values = network.text_code(network.text2(network.text1(words))).double()
    bits = values.sigmoid().numpy()
    assert ((method.encode(tiny_pictures, "text").signs() > 0) == (bits >= 0.5)).all()
