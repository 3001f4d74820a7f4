"""Codes and fitted methods of saved runs on a dataset, for the explorer."""

import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from mmhash_nb import hashers
from mmhash_nb.codes import HashCodes
from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.provenance import method_hash
from mmhash_nb.experiments.runs import Run, codes_are_whole, read_record
from mmhash_nb.hashers.base import Embedder, Hasher
from mmhash_nb.io.project import runs_folder
from mmhash_nb.pairs import Pairs

Fitted = Callable[[], Hasher | Embedder]


class Collection(NamedTuple):
    """A dataset with what methods made of it.

    Attributes:
        pairs: the dataset.
        codes: for each (method, code length) and modality, codes of all samples.
        methods: for each (method, code length), a call that loads the fitted method; may lack some.
    """

    pairs: Pairs
    codes: Mapping[tuple[str, int], Mapping[str, HashCodes]]
    methods: Mapping[tuple[str, int], Fitted] = {}


def with_lengths(
    codes: Mapping[tuple[str, int], Mapping[str, HashCodes]]
    | Mapping[str, Mapping[str, HashCodes]]
    | None,
) -> dict[tuple[str, int], Mapping[str, HashCodes]]:
    """Codes by modality for each (method, code length), where they may be named by method alone."""
    return {
        name if isinstance(name, tuple) else (name, next(iter(of.values())).n_bits): of
        for name, of in (codes or {}).items()
    }


def collect(pairs: Pairs, runs: Iterable[Run]) -> Collection:
    """Codes and fitted methods of runs on `pairs`, one a method and code length.

    References without codes are left out.
    """
    coded = {run.key[:2]: run for run in runs if (run.folder / "codes.npz").is_file()}
    codes = {key: run.codes() for key, run in coded.items()}
    return Collection(pairs, codes, {key: run.method for key, run in coded.items()})


def saved_runs(protocol: Protocol, pairs: Pairs, root: Path | None = None) -> Collection:
    """Codes and fitted methods of a protocol's saved runs on these very pairs, first seed.

    Nothing is trained. A run counts where its data, method, code length, seed and options are
    those of the protocol; of several the newest is taken. Where the method's code has changed
    since, a warning says of how many runs. References without codes are left out.

    Args:
        protocol: what was run.
        pairs: the dataset as the runs had it.
        root: folder of the run folders; `io.project.runs_folder()` by default.

    Raises:
        ValueError: no run of the protocol is there.
    """
    folder = root or runs_folder()
    wanted = {
        (method, bits): hashers.create(method, bits, seed, **options)
        for method, bits, seed, options in protocol.runs()
        if seed == protocol.seeds[0]
    }
    found: dict[tuple[str, int], Run] = {}
    # Written last, a record says when its run ended: the newest overwrites the others.
    for path in sorted(folder.glob("*/record.json"), key=lambda path: path.stat().st_mtime):
        record = read_record(path.parent)
        if record is None:
            continue
        configuration = record["configuration"]
        key = (configuration["method"], configuration["bits"])
        method = wanted.get(key)
        if method is not None and configuration["data"] == pairs.fingerprint:
            options = json.loads(json.dumps(dict(method.options)))  # tuples as the record has them
            same = (configuration["seed"], configuration["options"]) == (method.seed, options)
            if same and codes_are_whole(path.parent):
                found[key] = Run(path.parent, record)
    if not found:
        raise ValueError(
            f"{folder} holds no finished run of the protocol on {pairs.name}: run its notebook "
            "first, or python -m mmhash_nb reproduce."
        )
    hashes = {key: method_hash(type(wanted[key])) for key in found}
    earlier = [k for k, run in found.items() if run.record["configuration"]["code"] != hashes[k]]
    if earlier:
        warnings.warn(
            f"{len(earlier)} of the {len(found)} runs shown were made by earlier code than this: "
            "run the protocol again to renew them.",
            stacklevel=2,
        )
    return collect(pairs, (found[key] for key in wanted if key in found))
