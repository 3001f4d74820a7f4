"""KSH against dense matrices, autograd and SciPy's generalised eigenvectors."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from on_disk import needs
from retrieval import score
from scipy import linalg

from mmhash_nb import datasets, hashers
from mmhash_nb.datasets import cifar10, uci_digits
from mmhash_nb.hashers.base import share_label
from mmhash_nb.hashers.ksh import KSH, Residue, ascend, greedy_bits, smooth_objective
from mmhash_nb.hashers.label_groups import LabelGroups


def sample(seed=0, n=90, m=12, noise=1.0):
    """Labels (several each), their ±1 matrix and centred features that tell something of them."""
    rng = np.random.default_rng(seed)
    labels = np.eye(4, dtype=bool)[np.arange(n) % 4] | (rng.random((n, 4)) < 0.1)
    features = labels @ rng.standard_normal((4, m)) + noise * rng.standard_normal((n, m))
    s = np.where(share_label(labels, labels), 1.0, -1.0)
    return labels, s, features - features.mean(axis=0)


def test_the_residue_is_its_matrix():
    labels, s, features = sample()
    residue = Residue(LabelGroups.from_labels(labels), 5)
    dense = 5 * s
    np.testing.assert_allclose(residue @ features, dense @ features)
    for seed in range(3):
        h = np.random.default_rng(seed).choice([-1.0, 1.0], len(s))
        residue.take(h)
        dense = dense - np.outer(h, h)
        np.testing.assert_allclose(residue @ features, dense @ features)
        np.testing.assert_allclose(residue @ h, dense @ h)


def test_the_gradient_is_autograds():
    labels, s, features = sample()
    residue = Residue(LabelGroups.from_labels(labels), 3)
    h = np.sign(features[:, 0])
    residue.take(h)
    c = np.random.default_rng(1).standard_normal(features.shape[1]) / 3
    value, gradient = smooth_objective(features, residue, c)
    variable = torch.tensor(c, requires_grad=True)
    b = 2 / (1 + torch.exp(-torch.tensor(features) @ variable)) - 1
    expected = b @ torch.tensor(3 * s - np.outer(h, h)) @ b
    expected.backward()
    assert value == pytest.approx(expected.item())
    np.testing.assert_allclose(gradient, variable.grad.numpy(), rtol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_ascent_ends_at_a_stationary_point_above_its_start(seed, monkeypatch):
    monkeypatch.setattr("mmhash_nb.hashers.ksh.TOLERANCE", 1e-12)
    monkeypatch.setattr("mmhash_nb.hashers.ksh.MAX_STEPS", 5000)
    labels, _, features = sample(seed, noise=3.0)
    features = np.linalg.qr(features)[0] * np.sqrt(len(features))
    residue = Residue(LabelGroups.from_labels(labels), 4)
    start = np.random.default_rng(seed).standard_normal(features.shape[1])
    start /= np.linalg.norm(start)
    before, slope = smooth_objective(features, residue, start)
    after, flat = smooth_objective(features, residue, ascend(features, residue, start))
    assert after > before
    assert np.linalg.norm(flat) < 0.02 * np.linalg.norm(slope)


def test_ascent_never_returns_less_than_its_start():
    for seed in range(20):
        labels, _, features = sample(seed, noise=5.0)
        residue = Residue(LabelGroups.from_labels(labels), 2)
        start = np.random.default_rng(seed).standard_normal(features.shape[1])
        start *= 10.0 ** (seed % 4 - 2)
        before = smooth_objective(features, residue, start)[0]
        assert smooth_objective(features, residue, ascend(features, residue, start))[0] >= before


def sign(x):
    return np.where(x >= 0, 1.0, -1.0)


@pytest.mark.parametrize("seed", range(3))
def test_each_bit_is_at_least_as_good_as_the_generalised_eigenvector(seed):
    """Replays the greedy bits with dense matrices and SciPy's generalised eigensolver."""
    labels, s, kernel = sample(seed, noise=2.0)
    bits = 6
    coefficients = greedy_bits(kernel, LabelGroups.from_labels(labels), bits)
    residue = bits * s
    errors = [np.square(residue).sum()]
    gained = 0
    for k in range(bits):
        _, vectors = linalg.eigh(kernel.T @ residue @ kernel, kernel.T @ kernel)
        spectral, h = sign(kernel @ vectors[:, -1]), sign(kernel @ coefficients[:, k])
        assert h @ residue @ h >= spectral @ residue @ spectral - 1e-6
        gained += h @ residue @ h > spectral @ residue @ spectral + 1e-6
        residue = residue - np.outer(h, h)
        errors.append(np.square(residue).sum())
    assert gained > 0  # the gradient step does something
    assert all(later < earlier for earlier, later in pairwise(errors))  # ‖HHᵀ − K S‖²


