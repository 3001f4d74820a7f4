"""Packed codes keep their bits; the index finds what a full count finds."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from table_cases import table_rows

from mmhash_nb import codes as codes_module
from mmhash_nb.codes import HammingIndex, HashCodes, load_codes, save_codes

REALS = arrays(
    np.float32,
    st.tuples(st.integers(0, 20), st.integers(1, 140)),
    elements=st.floats(-2, 2, width=32),
)


@given(REALS)
def test_signs_come_back_and_zero_means_one(x):
    codes = HashCodes.from_real(x)
    assert codes.bits.shape == (len(x), -(-x.shape[1] // 8))
    assert codes.signs().dtype == np.int8
    np.testing.assert_array_equal(codes.signs(), np.where(x >= 0, 1, -1))
    assert len(codes) == len(x)
    if x.size < 2 or (x < 0).any():
        assert HashCodes.from_signs(x) == HashCodes.from_signs(codes.signs()) == codes


@given(arrays(np.bool_, st.tuples(st.integers(0, 20), st.integers(1, 140))))
def test_bits_are_the_same_in_whatever_they_are_stored(bits):
    codes = HashCodes.from_bits(bits)
    np.testing.assert_array_equal(codes.signs() > 0, bits)
    assert HashCodes.from_signs(bits) == codes
    for kind in (np.uint8, np.int64, np.float16):
        assert HashCodes.from_bits(bits.astype(kind)) == codes
    assert HashCodes(np.packbits(bits, axis=1), bits.shape[1]) == codes
    if not bits.all():
        for signed in (np.where(bits, 1, -1).astype(np.int8), np.where(bits, 0.7, 0.2) - 0.5):
            assert HashCodes.from_signs(signed) == HashCodes.from_real(signed) == codes
    if bits.size > 1:
        for unsigned in (bits.astype(np.uint8), np.where(bits, 0.7, 0.2), np.packbits(bits, 1)):
            if unsigned.size > 1:
                with pytest.raises(
                    ValueError, match=r"every bit would be 1: call HashCodes.from_b"
                ):
                    HashCodes.from_signs(unsigned)


def test_tensors_are_arrays():
    values = torch.randn(5, 12)
    codes = HashCodes.from_signs(values.numpy())
    assert HashCodes.from_signs(values) == HashCodes.from_bits(values >= 0) == codes
    with pytest.raises(ValueError, match=r"not from this \(Can't call numpy\(\) on Tensor that"):
        HashCodes.from_signs(values.requires_grad_())


@given(REALS.filter(len))
def test_words_count_the_differing_bits(x):
    codes = HashCodes.from_real(x)
    differing = (codes.signs()[0] != codes.signs()).sum(axis=1)
    counted = np.bitwise_count(codes.words[0] ^ codes.words).sum(axis=1)
    np.testing.assert_array_equal(counted, differing)


def test_indexing_keeps_the_codes_chosen():
    codes = HashCodes.from_signs(np.random.default_rng(0).normal(size=(6, 11)))
    mask = np.array([True, False, True, False, False, True])
    for index in (slice(1, 4), np.array([4, 4, 0]), mask):
        np.testing.assert_array_equal(codes[index].signs(), codes.signs()[index])
    assert codes[2].signs().shape == (1, 11)
    assert codes[2] != codes
    assert codes != "codes"


def test_files_keep_codes_and_refuse_what_is_not_whole(tmp_path):
    rng = np.random.default_rng(1)
    some = {n: HashCodes.from_signs(rng.normal(size=(9, 13))) for n in ("query", "database")}
    save_codes(tmp_path / "both.npz", some)
    assert load_codes(tmp_path / "both.npz") == some
    some["query"].save(tmp_path / "one.npz")
    assert HashCodes.load(tmp_path / "one.npz") == some["query"]

    (tmp_path / "cut.npz").write_bytes((tmp_path / "both.npz").read_bytes()[:200])
    with pytest.raises(ValueError, match=r"cut\.npz is not a whole file of hash codes"):
        load_codes(tmp_path / "cut.npz")
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(ValueError, match=r"other\.npz holds no hash codes"):
        load_codes(tmp_path / "other.npz")
    with pytest.raises(FileNotFoundError):
        load_codes(tmp_path / "none.npz")


class Trace:
    """Unpickled, it leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_in_a_file_of_codes_is_never_loaded(tmp_path):
    path, trace = tmp_path / "pickled.npz", tmp_path / "trace"
    bits = np.array([Trace(trace)], dtype=object)
    np.savez(path, **{"a.bits": bits, "a.n_bits": np.array(8)})
    np.load(path, allow_pickle=True)["a.bits"][0].close()
    assert trace.exists()  # the pickle does bite
    trace.unlink()
    with pytest.raises(ValueError, match=r"pickled\.npz is not a whole file of hash codes"):
        load_codes(path)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: HashCodes(np.zeros((2, 1), np.uint8), 0), "positive integer, but is 0"),
        (lambda: HashCodes(np.zeros((2, 1), np.uint8), True), "positive integer, but is True"),
        (lambda: HashCodes(np.zeros((2, 1), np.uint8), 8.0), "positive integer, but is 8.0"),
        (
            lambda: HashCodes(np.zeros((2, 1), np.uint8), 9),
            r"bits must be uint8 \[N, 2\] for 9 bits, but is uint8 \[2, 1\]",
        ),
        (lambda: HashCodes(np.zeros((2, 1), bool), 8), r"but is bool \[2, 1\]"),
        (lambda: HashCodes(np.full((2, 1), 1, np.uint8), 7), "the last 1 bits of each code pad"),
        (lambda: HashCodes.from_signs(np.zeros(3)), r"\[N, K\], not one of shape \[3\]"),
        (lambda: HashCodes.from_signs(np.array([[0, np.nan]])), "code 0 has NaN at bit 1"),
        (lambda: HashCodes.from_signs([[1.0, 2.0], [3.0]]), "not from this"),
        (lambda: HashCodes.from_signs(["0110", "1010"]), "not one of <U4; HashCodes.from_bits"),
        (lambda: HashCodes.from_signs(np.array([[None, 1]])), "of numbers, not one of object"),
        (lambda: HashCodes.from_signs(np.array([[1j, -1]])), "not one of complex128"),
        (
            lambda: HashCodes.from_signs(np.ma.array([[1, -1]], mask=[[True, False]])),
            "not one of masked values",
        ),
        (
            lambda: HashCodes.from_bits(np.array([[0, 0.5]])),
            "code 0 has 0.5 at bit 1, which is nei",
        ),
        (lambda: HashCodes.from_bits(np.array([[1, -1]])), "call HashCodes.from_signs for -1 and"),
        (lambda: HashCodes.from_bits(np.array([[0, np.nan]])), "code 0 has nan at bit 1"),
    ],
)
def test_bad_codes_are_named(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()


def clustered(n, n_bits, seed):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(40, n_bits))
    return HashCodes.from_real(centres[rng.integers(0, 40, n)] + 0.8 * rng.normal(size=(n, n_bits)))


