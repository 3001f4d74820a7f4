"""CAH: the way to a code and back written out, its terms, and the method on small sets."""

import dataclasses

import numpy as np
import pytest
import torch
from deep_cases import create, quick, same
from retrieval import scores as retrieval
from torch import nn

from mmhash_nb.features.backbones import Backbone
from mmhash_nb.hashers.cah import AutoencoderNetwork, CorrelationAutoencoders

#: without a decay of the learning rate: texts start from small weights
LONG = {"epochs": 40, "decay_every": 100, "learning_rate": 1e-2}


def normal(*shape, seed=0):
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=draw)


def network():
    """A small network with a stage that is learned, and large weights."""
    torch.manual_seed(1)
    stages = [nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())]
    backbone = Backbone(stages, (4,), (0.5,) * 3, (0.2,) * 3)
    made = AutoencoderNetwork(
        backbone, stages, 6, 5, text_hidden=9, text_features=8, image_hidden=7
    )
    for weight in made.parameters():
        nn.init.normal_(weight, std=0.5)
    return made


IMAGES, TEXTS = normal(4, 3, 2, 2), normal(4, 6, seed=1)


def layer(linear, x, last=False):
    out = x @ linear.weight.T + linear.bias
    return out if last else out.clamp(min=0)


def written_out(made, modality):
    """Codes, what they are decoded to and what it should be."""
    if modality == "text":
        target = TEXTS
        hidden = layer(made.text2[0], layer(made.text1[0], TEXTS))
        code = layer(made.text_code, hidden, last=True).tanh()
        decoder = made.text_decoder
    else:
        target = made.stages[0](IMAGES).mean(dim=(2, 3))
        hidden = layer(made.image_layers.fc7, layer(made.image_layers.fc6, target))
        code = layer(made.image_code, hidden, last=True).tanh()
        decoder = made.image_decoder
    first, _, second, _, third = decoder
    return code, layer(third, layer(second, layer(first, code)), last=True), target


@pytest.mark.parametrize("modality", ["image", "text"])
def test_codes_are_decoded_through_the_layers_in_reverse(modality):
    made = network()
    given = IMAGES if modality == "image" else TEXTS
    for ours, theirs in zip(
        made.autoencode(modality, given), written_out(made, modality), strict=True
    ):
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(made(modality, given).tanh(), made.autoencode(modality, given)[0])
    decoder = made.text_decoder if modality == "text" else made.image_decoder
    widths = [decoder[0].in_features, *(decoder[i].out_features for i in (0, 2, 4))]
    assert widths == ([5, 8, 9, 6] if modality == "text" else [5, 7, 7, 4])


def test_no_target_is_learned():
    """A backbone that is trained must not make its features easy to rebuild."""
    made = network()
    code, rebuilt, target = made.autoencode("image", IMAGES)
    assert not target.requires_grad
    stage = made.stages[0][0].weight
    (gradient,) = torch.autograd.grad(rebuilt.sum() + code.sum(), stage)
    assert gradient.any()


@pytest.mark.parametrize(
    "options", [{}, {"lambda_": 0.0}, {"mu": 0.0}, {"lambda_": 3.0, "mu": 0.5}]
)
def test_the_loss_is_its_terms_written_out(options):
    labels = torch.tensor([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.bool)
    method = create("cah", bits=5, **options)
    made = CorrelationAutoencoders(network(), (IMAGES, TEXTS), labels, method)
    batch = torch.tensor([3, 0, 2])
    total, codes = torch.zeros(()), {}
    for modality in ("image", "text"):
        code, rebuilt, target = (x[batch] for x in written_out(made.network, modality))
        target = target.detach()
        variance = 3 * target.var(0, correction=0).sum()
        total = total + (rebuilt - target).square().sum() / variance
        codes[modality] = code
    x, y = codes["image"], codes["text"]
    each = [torch.corrcoef(torch.stack([x[:, k], y[:, k]]))[0, 1] for k in range(5)]
    products = torch.stack([x[i] @ y[j] for i in range(3) for j in range(3)])
    shared = [(labels[i] & labels[j]).any() for i in batch for j in batch]
    signs = torch.tensor([1.0 if s else -1.0 for s in shared])
    semantic = torch.corrcoef(torch.stack([products, signs]))[0, 1]
    weights = {"lambda_": 1.0, "mu": 1.0, **options}
    total = total + weights["lambda_"] * (1 - torch.stack(each).mean())
    total = total + weights["mu"] * (1 - semantic)
    ours = made.loss(batch)
    torch.testing.assert_close(ours, total)
    parameters = list(made.network.parameters())
    for one, other in zip(
        torch.autograd.grad(ours, parameters), torch.autograd.grad(total, parameters), strict=True
    ):
        assert other.any()
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def rebuilt_error(method, pairs):
    """Of each modality, the error of reconstruction as a fraction of the variance."""
    made, found = method.fitted(), []
    given = {"image": pairs.images, "text": pairs.texts}
    for modality, x in given.items():
        with torch.inference_mode():
            _, rebuilt, target = made.autoencode(modality, torch.from_numpy(x))
        squares = (target - target.mean(0)).square().sum()
        found.append(float((rebuilt - target).square().sum() / squares))
    return found


def test_codes_hold_what_they_are_made_of(two_views):
    """Four clusters are rebuilt but for their noise; nothing is before training."""
    method = create("cah", **LONG).fit(two_views)
    assert max(rebuilt_error(method, two_views)) < 0.2
    assert min(rebuilt_error(method.before_training(), two_views)) > 0.9


def test_labels_and_pairs_each_teach(two_views):
    """Beside reconstruction, pairs alone or labels alone make codes of both modalities agree."""
    for options in ({"mu": 0.0}, {"lambda_": 0.0}):
        method = create("cah", **LONG, **options).fit(two_views)
        assert min(retrieval(method, two_views)) > 0.85
    alone = create("cah", **LONG, lambda_=0.0, mu=0.0).fit(two_views)
    assert max(retrieval(alone, two_views)) < 0.5


def test_without_its_semantic_term_it_does_not_look_at_labels(tiny_pictures):
    order = np.random.default_rng(0).permutation(len(tiny_pictures))
    shuffled = dataclasses.replace(tiny_pictures, labels=tiny_pictures.labels[order])
    for mu, blind in ((0.0, True), (1.0, False)):
        one, other = (quick("cah", mu=mu).fit(p).state for p in (tiny_pictures, shuffled))
        assert same(one, other) == blind


@pytest.mark.parametrize("trainable", ["all", "last"])
def test_a_backbone_can_be_trained_along(trainable, tiny_pictures):
    state = quick("cah", trainable=trainable).fit(tiny_pictures).state
    assert any(key.startswith("stages.") for key in state)
    assert all(np.isfinite(value).all() for value in state.values())
