"""DVSH: the words in order, networks and losses written out, and that order matters."""

import dataclasses

import numpy as np
import pytest
import torch
from deep_cases import create, quick
from torch import nn

from mmhash_nb.features.backbones import Backbone
from mmhash_nb.hashers.dvsh import VisualSemantic, VisualSemanticNetwork, sequences
from mmhash_nb.pairs import Pairs

WORDS = ("cat", "dog", "hat", "man", "sun")


def told(texts, captions=None, vocabulary=WORDS):
    """Pairs of these bags and captions."""
    texts = np.asarray(texts, dtype=np.float32)
    return Pairs(
        images=np.zeros((len(texts), 2), np.float32), texts=texts,
        labels=np.ones((len(texts), 1), bool), label_names=["all"],
        query=[], database=[], train=np.arange(len(texts)),
        captions=captions, vocabulary=vocabulary,
    )  # fmt: skip


def test_words_come_in_the_captions_order_then_by_column():
    bags = [[1, 1, 0, 1, 1], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 2, 0, 0, 1], [1, 0, 0, 0, 0]]
    captions = [
        "The man, a DOG and the man's sun",  # the cat is in the bag alone
        "a dog in the sun",  # the sun is in the caption alone
        "a cat",  # an empty bag
        "nothing of it",  # a bag without its words
        "cat cat cat",  # once
    ]
    assert sequences(told(bags, captions), 40).tolist() == [
        [4, 2, 5, 1],
        [2, 1, 3, 0],
        [0, 0, 0, 0],
        [2, 5, 0, 0],
        [1, 0, 0, 0],
    ]


@pytest.mark.parametrize("captions", [None, ["sun dog cat", "man"]])
def test_without_captions_or_vocabulary_words_come_by_column(captions):
    bags = [[1, 1, 0, 0, 1], [0, 0, 0, 1, 0]]
    by_column = [[1, 2, 5], [4, 0, 0]]
    assert sequences(told(bags, captions, None), 40).tolist() == by_column
    in_order = by_column if captions is None else [[5, 2, 1], [4, 0, 0]]
    assert sequences(told(bags, captions), 40).tolist() == in_order


def test_the_longest_is_cut_and_nothing_is_padded_beyond_it():
    bags = [[1, 1, 1, 1, 1], [1, 0, 0, 0, 0]]
    pairs = told(bags, ["sun man hat", "cat"])
    assert sequences(pairs, 2).tolist() == [[5, 4], [1, 0]]
    assert sequences(pairs, 5).tolist() == [[5, 4, 3, 1, 2], [1, 0, 0, 0, 0]]
    assert sequences(told(np.zeros((2, 5))), 40).tolist() == [[0], [0]]
    assert sequences(told(bags).take(np.arange(0)), 40).shape == (0, 1)
    assert sequences(pairs, 3).dtype == np.int64


def test_values_that_are_not_counts_are_words_where_they_are_above_zero():
    assert sequences(told([[0.2, -1, 0, 0, 3]]), 40).tolist() == [[1, 5]]


class Head(nn.Module):
    """A stand-in for VGG's fully connected layers."""

    n_features = 5

    def __init__(self):
        super().__init__()
        self.fc6, self.dropout = nn.Linear(16, 5), nn.Dropout(0.5)

    def forward(self, last):
        return self.dropout(self.fc6(last.flatten(1)))


def network(head=False, bits=4):
    """A small network with large weights."""
    torch.manual_seed(1)
    stages = [nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU())]
    backbone = Backbone(stages, (4,), (0.5,) * 3, (0.2,) * 3, Head() if head else None)
    made = VisualSemanticNetwork(backbone, stages, 5, bits, image_hidden=7, lstm_hidden=6).double()
    for weight in made.parameters():
        nn.init.normal_(weight, std=0.5)
    return made


TEXT = torch.tensor([[4, 2, 5, 1], [2, 1, 0, 0], [0, 0, 0, 0]])


