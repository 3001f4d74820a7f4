"""Databases too large for memory or for one machine: shards on disk, counted and searched in turn.

A shard is a pair of codes and labels, `(HashCodes, bool [N, C])`. Where a function takes shards,
any iterable of them will do, a generator or a `ShardedDatabase`, and one is alive at a time; or a
Dask bag of them, whose scheduler or cluster takes one shard a thread. Writing, reading and
searching share one format, so they are one module.
"""

import hashlib
import json
import operator
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

import numpy as np

from mmhash_nb.codes import HammingIndex, HashCodes
from mmhash_nb.hashers.base import EncodedModality, Hasher
from mmhash_nb.io.files import whole
from mmhash_nb.pairs import Pairs
from mmhash_nb.ranking import RankProfile, check_side, rank_profile

Shard = tuple[HashCodes, np.ndarray]
#: what lists the shards of a folder; written last, so that it stands for a whole database
LISTING = "database.json"
#: what lists the shards that are written of a source, while others are not
BEGUN = "begun.json"
#: the files of a shard
WHAT = ("codes", "labels")
#: rows, code length and label columns of a shard
Size = tuple[int, int, int]
Part = TypeVar("Part", RankProfile, "_Nearest")


@dataclass(frozen=True)
class ShardedDatabase:
    """Codes and labels in a folder, shard by shard; made by `write_shards` and `open_shards`.

    `database[i]` is shard i: its codes lie in a memory-mapped file, its labels are unpacked from
    one. Iterating gives the shards in order.

    Args:
        folder: where the files lie.
        n_bits: code length K; n_labels: label columns C.
        rows: how many codes each shard has.
    """

    folder: Path
    n_bits: int
    n_labels: int
    rows: tuple[int, ...]

    def __len__(self) -> int:
        """How many shards there are; they hold `sum(rows)` codes."""
        return len(self.rows)

    def __getitem__(self, i: int) -> Shard:
        i = range(len(self))[i]
        labels = np.unpackbits(self._mapped(i, "labels"), axis=1, count=self.n_labels)
        bits = self._mapped(i, "codes")
        try:
            return HashCodes(bits, self.n_bits), labels.view(np.bool_)
        except ValueError as error:
            raise self._damaged(i, "codes", error) from None

    def __iter__(self) -> Iterator[Shard]:
        return map(self.__getitem__, range(len(self)))  # a loop's variable would keep the last one

    def bag(self) -> Any:
        """The shards as a Dask bag, one a partition; each worker reads those it works on."""
        from dask import bag  # takes seconds to import

        return bag.from_sequence(range(len(self)), partition_size=1).map(self.__getitem__)

    def _mapped(self, i: int, what: str) -> np.ndarray:
        """The packed codes or labels of shard i, `uint8 [N, W]`, checked and memory-mapped."""
        expected = (self.rows[i], -(-(self.n_bits if what == "codes" else self.n_labels) // 8))
        try:
            mapped = np.lib.format.open_memmap(_path(self.folder, i, what), mode="r")  # no pickles
            if mapped.dtype != np.uint8 or mapped.shape != expected:
                raise ValueError(
                    f"it holds {mapped.dtype} {list(mapped.shape)}, not uint8 {list(expected)}"
                )
        except Exception as error:
            raise self._damaged(i, what, error) from None
        return mapped

    def _damaged(self, i: int, what: str, error: Exception) -> ValueError:
        return ValueError(
            f"{_path(self.folder, i, what)} is not the whole file of the {what} of shard {i} "
            f"({str(error).rstrip('.')}): write the database again."
        )


def write_shards(
    folder: str | os.PathLike[str], shards: Iterable[Shard], source: str = ""
) -> ShardedDatabase:
    """Write a database to `folder` as packed codes and labels in `.npy` files and a JSON listing.

    Args:
        folder: a new one, or one that an interrupted writing left.
        shards: codes `[N, K]` and labels `bool [N, C]` of one K and C; N may differ. Those of a
            Dask bag are written by its workers, which must see the folder.
        source: a name of the data, such as `photos of 2024`. An interrupted writing of the same
            source goes on after the last shard that is whole; what `encode_shards` gives is not
            encoded again, and must be of the same method. Without a name all is written again,
            since nothing tells whether shards came from the same source, and so are those of a bag.

    Raises:
        FileExistsError: where the folder holds a database already.
        ValueError: where there is no shard, or one is empty or does not fit the others.
    """
    folder = Path(folder)
    if (folder / LISTING).exists():
        raise FileExistsError(f"{folder} holds a database already: name another folder.")
    identity = [source, shards.identity if isinstance(shards, Encoding) else ""]
    resumes = bool(source) and not _is_bag(shards)
    sizes = _begun(folder, identity) if resumes else []
    for size in _written(folder, shards, len(sizes)):
        sizes.append(size)
        if resumes:
            with whole(folder / BEGUN) as aside:
                aside.write_text(json.dumps({"identity": identity, "sizes": sizes}) + "\n")
        if size[1:] != sizes[0][1:]:
            raise ValueError(
                f"shard {len(sizes) - 1} has codes of {size[1]} bits and {size[2]} label columns, "
                f"but the first has {sizes[0][1]} and {sizes[0][2]}: all must have the same."
            )
    if not sizes:
        raise ValueError("there are no shards: give at least one.")
    rows = [n for n, _, _ in sizes]
    listing = {"n_bits": sizes[0][1], "n_labels": sizes[0][2], "rows": rows}
    with whole(folder / LISTING) as aside:
        aside.write_text(json.dumps(listing) + "\n")
    (folder / BEGUN).unlink(missing_ok=True)
    return open_shards(folder)


def open_shards(folder: str | os.PathLike[str]) -> ShardedDatabase:
    """The database that `write_shards` left in `folder`; every file's size is checked.

    Raises:
        FileNotFoundError: where the folder has no listing, as after an interrupted writing.
        ValueError: where a file is truncated or holds something else.
    """
    path = Path(folder) / LISTING
    try:
        listing = json.loads(path.read_text())
        n_bits, n_labels, *rows = map(
            operator.index, (listing["n_bits"], listing["n_labels"], *listing["rows"])
        )
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} is not there: the folder holds no database, or its writing was interrupted."
        ) from None
    except Exception as error:
        raise ValueError(f"{path} is not a listing of shards ({error!r}).") from None
    database = ShardedDatabase(Path(folder), n_bits, n_labels, tuple(rows))
    for i in range(len(database)):
        for what in WHAT:
            database._mapped(i, what)
    return database


