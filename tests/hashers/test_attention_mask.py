"""The attention masks against loops over Eqs. 1 to 3 of zhang2018, their gradients and limits."""

import pytest
import torch
from torch import nn

from mmhash_nb.hashers.networks.attention_mask import SpatialAttention, UnitAttention, above_mean

B, C, H, W, K = 4, 5, 3, 4, 7
MODALITIES = ["image", "text"]


def attention(modality, std=0.5):
    """A seeded module in double precision whose weights tell a wrong formula from a right one."""
    torch.manual_seed(2)
    made = (SpatialAttention(C) if modality == "image" else UnitAttention(K)).double()
    for weight in made.parameters():
        nn.init.normal_(weight, std=std)
    return made


def features(modality, seed=4):
    draw = torch.Generator().manual_seed(seed)
    shape = (B, C, H, W) if modality == "image" else (B, K)
    return torch.randn(*shape, generator=draw, dtype=torch.float64)


def scores(module, sample):
    """M of one sample as a flat list, and the shape of P."""
    layer = module.layer
    if sample.ndim == 1:
        return [w @ sample + b for w, b in zip(layer.weight, layer.bias, strict=True)], (K,)
    kernel = layer.weight[0, :, 0, 0]
    places = [(y, x) for y in range(H) for x in range(W)]
    return [kernel @ sample[:, y, x] + layer.bias[0] for y, x in places], (H, W)


def probabilities(module, sample):
    """P of one sample: softmax of M, written out."""
    m, shape = scores(module, sample)
    total = sum(score.exp() for score in m)
    return torch.stack([score.exp() / total for score in m]).view(shape)


def surrogate(module, x):
    """Attended and unattended features if Z were P itself."""
    p = torch.stack([probabilities(module, sample) for sample in x])
    z = p if x.ndim == 2 else p[:, None]
    return z * x, (1 - z) * x


@pytest.mark.parametrize("modality", MODALITIES)
def test_masks_are_equations_1_to_3_by_a_loop(modality):
    module, x = attention(modality), features(modality)
    divided = module(x)
    ones = []
    for b, sample in enumerate(x):
        p = probabilities(module, sample)
        torch.testing.assert_close(divided.probabilities[b], p)
        n = p.numel()
        mask = torch.tensor([1.0 if value >= 1 / n else 0.0 for value in p.flatten()])
        assert torch.equal(divided.mask[b], mask.view(p.shape).double())
        for index in torch.cartesian_prod(*(torch.arange(s) for s in sample.shape)).view(
            -1, x.ndim - 1
        ):
            place = tuple(index.tolist())
            z = divided.mask[b][place[-2:]] if modality == "image" else divided.mask[b][place]
            assert divided.attended[b][place] == z * sample[place]
            assert divided.unattended[b][place] == (1 - z) * sample[place]
        ones.append(int(mask.sum()))
    assert min(ones) > 0 and max(ones) < n and len(set(ones)) > 1  # the samples differ


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_mask_does_not_depend_on_the_other_samples_or_on_the_layers_bias_of_maps(modality):
    module, x = attention(modality), features(modality)
    together = module(x)
    for b in range(B):
        for one, both in zip(module(x[b : b + 1]), together, strict=True):
            torch.testing.assert_close(one[0], both[b])
    if modality == "image":
        before = together.mask.clone()
        nn.init.constant_(module.layer.bias, 9.0)  # softmax takes no notice
        assert torch.equal(module(x).mask, before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [1, 3, 49, 196, 1000])
def test_even_probabilities_keep_everything(n, dtype):
    even = torch.full((2, n), 1 / n, dtype=dtype)
    assert torch.equal(above_mean(even), torch.ones(2, n, dtype=dtype))
    softmax = torch.full((2, n), 0.1, dtype=dtype).softmax(1)
    assert above_mean(softmax).all()


@pytest.mark.parametrize("scale", [1e-8, 1e-6, 1e-3, 1.0, 100.0])
@pytest.mark.parametrize("n", [2, 100, 1000])
def test_a_mask_is_never_empty_and_full_only_where_probabilities_are_even(n, scale):
    draw = torch.Generator().manual_seed(n)
    p = (scale * torch.randn(50, n, generator=draw)).softmax(1)
    mask = above_mean(p)
    assert (mask.sum(1) > 0).all()
    if scale >= 1:
        assert (mask.sum(1) < n).all()
    assert set(mask.unique().tolist()) <= {0.0, 1.0}


def test_the_threshold_is_the_mean_of_each_samples_own_probabilities():
    p = torch.tensor([[0.25, 0.25, 0.25, 0.25], [0.3, 0.2, 0.2501, 0.2499], [1.0, 0.0, 0.0, 0.0]])
    wanted = torch.tensor([[1.0, 1, 1, 1], [1, 0, 1, 0], [1, 0, 0, 0]])
    assert torch.equal(above_mean(p), wanted)
    assert torch.equal(above_mean(p.view(3, 2, 2)), wanted.view(3, 2, 2))


def test_gradients_go_straight_through_the_threshold():
    p = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]], requires_grad=True)
    weights = torch.tensor([[1.0, -2.0, 3.0], [0.0, 4.0, -5.0]])
    (above_mean(p) * weights).sum().backward()
    assert torch.equal(p.grad, weights)


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("modality", MODALITIES)
def test_the_layers_gradient_is_that_of_the_surrogate_in_which_z_is_p(modality, part):
    """A sum weighted by constants: its gradient does not depend on the value of Z."""
    module, x = attention(modality), features(modality)
    weights = features(modality, seed=5)
    gradients = []
    for parts in (module(x)[:2], surrogate(module, x)):
        gradients.append(torch.autograd.grad((parts[part] * weights).sum(), module.parameters()))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert gradients[0][0].abs().max() > 1e-3


@pytest.mark.parametrize("module", [SpatialAttention(900), UnitAttention(60)])
def test_layers_start_as_the_paper_says(module):
    assert module.layer.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert not module.layer.bias.any()
