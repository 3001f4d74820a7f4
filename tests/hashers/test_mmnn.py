"""MM-NN, CM-NN and NN hash against the paper's equations, and on sets they must solve."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from retrieval import score
from table_cases import table_rows

from mmhash_nb import hashers
from mmhash_nb.hashers import siamese
from mmhash_nb.hashers.base import share_label
from mmhash_nb.hashers.mmnn import MMNN
from mmhash_nb.hashers.siamese import margin_for, network
from mmhash_nb.training import loop as training
from mmhash_nb.training.loop import Plateau
from mmhash_nb.training.optimisers import Adam

COUPLED = ["mmnn_l1", "mmnn_l2", "cmnn_l1", "cmnn_l2"]
ALL = [*COUPLED, "nnhash_l1", "nnhash_l2"]
QUICK = {"epochs": 40, "batch_size": 50}


def test_margins_are_the_rule_of_thumb_and_between_it():
    assert [margin_for(m) for m in (12, 24, 48, 64, 256)] == [3, 5, 5, 7, 16]
    assert margin_for(32) == 5
    assert 3 < margin_for(16) < 5 and 7 < margin_for(128) < 16
    for m in (4, 8, 512):  # never out of reach of tanh outputs, whose distance is at most √(4m)
        assert 0 < margin_for(m) < math.sqrt(4 * m)


def naive_objective(x, y, labels, alpha, margin, balanced=False):
    """Eq. 7 as loops over pairs: the mean over all, or of both kinds (Eq. 1)."""

    def term(a, b):
        pull, push = [], []
        for i in range(len(a)):
            for j in range(len(b)):
                distance = math.dist(a[i], b[j])
                if (labels[i] & labels[j]).any():
                    pull.append(distance**2 / 2)
                else:
                    push.append(max(0.0, margin - distance) ** 2 / 2)
        if not balanced:
            return sum(pull + push) / len(pull + push)
        return sum(pull) / len(pull) + sum(push) / len(push)

    return term(x, y) + alpha * (term(x, x) + term(y, y))


@pytest.mark.parametrize(("name", "options", "expected"), table_rows("mmnn_objectives"))
def test_objective_is_equation_7(name, options, expected, rng):
    x, y = rng.uniform(-1, 1, (2, 6, 12))
    labels = np.eye(3, dtype=bool)[[0, 1, 2, 0, 1, 1]]
    method = hashers.create(name, 12, **options)
    outputs = {"image": torch.from_numpy(x), "text": torch.from_numpy(y)}
    similar = torch.from_numpy((labels.astype(int) @ labels.T.astype(int)) > 0)
    ours = method.objective(outputs, similar).item()
    assert ours == pytest.approx(naive_objective(x, y, labels, **expected))


def test_nn_hash_minimises_equation_5(rng):
    x = rng.uniform(-1, 1, (6, 12))
    labels = np.eye(3, dtype=bool)[[0, 1, 2, 0, 1, 1]]
    similar = torch.from_numpy((labels.astype(int) @ labels.T.astype(int)) > 0)
    method = hashers.create("nnhash_l1", 12, margin=1.5)
    ours = method.objective({"text": torch.from_numpy(x)}, similar).item()
    assert ours == pytest.approx(naive_objective(x, x, labels, alpha=0.0, margin=1.5))


@pytest.fixture
def trainings(monkeypatch):
    """Calls of the training loop, which does not train: (objective, samples, settings)."""
    calls = []

    def train(*arguments, **settings):
        calls.append((*arguments, settings))
        return [0.0]

    monkeypatch.setattr(siamese, "train", train)
    return calls


SCHEDULE = {
    **{"epochs": 3, "batch_size": 7, "optimiser": "adam", "learning_rate": 0.25},
    **{"weight_decay": 0.125, "tolerance": 0.5, "patience": 4},
}


@pytest.mark.parametrize(("name", "folders"), [("mmnn_l1", [""]), ("nnhash_l2", ["image", "text"])])
def test_options_reach_the_training_loop(two_views, trainings, tmp_path, name, folders):
    hashers.create(name, 9, 5, device="cpu", **SCHEDULE).fit(two_views, tmp_path)
    for folder, (_, n_samples, settings) in zip(folders, trainings, strict=True):
        assert n_samples == len(two_views.train)
        assert settings == {
            **{"epochs": 3, "batch_size": 7, "plateau": Plateau(0.5, 4)},
            "optimiser": Adam(learning_rate=0.25, weight_decay=0.125),
            "seed": 5,
            "device": torch.device("cpu"),
            "checkpoint": tmp_path / folder,
            "label": f"{name} 9 bits seed 5",
        }


def test_two_samples_are_similar_when_they_share_a_label(two_views, trainings, monkeypatch):
    labels = two_views.labels | np.roll(two_views.labels, 1, axis=1) & (two_views.images[:, :1] > 0)
    several = dataclasses.replace(two_views, labels=labels)
    trained = labels[two_views.train]
    assert set(trained.sum(1)) == {1, 2}
    seen = []
    objective = MMNN.objective

    def spy(self, outputs, similar):
        seen.append((outputs, similar))
        return objective(self, outputs, similar)

    monkeypatch.setattr(MMNN, "objective", spy)
    method = hashers.create("mmnn_l1", 8).fit(several)
    ((trained_on, _, _),) = trainings
    batch = [40, 3, 11, 22, 79, 0, 1, 2]
    trained_on.loss(torch.tensor(batch))
    ((outputs, similar),) = seen
    expected = share_label(trained[batch], trained[batch])
    assert np.array_equal(similar.numpy(), expected)
    one_label = (trained[batch][:, None] == trained[batch]).all(2)
    assert (expected != one_label).any() and not expected.all()
    # And the outputs are those of the same samples.
    for modality, values in outputs.items():
        codes = method.encode(several, modality)[two_views.train[batch]]
        assert np.array_equal(values.detach().numpy() >= 0, codes.signs() > 0)


def test_networks_start_from_units_of_unit_variance():
    torch.manual_seed(0)
    first, _, second, _ = network(400, 300, 2, 250)
    (only, _) = network(400, 300, 1, 250)
    assert [tuple(m.weight.shape) for m in (first, second, only)] == [
        *((250, 400), (300, 250), (300, 400))
    ]
    for layer, std in ((first, 1.0), (second, 250**-0.5), (only, 1.0)):
        assert layer.weight.std().item() == pytest.approx(std, rel=0.02)
        assert abs(layer.weight.mean().item()) < 0.02 * std
        assert not layer.bias.any()


@pytest.mark.parametrize("name", ["mmnn_l2", "nnhash_l1"])
def test_fitting_leaves_the_callers_random_streams_and_threads_alone(name, two_views):
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), torch.get_num_threads()  # noqa: NPY002
    hashers.create(name, 8, **QUICK).fit(two_views)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert torch.get_num_threads() == before[2]


def test_a_checkpoint_of_another_code_length_is_not_used(two_views, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    hashers.create("mmnn_l1", 8, **QUICK).fit(two_views, tmp_path)
    assert (tmp_path / "training.safetensors").is_file()
    longer = hashers.create("mmnn_l1", 16, **QUICK).fit(two_views, tmp_path)
    afresh = hashers.create("mmnn_l1", 16, **QUICK).fit(two_views)
    assert all(np.array_equal(longer.state[key], afresh.state[key]) for key in afresh.state)


def test_encoding_is_the_sign_of_the_network(two_views):
    for name in ("mmnn_l1", "mmnn_l2"):
        method = hashers.create(name, 12, hidden=7, **QUICK).fit(two_views)
        layers = 1 if name.endswith("1") else 2
        net = network(two_views.images.shape[1], 12, layers, 7)
        prefix = "image."
        weights = {
            k.removeprefix(prefix): torch.from_numpy(v)
            for k, v in method.state.items()
            if k.startswith(prefix) and k[len(prefix)].isdigit()
        }
        net.load_state_dict(weights)
        x = two_views.images - two_views.images[two_views.train].mean(0)
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
        with torch.no_grad():
            expected = net(torch.from_numpy(x)).numpy() >= 0
        assert np.array_equal(method.encode(two_views, "image").signs() > 0, expected)


@pytest.mark.parametrize("name", ALL)
def test_solves_separated_clusters_in_every_direction_it_has(name, two_views):
    method = hashers.create(name, 24, **QUICK).fit(two_views)
    for task in ["image-image", "text-text", "image-text", "text-image"]:
        query, database = task.split("-")
        if query == database or method.cross_modal:
            assert score(method, two_views, query, database) > 0.97, task


def test_nn_hash_learns_each_modality_without_the_other(two_views):
    """Changing the texts changes nothing on the image side; for the coupled network it does."""
    shuffled = dataclasses.replace(two_views, texts=np.ascontiguousarray(two_views.texts[:, ::-1]))
    for name, independent in [("nnhash_l1", True), ("cmnn_l1", False)]:
        one = hashers.create(name, 12, **QUICK).fit(two_views).encode(two_views, "image")
        two = hashers.create(name, 12, **QUICK).fit(shuffled).encode(two_views, "image")
        assert (one == two) is independent


@pytest.mark.parametrize("name", ["mmnn_l2", "nnhash_l1"])
def test_beats_random_codes_on_noisy_views_and_not_on_shuffled_labels(name, noisy_views):
    random = hashers.create("random", 24).fit(noisy_views)
    chance = score(random, noisy_views, "image", "image")
    method = hashers.create(name, 24, **QUICK).fit(noisy_views)
    assert score(method, noisy_views, "image", "image") > chance + 0.1
    # Trained on labels that mean nothing, it must fall back to what the raw features give.
    order = np.random.default_rng(0).permutation(len(noisy_views))
    blind = dataclasses.replace(noisy_views, labels=noisy_views.labels[order])
    fallen = score(hashers.create(name, 24, **QUICK).fit(blind), noisy_views, "image", "image")
    assert fallen < score(method, noisy_views, "image", "image") - 0.1
