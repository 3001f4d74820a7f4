"""The methods with a single code on tiny pictures: they learn, are saved, resumed and shown."""

import dataclasses

import numpy as np
import pytest
import torch
from deep_cases import same
from scipy import sparse

from mmhash_nb import hashers
from mmhash_nb.datasets import load
from mmhash_nb.features import backbones
from mmhash_nb.hashers import mah
from mmhash_nb.metrics import mean_average_precision
from mmhash_nb.ranking import rank_profile

BITS = 16
DEEP = hashers.names("zeng2022")
IMAGE, JOINT = (
    ["dpsh", "dsh", "hashnet", "dth", "csq"],
    ["concat", "gmu", "mcb", "mah", "mah_no_kn"],
)


def create(name, seed=0, device="cpu", bits=BITS, **options):
    """Settings with which each method tells the classes apart for seed 0 (joint: 20 epochs of
    two batches at a smaller rate, at which two classes do not end in one code)."""
    joint = name not in (*IMAGE, "texthash")
    defaults = hashers.method_class(name).defaults
    small = {
        **{"text_hidden": 32, "text_features": 16, "trainable": "none", "epochs": 20},
        **{"batch_size": 18 if joint else 12, "learning_rate": 1e-3 if joint else 3e-3},
    }
    small = {key: value for key, value in small.items() if key in defaults}
    return hashers.create(name, bits, seed, device=device, **{**small, **options})


def quick(name, **options):
    return create(name, **{"epochs": 2, **options})


def codes(method, pairs):
    return method.encode(pairs, method.modalities[0])


def score(method, pairs):
    """mAP of the training samples among themselves."""
    signs, labels = codes(method, pairs)[pairs.train], pairs.labels[pairs.train]
    return mean_average_precision(rank_profile(signs, signs, labels, labels))


@pytest.mark.parametrize("name", [name for name in DEEP if name != "mah_printed"])
def test_every_method_learns_its_training_samples(name, tiny_pictures):
    control = score(hashers.create("random", BITS).fit(tiny_pictures), tiny_pictures)
    method = create(name).fit(tiny_pictures)
    assert control < 0.6 < 0.9 < score(method, tiny_pictures)
    history = method.state["loss"]
    assert len(history) == 20 and history[-1] < history[0]


def test_as_printed_all_samples_get_nearly_the_same_values(tiny_pictures):
    """The printed operations shrink map and text: the code layer's bias is far larger than both."""
    method = create("mah_printed").fit(tiny_pictures)
    values = method._project(tiny_pictures, "joint")
    assert np.ptp(values, axis=0).max() < 1e-3
    assert score(method, tiny_pictures) < 0.6


def test_as_printed_the_sum_outweighs_weight_decay_and_the_mean_does_not():
    """The gradient of text and code layers against that of weight decay, after four steps.

    Neither is above it at the start. Biases, which start at 0, do not decay: under the sum they
    open the way to the weights at once.
    """
    pairs = load("scenes", n=200)
    pairs = pairs.take(pairs.train)
    options = {"trainable": "none", "text_hidden": 256, "text_features": 512, "reduction": "mean"}
    mean = create("mah_printed", bits=32, learning_rate=3e-3, **options)
    total = create("mah_printed", bits=32, learning_rate=3e-3, **{**options, "reduction": "sum"})
    inputs, labels = mean.inputs(pairs, torch.device("cpu")), torch.from_numpy(pairs.labels)
    above = {}
    for method in (mean, total):
        network = method.unfitted(pairs.texts.shape[1]).train()
        objective = method.objective_class(network, inputs, labels, method)
        weights = [p for p in network.parameters() if p.requires_grad]
        adam = method.optimiser().over(weights)
        for _ in range(5):
            adam.zero_grad()
            objective.loss(torch.arange(len(labels))).backward()
            adam.step()
        layers = (network.text1[0], network.text2[0], network.code)
        above[method.options.reduction] = [
            layer.weight.grad.norm().item() / (1e-5 * layer.weight.norm().item())
            for layer in layers
        ]
    assert max(above["mean"]) < 0.2 and min(above["sum"]) > 100


def test_fine_tuning_changes_the_stages_it_may(tiny_pictures):
    start = quick("dth", trainable="last", learning_rate=1e-9).fit(tiny_pictures).state
    tuned = quick("dth", trainable="last").fit(tiny_pictures).state
    key = "stages.0.0.weight"
    assert np.abs(tuned[key] - start[key]).max() > 1e-3
    assert np.array_equal(tuned["stages.0.1.running_mean"], start["stages.0.1.running_mean"])


