"""What the deep methods share: learning, saving, resuming, refusing."""

import dataclasses
import re

import numpy as np
import pytest
import torch
from deep_cases import BITS, DEEP, create, quick, same, scores

from mmhash_nb import hashers
from mmhash_nb.hashers import deep
from mmhash_nb.hashers.dcmh import PairwiseLikelihood
from mmhash_nb.training import loop as training
from mmhash_nb.training.optimisers import Adam

#: each class once
CLASSES = ["aadah", "dcmh", "prdh", "dvsh"]
BAGS = ["aadah", "dcmh", "prdh"]
MODALITIES = ("image", "text")


def values(method, pairs):
    return {m: method._project(pairs, m) for m in MODALITIES}


@pytest.mark.parametrize("name", [name for name in DEEP if name != "aadah_cnn_f"])
def test_every_method_learns_its_training_samples(name, tiny_pictures):
    control = scores(hashers.create("random", BITS).fit(tiny_pictures), tiny_pictures)
    method = create(name).fit(tiny_pictures)
    assert max(control) < 0.45 < 0.65 < min(scores(method, tiny_pictures))
    history = method.state["loss"]
    assert len(history) == method.options["epochs"] and history[-1] < history[0]


@pytest.mark.parametrize("trainable", ["all", "last", "none"])
@pytest.mark.parametrize("name", [*CLASSES, "mah", "csq"])
def test_save_and_load_keep_codes_and_only_what_was_learned(
    name, trainable, tiny_pictures, tmp_path
):
    method = quick(name, trainable=trainable).fit(tiny_pictures)
    method.save(tmp_path)
    loaded = hashers.load(tmp_path, "cpu")
    assert same(loaded.state, method.state)
    for modality in method.modalities:
        codes = method.encode(tiny_pictures, modality)
        assert loaded.encode(tiny_pictures, modality) == codes and codes.n_bits == BITS
    stages = {key.split(".")[1] for key in method.state if key.startswith("stages.")}
    assert stages == {"all": set("1234"), "last": {"0"}, "none": set()}[trainable]


