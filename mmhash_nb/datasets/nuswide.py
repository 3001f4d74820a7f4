"""NUS-WIDE as masci2014 uses it: visual words and tags of the 21 most frequent concepts."""

import hashlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import sparse

from mmhash_nb.files import cache_folder, whole
from mmhash_nb.pairs import Pairs

__all__ = ["PAGE", "PROTOCOLS", "PUT", "check_published", "find", "load", "most_frequent", "split"]

PAGE = "https://lms.comp.nus.edu.sg/wp-content/uploads/2019/research/nuswide/NUS-WIDE.html"
CONCEPTS, LABELS = "Concepts81.txt", "AllLabels"
TAG_LIST, TAGS, VISUAL_WORDS = "TagList1k.txt", "AllTags1k.txt", "BoW_int.dat"
PUT = (
    f"nuswide/ with ConceptsList/{CONCEPTS}, Groundtruth/{LABELS}/Labels_*.txt (81 files), "
    f"NUS_WID_Tags/{TAG_LIST}, NUS_WID_Tags/{TAGS} and Low_Level_Features/{VISUAL_WORDS}"
)
PROTOCOLS = ("masci2014",)

N_IMAGES, N_LISTED, N_CONCEPTS, N_TAGS, N_VISUAL_WORDS = 269_648, 81, 21, 1_000, 500
#: queries and database of masci2014, Table 1
PUBLISHED = 2_100 + 193_739
#: no count of visual words comes near it, and `uint16` holds it
_LARGEST_COUNT = 65_535
_LINES = 4_096


def find(root: Path) -> Path | None:
    """The sub-folder of `root` named NUS-WIDE (any case, `-`, `_` or neither) with every file."""
    return next((folder for folder in _folders(root) if _missing(folder) is None), None)


def load(
    root: str | os.PathLike[str],
    *,
    protocol: str = "masci2014",
    split_seed: int = 0,
    n_train: int = 5_000,
    n_query_per_concept: int = 100,
) -> Pairs:
    """NUS-WIDE (Chua et al., CIVR 2009) from its own text files, split as in masci2014 (§4).

    Of the 269,648 images those with at least one of the 21 most frequent concepts are kept, and
    those 21 are their labels. Images without any of the 1,000 tags are kept too, with an all-zero
    text: masci2014 names no other filter, and its 195,839 images are within five of the 195,834
    that later papers count for the 21 concepts. `source` says how many were found.

    The official files lie in sub-folders; any two levels of folders are looked through. What was
    parsed is kept in the cache, so that the second load takes seconds.

    Args:
        root: the folder that holds `nuswide/` (or `NUS-WIDE/`).
        protocol: `masci2014`: images are `float32 [N, 500]` counts of visual words, texts a
            `float32 [N, 1000]` CSR matrix of zeros and ones.
        split_seed: draws queries and training samples.
        n_train: training samples, out of the database.
        n_query_per_concept: queries of each concept; the rest is the database.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: an unknown protocol, more samples asked for than there are, a line that cannot
            be read or holds a value out of range (with file and line), or files whose lines
            differ in number.
    """
    if protocol not in PROTOCOLS:
        raise ValueError(f"protocol of nuswide is one of {', '.join(PROTOCOLS)}, not {protocol!r}.")
    root = Path(root)
    folder = find(root)
    if folder is None:
        where = next(iter(_folders(root)), root / "nuswide")
        raise FileNotFoundError(
            f"nuswide has no {_missing(where)} in {where}: get Low-Level Features, Tags, "
            f"Groundtruth and Concept List from {PAGE} and put {PUT} under {root}."
        )
    concepts = _names(_locate(folder, CONCEPTS), N_LISTED)
    vocabulary = _names(_locate(folder, TAG_LIST), N_TAGS)
    every_label = _labels(folder, concepts)  # [269648, 81]
    check_published(len(every_label))
    chosen = most_frequent(every_label, N_CONCEPTS)
    labels = every_label[:, chosen].astype(np.bool_)  # [269648, 21]
    kept = np.flatnonzero(labels.any(axis=1))
    tags = _aligned(_locate(folder, TAGS), N_TAGS, 1, len(labels))
    texts = sparse.csr_matrix(tags[kept]).astype(np.float32)
    words = _aligned(_locate(folder, VISUAL_WORDS), N_VISUAL_WORDS, _LARGEST_COUNT, len(labels))
    names = [concepts[c] for c in chosen]
    query, database, train = split(labels[kept], names, n_query_per_concept, n_train, split_seed)
    untagged = int((np.diff(texts.indptr) == 0).sum())
    return Pairs(
        images=words[kept].astype(np.float32),
        texts=texts,
        labels=labels[kept],
        label_names=names,
        query=query,
        database=database,
        train=train,
        vocabulary=vocabulary,
        modality_names=("BoF", "Tags"),
        name="nuswide",
        source=(
            f"official text files, {len(kept):,} of {len(labels):,} images have one of the "
            f"{N_CONCEPTS} concepts ({protocol}: {PUBLISHED:,}), {untagged:,} of them no tag"
        ),
    )


