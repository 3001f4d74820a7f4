"""`Pairs` says what is wrong in one sentence, and keeps rows and splits together."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from table_cases import table_rows, with_arrays

from mmhash_nb.pairs import Pairs

N = 8


def pairs(**changes):
    rng = np.random.default_rng(0)
    fields = {
        "images": rng.integers(0, 256, size=(N, 3, 4, 5), dtype=np.uint8),
        "texts": rng.random((N, 6), dtype=np.float32),
        "labels": np.eye(4, dtype=bool)[np.arange(N) % 4],
        "label_names": ["sun", "moon", "sea", "sky"],
        "query": np.array([1, 6]),
        "database": np.array([0, 2, 3, 4, 5]),
        "train": np.array([3, 0]),
        "captions": [f"caption {i}" for i in range(N)],
        "masks": rng.random((N, 4, 5)) < 0.5,
        "thumbnails": rng.integers(0, 256, size=(N, 3, 2, 2), dtype=np.uint8),
        "vocabulary": list("abcdef"),
        "name": "tiny",
    }
    return Pairs(**{**fields, **changes})


def with_value(array, place, value):
    changed = array.copy()
    changed[place] = value
    return changed


GOOD = pairs()
FEATURES = np.ones((N, 7), dtype=np.float32)
SPARSE = sparse.csr_matrix(GOOD.texts)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        *table_rows("wrong_pairs"),
        ({"texts": SPARSE[:7]}, "texts has 7 rows but labels has 8"),
        ({"texts": SPARSE.tocsc()}, "texts must be dense or CSR, but is csc"),
        (
            {"texts": with_value(GOOD.texts, (2, 3), np.nan)},
            "texts of sample 2 holds nan in col.* 3",
        ),
        (
            {"texts": sparse.csr_matrix(with_value(GOOD.texts, (5, 4), np.inf))},
            "texts of sample 5 holds inf in column 4",
        ),
        (
            {"images": with_value(FEATURES, (7, 6), -np.inf), "masks": None},
            "images of sample 7 holds -inf in column 6",
        ),
        (
            {"labels": with_value(GOOD.labels, [3, 5], False)},
            r"labels of sample 3 are all False \(2 such samples\)",
        ),
    ],
)
def test_what_is_wrong_is_named_in_one_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        pairs(**with_arrays(changes))
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_what_may_be_is_accepted():
    assert len(GOOD) == N
    assert GOOD.query.dtype == np.int64
    bare = pairs(captions=None, masks=None, thumbnails=None, vocabulary=None, images=FEATURES)
    assert bare.captions is None
    empty = pairs(query=[], database=[], train=[])
    assert empty.query.dtype == np.int64 and empty.query.shape == (0,)
    assert pairs(query=np.array([1], dtype=np.uint8)).query.dtype == np.int64


@pytest.mark.parametrize("texts", [GOOD.texts, SPARSE], ids=["dense", "sparse"])
def test_take_keeps_rows_together_and_maps_the_splits(texts):
    chosen = np.array([6, 0, 3, 7])
    part = pairs(texts=texts).take(chosen)
    assert len(part) == 4
    for name in ("images", "labels", "masks", "thumbnails"):
        np.testing.assert_array_equal(getattr(part, name), getattr(GOOD, name)[chosen])
    np.testing.assert_array_equal(part.features("text"), GOOD.texts[chosen])
    assert part.captions == [GOOD.captions[i] for i in chosen]
    assert (part.query.tolist(), part.database.tolist()) == ([0], [1, 2])
    assert part.train.tolist() == [2, 1]  # in the order of the split, not of the samples
    for split in ("query", "database", "train"):
        assert set(chosen[getattr(part, split)]) <= set(getattr(GOOD, split))
    assert (part.name, part.label_names, part.vocabulary) == (
        GOOD.name,
        GOOD.label_names,
        GOOD.vocabulary,
    )


def test_features_are_dense_and_pixels_have_none():
    np.testing.assert_array_equal(pairs(texts=SPARSE).features("text"), GOOD.texts)
    assert pairs(images=FEATURES).features("image") is FEATURES
    with pytest.raises(ValueError, match=r"images of tiny are pixels \(3, 4, 5\).*images='gist'"):
        GOOD.features("image")


@pytest.mark.parametrize("texts", [GOOD.texts, SPARSE], ids=["dense", "sparse"])
def test_fingerprint_follows_the_data_and_nothing_else(texts):
    base = pairs(texts=texts)
    assert base.fingerprint == pairs(texts=texts.copy()).fingerprint
    other = dataclasses.replace(base, name="other", masks=None)
    assert other.fingerprint == base.fingerprint
    changed = texts.copy()
    changed[4, 2] += 1
    differing = [
        pairs(texts=changed),
        pairs(texts=texts, images=with_value(GOOD.images, (7, 2, 3, 4), 0)),
        pairs(texts=texts, labels=with_value(GOOD.labels, (0, 1), True)),
        pairs(texts=texts, query=np.array([6, 1])),
        pairs(texts=texts, database=np.array([0, 2, 3, 4])),
        pairs(texts=texts, train=np.array([3])),
        *(dataclasses.replace(base, **{name: None}) for name in ("captions", "vocabulary")),
        dataclasses.replace(base, captions=["other", *base.captions[1:]]),
        dataclasses.replace(base, vocabulary=["other", *base.vocabulary[1:]]),
        dataclasses.replace(base, captions=None, vocabulary=None),
    ]
    assert GOOD.images[7, 2, 3, 4] != 0
    assert len({base.fingerprint, *(d.fingerprint for d in differing)}) == 12


def test_a_column_of_zeros_in_sparse_texts_is_in_the_fingerprint():
    wider = sparse.csr_matrix((SPARSE.data, SPARSE.indices, SPARSE.indptr), (len(GOOD), 99))
    found = [pairs(texts=texts, vocabulary=None).fingerprint for texts in (SPARSE, wider)]
    assert found[0] != found[1]


def numbered(n, train):
    """Pairs whose image and text are their number, with the samples `train` to learn from."""
    number = np.arange(n, dtype=np.float32)
    rest = np.setdiff1d(np.arange(n), train)
    return Pairs(
        images=number[:, None],
        texts=sparse.csr_matrix(number[:, None] + 1),
        labels=np.eye(5, dtype=bool)[np.arange(n) % 5],
        label_names=list("abcde"),
        query=rest[::2],
        database=np.concatenate([rest[1::2], train]),
        train=train,
        captions=[f"caption {i}" for i in range(n)],
        name="numbered",
    )


@given(
    data=st.data(), n=st.integers(2, 40), fraction=st.floats(0.01, 0.99), seed=st.integers(0, 99)
)
def test_held_out_divides_the_training_samples_and_no_others(data, n, fraction, seed):
    train = np.array(data.draw(st.permutations(range(n)))[: data.draw(st.integers(2, n))])
    base = numbered(n, train)
    queries = max(1, round(fraction * len(train)))
    if queries == len(train):
        with pytest.raises(ValueError, match=f"of {len(train)} training samples cannot be held"):
            base.held_out(fraction, seed)
        return
    part = base.held_out(fraction, seed)
    original = part.images[:, 0].astype(int)
    assert sorted(original) == sorted(train)
    assert len(part.query) == queries and np.array_equal(part.database, part.train)
    assert sorted([*part.query, *part.train]) == list(range(len(train)))
    assert np.array_equal(part.features("text")[:, 0], original + 1)
    assert np.array_equal(part.labels, base.labels[original])
    assert part.captions == [f"caption {i}" for i in original]
    assert part.fingerprint == base.held_out(fraction, seed).fingerprint
    assert (part.name, part.label_names) == ("numbered", base.label_names)


def test_held_out_follows_the_seed_and_takes_a_fifth():
    base = numbered(60, np.arange(10, 60))
    part = base.held_out()
    assert (len(part.query), len(part.train)) == (10, 40)
    assert part.fingerprint == base.held_out(0.2, 0).fingerprint
    drawn = {tuple(base.held_out(seed=seed).query) for seed in range(5)}
    assert len(drawn) == 5 and tuple(range(10)) not in drawn


@pytest.mark.parametrize(("train", "fraction"), [(5, 0.0), (5, 1.0), (5, -0.2), (5, 2), (1, 0.5)])
def test_a_fraction_that_leaves_nothing_is_refused(train, fraction):
    sentence = (
        f"fraction={fraction} of {train} training samples cannot be held out: give a fraction"
    )
    with pytest.raises(ValueError, match=sentence):
        numbered(8, np.arange(train)).held_out(fraction)
    with pytest.raises(ValueError, match="of 0 training samples"):
        numbered(8, np.arange(0)).held_out()


@given(st.integers(0, 2**32), st.integers(1, 6))
def test_queries_that_find_nothing_are_counted(seed, classes):
    labels = np.random.default_rng(seed).random((N, classes)) < 0.15
    labels[np.arange(N), np.arange(N) % classes] |= ~labels.any(axis=1)
    names, query, database = [*map(str, range(classes))], np.arange(5), np.array([5, 6])
    some = pairs(
        labels=labels, label_names=names, query=query, database=database, train=np.array([7])
    )
    none = sum(not any((labels[q] & labels[d]).any() for d in database) for q in query)
    assert some.without_relevant == none
    assert some.means == (
        f"means are over 5 queries, of which {none} have nothing to find and count as 0: at most "
        f"{(5 - none) / 5:.3f} is possible"
    )
