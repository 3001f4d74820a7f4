"""A database in shards gives what the whole gives, one shard in memory at a time."""

import collections.abc
import subprocess
import sys
import weakref
from functools import partial
from itertools import chain

import dask
import numpy as np
import pytest
from dask import bag
from distributed import Client, LocalCluster
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhash_nb import hashers, shards
from mmhash_nb.codes import HammingIndex, HashCodes
from mmhash_nb.ranking import RankProfile, rank_profile
from mmhash_nb.shards import (
    encode_shards,
    open_shards,
    sharded_rank_profile,
    sharded_search,
    write_shards,
)


def sample(n, n_bits=10, n_labels=9, seed=0):
    """Codes so short that most distances are tied, and labels that fill no whole byte."""
    rng = np.random.default_rng(seed)
    codes = HashCodes.from_real(rng.normal(size=(n, n_bits)))
    return codes, rng.random((n, n_labels)) < 0.3


def cut(codes, labels, edges):
    parts = np.split(np.arange(len(codes)), edges)
    return [(codes[part], labels[part]) for part in parts]


QUERY = sample(7, seed=1)
KEYS = sample(120)
PARTS = cut(*KEYS, [3, 50, 51, 90])


def check_as_whole(shards, k):
    """Counts and neighbours over `shards`, an iterable for each call, are those of `KEYS`."""
    profile = sharded_rank_profile(*QUERY, shards())
    whole = rank_profile(QUERY[0], KEYS[0], QUERY[1], KEYS[1])
    np.testing.assert_array_equal(profile.counts, whole.counts)
    distances, rows = sharded_search(QUERY[0], shards(), k)
    expected = HammingIndex(KEYS[0]).search(QUERY[0], k)
    np.testing.assert_array_equal(distances, expected[0])
    np.testing.assert_array_equal(rows, expected[1])
    assert (distances.dtype, rows.dtype) == (np.int32, np.int64)


@settings(max_examples=60)
@given(st.sets(st.integers(1, 119)), st.integers(1, 120))
def test_any_way_of_cutting_gives_what_the_whole_gives(edges, k):
    check_as_whole(lambda: iter(cut(*KEYS, sorted(edges))), k)


def test_equal_distances_come_in_the_order_of_the_rows():
    codes = HashCodes(np.array([[1], [0], [1], [0], [1], [0]], np.uint8), 8)
    shards = cut(codes, np.ones((6, 1), bool), [2, 3])
    distances, rows = sharded_search(HashCodes(np.zeros((1, 1), np.uint8), 8), shards, 5)
    assert (rows.tolist(), distances.tolist()) == ([[1, 3, 5, 0, 2]], [[0, 0, 0, 1, 1]])


def test_equal_distances_past_the_blocks_of_faiss():
    keys, queries = sample(150_000, n_bits=6), sample(3, n_bits=6, seed=2)[0]
    every = np.bitwise_count(queries.words[:, 0][:, None] ^ keys[0].words[:, 0])
    expected = every.argsort(axis=1, kind="stable")[:, :5000]
    for edges in ([], [70_000, 70_001]):
        rows = sharded_search(queries, cut(*keys, edges), 5000)[1]
        np.testing.assert_array_equal(rows, expected)


def bags(folder):
    """Bags of the shards: read by workers, given, with an empty partition, and from delayed."""
    yield write_shards(folder, PARTS).bag()
    yield bag.from_sequence(PARTS, npartitions=2)
    yield bag.from_sequence([None, *PARTS], npartitions=6).filter(lambda part: part is not None)
    yield bag.from_delayed([dask.delayed(lambda part: [part])(part) for part in PARTS])


def test_a_dask_bag_gives_what_one_process_gives(tmp_path):
    with dask.config.set(scheduler="synchronous"):
        for shards in bags(tmp_path):
            check_as_whole(lambda shards=shards: shards, 40)
        for none in (bag.from_sequence([]), bag.from_sequence(PARTS).filter(lambda _: False)):
            with pytest.raises(ValueError, match="there are no shards: give at least one"):
                sharded_search(QUERY[0], none, 1)


