"""The network of zhang2018 against written-out computations: branches, masks, gradients, limits."""

import itertools

import pytest
import torch
from torch import nn

from mmhash_nb.features.backbones import Backbone
from mmhash_nb.hashers.networks.attention_mask import SpatialAttention, UnitAttention
from mmhash_nb.hashers.networks.cross_modal_network import CrossModalNetwork

B, V, BITS, HIDDEN, FEATURES, IMAGE_HIDDEN = 4, 10, 8, 7, 6, 9
WIDTHS = (4, 5)
ATTENTIONS = {
    "none": (),
    "visual": ("image",),
    "textual": ("text",),
    "both": ("image", "text"),
}


class Head(nn.Module):
    """A stand-in for VGG's fully connected layers."""

    n_features = 3

    def __init__(self):
        super().__init__()
        self.fc6 = nn.Linear(WIDTHS[1] * 6, 3)

    def forward(self, last):
        return self.fc6(last.flatten(1)).relu()


def network(attention="both", head=False, **options):
    """A small network in training mode, all its weights large enough to tell right from wrong."""
    torch.manual_seed(1)
    stages = [
        nn.Sequential(nn.Conv2d(i, o, 1), nn.BatchNorm2d(o), nn.ReLU())
        for i, o in ((3, WIDTHS[0]), WIDTHS)
    ]
    backbone = Backbone(stages, WIDTHS, (0.5,) * 3, (0.2,) * 3, Head() if head else None)
    made = CrossModalNetwork(
        backbone, stages, V, BITS, attention=attention,
        text_hidden=HIDDEN, text_features=FEATURES, image_hidden=IMAGE_HIDDEN, **options,
    ).double()  # fmt: skip
    for weight in made.parameters():
        nn.init.normal_(weight, std=0.5)
    return made.train()


def given(modality):
    draw = torch.Generator().manual_seed(0)
    if modality == "image":
        return torch.randn(B, 3, 2, 3, generator=draw, dtype=torch.float64)
    return torch.rand(B, V, generator=draw, dtype=torch.float64)


def linear(layer, x):
    return x @ layer.weight.T + layer.bias


def naive_features(made, modality):
    x = given(modality)
    if modality == "text":
        for layer in (made.text1[0], made.text2[0]):
            x = linear(layer, x).clamp(min=0)
        return x
    for convolution, norm, _ in made.stages:
        x = torch.einsum("bchw,dc->bdhw", x, convolution.weight[:, :, 0, 0])
        x = x + convolution.bias[:, None, None]
        mean, var, scale, shift = (
            v[:, None, None] for v in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
        )
        x = ((x - mean) / (var + norm.eps).sqrt() * scale + shift).clamp(min=0)
    return x


def naive_mean(maps, mask):
    """The mean of each map over the positions where its mask is 1, position by position."""
    means = []
    for one, where in zip(maps, mask.bool(), strict=True):
        chosen = [one[:, y, x] for y, x in itertools.product(range(2), range(3)) if where[y, x]]
        means.append(sum(chosen) / len(chosen) if chosen else torch.zeros_like(one[:, 0, 0]))
    return torch.stack(means)


def naive_values(made, modality, x, mask=None):
    if modality == "text":
        return linear(made.text_code, x)
    if isinstance(made.image_layers, Head):
        x = linear(made.image_layers.fc6, x.reshape(B, -1)).clamp(min=0)
    else:
        x = naive_mean(x, torch.ones_like(x[:, 0]) if mask is None else mask)
        for layer in (made.image_layers.fc6, made.image_layers.fc7):
            x = linear(layer, x).clamp(min=0)
    return linear(made.image_code, x)


@pytest.mark.parametrize("head", [False, True])
@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("modality", ["image", "text"])
def test_values_are_the_hashing_module_on_attended_features(modality, attention, head):
    made = network(attention, head)
    assert tuple(made.attention) == ATTENTIONS[attention]
    x = naive_features(made, modality)
    torch.testing.assert_close(made.features(modality, given(modality)), x)
    torch.testing.assert_close(made.values(modality, x), naive_values(made, modality, x))
    divided = made.divide(modality, x)
    if modality not in ATTENTIONS[attention]:
        assert divided is None
        attended = x
        mask = None
    else:
        kind = SpatialAttention if modality == "image" else UnitAttention
        assert isinstance(made.attention[modality], kind)
        attended = made.attention[modality](x).attended
        assert torch.equal(divided.attended, attended)
        assert 0 < divided.mask.mean() < 1
        mask = divided.mask
    ours = made(modality, given(modality))
    assert ours.shape == (B, BITS)
    torch.testing.assert_close(ours, naive_values(made, modality, attended, mask))


def masks(*areas):
    """Masks `[B, 2, 3]` with that many ones each, the first positions."""
    return (torch.arange(6).view(2, 3) < torch.tensor(areas)[:, None, None]).double()


@pytest.mark.parametrize("head", [False, True])
def test_the_mean_is_over_the_area_of_the_part_or_over_all_positions(head):
    """fc6 and fc7 need no mean: with them, and with `all`, a mask of the area changes nothing."""
    made, over_all = network(head=head), network(head=head, pooling="all")
    x = naive_features(made, "image")
    mask = masks(1, 2, 5, 6)
    for part in (mask, 1 - mask):  # the last of the unattended maps has no position left
        masked = x * part[:, None]
        wanted = naive_values(made, "image", masked, part)
        torch.testing.assert_close(made.values("image", masked, part), wanted)
        everywhere = naive_values(made, "image", masked)
        torch.testing.assert_close(over_all.values("image", masked, part), everywhere)
        assert torch.allclose(wanted, everywhere) == head


