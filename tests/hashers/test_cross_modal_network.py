"""The network of zhang2018 against written-out computations: branches, masks, gradients, limits."""

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


def naive_values(made, modality, x):
    if modality == "text":
        return linear(made.text_code, x)
    if isinstance(made.image_layers, Head):
        x = linear(made.image_layers.fc6, x.reshape(B, -1)).clamp(min=0)
    else:
        x = x.sum(dim=(2, 3)) / (x.shape[2] * x.shape[3])
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
    else:
        kind = SpatialAttention if modality == "image" else UnitAttention
        assert isinstance(made.attention[modality], kind)
        attended = made.attention[modality](x).attended
        assert torch.equal(divided.attended, attended)
        assert 0 < divided.mask.mean() < 1
    ours = made(modality, given(modality))
    assert ours.shape == (B, BITS)
    torch.testing.assert_close(ours, naive_values(made, modality, attended))


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