def test_networks_start_from_the_seed_alone():
    torch.manual_seed(99)
    weights = [create("dcmh", s).unfitted(7).state_dict()["text_code.weight"] for s in (4, 4, 5)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


@pytest.mark.parametrize("trainable", ["none", "last"])
@pytest.mark.parametrize("name", [*CLASSES, "mah", "hashnet"])
def test_a_resumed_fit_ends_as_an_uninterrupted_one(
    name, trainable, tiny_pictures, tmp_path, monkeypatch
):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    options = {"trainable": trainable, "epochs": 4, "decay_every": 2}
    whole = quick(name, **options).fit(tiny_pictures).state
    learning, seen = hashers.method_class(name).objective_class, []
    on_epoch = learning.on_epoch

    def interrupt(self, epoch):
        if epoch == 3:
            raise KeyboardInterrupt
        on_epoch(self, epoch)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(learning, "on_epoch", interrupt)
        quick(name, **options).fit(tiny_pictures, tmp_path)
    monkeypatch.setattr(
        learning, "on_epoch", lambda self, e: (seen.append(e), on_epoch(self, e))[1]
    )
    assert same(quick(name, **options).fit(tiny_pictures, tmp_path).state, whole)
    assert seen == [3]


@pytest.mark.parametrize("name", CLASSES)
def test_encoding_goes_by_parts(name, tiny_pictures, monkeypatch):
    method = quick(name).fit(tiny_pictures)
    whole = values(method, tiny_pictures)
    monkeypatch.setattr("mmhash_nb.hashers.networks.inputs.BATCH", 7)
    for modality, part in values(method, tiny_pictures).items():
        assert part.shape == (48, BITS) and part.dtype == np.float32
        np.testing.assert_allclose(part, whole[modality], atol=1e-5)


@pytest.mark.parametrize("name", CLASSES)
def test_what_cannot_be_read_is_named(name, tiny_pictures):
    silent = dataclasses.replace(tiny_pictures, texts=np.zeros((48, 0), np.float32))
    with pytest.raises(ValueError, match=f"pictures has no texts, which {name} hashes."):
        quick(name).fit(silent)
    names = "small, resnet18, mobilenet_v2, vgg19, cnn_f"
    with pytest.raises(ValueError, match=f"{name}: backbone must be one of {names}, but is 'vgg'"):
        quick(name, backbone="vgg")
    for size in (1, 30, 1025, 10**9):
        with pytest.raises(ValueError, match=f"size must be .* at least 31 and at most .* {size}"):
            quick(name, size=size)
    alone = dataclasses.replace(tiny_pictures, train=tiny_pictures.train[:1])
    with pytest.raises(ValueError, match="training needs at least 2 samples, but there is 1"):
        quick(name).fit(alone)


@pytest.fixture
def tiny_vectors(tiny_pictures):
    """The tiny pictures as 12-dimensional vectors of their colours, far from 0 and small."""
    colours = tiny_pictures.images.reshape(48, 3, 4, -1).mean(axis=3).reshape(48, 12)
    return dataclasses.replace(tiny_pictures, images=(5 + colours / 25500).astype(np.float32))


@pytest.mark.parametrize("name", ["aadah_textual", "dcmh", "prdh", "dvsh"])
def test_image_vectors_take_the_place_of_maps(name, tiny_vectors, tmp_path):
    method = create(name, epochs=60).fit(tiny_vectors)
    assert min(scores(method, tiny_vectors)) > 0.65
    train = tiny_vectors.images[tiny_vectors.train]
    assert np.allclose(method.state["stages.0.given_mean"], train.mean(axis=0))
    spread = np.sqrt(np.square(train - train.mean(axis=0)).mean())
    assert np.allclose(method.state["stages.0.given_scale"], spread, rtol=1e-3)
    method.save(tmp_path)
    loaded = hashers.load(tmp_path, "cpu")
    assert same(loaded.state, method.state)
    assert loaded.encode(tiny_vectors, "image") == method.encode(tiny_vectors, "image")
    start = method.before_training()
    assert np.array_equal(start.state["stages.0.given_mean"], method.state["stages.0.given_mean"])
    assert start.encode(tiny_vectors, "image") != method.encode(tiny_vectors, "image")


def test_neither_shift_nor_scale_of_image_vectors_matters(tiny_vectors):
    other = dataclasses.replace(tiny_vectors, images=40 * tiny_vectors.images - 3)
    codes = [quick("dcmh").fit(pairs).encode(pairs, "image") for pairs in (tiny_vectors, other)]
    assert (codes[0].signs() != codes[1].signs()).mean() < 0.05


def test_images_must_be_of_the_kind_of_training(tiny_pictures, tiny_vectors):
    sentence = (
        "dcmh was fitted to images as 12-dimensional features, but those of pictures are pixels: "
        "encode images as they were in training."
    )
    with pytest.raises(ValueError, match=sentence):
        quick("dcmh").fit(tiny_vectors).encode(tiny_pictures, "image")
    sentence = "as pixels, but those of pictures are 12-dimensional features"
    with pytest.raises(ValueError, match=sentence):
        quick("dcmh").fit(tiny_pictures).encode(tiny_vectors, "image")


def test_a_visual_mask_needs_positions(tiny_vectors):
    for name in ("aadah", "aadah_visual"):
        with pytest.raises(ValueError, match=f"without positions for the visual mask of {name}: "):
            quick(name).fit(tiny_vectors)


def test_dvsh_reads_words(tiny_pictures):
    topics = dataclasses.replace(tiny_pictures, texts=tiny_pictures.texts / 3)
    with pytest.raises(ValueError, match="texts of pictures have fractions and so are no counts"):
        quick("dvsh").fit(topics)


@pytest.mark.parametrize("more", [-1, 1, -15])  # a layer over words would take fewer columns
@pytest.mark.parametrize("name", [*CLASSES, "texthash", "concat"])
def test_another_vocabulary_or_another_state_is_refused(name, more, tiny_pictures):
    method = quick(name).fit(tiny_pictures)
    modality, texts = method.modalities[-1], np.zeros((48, 24 + more), np.float32)
    texts[:, :3] = tiny_pictures.texts[:, :3]
    other = dataclasses.replace(tiny_pictures, texts=texts)
    sentence = (
        f"{name} was fitted to texts of 24 words, but those of pictures have {24 + more}: encode "
        "texts of the same vocabulary."
    )
    with pytest.raises(ValueError, match=re.escape(sentence)):
        method.encode(other, modality)
    if modality == "text" and name in CLASSES:
        assert method.encode(other, "image") == method.encode(tiny_pictures, "image")
    bias = f"{modality}_code.bias" if name in CLASSES else "code.bias"
    del method.state[bias]
    sentence = f"{name} was fitted to other data or by another version: its {bias} does not fit. F"
    with pytest.raises(ValueError, match=re.escape(sentence)):
        method.encode(tiny_pictures, modality)


def test_training_takes_all_its_options(tiny_pictures, monkeypatch):
    taken = {}

    def train(objective, n, **settings):
        taken.update(settings, n=n, objective=objective)
        return [0.0]

    monkeypatch.setattr(deep, "train", train)
    adam = {"learning_rate": 0.2, "weight_decay": 0.3, "decay_every": 2}
    others = {"epochs": 3, "batch_size": 7, "precision": "bfloat16"}
    for name, more in (("mah", {}), ("aadah", {"beta1": 0.7})):
        create(name, seed=9, **adam, **more, **others).fit(tiny_pictures)
        expected = {**others, "seed": 9, "n": 36, "optimiser": Adam(**adam, **more)}
        assert expected.items() <= taken.items()
    assert taken["objective"].adversary is not None
    create("dcmh", **adam, **others).fit(tiny_pictures)
    assert taken["objective"].adversary is None


def test_which_samples_share_a_label(tiny_pictures):
    labels = torch.tensor([[1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 1]], dtype=torch.bool)
    learning = PairwiseLikelihood(torch.nn.Identity(), (None, None), labels, create("dcmh"))
    expected = [[bool((a & b).any()) for b in labels] for a in labels]
    batch = torch.tensor([3, 0, 2])
    assert learning.similar(batch).tolist() == [[expected[i][j] for j in batch] for i in batch]
    assert learning.similar(batch, slice(None)).tolist() == [expected[i] for i in batch]