@pytest.mark.parametrize("statistics", ["fixed", "batch"])
@pytest.mark.parametrize("name", ["mah", "mah_printed", "concat", "csq"])
def test_the_last_stage_learns_by_a_switch_and_so_do_its_statistics(
    name, statistics, tiny_pictures, tmp_path
):
    first = backbones.create("small").stages[3].state_dict()
    method = quick(name, trainable="last", statistics=statistics, learning_rate=1e-2)
    method.fit(tiny_pictures)
    learned = {key: torch.from_numpy(method.state[f"stages.0.{key}"]) for key in (
        "0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var"
    )}  # fmt: skip
    moved = {key for key, value in learned.items() if not torch.equal(value, first[key])}
    weights = {"0.weight", "1.weight", "1.bias"}
    assert moved == (weights if statistics == "fixed" else {*learned})
    method.save(tmp_path)
    loaded, modality = hashers.load(tmp_path, "cpu"), method.modalities[0]
    values = method._project(tiny_pictures, modality)
    assert np.array_equal(loaded._project(tiny_pictures, modality), values)
    assert codes(loaded, tiny_pictures) == codes(method, tiny_pictures)
    alone = method._project(tiny_pictures.take(np.arange(3)), modality)
    np.testing.assert_allclose(alone, values[:3], rtol=1e-4, atol=1e-5)  # no statistics of a batch


def test_statistics_of_a_batch_undo_what_attention_as_printed_shrinks(tiny_pictures):
    """Softmax makes the map C times smaller; normalised again, it is as large as it was."""
    found = {}
    for statistics in ("fixed", "batch"):
        method = quick("mah_printed", trainable="last", statistics=statistics, kernel="none")
        network = method.unfitted(tiny_pictures.texts.shape[1]).train()
        image, text = (part.float() for part in method.inputs(tiny_pictures, torch.device("cpu")))
        network.operations[1] = Kept()
        found[statistics] = network.features(image, text)[0].std(dim=(0, 2, 3)).mean().item()
    plain = quick("concat", trainable="last").unfitted(tiny_pictures.texts.shape[1])
    whole = plain.features(image, text)[0].std(dim=(0, 2, 3)).mean().item()
    assert found["fixed"] < 0.1 * whole < 0.5 * whole < found["batch"]


class Kept(torch.nn.Module):
    """An operation that changes nothing."""

    def forward(self, image, text):
        return image, text


def test_statistics_of_batches_are_refused_over_frozen_stages():
    sentence = r"concat: statistics='batch' is for stages that learn, but trainable='none' freezes"
    with pytest.raises(ValueError, match=sentence):
        create("concat", statistics="batch")
    create("concat", statistics="batch", trainable="all")


@pytest.mark.parametrize("name", ["dth", "texthash", "concat"])
def test_a_method_reads_the_modalities_of_its_branch_alone(name, tiny_pictures):
    branch = hashers.method_class(name).modalities[0]
    base = quick(name).fit(tiny_pictures)
    others = {
        "image": dataclasses.replace(tiny_pictures, images=255 - tiny_pictures.images),
        "text": dataclasses.replace(tiny_pictures, texts=1 - tiny_pictures.texts),
    }
    for modality, changed in others.items():
        read = branch in (modality, "joint")
        assert same(quick(name).fit(changed).state, base.state) != read
        values = [base._project(pairs, branch) for pairs in (changed, tiny_pictures)]
        assert np.array_equal(*values) != read


@pytest.mark.parametrize("name", ["texthash", "mah"])
def test_sparse_texts_give_the_codes_of_dense_ones(name, tiny_pictures):
    texts = sparse.csr_matrix(tiny_pictures.texts)
    compressed = dataclasses.replace(tiny_pictures, texts=texts)
    dense, other = quick(name).fit(tiny_pictures), quick(name).fit(compressed)
    assert same(dense.state, other.state)
    assert codes(dense, compressed) == codes(dense, tiny_pictures)


def test_images_are_scaled_to_the_size_asked_for(tiny_pictures):
    seen = []
    for trainable in ("all", "last", "none"):
        method = quick("mah", trainable=trainable, size=31)
        seen.append(method.inputs(tiny_pictures, torch.device("cpu"))[0].shape[1:])
    assert seen == [(3, 31, 31), (88, 4, 4), (88, 4, 4)]
    assert quick("dth").inputs(tiny_pictures, torch.device("cpu"))[0].shape[1:] == (128, 4, 4)