def test_features_do_not_shrink_with_the_attended_area():
    made, over_all = network(), network(pooling="all")
    map_of_one = torch.rand(WIDTHS[1], 1, 1, dtype=torch.float64).expand(B, -1, 2, 3)
    mask = masks(1, 2, 4, 6)
    fc6, seen = made.image_layers.fc6, []
    for one in (made, over_all):
        one.image_layers.fc6.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        one.values("image", map_of_one * mask[:, None], mask)
    assert fc6.in_features == WIDTHS[1]
    torch.testing.assert_close(seen[0], map_of_one[:, :, 0, 0])
    share = torch.tensor([1 / 6, 2 / 6, 4 / 6, 1], dtype=torch.float64)[:, None]
    torch.testing.assert_close(seen[1], share * map_of_one[:, :, 0, 0])


@pytest.mark.parametrize("part", ["attended", "unattended"])
def test_gradients_go_through_the_masked_map_and_through_its_area(part):
    """Against autograd of the written-out mean, in which Z is P to the gradient alone."""
    made, draw = network(), torch.Generator().manual_seed(0)
    x = torch.randn(B, WIDTHS[1], 2, 3, generator=draw, dtype=torch.float64)
    layer = made.attention["image"].layer
    divided = made.divide("image", x)
    mask = divided.mask if part == "attended" else 1 - divided.mask
    ours = made.values("image", getattr(divided, part), mask)
    p = layer(x).flatten(1).softmax(1).view(B, 2, 3)
    z = divided.mask.detach() + p - p.detach()
    z = z if part == "attended" else 1 - z
    mean = (z[:, None] * x).sum(dim=(2, 3)) / z.sum(dim=(1, 2))[:, None]
    theirs = made.values("image", mean[:, :, None, None])
    weights = torch.randn(B, BITS, generator=draw, dtype=torch.float64)
    found, wanted = (
        torch.autograd.grad((values * weights).sum(), layer.weight, retain_graph=True)[0]
        for values in (ours, theirs)
    )
    torch.testing.assert_close(found, wanted)
    fixed = (z[:, None] * x).sum(dim=(2, 3)) / z.detach().sum(dim=(1, 2))[:, None]
    values = made.values("image", fixed[:, :, None, None])
    other = torch.autograd.grad((values * weights).sum(), layer.weight)[0]
    assert wanted.abs().max() > 1e-3
    # The area's part is the same at all positions, and probabilities sum to one.
    torch.testing.assert_close(other, wanted)


def test_a_mask_of_nothing_gives_finite_values_and_gradients():
    made = network()
    empty = torch.zeros(B, 2, 3, dtype=torch.float64, requires_grad=True)
    x = naive_features(made, "image").detach()
    values = made.values("image", x * empty[:, None], empty)
    values.sum().backward()
    torch.testing.assert_close(values, made.values("image", torch.zeros_like(x)))
    assert torch.isfinite(empty.grad).all()


@pytest.mark.parametrize("modality", ["image", "text"])
def test_a_mask_that_keeps_everything_is_no_attention(modality):
    plain, ours = network("none"), network("both")
    missing = ours.load_state_dict(plain.state_dict(), strict=False).missing_keys
    assert {key.split(".")[0] for key in missing} == {"attention"}
    x = given(modality)
    assert not torch.allclose(ours(modality, x), plain(modality, x))
    for weight in ours.attention.parameters():
        nn.init.zeros_(weight)
    torch.testing.assert_close(ours(modality, x), plain(modality, x))
    assert not ours.divide(modality, ours.features(modality, x)).unattended.any()


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_gradients_reach_all_that_is_learned(attention):
    made = network(attention)
    sum(made(m, given(m)).square().sum() for m in ("image", "text")).backward()
    for name, weight in made.named_parameters():
        if name == "attention.image.layer.bias":
            continue  # softmax takes no notice of it
        assert weight.grad is not None and weight.grad.abs().sum() > 1e-9, name


def test_the_head_is_the_networks_and_replaces_the_new_layers():
    made = network(head=True)
    assert isinstance(made.image_layers, Head)
    assert made.image_code.in_features == Head.n_features
    assert network().image_code.in_features == IMAGE_HIDDEN


def test_parameters_of_the_text_start_as_the_paper_says():
    torch.manual_seed(0)
    backbone = Backbone([nn.Identity()], (3,), (0.5,) * 3, (0.2,) * 3)
    made = CrossModalNetwork(
        backbone, [], 90, 60, attention="textual", text_hidden=80, text_features=70
    )
    text = (made.text1[0], made.text2[0], made.attention["text"].layer, made.text_code)
    for layer in text:
        assert layer.weight.mean().item() == pytest.approx(0, abs=1e-3)
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.1)
        assert not layer.bias.any()
    assert [layer.weight.shape[0] for layer in text] == [80, 70, 70, 60]


def test_widths_of_the_paper_are_the_defaults():
    backbone = Backbone([nn.Identity()], (3,), (0.5,) * 3, (0.2,) * 3)
    made = CrossModalNetwork(backbone, [], 2, 4)
    assert made.text1[0].weight.shape == (8192, 2) and made.text2[0].weight.shape == (1000, 8192)
    assert not made.attention
