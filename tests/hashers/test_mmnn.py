"""MM-NN, CM-NN and NN hash against the paper's equations, and on sets they must solve."""

import math

import numpy as np
import pytest
import torch

from mmhash_nb import hashers
from mmhash_nb.hashers.mmnn import CoupledSiamese, Siamese, margin_for, network
from mmhash_nb.metrics import mean_average_precision
from mmhash_nb.ranking import rank_profile

COUPLED = ["mmnn_l1", "mmnn_l2", "cmnn_l1", "cmnn_l2"]
ALL = [*COUPLED, "nnhash_l1", "nnhash_l2"]
QUICK = {"epochs": 8, "batch_size": 50}


def mean_ap(method, pairs, query, database):
    codes = {m: method.encode(pairs, m) for m in (query, database)}
    return mean_average_precision(
        rank_profile(
            codes[query][pairs.query],
            codes[database][pairs.database],
            pairs.labels[pairs.query],
            pairs.labels[pairs.database],
        )
    )


def test_margins_are_the_rule_of_thumb_and_between_it():
    assert [margin_for(m) for m in (12, 24, 48, 64, 256)] == [3, 5, 5, 7, 16]
    assert margin_for(32) == 5
    assert 3 < margin_for(16) < 5 and 7 < margin_for(128) < 16
    for m in (4, 8, 512):  # never out of reach of tanh outputs, whose distance is at most √(4m)
        assert 0 < margin_for(m) < math.sqrt(4 * m)


def naive_objective(x, y, labels, alpha, margin):
    """Eq. 7 with each expectation (Eq. 1) as a loop over its pairs."""

    def term(a, b):
        pull, push = [], []
        for i in range(len(a)):
            for j in range(len(b)):
                distance = math.dist(a[i], b[j])
                if (labels[i] & labels[j]).any():
                    pull.append(distance**2 / 2)
                else:
                    push.append(max(0.0, margin - distance) ** 2 / 2)
        return sum(pull) / len(pull) + sum(push) / len(push)

    return term(x, y) + alpha * (term(x, x) + term(y, y))


@pytest.mark.parametrize(("name", "alpha"), [("mmnn_l1", 0.5), ("cmnn_l2", 0.0)])
def test_objective_is_equation_7(name, alpha, rng):
    x, y = rng.uniform(-1, 1, (2, 6, 12))
    labels = np.eye(3, dtype=bool)[[0, 1, 2, 0, 1, 1]]
    method = hashers.create(name, 12)
    outputs = {"image": torch.from_numpy(x), "text": torch.from_numpy(y)}
    similar = torch.from_numpy((labels.astype(int) @ labels.T.astype(int)) > 0)
    ours = method.objective(outputs, similar).item()
    assert ours == pytest.approx(naive_objective(x, y, labels, alpha, margin=3.0))


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
            assert mean_ap(method, two_views, query, database) > 0.97, task


def test_nn_hash_learns_each_modality_without_the_other(two_views):
    """Changing the texts changes nothing on the image side; for the coupled network it does."""
    import dataclasses

    shuffled = dataclasses.replace(two_views, texts=np.ascontiguousarray(two_views.texts[:, ::-1]))
    for name, independent in [("nnhash_l1", True), ("cmnn_l1", False)]:
        one = hashers.create(name, 12, **QUICK).fit(two_views).encode(two_views, "image")
        two = hashers.create(name, 12, **QUICK).fit(shuffled).encode(two_views, "image")
        assert (one == two) is independent


@pytest.mark.parametrize("name", ["mmnn_l2", "nnhash_l1"])
def test_beats_random_codes_on_noisy_views_and_not_on_shuffled_labels(name, noisy_views):
    import dataclasses

    random = hashers.create("random", 24).fit(noisy_views)
    chance = mean_ap(random, noisy_views, "image", "image")
    method = hashers.create(name, 24, **QUICK).fit(noisy_views)
    assert mean_ap(method, noisy_views, "image", "image") > chance + 0.1
    # Trained on labels that mean nothing, it must fall back to what the raw features give.
    order = np.random.default_rng(0).permutation(len(noisy_views))
    blind = dataclasses.replace(noisy_views, labels=noisy_views.labels[order])
    codes = hashers.create(name, 24, **QUICK).fit(blind).encode(noisy_views, "image")
    q, d = noisy_views.query, noisy_views.database
    profile = rank_profile(codes[q], codes[d], noisy_views.labels[q], noisy_views.labels[d])
    assert mean_average_precision(profile) < mean_ap(method, noisy_views, "image", "image") - 0.1


def test_training_never_reads_queries_or_the_rest_of_the_database(two_views):
    import dataclasses

    outside = np.setdiff1d(np.arange(len(two_views)), two_views.train)
    images, labels = two_views.images.copy(), two_views.labels.copy()
    images[outside] = 7.0
    labels[outside] = True
    changed = dataclasses.replace(two_views, images=images, labels=labels)
    one = hashers.create("mmnn_l1", 12, **QUICK).fit(two_views)
    two = hashers.create("mmnn_l1", 12, **QUICK).fit(changed)
    assert all(np.array_equal(one.state[key], two.state[key]) for key in one.state)


@pytest.mark.parametrize("name", ["mmnn_l2", "nnhash_l2"])
def test_same_seed_same_codes_other_seed_other_codes_and_save_keeps_them(name, two_views, tmp_path):
    one, same, other = (
        hashers.create(name, 12, seed, **QUICK).fit(two_views) for seed in (0, 0, 1)
    )
    codes = one.encode(two_views, "text")
    assert codes == same.encode(two_views, "text")
    assert codes != other.encode(two_views, "text")
    one.save(tmp_path)
    again = hashers.load(tmp_path)
    assert again.encode(two_views, "text") == codes and again.name == name


def test_wrong_options_are_named():
    with pytest.raises(TypeError, match="has no option 'layer'; it has layers, alpha, hidden"):
        CoupledSiamese(8, layer=2)
    with pytest.raises(TypeError, match="no option 'alpha'"):
        Siamese(8, alpha=1.0)
    with pytest.raises(ValueError, match="layers must be 1 or 2, but is 3"):
        network(4, 8, 3, 5)