def test_what_a_branch_cannot_read_is_named(tiny_pictures, two_views):
    sentence = "images of clusters are 20-dimensional features, but dth works on pixels: load the"
    with pytest.raises(ValueError, match=sentence):
        quick("dth").fit(two_views)
    quick("texthash").fit(two_views)
    silent = dataclasses.replace(tiny_pictures, texts=np.zeros((48, 0), np.float32))
    quick("dth").fit(silent)
    for name in ("texthash", "mah"):
        with pytest.raises(ValueError, match=f"pictures has no texts, which {name} hashes"):
            quick(name).fit(silent)


@pytest.mark.parametrize("trainable", ["all", "none"])
def test_attend_shows_what_is_selected(tiny_pictures, trainable):
    method = create("mah", trainable=trainable, epochs=3).fit(tiny_pictures)
    first, second = method.attend(tiny_pictures)
    n, v = tiny_pictures.texts.shape
    assert [first.maps.shape, second.maps.shape] == [(n, 88, 4, 4), (n, 128, 4, 4)]
    for attended, channels, units in ((first, 88, 32), (second, 128, 16)):
        assert attended.channels.shape == (n, channels) and attended.units.shape == (n, units)
        np.testing.assert_allclose(attended.channels.sum(1), 1, rtol=1e-5)
        np.testing.assert_allclose(attended.units.sum(1), 1, rtol=1e-5)
    assert second.words is None and first.words.shape == (n, v)
    assert (first.words[tiny_pictures.texts == 0] == 0).all()
    total = first.words.sum(1)
    assert (total <= 1 + 1e-5).all() and total.max() > 0.1


@pytest.mark.parametrize("kernel", ["residual", "printed"])  # printed factors may be negative
def test_attend_goes_by_parts_and_divides_the_attention_of_excited_units(
    tiny_pictures, monkeypatch, kernel
):
    method = create("mah", epochs=3, kernel=kernel).fit(tiny_pictures)
    inputs = method.inputs(tiny_pictures, torch.device("cpu"))
    seen = method.fitted().attention(inputs[0].float(), inputs[1])
    monkeypatch.setattr("mmhash_nb.hashers.networks.inputs.BATCH", 7)
    attended = method.attend(tiny_pictures)
    for one, (maps, _, channels, units) in zip(attended, seen, strict=True):
        for ours, theirs in ((one.maps, maps), (one.channels, channels), (one.units, units)):
            np.testing.assert_allclose(ours, theirs.detach(), rtol=1e-4, atol=1e-6)
    weight, texts = method.state["text1.0.weight"], tiny_pictures.texts
    excited = texts @ weight.T + method.state["text1.0.bias"] > 0
    assert excited.any() and not excited.all()
    expected = naive_shares(attended[0].units * excited, weight, texts)
    np.testing.assert_allclose(attended[0].words, expected, rtol=1e-4, atol=1e-7)


def naive_shares(attention, weight, texts):
    shares = np.zeros(texts.shape)
    for n, text in enumerate(texts):
        for k, row in enumerate(weight):
            parts = [max(0.0, w * count) for w, count in zip(row, text, strict=True)]
            for word, part in enumerate(parts):
                if part > 0:
                    shares[n, word] += attention[n, k] * part / sum(parts)
    return shares


def test_shares_are_a_triple_loop(rng):
    texts = (rng.integers(0, 3, (5, 6)) * (rng.random((5, 6)) < 0.7)).astype(np.float32)
    texts[4] = 0
    attention, weight = rng.dirichlet(np.ones(4), 5), rng.normal(size=(4, 6))
    weight[2] = -1  # a unit that no word excites
    shares = mah._shares(attention, weight, texts)
    np.testing.assert_allclose(shares, naive_shares(attention, weight, texts), rtol=1e-5)
    assert not shares[4].any()


def test_attend_is_refused_where_nothing_attends(tiny_pictures):
    with pytest.raises(RuntimeError, match="mah is not fitted: call fit first"):
        quick("mah").attend(tiny_pictures)
    with pytest.raises(ValueError, match="mah_no_an was fitted with attention='none'"):
        quick("mah_no_an").fit(tiny_pictures).attend(tiny_pictures)
