"""The command `compare`: every method that can run on a dataset, in one page."""

import argparse
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from mmhash_nb import datasets, hashers, papers, results
from mmhash_nb.cli import PROGRAM
from mmhash_nb.cli.arguments import add_compare
from mmhash_nb.cli.backbone_choice import chosen_backbone
from mmhash_nb.cli.plugins import load_plugins
from mmhash_nb.datasets import folder
from mmhash_nb.datasets.description import description
from mmhash_nb.datasets.preprocessing import Preprocessing
from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.protocol_runs import views
from mmhash_nb.experiments.runs import Run
from mmhash_nb.io.cache import cache_folder
from mmhash_nb.io.project import writable
from mmhash_nb.pairs import Pairs
from mmhash_nb.papers.side_by_side.durations import expected_seconds, quick
from mmhash_nb.papers.side_by_side.protocol import DATASETS, left_out
from mmhash_nb.papers.side_by_side.tables import DIRECTIONS, arrow, backbone_ms
from mmhash_nb.report.comparison import Comparison, write

_TIMED = 16  # pictures by which the backbone's speed is measured
_FOLDER = "folder"


@dataclass(frozen=True)
class _Data:
    """What is compared on: the protocol's name of it, its items, what was read with doubts."""

    dataset: str
    protocol: Protocol
    pairs: Pairs
    notes: Sequence[str]


def main(arguments: Sequence[str]) -> int:
    """Run every method that can run on FOLDER under one protocol, and write one page of it.

    What was trained is found again, so that the same command goes on after Ctrl-C or a kill.
    """
    parser = argparse.ArgumentParser(f"{PROGRAM} {arguments[0]}", description=main.__doc__)
    add_compare(parser)
    args = parser.parse_args(arguments[1:])
    ends = time.monotonic() + args.time
    if args.out.is_dir():
        raise ValueError(f"--out {args.out} is a folder: name a page: {args.out / 'comparison'}.")
    writable(args.out.absolute().parent, "--out")
    plugins = load_plugins(args.plugin)
    data = _read(args)
    if not data.pairs.query.size:
        raise ValueError(f"{args.data} has no row of split query to judge by: mark some.")
    about = [*description(data.pairs), *data.notes, *_without_effect(data, args)]
    print(*about, sep="\n", flush=True)
    protocol, without = _chosen(data, args, plugins)
    print(_estimate(protocol, data.pairs), flush=True)
    root = cache_folder("fits") if data.dataset == _FOLDER else None
    runs: list[Run] = []
    for done in _run_all(protocol, data.pairs, args.device, root, ends, without):
        runs += done
    if len({run.key[0] for run in runs}) < 2:
        chosen = {method for method, *_ in protocol.runs()}
        reasons = [f"{m}: {r}" for m, r in without.items() if m.partition(",")[0] in chosen]
        raise ValueError(f"no method has run: {'; '.join(reasons) or 'random is a control alone'}.")
    name = Path(args.data).resolve().name if data.dataset == _FOLDER else data.dataset
    found = Comparison(name, data.pairs, runs, about, without)
    for path in write(args.out, found, _next_steps(found, data, protocol, args)):
        print(f"written to {path}")
    return 0


def _read(args: argparse.Namespace) -> _Data:
    """The folder or the dataset of a name, and all methods' protocol on it."""
    backbone, weights = chosen_backbone(args.backbone, args.weights)
    named = args.data in DATASETS and args.data != _FOLDER and not Path(args.data).exists()
    dataset = args.data if named else _FOLDER
    given = {"bits": args.bits, "seeds": args.seeds, "backbone": backbone, "weights": weights}
    protocol = papers.protocol("side_by_side", dataset, **given)
    if named:
        return _Data(dataset, protocol, datasets.load(protocol.dataset, **protocol.views), ())
    if not Path(args.data).is_dir():
        known = ", ".join(name for name in DATASETS if name != _FOLDER)
        raise ValueError(f"{args.data} is neither a folder nor one of the datasets {known}.")
    size = protocol.views.get("size", Preprocessing().size)
    how = Preprocessing("pixels", size, args.tokens, args.ngram)
    found = folder.read(args.data, how, on_error=args.on_error)
    return _Data(dataset, protocol, found.pairs, found.notes)


def _without_effect(data: _Data, args: argparse.Namespace) -> Iterator[str]:
    """A sentence on each option that nothing takes."""
    if args.backbone and data.pairs.images.ndim != 4:
        yield f"--backbone has no effect: the images of {data.dataset} are vectors already"
    default = Preprocessing()
    if data.dataset != _FOLDER and (args.tokens, args.ngram) != (default.tokens, default.ngram):
        yield f"--tokens and --ngram have no effect: {data.dataset} has its texts as vectors"


