"""CMDVH: its networks and losses written out, what each option changes, then as a method."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from deep_cases import same
from retrieval import scores
from torch import nn

from mmhash_nb import hashers
from mmhash_nb.features import backbones
from mmhash_nb.features.vectors import feature_vectors
from mmhash_nb.hashers import deep
from mmhash_nb.hashers.cmdvh import LatentLearning
from mmhash_nb.hashers.networks.cmdvh_networks import Branch
from mmhash_nb.metrics import mean_average_precision
from mmhash_nb.ranking import rank_profile
from mmhash_nb.training import loop as training
from mmhash_nb.training.optimisers import SGD

NAMES = ("cmdvh", "cmdvh1", "cmdvh2")
MODALITIES = ("image", "text")
#: enough for small sets
FEW = {"rounds": 8, "epochs": 15, "batch_size": 16, "text_hidden": 64}


def create(name="cmdvh", seed=0, bits=16, **options):
    return hashers.create(name, bits, seed, device="cpu", **{**FEW, **options})


def quick(name="cmdvh", **options):
    return create(name, **{"rounds": 2, "epochs": 2, "bits": 8, **options})


def layer(state, prefix, x):
    return x @ state[f"{prefix}.weight"].T + state[f"{prefix}.bias"]


def branch(state, prefix, x):
    """Features → hidden with ReLU → values without, on measured inputs."""
    mean, scale = (state[f"{prefix}.stages.0.given_{key}"] for key in ("mean", "scale"))
    hidden = np.maximum(0, layer(state, f"{prefix}.hidden", (x - mean) / scale))
    return layer(state, f"{prefix}.last", hidden)


@pytest.mark.parametrize("name", NAMES)
def test_outputs_are_those_of_the_printed_layers(name, noisy_views):
    method = quick(name).fit(noisy_views)
    state, network = method.state, method.fitted()
    image, text = noisy_views.images, noisy_views.texts
    total = branch(state, "fusion.image", image) + branch(state, "fusion.text", text)
    if name == "cmdvh1":
        h = np.tanh(total)
        assert total.shape[1] == 8 and not any("latent" in key for key in state)
    else:
        fused = np.maximum(0, total)  # Eq. 2
        hidden = np.maximum(0, layer(state, "fusion.latent.1", fused))
        h = np.tanh(layer(state, "fusion.latent.3", hidden))  # Eq. 3
        assert (total.shape[1], hidden.shape[1]) == (200, 500)
    with torch.no_grad():
        found = network.fusion(torch.from_numpy(image), torch.from_numpy(text))
    np.testing.assert_allclose(found, h, atol=1e-5)
    for modality, x in (("image", image), ("text", text)):
        values = branch(state, modality, x)
        assert values.shape[1] == (8 if name == "cmdvh2" else 16)
        assert np.array_equal(method.encode(noisy_views, modality).signs() > 0, values[:, :8] >= 0)
    assert state["image.hidden.weight"].shape == (500, 20)
    assert state["text.hidden.weight"].shape == (64, 12)


def test_fractions_are_scaled_and_bags_of_words_are_not(noisy_views, tiny_pictures):
    state = quick(rounds=1, epochs=1).fit(noisy_views).state
    for modality in MODALITIES:
        train = noisy_views.features(modality)[noisy_views.train]
        spread = np.sqrt(np.square(train - train.mean(axis=0)).mean())
        for owner in (modality, f"fusion.{modality}"):
            key = f"{owner}.stages.0.given_"
            np.testing.assert_allclose(state[f"{key}mean"], train.mean(axis=0), atol=1e-6)
            np.testing.assert_allclose(state[f"{key}scale"], spread, rtol=1e-5)
    state = quick(rounds=1, epochs=1, trainable="none").fit(tiny_pictures).state
    assert state["image.stages.0.given_mean"].any() and state["image.stages.0.given_scale"] != 1
    for owner in ("text", "fusion.text"):
        assert not state[f"{owner}.stages.0.given_mean"].any()
        assert state[f"{owner}.stages.0.given_scale"] == 1


def test_new_layers_start_as_footnote_8_says():
    state = quick().unfitted(300, 40).state_dict()
    layers = [key for key in state if key.endswith((".weight", ".bias"))]
    assert len(layers) == 2 * (4 * 2 + 2)
    for key in layers:
        if key.endswith("bias"):
            assert not state[key].any()
        else:
            most = (6 / sum(state[key].shape)) ** 0.5
            assert 0.98 * most < state[key].abs().max() <= most
            assert state[key].std() == pytest.approx(most / 3**0.5, rel=0.1)


def one_layer(outputs, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Linear(5, outputs)


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("printed", [False, True])
def test_the_loss_is_equation_14(printed, modality):
    draw = torch.Generator().manual_seed(0)
    x, alpha = torch.randn(9, 5, generator=draw), 0.3
    codes = torch.where(torch.rand(9, 4, generator=draw) < 0.5, -1.0, 1.0)
    method = quick(alpha=alpha, printed=printed)
    network, batch = one_layer(8), torch.tensor([4, 0, 7])
    inputs = (x, None) if modality == "image" else (None, x)
    torch.manual_seed(5)
    found = LatentLearning(network, inputs, codes > 0, method, codes).loss(batch)
    torch.manual_seed(5)
    noise, total = torch.randn(3, 4), torch.zeros(())
    for n, i in enumerate(batch):
        values = network(x[i])
        for k in range(4):
            mean, variance = values[k], values[4 + k].exp()
            z = mean + variance.sqrt() * noise[n, k]  # Eq. 10
            if printed:
                total = total - torch.log(1 + torch.exp(codes[i, k] * z))
            else:
                total = total + torch.log(1 + torch.exp(-codes[i, k] * z))
            total = total - alpha / 2 * (1 + variance.log() - mean**2 - variance)
    torch.testing.assert_close(found, total / 3)
    ours, theirs = (torch.autograd.grad(f, network.weight)[0] for f in (found, total / 3))
    torch.testing.assert_close(ours, theirs)


def test_without_the_latent_distribution_the_loss_is_the_likelihood_alone():
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(9, 5, generator=draw)
    codes = torch.where(torch.rand(9, 4, generator=draw) < 0.5, -1.0, 1.0)
    network, batch = one_layer(4), torch.tensor([8, 2])
    learning = LatentLearning(network, (None, x), codes > 0, quick("cmdvh2"), codes)
    expected = torch.log(1 + torch.exp(-codes[batch] * network(x[batch]))).sum(1).mean()
    torch.testing.assert_close(learning.loss(batch), expected)


def test_three_trainings_by_sgd_with_a_slow_rate_for_the_backbone(tiny_pictures, monkeypatch):
    calls, losses, train = [], [], deep.train

    def noted(module, n, **settings):
        calls.append((module, n, settings))
        losses.append(train(module, n, **settings))
        return losses[-1]

    monkeypatch.setattr(deep, "train", noted)
    sgd = {"learning_rate": 0.02, "weight_decay": 0.003}
    others = {"batch_size": 7, "precision": "bfloat16"}
    rates = {"backbone_rate": 1e-5, "decay_every": 1}
    method = quick(**sgd, **others, **rates, seed=9, rounds=3, trainable="last")
    method.fit(tiny_pictures)
    np.testing.assert_array_equal(method.state["loss"], np.stack(losses[1:], axis=1))
    assert [settings["epochs"] for *_, settings in calls] == [3, 2, 2]
    # The rounds of step 1 have one rate.
    assert [s["optimiser"].decay_every for *_, s in calls] == [None, 1, 1]
    for module, n, settings in calls:
        assert {**others, "seed": 9}.items() <= settings.items() and n == 36
        optimiser = settings["optimiser"]
        assert dataclasses.replace(optimiser, rates=(), decay_every=None) == SGD(**sgd)
        slow = {id(p) for part, rate in optimiser.rates for p in part.parameters()}
        assert all(rate == 1e-5 for _, rate in optimiser.rates)
        for key, p in module.network.named_parameters():
            assert (id(p) in slow) == ("stages." in key)
    assert (
        sum(bool(list(part.parameters())) for *_, s in calls for part, _ in s["optimiser"].rates)
        == 2
    )


@pytest.mark.parametrize("head", [None, nn.Sequential(nn.Flatten(), nn.Linear(16, 4))])
def test_a_branch_has_stages_and_head_of_its_own(head):
    stage, x = nn.Conv2d(3, 4, 1), torch.randn(2, 3, 2, 2)
    made = Branch([stage], head, 4, 5, 2)
    features = stage(x).mean((2, 3)) if head is None else head(stage(x))
    torch.testing.assert_close(made(x), made.last(made.hidden(features).relu()))
    slow = {id(p) for p in made.pretrained().parameters()}
    for key, p in made.named_parameters():
        assert (id(p) in slow) == key.startswith(("stages.", "head."))
    given = nn.ModuleList([stage, *([] if head is None else [head])])
    assert not slow & {id(p) for p in given.parameters()}


@pytest.mark.parametrize("trainable", ["all", "last", "none"])
def test_what_is_learned_of_a_backbone(trainable, tiny_pictures, tmp_path):
    options = {"trainable": trainable, "epochs": 1, "rounds": 1}
    method = quick(**options).fit(tiny_pictures)
    still = quick(**options, backbone_rate=0.0).fit(tiny_pictures)
    weights = [k for k in method.state if ".stages." in k and k.endswith("weight")]
    owners = {key.split(".stages.")[0] for key in weights}
    assert owners == (set() if trainable == "none" else {"fusion.image", "image"})
    moved = [k for k in weights if not np.array_equal(method.state[k], still.state[k])]
    assert all(any(k.startswith(f"{owner}.stages") for k in moved) for owner in owners)
    statistics = [k for k in method.state if "running_mean" in k]
    assert all(np.array_equal(method.state[k], still.state[k]) for k in statistics)
    method.save(tmp_path)
    loaded = hashers.load(tmp_path, "cpu")
    assert same(loaded.state, method.state)
    for modality in MODALITIES:
        assert loaded.encode(tiny_pictures, modality) == method.encode(tiny_pictures, modality)
    assert loaded.database_codes(tiny_pictures) == method.database_codes(tiny_pictures)


def test_a_frozen_backbone_is_its_feature_vectors(tiny_pictures):
    vectors = feature_vectors(backbones.create("small"), tiny_pictures.images)
    given = dataclasses.replace(tiny_pictures, images=vectors)
    ours, theirs = (quick(trainable="none").fit(p) for p in (tiny_pictures, given))
    assert ours.encode(tiny_pictures, "image") == theirs.encode(given, "image")
    train = vectors[tiny_pictures.train]
    np.testing.assert_allclose(ours.state["image.stages.0.given_mean"], train.mean(0), rtol=1e-5)


def test_frozen_features_are_of_the_size_asked_for(tiny_pictures):
    vectors = feature_vectors(backbones.create("small"), tiny_pictures.images, size=31)
    given = dataclasses.replace(tiny_pictures, images=vectors)
    ours = quick(trainable="none", size=31).fit(tiny_pictures)
    assert ours.encode(tiny_pictures, "image") == quick().fit(given).encode(given, "image")


@pytest.mark.parametrize("name", NAMES)
def test_beats_random_on_noise(name, noisy_views):
    method = create(name).fit(noisy_views)
    control = scores(hashers.create("random", 16).fit(noisy_views), noisy_views)
    assert min(scores(method, noisy_views)) > max(control) + 0.1
    assert min(scores(method, noisy_views, unified=True)) > max(control) + 0.1


@pytest.mark.parametrize("name", NAMES)
def test_solves_well_separated_clusters(name, two_views):
    method = create(name).fit(two_views)
    assert min(scores(method, two_views)) > 0.9
    assert min(scores(method, two_views, unified=True)) > 0.9
    history, losses = method.state["history"], method.state["loss"]
    assert history.shape[1] == 4
    assert losses.shape == (15, 2) and (losses[-1] < losses[0]).all()


def test_learns_pictures_and_words(tiny_pictures):
    method = create(trainable="last", epochs=30).fit(tiny_pictures)
    codes = {modality: method.encode(tiny_pictures, modality) for modality in MODALITIES}
    labels = tiny_pictures.labels[tiny_pictures.train]
    for of, other in (("image", "text"), ("text", "image")):
        query, among = (codes[m][tiny_pictures.train] for m in (of, other))
        assert mean_average_precision(rank_profile(query, among, labels, labels)) > 0.7


def test_the_gallery_is_b_for_training_samples_and_the_fusion_network_for_others(noisy_views):
    method = quick().fit(noisy_views)
    shuffled = noisy_views.take(np.random.default_rng(0).permutation(160)[:100])
    gallery = method.database_codes(shuffled).signs()
    network = method.fitted()
    with torch.no_grad():
        h = network.fusion(torch.from_numpy(shuffled.images), torch.from_numpy(shuffled.texts))
    learned = {}
    for i, code in zip(noisy_views.train, method.state["codes"], strict=True):
        learned[noisy_views.images[i].tobytes()] = code
    known = [learned.get(image.tobytes()) for image in shuffled.images]
    assert 30 < sum(code is not None for code in known) < 70
    for row, code, own in zip(gallery, known, h.numpy(), strict=True):
        assert np.array_equal(row, np.where(own >= 0, 1, -1) if code is None else code)
    swapped = dataclasses.replace(shuffled, texts=shuffled.texts[::-1].copy())
    assert method.database_codes(swapped) != method.database_codes(shuffled)


def test_before_training_there_is_no_b(noisy_views):
    start = quick().fit(noisy_views).before_training()
    with torch.no_grad():
        h = start.fitted().fusion(*map(torch.from_numpy, (noisy_views.images, noisy_views.texts)))
    assert np.array_equal(start.database_codes(noisy_views).signs() > 0, h.numpy() >= 0)


def test_encoding_goes_by_parts(noisy_views, monkeypatch):
    method = quick().fit(noisy_views)
    gallery, latents = method.database_codes(noisy_views), method.latents(noisy_views, "text")
    monkeypatch.setattr("mmhash_nb.hashers.networks.inputs.BATCH", 7)
    assert method.database_codes(noisy_views) == gallery
    np.testing.assert_allclose(method.latents(noisy_views, "text"), latents, atol=1e-5)


def test_latents_are_what_samples_are_drawn_from(noisy_views):
    method = quick().fit(noisy_views)
    for modality in MODALITIES:
        mean, deviation = method.latents(noisy_views, modality)
        values = branch(method.state, modality, noisy_views.features(modality))
        np.testing.assert_allclose(mean, values[:, :8], atol=1e-5)
        np.testing.assert_allclose(deviation, np.sqrt(np.exp(values[:, 8:])), rtol=1e-4)
        assert np.array_equal(method.encode(noisy_views, modality).signs() > 0, mean >= 0)


@pytest.mark.parametrize("part", ["fusion", "image", "text"])
def test_a_fit_interrupted_in_any_training_resumes(part, noisy_views, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    options = {"rounds": 4, "epochs": 4}
    whole = quick(**options).fit(noisy_views).state
    train = deep.train
    steps = []

    def interrupted(module, n, **settings):
        name, loss = settings["checkpoint"].name, module.loss

        def counted(batch):
            steps.append(name)
            if stop and name == part and steps.count(name) > 12:  # in the third epoch of five steps
                raise KeyboardInterrupt
            return loss(batch)

        module.loss = counted
        return train(module, n, **settings)

    monkeypatch.setattr(deep, "train", interrupted)
    stop = True
    with pytest.raises(KeyboardInterrupt):
        quick(**options).fit(noisy_views, tmp_path)
    stop = False
    steps.clear()
    assert same(quick(**options).fit(noisy_views, tmp_path).state, whole)
    order = ("fusion", "image", "text")
    expected = [
        0 if i < order.index(part) else 10 if x == part else 20 for i, x in enumerate(order)
    ]
    assert [steps.count(x) for x in order] == expected


@pytest.mark.parametrize("bearable", [0.003, 0.0])
def test_a_network_that_diverges_starts_again_at_half_the_rate(
    bearable, noisy_views, monkeypatch, tmp_path
):
    run, tried, starts = deep.train, [], []

    def diverging(module, n, **settings):
        part, rate = settings["checkpoint"].name, settings["optimiser"].learning_rate
        tried.append((part, rate))
        if part.startswith("image"):
            starts.append(torch.cat([weight.flatten() for weight in module.parameters()]))
            if rate > bearable:
                for weight in module.parameters():
                    torch.nn.init.constant_(weight, torch.nan)
                raise FloatingPointError("the loss is nan")
        return run(module, n, **settings)

    monkeypatch.setattr(deep, "train", diverging)
    if not bearable:
        with pytest.raises(FloatingPointError, match="the loss is nan"):
            quick().fit(noisy_views, tmp_path)
        assert [rate for _, rate in tried] == [0.01, 0.01, 0.005, 0.0025, 0.00125]
        return
    state = quick().fit(noisy_views, tmp_path).state
    assert tried == [
        *(("fusion", 0.01), ("image", 0.01), ("image-halved", 0.005)),
        *(("image-halved-halved", 0.0025), ("text", 0.01)),
    ]
    assert all(torch.equal(start, starts[0]) for start in starts)
    assert state["rates"].tolist() == [0.0025, 0.01] and np.isfinite(state["loss"]).all()


def test_each_option_changes_what_is_learned(noisy_views):
    def learned(**options):
        state = quick(**options).fit(noisy_views).state
        return {key: x for key, x in state.items() if key not in ("history", "loss")}

    base = learned()
    for option in (
        {"lambda_": 5.0},
        {"alpha": 5.0},
        {"printed": True},
        {"code_update": "printed"},
        {"batch_size": 10},
    ):
        assert not same(learned(**option), base), option


def test_eq_14_as_printed_needs_the_term_that_bounds_it():
    sentence = "printed=True with variational=False gives a loss without minimum: leave one out."
    with pytest.raises(ValueError, match=re.escape(sentence)):
        quick(printed=True, variational=False)


def test_what_is_not_there_is_named(noisy_views, tiny_pictures):
    method = quick("cmdvh2").fit(noisy_views)
    with pytest.raises(ValueError, match="cmdvh2 has variational=False and so no latent"):
        method.latents(noisy_views, "image")
    with pytest.raises(ValueError, match="cmdvh2 does not encode 'joint'"):
        method.latents(noisy_views, "joint")
    with pytest.raises(ValueError, match="was fitted to images as 20-dimensional features"):
        method.encode(tiny_pictures, "image")
