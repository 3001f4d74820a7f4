"""DCMH and PRDH: our losses by batches against the printed objectives over all pairs."""

import pytest
import torch
from deep_cases import TwoLayers, create

from mmhash_nb.hashers.dcmh import PairwiseLikelihood
from mmhash_nb.hashers.prdh import RelationLikelihood

N, BITS, V = 7, 4, 6
LOSSES = {"dcmh": PairwiseLikelihood, "prdh": RelationLikelihood}
WEIGHTS = {"dcmh": {"gamma": 0.7, "eta": 0.3}, "prdh": {"gamma": 0.7, "lambda_": 5.0}}


def learning(name, **options):
    """The loss over a toy network, its stored outputs those of the network, and its codes set."""
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randn(N, 3, 2, 2, generator=draw), torch.rand(N, V, generator=draw)
    labels = torch.eye(3, dtype=torch.bool)[torch.tensor([0, 1, 2, 0, 1, 0, 2])]
    labels[2, 0] = True  # two labels
    method = create(name, bits=BITS, **{**WEIGHTS[name], **options})
    made = LOSSES[name](TwoLayers(12, V, BITS), inputs, labels, method)
    with torch.no_grad():
        for modality, x in outputs(made).items():
            getattr(made, modality).copy_(x)
    made.on_epoch(0)
    return made


def outputs(made, which=slice(None)):
    """F and G of some samples, with gradients."""
    image, text = (x[which] for x in made.inputs)
    return {"image": made.network("image", image), "text": made.network("text", text)}


def likelihood(f, g, labels, others):
    """Σ log(1 + e^θ) − sθ over all pairs of rows, by a loop."""
    total = torch.zeros(())
    for f_i, a in zip(f, labels, strict=True):
        for g_j, b in zip(g, others, strict=True):
            theta = 0.5 * (f_i @ g_j)
            total = total + torch.log1p(theta.exp()) - float((a * b).any()) * theta
    return total


def objective(name, made):
    """The printed objective over all n samples; B is a constant of it."""
    f, g = outputs(made).values()
    labels, options = made.labels, made.options
    b = torch.where(f + g >= 0, 1.0, -1.0).detach()
    total = likelihood(f, g, labels, labels)
    total = total + options["gamma"] * ((b - f).square().sum() + (b - g).square().sum())
    if name == "dcmh":
        balance = f.sum(0).square().sum() + g.sum(0).square().sum()
        return total + options["eta"] * balance
    within = likelihood(f, f, labels, labels) + likelihood(g, g, labels, labels)
    for x in (f, g):
        covariance = torch.cov(x.T, correction=0)
        squares = 0.5 * (covariance.square().sum() - covariance.diagonal().square().sum())
        within = within + options["lambda_"] * squares
    return total + within


@pytest.mark.parametrize("name", LOSSES)
def test_on_all_samples_the_gradient_is_that_of_the_printed_objective_by_n_squared(name):
    made = learning(name)
    ours = torch.autograd.grad(made.loss(torch.randperm(N)), made.network.parameters())
    theirs = torch.autograd.grad(objective(name, made) / N**2, made.network.parameters())
    for one, other in zip(ours, theirs, strict=True):
        assert other.abs().max() > 1e-3
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "option"),
    [("dcmh", "gamma"), ("dcmh", "eta"), ("prdh", "gamma"), ("prdh", "lambda_")],
)
def test_each_weight_weighs_its_own_term(name, option):
    off = {key: 0.0 for key in WEIGHTS[name]}
    found = []
    for weight in (0.0, 1.0):
        made = learning(name, **{**off, option: weight})
        loss = made.loss(torch.arange(N))
        gradients = torch.autograd.grad(loss, made.network.parameters())
        wanted = torch.autograd.grad(objective(name, made) / N**2, made.network.parameters())
        for one, other in zip(gradients, wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
        found.append(loss.item())
    assert found[1] > found[0]


@pytest.mark.parametrize("name", LOSSES)
def test_a_batch_stands_against_stored_outputs_of_which_it_replaces_its_own(name):
    made = learning(name)
    batch, b = torch.tensor([5, 0, 3]), 3
    draw = torch.Generator().manual_seed(8)
    stored = {m: torch.randn(N, BITS, generator=draw) for m in ("image", "text")}
    for modality, x in stored.items():
        getattr(made, modality).copy_(x)
    codes = made.codes.clone()
    now = outputs(made, batch)
    for modality, x in now.items():
        stored[modality][batch] = x.detach()
    labels, options = made.labels, made.options

    def against(one, other):
        return likelihood(now[one], stored[other], labels[batch], labels) / (b * N)

    total = against("image", "text") + against("text", "image")
    if name == "prdh":
        total = total + 2 * (against("image", "image") + against("text", "text"))
    for x in now.values():
        total = total + options["gamma"] * (codes[batch] - x).square().sum() / (b * N)
        if name == "dcmh":
            total = total + options["eta"] * x.mean(0).square().sum()
        else:
            covariance = torch.cov(x.T, correction=0)
            total = total + options["lambda_"] * covariance.triu(1).square().sum() / N**2
    ours = made.loss(batch)
    torch.testing.assert_close(ours, total)
    for one, other in zip(
        torch.autograd.grad(ours, made.network.parameters()),
        torch.autograd.grad(total, made.network.parameters()),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    assert torch.equal(made.image, stored["image"]) and torch.equal(made.text, stored["text"])
    assert torch.equal(made.codes, codes)  # until the next epoch
    assert not made.image.requires_grad


@pytest.mark.parametrize("name", LOSSES)
def test_codes_are_signs_of_both_outputs_summed_at_the_start_of_each_epoch(name):
    made = learning(name)
    made.image[:2] = torch.tensor([[1.0, -3, 0.5, 0], [2, 2, -2, -2]])
    made.text[:2] = torch.tensor([[-2.0, 2, -0.5, 0], [-1, -3, 1, 3]])
    before = made.codes.clone()
    made.on_epoch(4)
    assert made.codes[:2].tolist() == [[-1, -1, 1, 1], [1, -1, -1, 1]]
    assert torch.equal(made.codes[2:], before[2:])
    assert set(made.codes.unique().tolist()) == {-1.0, 1.0}


def test_stored_outputs_start_as_what_the_networks_give(monkeypatch):
    monkeypatch.setattr(
        "mmhash_nb.hashers.networks.inputs.BATCH", 4
    )  # several batches, the last one shorter
    made = learning("dcmh")
    made.image.zero_()
    made.text.zero_()
    made.on_epoch(1)  # not the first: a resumed training has what its checkpoint has
    assert not made.image.any() and not made.text.any()
    made.on_epoch(0)
    f, g = (x.detach() for x in outputs(made).values())
    torch.testing.assert_close(made.image, f)
    torch.testing.assert_close(made.text, g)
    assert torch.equal(made.codes, torch.where(f + g >= 0, 1.0, -1.0))