def most_frequent(labels: np.ndarray, n: int) -> np.ndarray:
    """The `n` columns of `labels` (0/1 `[N, C]`) with the most ones, `int64 [n]`, in file order.

    Of two equally frequent columns the first is taken.
    """
    counts = labels.sum(axis=0, dtype=np.int64)
    return np.sort(np.argsort(-counts, kind="stable")[:n])


def split(
    labels: np.ndarray, names: list[str], n_query: int, n_train: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Query, database and train indices, with `n_query` queries drawn for each concept.

    No sample is drawn for two concepts; the rarest concept draws first, lest others use it up.
    The queries depend on the seed alone, not on how many training samples follow them.

    Args:
        labels: `bool [N, C]`; names: of the C concepts.
        n_query: queries of each concept; the rest is the database.
        n_train: training samples, drawn out of the database whatever their concepts.
        seed: draws both.

    Raises:
        ValueError: a concept or the database has too few samples, or a number is not positive.
    """
    for option, value in (("n_query_per_concept", n_query), ("n_train", n_train)):
        if value < 1:
            raise ValueError(f"{option} must be at least 1, but is {value}.")
    rng = np.random.default_rng(seed)
    free = np.ones(len(labels), dtype=np.bool_)
    for concept in np.argsort(labels.sum(axis=0), kind="stable"):
        left = np.flatnonzero(labels[:, concept] & free)
        if len(left) < n_query:
            raise ValueError(
                f"concept {names[concept]} has {len(left)} samples left, too few for {n_query} "
                "queries: lower n_query_per_concept."
            )
        free[rng.choice(left, n_query, replace=False)] = False
    database = np.flatnonzero(free)
    if len(database) < n_train:
        raise ValueError(
            f"the database has {len(database)} samples, too few for {n_train} training samples: "
            "lower n_train."
        )
    return np.flatnonzero(~free), database, np.sort(rng.choice(database, n_train, replace=False))


def check_published(n_images: int) -> None:
    """Refuse anything but 269,648 images."""
    if n_images != N_IMAGES:
        raise ValueError(
            f"NUS-WIDE has {N_IMAGES} images, but these files have {n_images} lines: get them "
            f"again from {PAGE}."
        )


def _folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    plain = {path: path.name.lower().replace("-", "").replace("_", "") for path in root.iterdir()}
    return sorted(path for path, name in plain.items() if name == "nuswide" and path.is_dir())


def _locate(folder: Path, name: str) -> Path:
    """The file or folder `name` in `folder` or up to two levels below, wherever it was unpacked."""
    for level in ("", "*/", "*/*/"):
        if found := sorted(folder.glob(level + name)):
            return found[0]
    raise FileNotFoundError(name)


def _missing(folder: Path) -> str | None:
    """The first file that `folder` lacks."""
    try:
        for name in (CONCEPTS, LABELS, TAG_LIST, TAGS, VISUAL_WORDS):
            _locate(folder, name)
    except FileNotFoundError as error:
        return str(error)
    labels = _locate(folder, LABELS)
    # `available` only asks what is there; whether the list is right is for `load` to say.
    concepts = _locate(folder, CONCEPTS).read_text(encoding="utf-8", errors="replace").split()
    paths = [_label_path(labels, concept) for concept in concepts]
    return next((f"{LABELS}/{path.name}" for path in paths if not path.is_file()), None)


def _label_path(folder: Path, concept: str) -> Path:
    return folder / f"Labels_{concept}.txt"


def _names(path: Path, n: int) -> list[str]:
    """The `n` names of a list, one on each line."""
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    names = [name for line in lines if (name := line.strip())]
    if len(names) != n:
        raise ValueError(f"{path} must hold {n} names, but holds {len(names)}: {_again()}")
    if len(set(names)) != n:
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{path} names {twice} more than once: {_again()}")
    return names


def _labels(folder: Path, concepts: list[str]) -> np.ndarray:
    """The labels of all concepts, zeros and ones, `uint8 [N, 81]`."""
    paths = [_label_path(_locate(folder, LABELS), concept) for concept in concepts]
    first = _table(paths[0], 1, 1)
    return np.hstack([first, *(_aligned(path, 1, 1, len(first)) for path in paths[1:])])


def _aligned(path: Path, columns: int, largest: int, n: int) -> np.ndarray:
    """The numbers of a file that must have `n` lines, as the first file of labels has."""
    table = _table(path, columns, largest)
    if len(table) != n:
        raise ValueError(
            f"{path} has {len(table)} lines, but the labels of the first concept have {n}: they "
            f"must align, so {_again()}"
        )
    return table


def _table(path: Path, columns: int, largest: int) -> np.ndarray:
    """The numbers of a text file, `uint8` or `uint16 [lines, columns]`, mapped from the cache."""
    stat = path.stat()
    key = f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{columns}|{largest}"
    kept = cache_folder("nuswide") / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npy"
    try:
        return np.load(kept, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        pass  # absent, or not whole
    with open(path, "rb") as file:
        n = sum(1 for _ in file)
    if n == 0:
        raise ValueError(f"{path} is empty: {_again()}")
    with whole(kept) as aside:
        table = np.lib.format.open_memmap(
            aside, "w+", np.min_scalar_type(largest), shape=(n, columns)
        )
        for start, block in _blocks(path, columns, largest):
            table[start : start + len(block)] = block
        table.flush()
    return np.load(kept, mmap_mode="r", allow_pickle=False)


def _blocks(path: Path, columns: int, largest: int) -> Iterator[tuple[int, np.ndarray]]:
    """Blocks of parsed lines, each with how many lines came before it."""
    with open(path, encoding="ascii", errors="replace", newline="\n") as file:
        start = 0
        while lines := list(itertools.islice(file, _LINES)):
            block = _numbers(lines, columns, largest)
            if block is None:
                raise ValueError(_fault(path, start, lines, columns, largest))
            yield start, block
            start += len(lines)


def _numbers(lines: list[str], columns: int, largest: int) -> np.ndarray | None:
    """Lines of whole numbers from 0 to `largest`, or None where they are anything else."""
    if any(line.isspace() for line in lines):
        return None  # NumPy would skip it, and every later line would move up
    try:
        block = np.loadtxt(lines, dtype=np.int64, comments=None, ndmin=2)
    except ValueError:
        return None
    right = block.shape == (len(lines), columns) and block.min() >= 0 and block.max() <= largest
    return block if right else None


def _fault(path: Path, start: int, lines: list[str], columns: int, largest: int) -> str:
    """What is wrong with the first wrong line."""
    number, line = next(
        (number, line)
        for number, line in enumerate(lines, start + 1)
        if _numbers([line], columns, largest) is None
    )
    values = line.split()
    if len(values) != columns:
        fault = f"holds {len(values)} values, but must hold {columns}"
    else:
        value = next(value for value in values if _numbers([value], 1, largest) is None)
        fault = f"holds {value}, but must hold whole numbers from 0 to {largest}"
    return f"line {number} of {path} {fault}: correct the line, or {_again()}"


def _again() -> str:
    return f"get the file again from {PAGE}."