def image(n=3):
    draw = torch.Generator().manual_seed(0)
    return torch.randn(n, 3, 2, 2, generator=draw, dtype=torch.float64)


def states(reader, words):
    """An LSTM's states of one text, by its formulas."""
    lstm, h, c, found = reader.lstm, torch.zeros(6).double(), torch.zeros(6).double(), []
    for word in words:
        x = reader.words.weight[word]
        gates = lstm.weight_ih_l0 @ x + lstm.bias_ih_l0 + lstm.weight_hh_l0 @ h + lstm.bias_hh_l0
        i, f, g, o = gates.chunk(4)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        found.append(h)
    return found


def naive(made, features, text):
    """Joint, image and text values of one sample."""
    words = [int(word) for word in text if word]
    fused = [
        (made.fusion_state(h) + made.fusion_image(features)).clamp(min=0)
        for h in states(made.fusion_reader, words)
    ]
    alone = states(made.reader, words)
    none = torch.zeros(6).double()
    mean = [sum(each) / len(each) if words else none for each in (fused, alone)]
    return (
        made.fusion_code(mean[0]),
        made.image_code(made.image_layer(features).clamp(min=0)),
        made.text_code(mean[1]),
    )


def test_values_are_the_networks_written_out_word_by_word():
    made = network().train()
    features = made.features(image())
    torch.testing.assert_close(features, made.stages[0](image()).mean(dim=(2, 3)))
    ours = made.fuse(features, TEXT), made.image_values(features), made.text_values(TEXT)
    for n in range(3):
        for mine, theirs in zip(ours, naive(made, features[n], TEXT[n]), strict=True):
            torch.testing.assert_close(mine[n], theirs)
    assert torch.equal(made("image", image()), ours[1])
    assert torch.equal(made("text", TEXT), ours[2])


def test_padding_has_no_influence_on_values():
    made = network()
    longer = torch.cat([TEXT, torch.zeros(3, 5, dtype=torch.int64)], 1)
    features = made.features(image())
    torch.testing.assert_close(made("text", longer), made("text", TEXT))
    torch.testing.assert_close(made.fuse(features, longer), made.fuse(features, TEXT))
    torch.testing.assert_close(made("text", TEXT[1:2, :2]), made("text", TEXT)[1:2])


def test_order_matters_to_both_readers():
    made, features = network(), network().features(image())
    for one, other in (
        (made("text", TEXT), made("text", TEXT.roll(1, 1))),
        (made.fuse(features, TEXT), made.fuse(features, TEXT.flip(1))),
    ):
        assert not torch.allclose(one[0], other[0], atol=1e-3)


@pytest.mark.parametrize("head", [False, True])
def test_gradients_reach_all_that_is_learned(head):
    made = network(head).train()
    features = made.features(image())
    total = (
        made.fuse(features, TEXT).sum() + made("image", image()).sum() + made("text", TEXT).sum()
    )
    total.backward()
    for name, weight in made.named_parameters():
        assert weight.grad is not None and weight.grad.abs().sum() > 0, name
    assert not made.reader.words.weight.grad[0].any()  # padding is no word
    assert not made.stages[0][1].training and made.text_code.training