def _chosen(
    data: _Data, args: argparse.Namespace, plugins: Sequence[str]
) -> tuple[Protocol, dict[str, str]]:
    """The protocol of the methods that are to run, and why others are not."""
    without = left_out(data.dataset)
    ((every, lengths),) = data.protocol.grids
    coded = [name for name in every if hashers.method_class(name).has_codes]
    without |= {name: "it makes no codes" for name in every if name not in coded}
    for name in args.methods:
        if name not in (*coded, "random"):
            hashers.method_class(name)  # which says what names there are
            raise ValueError(f"{name} does not run on {args.data}: {without[name]}.")
    chosen = args.methods or coded
    if args.quick:
        fast = quick(data.protocol, len(data.pairs.train))
        without |= {name: "it takes longer than --quick" for name in chosen if name not in fast}
        chosen = [name for name in chosen if name in fast]
    chosen = list(dict.fromkeys([*chosen, *(name for name in plugins if name in coded)]))
    return replace(data.protocol, grids=[(chosen, lengths)]), without


def _estimate(protocol: Protocol, pairs: Pairs) -> str:
    """How many runs there are and how long they may take."""
    runs, expected = protocol.runs(), expected_seconds(len(pairs.train))
    seconds = sum(expected.get(method, 0.0) for method, *_ in runs)
    methods = dict.fromkeys(method for method, *_ in runs)
    unknown = [name for name in methods if name not in expected]
    if pairs.images.ndim == 4:
        each = backbone_ms(pairs.images[:_TIMED], **protocol.vectors)
        seconds += each * len(pairs) / 1000
    rest = f", without {', '.join(unknown)}, whose time is not known" if unknown else ""
    return (
        f"{len(runs)} runs of {len(methods)} methods, about {_in_words(seconds)} on two cores "
        f"(a third to three times that{rest}); what is done already is found"
    )


def _in_words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} minutes"


def _run_all(
    protocol: Protocol,
    pairs: Pairs,
    device: str,
    root: Path | None,
    ends: float,
    without: dict[str, str],
) -> Iterator[list[Run]]:
    """Each method's runs, quick methods first, with a line on each; `without` gets what fails."""
    view, expected = views(protocol, pairs, device), expected_seconds(len(pairs.train))
    plan = sorted(protocol.runs(), key=lambda run: expected.get(run[0], 0.0))
    plan.sort(key=lambda run: run[0] != "random")
    methods = dict.fromkeys(method for method, *_ in plan)
    for number, (method, of_method) in enumerate(groupby(plan, key=lambda run: run[0]), 1):
        done = []
        for _, bits, seed, options in of_method:
            if time.monotonic() > ends and method != "random":
                without.setdefault(method, "the time was up before all its trainings")
                break
            if (failing := f"{method}, {bits} bits") in without:
                continue
            try:
                done.append(
                    results.run(
                        "side_by_side", method, view(method), bits, seed, options,
                        device=device, root=root,
                    )
                )  # fmt: skip
            except Exception as error:
                ours = isinstance(error, ArithmeticError | RuntimeError | ValueError)
                if isinstance(error, OSError) or not (ours or method in hashers.registered()):
                    raise
                reason = " ".join(str(error).split()).rstrip(".")
                known = "" if ours else f"{type(error).__name__}: "
                without[failing] = known + reason
                print(f"{method} does not run at {bits} bits: {reason}", file=sys.stderr)
        if done:
            print(f"{number:>3}/{len(methods)} {_line(method, done)}", flush=True)
            yield done


def _line(method: str, done: Sequence[Run]) -> str:
    """What came out of a method's runs, at the longest codes."""
    bits = max(run.key[1] for run in done)
    records = results.frame(run for run in done if run.key[1] == bits)
    mean = records[records.metric == "mAP"].groupby("task").value.mean()
    scores = ", ".join(f"{arrow(t)} {100 * mean[t]:.1f}" for t in DIRECTIONS if t in mean)
    seconds = sum(run.record["seconds_fit"] for run in done)
    n = f"{len(done)} run{'s' * (len(done) != 1)}"
    return f"{method:<14} mAP in % at {bits} bits: {scores} ({n}, {seconds:.1f} s)"


def _next_steps(
    found: Comparison, data: _Data, protocol: Protocol, args: argparse.Namespace
) -> list[str]:
    """The commands that take the best method further."""
    if data.dataset != _FOLDER:
        return [f"{PROGRAM} explore --dataset {data.dataset}"]
    method = found.best
    options = protocol.options.get(method, {})
    defaults = hashers.create(method, found.bits).options
    given = ["fit", args.data, "--method", method, "--bits", str(found.bits)]
    size = data.protocol.views.get("size", Preprocessing().size)
    for name, value, default in (
        ("size", size, Preprocessing().size),
        ("tokens", args.tokens, Preprocessing().tokens),
        ("ngram", args.ngram, Preprocessing().ngram),
        ("on-error", args.on_error, folder.ON_ERROR[0]),
    ):
        given += [f"--{name}", str(value)] if value != default else []
    if method in protocol.on_vectors:
        given += ["--images", "vectors", "--backbone", str(protocol.vectors["backbone"])]
        if weights := protocol.vectors.get("weights"):
            given += ["--weights", str(weights)]
    for name, value in options.items():
        given += ["-p", name, str(value)] if value != defaults[name] else []
    plugins = [part for file in args.plugin for part in ("--plugin", str(file))]
    fitted = [*given, *plugins, "--out", "my_model"]
    explored = ["explore", "--model", "my_model", args.data, *plugins]
    return [f"{PROGRAM} {shlex.join(fitted)}", f"{PROGRAM} {shlex.join(explored)}"]