@dataclass(frozen=True)
class Encoding(Iterable[Shard]):
    """Shards that a fitted hasher makes of the parts of a database, each when it is asked for."""

    hasher: Hasher
    parts: Iterable[Pairs]
    modality: EncodedModality

    def __iter__(self) -> Iterator[Shard]:
        return self.after(0)

    def after(self, n: int) -> Iterator[Shard]:
        """The shards but for the first n, which are not encoded; of a sequence, nor read."""
        if isinstance(self.parts, Sequence):
            parts: Iterator[Pairs] = map(self.parts.__getitem__, range(n, len(self.parts)))
        else:
            parts = islice(self.parts, n, None)
        return map(lambda pairs: _encoded(pairs, self.hasher, self.modality), parts)

    @property
    def identity(self) -> str:
        """SHA-256 of the method's state and of what it encodes."""
        digest = hashlib.sha256(f"{self.hasher.name} {self.hasher.n_bits} {self.modality}".encode())
        for name, array in sorted(self.hasher.state.items()):
            digest.update(f"{name} {array.dtype.str} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def encode_shards(
    hasher: Hasher, parts: Iterable[Pairs], modality: EncodedModality
) -> Iterable[Shard]:
    """Shards of the codes that a fitted hasher gives each part of a database, one by one.

    Args:
        hasher: a fitted one.
        parts: parts of the database, such as a generator that loads them; all samples of each
            are encoded, whatever its splits. A Dask bag of parts gives a bag of shards; a worker
            gets the hasher once, and holds the parts of one partition at a time.
        modality: what to encode.
    """
    if _is_bag(parts):
        from dask import delayed

        return parts.map(_encoded, delayed(hasher, traverse=False), modality)
    return Encoding(hasher, parts, modality)


def sharded_rank_profile(
    query_codes: HashCodes,
    query_labels: np.ndarray,
    shards: Iterable[Shard],
    device: str = "cpu",
) -> RankProfile:
    """`rank_profile` over a database in shards: the same counts, however it is cut.

    Args:
        query_codes: Q codes of K bits; query_labels: `bool [Q, C]`.
        shards: an iterable of shards, or a Dask bag of them. A bag is computed by the active
            client or the scheduler that Dask is set to. A shard takes all cores by itself, so
            workers want one thread each, and `NUMBA_NUM_THREADS=1` where several share a machine.
        device: of `rank_profile`.

    Raises:
        ValueError: where there is no shard, or one does not fit the queries.
    """

    def profile(shard: Shard) -> RankProfile:
        return rank_profile(query_codes, shard[0], query_labels, shard[1], device)

    return _summed(profile, shards)


