"""Methods on real sets against their authors' programs, implemented again on the same files."""

import dataclasses
import functools

import numpy as np
import pytest
from on_disk import needs
from retrieval import score, scores
from table_cases import table_rows

from mmhash_nb import datasets, hashers
from mmhash_nb.codes import HashCodes
from mmhash_nb.datasets import cifar10, wiki
from mmhash_nb.hashers.base import unit_rows

load = functools.cache(datasets.load)


@needs(wiki)
@pytest.mark.parametrize(("name", "n_bits", "seeds", "expected"), table_rows("known_results"))
def test_unified_galleries_of_wiki_score_as_the_authors_programs_do(name, n_bits, seeds, expected):
    found = [
        scores(hashers.create(name, n_bits, seed).fit(load("wiki")), load("wiki"), unified=True)
        for seed in range(seeds)
    ]
    # One run of a program lies within about a point of the mean over its seeds.
    assert np.mean(found, axis=0) == pytest.approx(expected, abs=0.012)


@needs(wiki)
@pytest.mark.parametrize(("n_bits", "image", "text"), [(16, 0.216, 0.507), (64, 0.219, 0.543)])
def test_lssh_on_wiki_is_level_for_images_and_two_points_short_at_most_for_texts(
    n_bits, image, text
):
    """Why it is short for texts is not known: the docstring of `LSSH` has what was tried."""
    found = scores(hashers.create("lssh", n_bits).fit(load("wiki")), load("wiki"), unified=True)
    assert found[0] == pytest.approx(image, abs=0.012)
    assert text - 0.02 < found[1] < text + 0.012


def learned_factors(lssh, pairs):
    """V `[N, K]` of training samples whose sparse codes saw their texts, as in the last round."""
    image, text, terms = lssh.view(pairs, "image"), lssh.view(pairs, "text"), lssh._terms()
    x, t = unit_rows(image), unit_rows(text)
    atoms, to_factors = lssh.state["image.atoms"], lssh.state["image.map"]
    basis = lssh.state["text.basis"]
    codes = terms.codes(x, atoms)
    for _ in range(3):
        factors = terms.latent(codes @ to_factors, t, basis)
        codes = terms.joint_codes(x, factors, atoms, to_factors, codes)
    return terms.latent(codes @ to_factors, t, basis)


@needs(wiki)
@pytest.mark.parametrize(("n_bits", "image", "text"), [(16, 0.216, 0.507), (64, 0.219, 0.543)])
def test_with_the_factors_of_training_as_the_gallery_lssh_meets_the_program(n_bits, image, text):
    """What its texts lack above is the gallery's: these codes have seen the gallery's texts."""
    pairs = load("wiki")
    found = []
    for seed in (0, 1):
        method = hashers.create("lssh", n_bits, seed).fit(pairs)
        gallery = HashCodes.from_real(learned_factors(method, pairs))
        found.append([score(method, pairs, of, "image", gallery) for of in ("image", "text")])
    assert np.mean(found, axis=0) == pytest.approx([image, text], abs=0.0125)


@needs(cifar10)
def test_the_size_of_the_training_set_decides_on_cifar10():
    """NN L2 on GIST: 48.0 after 50 epochs of all images, as an independent run has; 27.6 of 2,000.

    Ten epochs are on the way there (42.6), at which a training of 2,000 images never arrives.
    """
    pairs = load("cifar10", n_train_per_class=5900)
    pairs = dataclasses.replace(pairs, texts=pairs.texts[:, :1])  # the other view costs time alone
    few = dataclasses.replace(pairs, train=pairs.train[::29])
    options = {"hidden": 48, "learning_rate": 0.02, "batch_size": 500}
    found = [
        score(hashers.create("nnhash_l2", 48, epochs=n, **options).fit(p), p, "image", "image")
        for p, n in ((pairs, 10), (few, 100))
    ]
    assert found[0] > 0.41 and found[1] < 0.28


@needs(wiki)
def test_the_labels_in_a_learned_gallery_are_worth_points():
    pairs = load("wiki")
    predicted, learned = (
        np.array(scores(hashers.create("sephkm", 16, gallery=rule).fit(pairs), pairs, unified=True))
        for rule in ("predicted", "learned")
    )
    assert (learned - predicted > 0.05).all() and (learned - predicted < 0.12).all()