def distances_between(queries, keys):
    a, b = queries.signs().astype(int), keys.signs().astype(int)
    return (queries.n_bits - a @ b.T) // 2


@settings(max_examples=40)
@given(st.integers(1, 200), st.integers(1, 140), st.integers(0, 2**32), st.data())
def test_flat_search_is_exact_with_equal_distances_by_id(n, n_bits, seed, data):
    keys, queries = clustered(n, n_bits, seed), clustered(5, n_bits, seed)
    k = data.draw(st.integers(1, n))
    index = HammingIndex(keys)
    distances, ids = index.search(queries, k)
    assert (distances.dtype, ids.dtype, len(index)) == (np.int32, np.int64, n)
    every = distances_between(queries, keys)
    expected = every.argsort(axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_array_equal(distances, np.take_along_axis(every, expected, axis=1))

    radius = data.draw(st.integers(0, n_bits + 2))
    near, found = index.within(queries, radius)
    assert len(near) == len(found) == 5
    for q, row in enumerate(every):
        inside = row.argsort(kind="stable")[: (row <= radius).sum()]
        np.testing.assert_array_equal(found[q], inside)
        np.testing.assert_array_equal(near[q], row[inside])
        assert (near[q].dtype, found[q].dtype) == (np.int32, np.int64)


def test_queries_searched_in_parts_give_the_same(monkeypatch):
    keys, queries = clustered(300, 24, 1), clustered(17, 24, 2)
    index = HammingIndex(keys)
    expected = index.search(queries, 20)
    monkeypatch.setattr(codes_module, "SEARCH_ENTRIES", 20 * 65 * 4)
    for found, wanted in zip(index.search(queries, 20), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("kind", ["ivf", "hnsw", "multihash"])
@pytest.mark.parametrize("n_bits", [12, 64])
def test_approximate_indexes_find_most_of_the_nearest(kind, n_bits):
    keys, queries = clustered(4000, n_bits, 3), clustered(50, n_bits, 3)
    every = distances_between(queries, keys)
    distances, ids = HammingIndex(keys, kind).search(queries, 20)
    found = ids >= 0
    rows = np.nonzero(found)[0]
    np.testing.assert_array_equal(distances[found], every[rows, ids[found]])
    assert all(len(set(row[row >= 0])) == (row >= 0).sum() for row in ids)
    assert (np.diff(distances.astype(np.int64), axis=1) >= 0).all()
    same = np.diff(distances, axis=1) == 0
    assert (np.diff(ids, axis=1)[same & found[:, 1:]] > 0).all()
    farthest = np.sort(every, axis=1)[:, 19:20]
    assert (found & (distances <= farthest)).mean() > 0.8


@pytest.mark.parametrize("kind", ["ivf", "multihash"])
def test_approximate_lookup_finds_only_what_is_within(kind):
    keys, queries = clustered(4000, 32, 4), clustered(50, 32, 4)
    every = distances_between(queries, keys)
    near, ids = HammingIndex(keys, kind).within(queries, 3)
    for q in range(50):
        np.testing.assert_array_equal(every[q, ids[q]], near[q])
        assert (near[q] <= 3).all()
    assert sum(map(len, ids)) > 0.8 * (every <= 3).sum() > 0


@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw", "multihash"])
def test_recall_is_the_share_that_is_as_near_as_a_full_comparison_finds(kind):
    keys, queries = clustered(4000, 64, 3), clustered(50, 64, 3)
    index = HammingIndex(keys, kind)
    if kind in ("ivf", "multihash"):
        index.effort = {"ivf": 1, "multihash": 0}[kind]
    every = distances_between(queries, keys)
    _, ids = index.search(queries, 20)
    nearest = [np.sort(row)[19] for row in every]
    hits = [
        sum(i >= 0 and every[q, i] <= nearest[q] for i in row) / 20 for q, row in enumerate(ids)
    ]
    assert index.recall(queries, 20) == pytest.approx(np.mean(hits))
    assert index.recall(queries) > 0.9 if kind in ("flat", "hnsw") else index.recall(queries) < 0.9


def test_a_graph_of_many_equal_codes_finds_few_of_them_and_its_recall_says_so():
    some = clustered(10, 32, 1)[np.random.default_rng(0).integers(0, 10, 20_000)]
    assert HammingIndex(some, "hnsw").recall(some[:100], 1_000) < 0.5
    assert HammingIndex(some, "ivf").recall(some[:100], 1_000) > 0.9
    assert "`hnsw` may find less than half of them" in " ".join(
        (HammingIndex.__doc__ or "").split()
    )


@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw", "multihash"])
def test_one_code_can_be_searched(kind):
    codes = clustered(1, 16, 5)
    distances, ids = HammingIndex(codes, kind).search(codes, 1)
    assert (distances.tolist(), ids.tolist()) == ([[0]], [[0]])


@pytest.mark.parametrize(("kind", "efforts"), [("ivf", (1, 63)), ("multihash", (0, 3))])
def test_more_effort_finds_more(kind, efforts):
    keys, queries = clustered(4000, 64, 3), clustered(50, 64, 3)
    index = HammingIndex(keys, kind)
    farthest = HammingIndex(keys).search(queries, 20)[0][:, -1:]
    recall = []
    for effort in efforts:
        index.effort = effort
        assert index.effort == effort
        recall.append((index.search(queries, 20)[0] <= farthest).mean())
    assert recall[0] + 0.05 < recall[1]


def test_effort_of_a_graph_is_the_candidates_that_it_keeps():
    index = HammingIndex(clustered(9, 16, 6), "hnsw")
    assert index.effort == 256
    index.effort = 7
    assert index.effort == index._index.hnsw.efSearch == 7


@pytest.mark.parametrize(("kind", "effort", "sentence"), table_rows("wrong_efforts"))
def test_effort_out_of_range_is_named(kind, effort, sentence):
    index = HammingIndex(CODES, kind)
    with pytest.raises(ValueError, match=sentence):
        index.effort = effort


CODES = clustered(9, 16, 6)
INDEX = HammingIndex(CODES)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: HammingIndex(CODES, "tree"), "flat, ivf, hnsw, multihash, not 'tree'"),
        (lambda: HammingIndex(CODES[:0]), "codes is empty: there is nothing to search"),
        (lambda: INDEX.search(CODES, 10), "from 1 to the 9 codes, but is 10"),
        (lambda: INDEX.search(CODES, 0), "from 1 to the 9 codes, but is 0"),
        (lambda: INDEX.search(CODES, 2.0), "from 1 to the 9 codes, but is 2.0"),
        (lambda: INDEX.search(clustered(2, 24, 0), 1), "queries have 24 bits .* codes of 16"),
        (lambda: INDEX.within(clustered(2, 24, 0), 1), "queries have 24 bits .* codes of 16"),
        (lambda: INDEX.search(CODES[:0], 1), "queries is empty"),
        (lambda: INDEX.within(CODES, -1), "radius must be an integer of at least 0, but is -1"),
        (lambda: HammingIndex(CODES, "hnsw").within(CODES, 1), "hnsw index cannot look up"),
    ],
)
def test_bad_searches_are_named(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