def sharded_search(
    queries: HashCodes, shards: Iterable[Shard], k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest codes of each query among all shards, exactly as `HammingIndex` finds them.

    Equal distances come in the order of the rows, also where only some of them are among the k:
    the answer does not depend on how the database is cut or which worker ends first.

    Args:
        queries: Q codes.
        shards: as for `sharded_rank_profile`; the labels are not used.
        k: how many, from 1 to the codes of all shards.

    Returns:
        distances `int32 [Q, k]` in bits and rows `int64 [Q, k]`, counted through all shards.

    Raises:
        ValueError: where there is no shard, code lengths differ or `k` is out of range.
    """

    def nearest(shard: Shard) -> _Nearest:
        codes = shard[0]
        return _Nearest(*HammingIndex(codes).search(queries, min(k, len(codes))), len(codes), k)

    found = _summed(nearest, shards)
    if k > found.n_codes:
        raise ValueError(f"k must be an integer from 1 to the {found.n_codes} codes, but is {k}.")
    return found.distances, found.rows


@dataclass(frozen=True, eq=False)
class _Nearest:
    """The at most k nearest of each query among `n_codes` codes, by distance, then row."""

    distances: np.ndarray
    rows: np.ndarray
    n_codes: int
    k: int

    def __add__(self, following: "_Nearest") -> "_Nearest":
        """Those among both; the codes of `following` come after these ones."""
        distances = np.concatenate([self.distances, following.distances], axis=1)
        rows = np.concatenate([self.rows, self.n_codes + following.rows], axis=1)
        # Stable: of equal distances, these rows stay before the following ones, which are larger.
        order = distances.argsort(axis=1, kind="stable")[:, : self.k]
        return _Nearest(
            np.take_along_axis(distances, order, 1),
            np.take_along_axis(rows, order, 1),
            self.n_codes + following.n_codes,
            self.k,
        )


def _summed(of_shard: Callable[[Shard], Part], shards: Any) -> Part:
    """The sum, in order, of `of_shard` of every shard."""
    if _is_bag(shards):
        total = shards.map(of_shard).reduction(_sum, _sum).compute()
    else:
        total = _sum(map(of_shard, shards))  # holds no shard while the next is made
    if total is None:
        raise ValueError("there are no shards: give at least one.")
    return total


def _sum(parts: Iterable[Part]) -> Part | None:
    """The sum of `parts` in order, or nothing where there are none."""
    total = None
    for part in parts:
        total = part if total is None else total + part
    return total


def _is_bag(some: Any) -> TypeGuard[Any]:
    """Whether a Dask bag is given rather than an iterable; asking does not import Dask."""
    return hasattr(some, "__dask_graph__")


def _encoded(pairs: Pairs, hasher: Hasher, modality: EncodedModality) -> Shard:
    return hasher.encode(pairs, modality), pairs.labels


def _begun(folder: Path, identity: list[str]) -> list[Size]:
    """The sizes of the shards that an interrupted writing of the same identity left whole."""
    try:
        begun = json.loads((folder / BEGUN).read_text())
        sizes = [(int(n), int(bits), int(labels)) for n, bits, labels in begun["sizes"]]
        return sizes if begun["identity"] == identity else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _written(folder: Path, shards: Iterable[Shard], first: int) -> Iterable[Size]:
    """Write every shard from the first on; give the size of each, in order."""
    if not _is_bag(shards):
        left = shards.after(first) if isinstance(shards, Encoding) else islice(shards, first, None)
        yield from map(partial(_write_shard, folder), count(first), left)
        return
    from dask import bag

    partitions = bag.from_sequence(range(shards.npartitions), partition_size=1)
    written = shards.map_partitions(partial(_write_partition, folder), partitions).compute()
    order = [(p, j) for p, sizes in enumerate(written) for j in range(len(sizes))]
    for i, (p, j) in enumerate(order):  # how many came before is known only now
        for what in WHAT:
            os.replace(_path(folder, f"{p}-{j}", what), _path(folder, i, what))
        yield written[p][j]


def _write_partition(
    folder: Path, shards: Iterable[Shard], partition: Iterable[int]
) -> list[list[Size]]:
    """Write the shards of one partition; the sizes of all as one item."""
    (p,) = partition
    return [list(map(partial(_write_shard, folder), (f"{p}-{j}" for j in count()), shards))]


def _write_shard(folder: Path, i: int | str, shard: Shard) -> Size:
    """Write shard i; return its rows, code length and label columns."""
    codes, labels = shard
    check_side("database", codes, labels)
    for what, packed in zip(WHAT, (codes.bits, np.packbits(labels, axis=1)), strict=True):
        with whole(_path(folder, i, what)) as aside:
            np.save(aside, packed)
    return len(codes), codes.n_bits, labels.shape[1]


def _path(folder: Path, i: int | str, what: str) -> Path:
    return folder / f"{i:0>6}.{what}.npy"