@pytest.mark.parametrize("processes", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_workers_of_a_cluster_give_what_one_process_gives(processes, two_views, tmp_path):
    shards = write_shards(tmp_path / "kept", PARTS).bag()
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=processes,
            dashboard_address=None,
            local_directory=tmp_path,
        ) as cluster,
        Client(cluster),
    ):
        check_as_whole(lambda: shards, 40)
        check_encoding_of_bags(two_views, tmp_path)


class Alive:
    """Counts how many of the objects that passed through it are alive, and the most so far."""

    def __init__(self):
        self.now = self.most = 0

    def add(self, some):
        self.now += 1
        self.most = max(self.most, self.now)
        weakref.finalize(some, self.drop)
        return some

    def drop(self):
        self.now -= 1


@pytest.mark.parametrize(
    "use",
    [
        lambda shards, _: sharded_rank_profile(*QUERY, shards),
        lambda shards, _: sharded_search(QUERY[0], shards, 5),
        lambda shards, folder: write_shards(folder, shards),
    ],
)
def test_one_shard_is_alive_at_a_time(use, tmp_path):
    codes, labels = Alive(), Alive()

    def made(seed):
        some = sample(20, seed=seed)
        return codes.add(some[0]), labels.add(some[1])

    use(map(made, range(5)), tmp_path)
    assert (codes.most, labels.most, codes.now, labels.now) == (1, 1, 0, 0)


def test_one_part_of_a_database_is_alive_while_it_is_encoded(two_views, tmp_path):
    alive = Alive()
    hasher = hashers.create("random", 8).fit(two_views)
    rows = np.array_split(np.arange(len(two_views)), 4)
    parts = (alive.add(two_views.take(some)) for some in rows)
    write_shards(tmp_path, encode_shards(hasher, parts, "image"))
    assert (alive.most, alive.now) == (1, 0)


def test_shards_on_disk_are_read_one_at_a_time(tmp_path, monkeypatch):
    alive = Alive()
    database = write_shards(tmp_path, PARTS)
    read = type(database)._mapped
    monkeypatch.setattr(type(database), "_mapped", lambda *which: alive.add(read(*which)))
    sharded_rank_profile(*QUERY, database)
    assert (alive.most, alive.now) == (1, 0)  # packed labels are gone before codes are mapped


SUMMED = {
    RankProfile: lambda some: sharded_rank_profile(*QUERY, some),
    shards._Nearest: lambda some: sharded_search(QUERY[0], some, 5),
}


@pytest.mark.parametrize("kind", SUMMED)
@pytest.mark.parametrize(("n_partitions", "most"), [(0, 3), (2, 6), (40, 16)])
def test_what_shards_gave_is_not_kept_until_all_have_given(kind, n_partitions, most, monkeypatch):
    """At most two and their sum; in a bag also the sums of partitions that wait, by eight."""
    alive, init = Alive(), kind.__init__
    monkeypatch.setattr(kind, "__init__", lambda self, *a: init(alive.add(self), *a))
    made = map(partial(sample, 20, 10, 9), range(40))
    if n_partitions:
        seeds = bag.from_sequence(range(40), npartitions=n_partitions)
        made = seeds.map(partial(sample, 20, 10, 9))
    with dask.config.set(scheduler="synchronous"):
        SUMMED[kind](made)
    assert alive.most <= most and alive.now == 0


