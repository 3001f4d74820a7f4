"""Label groups against the n×n matrix they replace."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmhash_nb.hashers.base import share_label
from mmhash_nb.hashers.label_groups import LabelGroups

LABELS = st.tuples(st.integers(2, 15), st.integers(1, 4)).flatmap(lambda s: arrays(bool, s))


@settings(max_examples=60)
@given(LABELS)
def test_groups_are_the_similarity_matrix(labels):
    groups = LabelGroups.from_labels(labels)
    similar = share_label(labels, labels)
    assert np.array_equal(groups.share[groups.of][:, groups.of], similar)
    assert groups.counts.sum() == len(labels)

    others = similar & ~np.eye(len(labels), dtype=bool)
    assert groups.n_similar == others.sum() // 2
    pairs = len(labels) * (len(labels) - 1) // 2
    assert groups.n_dissimilar == pairs - groups.n_similar
    assert np.array_equal(groups.similar_to, others.sum(axis=1))


@pytest.mark.parametrize("similar", [True, False])
def test_drawn_pairs_are_of_their_kind_and_uniform(similar):
    labels = np.array([[1, 0, 0]] * 4 + [[1, 1, 0]] * 2 + [[0, 1, 0]] + [[0, 0, 1]] * 3, dtype=bool)
    groups = LabelGroups.from_labels(labels)
    i, j = groups.draw_pairs(similar, 60_000, np.random.default_rng(0))
    wanted = (share_label(labels, labels) == similar) & ~np.eye(len(labels), dtype=bool)
    counts = np.zeros(wanted.shape, dtype=int)
    np.add.at(counts, (i, j), 1)
    assert not counts[~wanted].any()
    share = counts[wanted] / len(i) * wanted.sum()
    assert np.abs(share - 1).max() < 0.15  # each ordered pair equally often: five sigma at most


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [(np.ones((5, 1), dtype=bool), "5 training samples share none"),
     (np.eye(5, dtype=bool), "5 training samples share a label")],
)  # fmt: skip
def test_one_kind_of_pair_is_refused(labels, sentence):
    with pytest.raises(ValueError, match=f"no two of the {sentence}.*give it labels"):
        LabelGroups.from_labels(labels).check_both_kinds()