def test_the_backbones_head_is_a_part_of_the_network():
    """So that it is moved, learned, saved and put in evaluation mode with it."""
    made = network(head=True)
    assert {"head.fc6.weight", "head.fc6.bias"} <= set(made.state_dict())
    made.eval()
    last = made.stages[0](image())
    torch.testing.assert_close(made.features(image()), made.head.fc6(last.flatten(1)))
    assert made.image_layer.in_features == Head.n_features


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"margin": 0.9, "bit_margin": 0.2, "lambda_": 3.0, "beta": 0.5},
        {"lambda_": 0.0, "beta": 0.0},
        {"lambda_": 0.0, "beta": 2.0},
    ],
)
def test_the_loss_is_its_terms_by_loops(options, tiny_pictures):
    method = create("dvsh", bits=4, **options)
    options = method.options
    texts = torch.tensor([[4, 2, 5], [2, 1, 0], [3, 3, 1], [5, 0, 0]])
    labels = torch.tensor([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.bool)
    made = VisualSemantic(network().train(), (image(4), texts), labels, method)
    batch = torch.tensor([3, 0, 2])
    h, x, y = ([] for _ in range(3))
    features = made.network.features(image(4))
    for n in batch:
        for into, value in zip((h, x, y), naive(made.network, features[n], texts[n]), strict=True):
            into.append(value.float().tanh())
    cosines, bits, squares = [], [], []
    for i in range(3):
        for j in range(3):
            if i != j:
                s = 1 if (labels[batch[i]] & labels[batch[j]]).any() else -1
                cosine = torch.nn.functional.cosine_similarity(h[i], h[j], dim=0)
                cosines.append((options["margin"] - s * cosine).clamp(min=0))
        bits += [(options["bit_margin"] - value.abs()).clamp(min=0) for value in h[i]]
        squares.append((h[i] - x[i]).square().sum() + (h[i] - y[i]).square().sum())
    wanted = sum(cosines) / len(cosines) + options["lambda_"] * sum(bits) / len(bits)
    wanted = wanted + options["beta"] / 2 * sum(squares) / len(squares)
    torch.testing.assert_close(made.loss(batch), wanted)
    weights = list(made.network.parameters())
    ours = torch.autograd.grad(made.loss(batch), weights, allow_unused=True)
    theirs = torch.autograd.grad(wanted, weights, allow_unused=True)
    for one, other in zip(ours, theirs, strict=True):
        one, other = (torch.zeros(()) if g is None else g for g in (one, other))
        torch.testing.assert_close(one.expand_as(other), other.expand_as(one), rtol=1e-3, atol=1e-6)


@pytest.fixture(scope="module")
def spoken():
    """The tiny pictures with captions: the words of each bag in an order of their own."""
    from pair_cases import pictures

    pairs, rng = pictures(), np.random.default_rng(0)
    words = tuple(f"word{chr(ord('a') + i)}" for i in range(24))
    captions = [" ".join(words[i] for i in rng.permutation(np.flatnonzero(t))) for t in pairs.texts]
    return dataclasses.replace(pairs, vocabulary=words, captions=captions)


def test_the_order_of_a_captions_words_changes_the_texts_values_alone(spoken):
    backwards = dataclasses.replace(
        spoken, captions=[" ".join(caption.split()[::-1]) for caption in spoken.captions]
    )
    method = create("dvsh").fit(spoken)
    assert method.encode(spoken, "text") != method.encode(backwards, "text")
    one, other = (method._project(pairs, "text") for pairs in (spoken, backwards))
    longer = np.array([len(caption.split()) > 1 for caption in spoken.captions])
    differ = np.abs(one - other).max(1) > 1e-3
    assert differ[longer].mean() > 0.9 and not differ[~longer].any()
    assert method.encode(spoken, "image") == method.encode(backwards, "image")
    bag = create("dcmh", epochs=2).fit(spoken)
    assert bag.encode(spoken, "text") == bag.encode(backwards, "text")


def test_captions_reach_training_and_max_words_cuts_them(spoken):
    method = quick("dvsh").fit(spoken)
    silent = quick("dvsh").fit(dataclasses.replace(spoken, captions=None))
    key = "reader.words.weight"
    assert not np.array_equal(method.state[key], silent.state[key])
    cut = quick("dvsh", max_words=1)
    assert cut.inputs(spoken, torch.device("cpu"))[1].shape == (48, 1)
    assert cut.fit(spoken).encode(spoken, "text") != method.encode(spoken, "text")


def test_a_text_without_words_has_a_code(spoken):
    texts = spoken.texts.copy()
    texts[[0, 20]] = 0
    values = quick("dvsh").fit(dataclasses.replace(spoken, texts=texts))
    found = values._project(dataclasses.replace(spoken, texts=texts), "text")
    np.testing.assert_array_equal(found[0], values.state["text_code.bias"])
    assert np.isfinite(found).all()
