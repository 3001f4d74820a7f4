"""`rank_profile` against a count by hand, and what makes profiles add and join."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhash_nb import rank_counts
from mmhash_nb.codes import HashCodes
from mmhash_nb.ranking import RankProfile, rank_profile


def sample(n, n_bits, n_labels, seed, density=0.3):
    rng = np.random.default_rng(seed)
    codes = HashCodes.from_real(rng.normal(size=(n, n_bits)))
    return codes, rng.random((n, n_labels)) < density


def counted(query, keys):
    """The counts by their definition, from unpacked codes."""
    (query_codes, query_labels), (key_codes, key_labels) = query, keys
    depth = int(query_labels.sum(axis=1).max()) + 1
    counts = np.zeros((len(query_codes), query_codes.n_bits + 1, depth), dtype=np.int64)
    for q, signs in enumerate(query_codes.signs()):
        distance = (signs != key_codes.signs()).sum(axis=1)
        shared = (query_labels[q] & key_labels).sum(axis=1)
        np.add.at(counts[q], (distance, shared), 1)
    return counts


def profiled(query, keys, **options):
    return rank_profile(query[0], keys[0], query[1], keys[1], **options)


def by_tensors(query, keys):
    counts = np.zeros_like(counted(query, keys))
    rank_counts.count_tensors(query[0], keys[0], query[1], keys[1], counts, torch.device("cpu"))
    return counts


SIZES = st.tuples(st.integers(1, 6), st.integers(1, 60), st.integers(1, 256), st.integers(1, 130))


@settings(max_examples=60)
@given(SIZES, st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_counts_are_those_of_the_definition(sizes, seed, density):
    n_queries, n_keys, n_bits, n_labels = sizes
    query = sample(n_queries, n_bits, n_labels, seed, density)
    keys = sample(n_keys, n_bits, n_labels, seed + 1)
    expected = counted(query, keys)
    profile = profiled(query, keys)
    assert profile.counts.dtype == np.int64
    np.testing.assert_array_equal(profile.counts, expected)
    np.testing.assert_array_equal(by_tensors(query, keys), expected)
    np.testing.assert_array_equal(profile.items, expected.sum(axis=2))
    np.testing.assert_array_equal(profile.relevant, expected[:, :, 1:].sum(axis=2))
    assert (len(profile), profile.n_bits) == (n_queries, n_bits)


@pytest.mark.parametrize(
    ("n_queries", "n_keys", "n_bits", "n_labels"),
    [
        (1, 2 * rank_counts.BLOCK + 3, 64, 21),  # full blocks, then a rest that is no whole lane
        (9, rank_counts.BLOCK, 12, 10),
        (3, rank_counts.BLOCK - 1, 65, 64),
        (2, 50, 256, 320),  # more buckets than 16 bits can number
    ],
)
def test_counts_at_the_edges_of_the_kernel(n_queries, n_keys, n_bits, n_labels):
    query = sample(n_queries, n_bits, n_labels, 1, density=0.9)
    keys = sample(n_keys, n_bits, n_labels, 2)
    expected = counted(query, keys)
    np.testing.assert_array_equal(profiled(query, keys).counts, expected)
    np.testing.assert_array_equal(by_tensors(query, keys), expected)


def test_counts_do_not_depend_on_how_the_work_is_cut(monkeypatch):
    query, keys = sample(11, 20, 5, 3), sample(500, 20, 5, 4)
    expected = counted(query, keys)
    monkeypatch.setattr(rank_counts, "TILE", 70)
    monkeypatch.setattr(rank_counts, "TENSOR_ENTRIES", 1200)
    np.testing.assert_array_equal(profiled(query, keys).counts, expected)
    np.testing.assert_array_equal(by_tensors(query, keys), expected)


def test_several_threads_may_count_at_once():
    query, keys = sample(20, 32, 8, 5), sample(3000, 32, 8, 6)
    expected = counted(query, keys)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: profiled(query, keys).counts, range(8)))
    for counts in found:
        np.testing.assert_array_equal(counts, expected)


def test_database_order_does_not_matter():
    query, (codes, labels) = sample(5, 16, 6, 7), sample(400, 16, 6, 8)
    order = np.random.default_rng(9).permutation(400)
    shuffled = profiled(query, (codes[order], labels[order]))
    np.testing.assert_array_equal(shuffled.counts, profiled(query, (codes, labels)).counts)


def test_shards_add_even_where_one_shares_no_label():
    query, (codes, labels) = sample(5, 16, 6, 10), sample(400, 16, 6, 11)
    labels[:100] = False  # the most labels shared must not set the width of a profile
    parts = [profiled(query, (codes[s], labels[s])) for s in (slice(100), slice(100, 400))]
    whole = profiled(query, (codes, labels))
    np.testing.assert_array_equal((parts[0] + parts[1]).counts, whole.counts)


def test_queries_concatenate_and_pad_the_labels_shared():
    codes, _ = sample(6, 16, 6, 12)
    labels = np.zeros((6, 6), dtype=bool)
    labels[:3, :1], labels[3:, :4] = True, True
    keys = sample(300, 16, 6, 13)
    parts = [profiled((codes[s], labels[s]), keys) for s in (slice(3), slice(3, 6))]
    assert [part.counts.shape[2] for part in parts] == [2, 5]
    joined = RankProfile.concatenate(parts)
    np.testing.assert_array_equal(joined.counts, profiled((codes, labels), keys).counts)


def test_one_label_each_makes_a_profile_of_two_columns():
    query, keys = sample(4, 8, 10, 14), sample(50, 8, 10, 15)
    one_hot = np.eye(10, dtype=bool)
    query, keys = (query[0], one_hot[[1, 2, 3, 3]]), (keys[0], one_hot[np.arange(50) % 10])
    assert profiled(query, keys).counts.shape == (4, 9, 2)


QUERY, KEYS = sample(3, 16, 4, 16), sample(9, 16, 4, 17)
OTHER_BITS, OTHER_LABELS = sample(9, 24, 4, 18), sample(9, 16, 5, 19)
NONE = sample(0, 16, 4, 20)


@pytest.mark.parametrize(
    ("query", "keys", "sentence"),
    [
        (NONE, KEYS, "query_codes is empty: there is nothing to rank."),
        (QUERY, NONE, "database_codes is empty: there is nothing to rank."),
        (QUERY, OTHER_BITS, "query codes have 16 bits but database codes have 24"),
        (QUERY, OTHER_LABELS, "query_labels has 4 columns but database_labels has 5"),
        (QUERY, (KEYS[0], KEYS[1][:8]), "database_codes has 9 rows but database_labels has 8"),
        ((QUERY[0], KEYS[1]), KEYS, "query_codes has 3 rows but query_labels has 9"),
        (QUERY, (KEYS[0], KEYS[1].astype(int)), r"database_labels must be bool \[9, C\], .*int64"),
        (QUERY, (KEYS[0], KEYS[1][:, 0]), r"database_labels must be bool \[9, C\], .* \[9\]"),
        (QUERY, (KEYS[0], KEYS[1][:, :0]), r"database_labels must be bool \[9, C\], .* \[9, 0\]"),
    ],
)
def test_what_does_not_match_is_named(query, keys, sentence):
    with pytest.raises(ValueError, match=sentence):
        profiled(query, keys)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_cuda_asked_for_and_absent():
    with pytest.raises(RuntimeError, match="device is 'cuda', but no CUDA device is available"):
        profiled(QUERY, KEYS, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
def test_cuda_gives_the_same_counts():
    query, keys = sample(30, 64, 21, 21), sample(100_000, 64, 21, 22)
    on_cuda = profiled(query, keys, device="cuda").counts
    np.testing.assert_array_equal(on_cuda, profiled(query, keys).counts)


def test_profiles_that_do_not_fit_are_refused():
    profile = profiled(QUERY, KEYS)
    longer = profiled((OTHER_BITS[0][:3], QUERY[1]), OTHER_BITS)
    with pytest.raises(ValueError, match=r"do not add: take the same queries for every shard"):
        profile + longer
    with pytest.raises(TypeError):
        profile + 1
    with pytest.raises(ValueError, match=r"must share one code length, but have \[16, 24\]"):
        RankProfile.concatenate([profile, longer])
    with pytest.raises(ValueError, match=r"must share one code length, but have \[\]"):
        RankProfile.concatenate([])
    with pytest.raises(ValueError, match=r"counts must be int64 \[Q, K\+1, G\+1\], but is float64"):
        RankProfile(profile.counts.astype(float))
    with pytest.raises(ValueError, match=r"but is int64 \[0, 17, 2\]"):
        RankProfile(np.zeros((0, 17, 2), dtype=np.int64))
    with pytest.raises(ValueError, match="counts must not be negative, but one is -1"):
        RankProfile(np.full((1, 2, 2), -1, dtype=np.int64))