def test_spectral_bits_are_scipys_generalised_eigenvectors(monkeypatch):
    monkeypatch.setattr("mmhash_nb.hashers.ksh.ascend", lambda features, residue, start: start)
    labels, s, kernel = sample(4)
    residue = 3 * s
    for a in greedy_bits(kernel, LabelGroups.from_labels(labels), 3).T:
        _, vectors = linalg.eigh(kernel.T @ residue @ kernel, kernel.T @ kernel)
        expected = vectors[:, -1] * np.sqrt(len(kernel))
        np.testing.assert_allclose(a * np.sign(a @ expected), expected, atol=1e-7)
        assert np.square(kernel @ a).sum() == pytest.approx(len(kernel))
        h = sign(kernel @ a)
        residue = residue - np.outer(h, h)


def test_dependent_features_are_no_trouble():
    labels, _, kernel = sample()
    doubled = np.concatenate([kernel, kernel], axis=1)
    groups = LabelGroups.from_labels(labels)
    same = sign(doubled @ greedy_bits(doubled, groups, 4)) == sign(
        kernel @ greedy_bits(kernel, groups, 4)
    )
    assert np.isfinite(greedy_bits(doubled, groups, 4)).all()
    assert (same.all(axis=0) | (~same).all(axis=0)).all()  # up to the sign of each bit


def test_features_are_the_centred_kernel():
    labels, _, x = sample(n=80)
    x = x.astype(np.float32)
    method = KSH(4, anchors=20)
    state = method.fit_view(x, labels, np.random.default_rng(0))
    squared = np.square(x[:, None].astype(float) - state["anchors"][None]).sum(axis=2)
    assert state["bandwidth"][0] == pytest.approx(2 * squared.mean(), rel=1e-5)
    kernel = np.exp(-squared / (2 * squared.mean()))
    expected = (kernel - kernel.mean(axis=0)) @ state["coefficients"]
    np.testing.assert_allclose(method.project_view(x, state), expected, atol=1e-3)
    assert all((x == anchor).all(axis=1).any() for anchor in state["anchors"])


def test_only_labelled_samples_give_labels():
    labels, _, x = sample(n=80)
    x = x.astype(np.float32)
    rng = np.random.default_rng(0)
    rng.choice(len(x), 20, replace=False)  # the anchors are drawn first
    chosen = rng.permutation(len(x))[:40]
    others = np.setdiff1d(np.arange(len(x)), chosen)
    changed = labels.copy()
    changed[others] = labels[np.roll(others, 1)]
    fits = [
        KSH(4, anchors=20, labelled=40).fit_view(x, some, np.random.default_rng(0))["coefficients"]
        for some in (labels, changed)
    ]
    assert np.array_equal(*fits)
    everything = KSH(4, anchors=20).fit_view(x, changed, np.random.default_rng(0))["coefficients"]
    assert not np.array_equal(fits[0], everything)


def test_features_that_are_the_same_are_refused():
    labels, _, x = sample()
    same = np.zeros_like(x, dtype=np.float32)
    with pytest.raises(ValueError, match="all training samples have the same features"):
        KSH(4, anchors=9).fit_view(same, labels, np.random.default_rng(0))


@needs(uci_digits)
def test_digits_come_out_above_the_authors_program():
    pairs = datasets.load("uci_digits")
    new = replace(pairs, query=pairs.query[::2], database=pairs.query[1::2])
    method = hashers.create("ksh", 16).fit(pairs)
    ours = [score(method, each, "image", "image") for each in (pairs, new)]
    assert ours == pytest.approx([0.855, 0.784], abs=0.01)  # the program's: .778 and .741


@pytest.mark.slow
@needs(cifar10)
def test_colour_hog_of_cifar10_brings_48_bits_nearer_to_the_printed_30():
    pairs = datasets.load("cifar10", images="hog", texts="hog_colour")
    method = hashers.create("ksh", 48, labelled=5000).fit(pairs)
    ours = [score(method, pairs, view, view) for view in ("image", "text")]
    assert ours == pytest.approx([0.237, 0.274], abs=0.01)