PEAKS = """
import sys
from pathlib import Path
import numpy as np
from mmhash_nb.codes import HashCodes
from mmhash_nb.shards import sharded_rank_profile, sharded_search

def made(seed):
    bits = np.frombuffer(np.random.default_rng(seed).bytes(8_000_000), np.uint8).reshape(-1, 8)
    return HashCodes(bits, 64), np.unpackbits(bits[:, :1], axis=1).view(bool)

def peak(n_shards):
    queries, shards = HashCodes.from_bits(np.ones((2, 64))), map(made, range(n_shards))
    if sys.argv[1] == "count":
        profile = sharded_rank_profile(queries, np.eye(2, 8) > 0, shards)
        assert (profile.items.sum(axis=1) == 1_000_000 * n_shards).all()
    else:
        distances, rows = sharded_search(queries, shards, 1000)
        assert rows.max() > 1_000_000 * (n_shards - 1)
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

print(peak(2), peak(20))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize("what", ["count", "search"])
def test_memory_does_not_grow_with_the_number_of_shards(what):
    command = [sys.executable, "-c", PEAKS, what]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    few, many = map(float, done.stdout.split())
    # Megabytes; the codes and labels of 18 more shards would take 275, their codes alone 137.
    assert many - few < 50


@pytest.mark.parametrize("name", ["scm", "cmfh"])
def test_encoding_in_shards_is_encoding_at_once(name, two_views, tmp_path):
    hasher = hashers.create(name, 9, seed=1).fit(two_views)
    parts = map(two_views.take, np.array_split(np.arange(len(two_views)), [1, 70]))
    database = write_shards(tmp_path, encode_shards(hasher, parts, "text"))
    assert database.rows == (1, 69, 90)
    codes, labels = zip(*database, strict=True)
    np.testing.assert_array_equal(np.concatenate(labels), two_views.labels)
    bits = np.concatenate([some.bits for some in codes])
    assert HashCodes(bits, 9) == hasher.encode(two_views, "text")


def check_encoding_of_bags(two_views, folder):
    """Workers that encode and write leave the very files of one process."""
    hasher = hashers.create("scm", 9, seed=1).fit(two_views)
    parts = list(map(two_views.take, np.array_split(np.arange(len(two_views)), [1, 70, 71, 90])))
    write_shards(folder / "one", encode_shards(hasher, parts, "text"))
    files = {path.name: path.read_bytes() for path in (folder / "one").iterdir()}
    delayed = [dask.delayed(some) for some in ([], parts[:2], [], parts[2:])]
    for name, some in (("a", bag.from_sequence(parts)), ("b", bag.from_delayed(delayed))):
        written = write_shards(folder / name, encode_shards(hasher, some, "text"))
        assert written.rows == (1, 69, 1, 19, 70)
        assert {path.name: path.read_bytes() for path in (folder / name).iterdir()} == files


def test_workers_encode_and_write_what_one_process_does(two_views, tmp_path):
    with dask.config.set(scheduler="threads", num_workers=2):
        check_encoding_of_bags(two_views, tmp_path)


def test_a_worker_holds_the_parts_of_one_partition_at_a_time(two_views, tmp_path):
    alive = Alive()
    hasher = hashers.create("random", 8).fit(two_views)
    rows = bag.from_sequence(np.array_split(np.arange(len(two_views)), 8), partition_size=1)
    parts = rows.map(lambda some: alive.add(two_views.take(some)))
    with dask.config.set(scheduler="synchronous"):
        write_shards(tmp_path, encode_shards(hasher, parts, "image"))
    assert (alive.most, alive.now) == (1, 0)


def test_workers_leave_no_database_where_shards_do_not_fit_or_are_none(tmp_path):
    with dask.config.set(scheduler="synchronous"):
        with pytest.raises(ValueError, match="shard 1 has codes of 16 bits and 9 label columns"):
            write_shards(tmp_path, bag.from_sequence([KEYS, sample(4, n_bits=16)]))
        with pytest.raises(ValueError, match="there are no shards: give at least one"):
            write_shards(tmp_path, bag.from_sequence([]))
    assert not (tmp_path / "database.json").exists()


def test_databases_in_several_folders_are_one_in_turn(tmp_path):
    """So a long encoding loses no finished folder: `chain` of what was written part by part."""
    kept = [write_shards(tmp_path / str(i), PARTS[i : i + 2]) for i in range(0, 5, 2)]
    check_as_whole(lambda: chain(*kept), 40)


def test_a_folder_keeps_the_shards_and_is_not_written_over(tmp_path):
    write_shards(tmp_path / "kept", iter(PARTS))
    database = open_shards(tmp_path / "kept")
    assert (len(database), database.n_bits, database.n_labels) == (5, 10, 9)
    assert database.rows == (3, 47, 1, 39, 30)
    for (codes, labels), (some, given_labels) in zip(database, PARTS, strict=True):
        assert codes == some and isinstance(codes.bits, np.memmap)
        assert labels.dtype == np.bool_ and np.array_equal(labels, given_labels)
    assert database[-1][0] == PARTS[-1][0]
    with pytest.raises(IndexError):
        database[5]
    with pytest.raises(FileExistsError, match="kept holds a database already: name another folder"):
        write_shards(tmp_path / "kept", PARTS[:1])
    check_as_whole(lambda: database, 17)


def test_an_interrupted_writing_leaves_no_database_and_can_be_done_again(tmp_path):
    def interrupted():
        yield from PARTS[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(tmp_path, interrupted())
    with pytest.raises(FileNotFoundError, match=r"database\.json is not there: .* interrupted"):
        open_shards(tmp_path)
    assert open_shards(write_shards(tmp_path, PARTS[3:]).folder).rows == (39, 30)


class Read:
    """Parts of a database that are read when they are asked for, and which of them were."""

    def __init__(self, parts):
        self.parts, self.read = parts, []

    def __len__(self):
        return len(self.parts)

    def __getitem__(self, i):
        self.read.append(i)
        return self.parts[i]


collections.abc.Sequence.register(Read)


def test_an_interrupted_writing_of_a_source_goes_on_after_its_last_shard(
    two_views, tmp_path, monkeypatch
):
    hasher = hashers.create("scm", 9, seed=1).fit(two_views)
    parts = list(map(two_views.take, np.array_split(np.arange(len(two_views)), [1, 70, 71, 90])))
    write_shards(tmp_path / "one", encode_shards(hasher, parts, "text"))
    files = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir()}
    encoded, encode = [], type(hasher).encode

    def stops(self, pairs, modality):
        if len(encoded) == 2:
            raise KeyboardInterrupt
        encoded.append(len(pairs))
        return encode(self, pairs, modality)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(type(hasher), "encode", stops)
        write_shards(tmp_path / "two", encode_shards(hasher, parts, "text"), "all texts")
    assert encoded == [1, 69]
    left = Read(parts)
    written = write_shards(tmp_path / "two", encode_shards(hasher, left, "text"), "all texts")
    assert left.read == [2, 3, 4] and written.rows == (1, 69, 1, 19, 70)
    assert {path.name: path.read_bytes() for path in (tmp_path / "two").iterdir()} == files


@pytest.mark.parametrize("changed", ["source", "method", "modality", "damaged"])
def test_a_writing_of_another_source_or_method_begins_again(changed, two_views, tmp_path):
    hasher = hashers.create("scm", 9, seed=1).fit(two_views)
    parts = [two_views.take(np.arange(5)), two_views.take(np.arange(5, 12))]

    def interrupted():
        yield parts[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(tmp_path, encode_shards(hasher, interrupted(), "text"), "a")
    if changed == "damaged":
        (tmp_path / "begun.json").write_text('{"identity"')
    other = hashers.create("cmfh", 9, seed=1).fit(two_views) if changed == "method" else hasher
    left = Read(parts)
    encoding = encode_shards(other, left, "image" if changed == "modality" else "text")
    written = write_shards(tmp_path, encoding, "b" if changed == "source" else "a")
    assert left.read == [0, 1] and written.rows == (5, 7)
    expected = other.encode(parts[0], "image" if changed == "modality" else "text")
    assert written[0][0] == expected


def truncate(path):
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("name", "spoil", "sentence"),
    [
        ("000001.codes.npy", truncate, "the whole file of the codes of shard 1 .*mmap length"),
        ("000004.labels.npy", truncate, "the whole file of the labels of shard 4 .*mmap length"),
        ("000000.codes.npy", lambda p: p.write_bytes(b""), "the codes of shard 0"),
        ("000000.codes.npy", lambda p: p.unlink(), "the codes of shard 0 .*No such file"),
        (
            "000000.codes.npy",
            lambda p: np.save(p, np.zeros((3, 1), np.uint8)),
            r"it holds uint8 \[3, 1\], not uint8 \[3, 2\]\): write the database again",
        ),
        ("000000.codes.npy", lambda p: np.save(p, np.zeros((3, 2))), r"it holds float64 \[3, 2\]"),
        (
            "000000.labels.npy",
            lambda p: np.save(p, np.array([[dict]], dtype=object)),
            "the labels of shard 0 .*Python objects",
        ),
        ("database.json", truncate, None),
        ("database.json", lambda p: p.write_text("[1, 2]"), "is not a listing of shards"),
        ("database.json", lambda p: p.write_text('{"n_bits": 8}'), "is not a listing of shards"),
        (
            "database.json",
            lambda p: p.write_text('{"n_bits": 8, "n_labels": 2, "rows": ["9"]}'),
            "is not a listing of shards",
        ),
    ],
)
def test_files_that_are_not_whole_are_named_at_once(name, spoil, sentence, tmp_path):
    write_shards(tmp_path, PARTS)
    spoil(tmp_path / name)
    if sentence is None:  # the last byte of the listing only ends its line
        truncate(tmp_path / name)
        sentence = "is not a listing of shards"
    with pytest.raises(ValueError, match=f"{name}.*{sentence}"):
        open_shards(tmp_path)


def test_codes_with_padding_that_is_not_zero_are_named_where_they_are_read(tmp_path):
    database = write_shards(tmp_path, PARTS)
    truncate(tmp_path / "000002.codes.npy")
    with open(tmp_path / "000002.codes.npy", "ab") as file:
        file.write(b"\xff")
    sentence = r"000002\.codes\.npy is not the whole .* must be zero\): write the database again"
    with pytest.raises(ValueError, match=sentence):
        database[2]


OTHER = sample(4, n_bits=16), sample(4, n_labels=3), sample(0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda f: write_shards(f, []), "there are no shards: give at least one"),
        (lambda f: write_shards(f, [KEYS, OTHER[0]]), "shard 1 has codes of 16 bits and 9 label"),
        (lambda f: write_shards(f, [KEYS, OTHER[1]]), "3 label columns, but the first has 10 and"),
        (lambda f: write_shards(f, [KEYS, OTHER[2]]), "database_codes is empty"),
        (lambda f: write_shards(f, [(KEYS[0], KEYS[1][:9])]), "has 120 rows but .* has 9"),
        (lambda f: write_shards(f, [(KEYS[0], KEYS[1].astype(int))]), "database_labels must be"),
        (lambda _: sharded_rank_profile(*QUERY, []), "there are no shards: give at least one"),
        (lambda _: sharded_rank_profile(*QUERY, [KEYS, OTHER[0]]), "database codes have 16"),
        (lambda _: sharded_search(QUERY[0], [], 1), "there are no shards: give at least one"),
        (lambda _: sharded_search(QUERY[0], PARTS, 121), "from 1 to the 120 codes, but is 121"),
        (lambda _: sharded_search(QUERY[0], PARTS, 0), "k must be an integer from 1 .* but is 0"),
        (lambda _: sharded_search(QUERY[0], PARTS, 2.0), "k must be an integer .* but is 2.0"),
        (lambda _: sharded_search(OTHER[0][0], PARTS, 1), "queries have 16 bits"),
    ],
)
def test_what_does_not_fit_is_named(call, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        call(tmp_path)
    assert not (tmp_path / "database.json").exists()
