"""What a GPU brings: training against the bare backbone, evaluation, agreement, the notebooks.

    python benchmarks/gpu.py --data DIR

After ten minutes (`--minutes`) nothing more is begun. `runs/benchmarks_gpu.csv` has the card's
name and is written with every line. A method that fails has its error in the table, and the others
go on; the exit status is then 1. Without a GPU it says so and ends with 2.

- training: images a second of every deep method that sees pictures, all stages of the backbone
  trained, in mixed precision. Two whole fits that differ in their epochs alone are subtracted, so
  that only epochs count. Its limit is the forward and backward pass of the bare backbone on one
  batch that lies on the card.
- ranking: seconds of `rank_profile`, whose counts must be those of the CPU. The limit is the time
  in which the card's memory writes and reads the two products [queries, items] of codes and labels
  in float32 once, by the speed of a copy on that card.
- agreement: two steps on the CPU and on the card from one seed, in float32 without TF32: by how
  much their losses differ, of which `TOLERANCE` is the limit (deep methods), and the share of
  values, whose signs are the codes, that differ by no more than `TOLERANCE` of the largest. Adam's
  first steps go by the sign of each gradient, however small, so that a few methods part there. The
  same of one fitted method that encodes on both. The limit is `AGREEING`. Then the share of its
  bits that are the same when it encodes in bfloat16; the limit is `AGREEING_BITS`.
- notebooks: seconds of notebooks 2 to 4 at `scale="paper"` on the largest set with pictures at hand
  that the paper's protocol has, for one code length and one seed. `-p NOTEBOOK bits "[]"` runs all
  lengths, `-p NOTEBOOK weights FILE` names a file of its backbone's weights. A notebook that does
  not end in time is stopped; what its runs learned is kept, and the same command goes on from
  there.
"""

import argparse
import dataclasses
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from table import report, write
from training import (
    CONCEPTS,
    FREQUENCY,
    bare_step,
    in_turn,
    machine,
    random_backbone,
    random_batch,
    wait,
)

from mmhash_nb import datasets, hashers, papers
from mmhash_nb.codes import HashCodes
from mmhash_nb.features import backbones
from mmhash_nb.hashers.base import Hasher
from mmhash_nb.io.project import output_folder, project_root
from mmhash_nb.pairs import Pairs
from mmhash_nb.ranking import rank_profile

#: of the largest value, or of a loss, by which that of the GPU may differ from that of the CPU
TOLERANCE = 1e-3
#: share of values within that; not all, for a mask or a learned code on the edge may turn over
AGREEING = 0.99
#: share of a fitted method's bits that bfloat16, which has three decimals, leaves as they are
AGREEING_BITS = 0.97
FAILED, LATE = "failed", "not begun: the time is up"
#: their training is that of another name
_REPEATED = ("aadah_cnn_f", "mah_sentences")
_CLASSES = {name: hashers.method_class(name) for name in hashers.names()}
_DEEP = {
    name: cls
    for name, cls in _CLASSES.items()
    if cls.family == "deep network" and name not in _REPEATED
}
PICTURES = [name for name, cls in _DEEP.items() if cls.modalities != ("text",)]
TRAINED = [*(n for n, cls in _CLASSES.items() if cls.family == "network on vectors"), *_DEEP]
NOTEBOOKS = {
    "2_liong2017_cmdvh": "liong2017",
    "3_zhang2018_aadah": "zhang2018",
    "4_zeng2022_modal_aware": "zeng2022",
}
PARTS = ("training", "ranking", "agreement", "notebooks")
#: for agreement: two steps of each network
_TWO_STEPS: dict[str, Any] = {
    **{"epochs": 1, "rounds": 1, "batch_size": 24, "optimiser": "adam", "hashing_steps": 2},
    **{"learning_rate": 1e-3, "precision": "float32", "backbone": "small", "trainable": "all"},
    **{"text_hidden": 64, "text_features": 32, "image_hidden": 64, "lstm_hidden": 32},
}
Row = dict[str, object]


def create(name: str, device: torch.device, bits: int = 32, **options: Any) -> Hasher:
    """A method with those of the options that it has."""
    known = {k: v for k, v in options.items() if k in _CLASSES[name].defaults}
    method = hashers.create(name, bits, 0, device=str(device), **known)
    assert isinstance(method, Hasher)
    return method


def random_pairs(n: int, size: int) -> Pairs:
    """Pixels, tags and concepts without a pattern, all of them for training."""
    pixels, texts, labels = (x.numpy() for x in random_batch(n, size, torch.device("cpu")))
    labels[~labels.any(axis=1), 0] = 1
    names = [f"concept {c}" for c in range(labels.shape[1])]
    every, nothing = np.arange(n), np.arange(0)
    return Pairs(pixels, texts, labels > 0, names, nothing, every, every, name="random")


def training_part(device: torch.device, until: float, options: argparse.Namespace) -> Iterator[Row]:
    """Images a second of the methods and of their bare backbone."""
    batch = random_batch(options.batch, options.size, device)[0]
    backbone = random_backbone(options.backbone, batch)
    step = bare_step(backbone, batch, "auto")
    step()
    times = in_turn({"bare": step}, options.repeats, options.steps, device)["bare"]
    limit = options.batch / float(np.median(times))
    yield row("training", f"bare {options.backbone}", limit, "images a second", limit, limit)
    pairs = random_pairs(options.images, options.size)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "random.safetensors"
        save_file({k: v.cpu().contiguous() for k, v in backbone.state_dict().items()}, weights)
        settings: dict[str, Any] = {
            **{"backbone": options.backbone, "weights": str(weights), "trainable": "all"},
            **{"batch_size": options.batch, "text_hidden": options.text_hidden},
            "image_hidden": options.text_hidden // 2,
        }

        def measured(name: str) -> list[Row]:
            speed = images_per_second(name, pairs, device, options.epochs, settings)
            return [row("training", name, speed, "images a second", limit, speed)]

        for name in options.methods:
            yield from tried("training", name, measured, until)


def tried(part: str, name: str, measure: Callable[[str], list[Row]], until: float) -> list[Row]:
    """The rows that a method gives, or one with its error: the others are to be measured still."""
    if time.monotonic() > until:
        return [row(part, f"{name}: {LATE}", "", "")]
    try:
        return measure(name)
    except Exception as error:
        return [row(part, f"{name}: {FAILED} ({' '.join(str(error).split())})", "", "")]


def images_per_second(
    name: str, pairs: Pairs, device: torch.device, epochs: int, settings: dict[str, Any]
) -> float:
    """By the time that `epochs` more epochs take (of CMDVH as many rounds as well)."""
    seconds, passes = [], []
    for n in (1, 1, 1 + epochs):  # kernels are chosen in the first
        method = create(name, device, **settings, epochs=n, rounds=n)
        start = time.perf_counter()
        method.fit(pairs)
        wait(device)
        seconds.append(time.perf_counter() - start)
        passes.append(len(method.state["loss"]) + len(method.state.get("history", ())))
    return len(pairs) * (passes[-1] - passes[1]) / (seconds[-1] - seconds[1])


def ranking_part(device: torch.device, options: argparse.Namespace) -> Iterator[Row]:
    """Seconds of `rank_profile` on the CPU and on the card, and by the card's memory alone."""
    rng = np.random.default_rng(0)
    sizes = (options.queries, options.items)
    queries, items = (
        HashCodes.from_signs(rng.standard_normal((n, options.bits), np.float32)) for n in sizes
    )
    query_labels, item_labels = (rng.random((n, CONCEPTS)) < FREQUENCY for n in sizes)
    limit = 2 * 2 * 4 * options.queries * options.items / copied_per_second(device, options.copied)
    size = f"{options.queries} × {options.items} × {options.bits} bits"
    counts = []
    for where in ("cpu", str(device)):
        times = []
        for _ in range(1 + options.repeats):  # the first compiles
            start = time.perf_counter()
            counted = rank_profile(queries, items, query_labels, item_labels, where).counts
            times.append(time.perf_counter() - start)
        taken = float(np.median(times[1:]))
        yield row("ranking", f"{size}, on {where}", taken, "seconds", limit, limit * limit / taken)
        counts.append(counted)
    if not np.array_equal(counts[0], counts[1]):
        raise AssertionError(f"{device} counts otherwise than the CPU")


def copied_per_second(device: torch.device, n_bytes: int) -> float:
    """Bytes that a copy within the device's memory reads and writes in a second."""
    source = torch.zeros(n_bytes, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    times = in_turn({"copy": lambda: target.copy_(source)}, 5, 10, device)["copy"]
    return 2 * n_bytes / float(np.median(times))


def agreement_part(
    device: torch.device, until: float, options: argparse.Namespace
) -> Iterator[Row]:
    """How many values of every method agree, trained on both and fitted once."""

    def measured(name: str) -> list[Row]:
        losses, trained, encoded, bits = agreement(name, device)
        rows = [
            row("agreement", f"{name}, trained", trained, "of values", AGREEING, trained),
            row("agreement", f"{name}, encoding", encoded, "of values", AGREEING, encoded),
        ]
        if losses is not None:
            rows.insert(0, row("agreement", f"{name}, losses", losses, "difference", TOLERANCE))
        if bits is not None:
            what = f"{name}, encoding in bfloat16"
            rows.append(row("agreement", what, bits, "of bits", AGREEING_BITS, bits))
        return rows

    for name in options.agreeing:
        yield from tried("agreement", name, measured, until)


def agreement(name: str, device: torch.device) -> tuple[float | None, float, float, float | None]:
    """By what share the losses differ from the CPU's, and the shares of values and bits that agree.

    Values after training, and of encoding alone; losses and bits of deep methods, else None.
    """
    pairs = random_pairs(48, 32)
    if _CLASSES[name].image_views == ("vectors",):
        vectors = pairs.images.reshape(48, -1)[:, ::32].astype(np.float32)
        pairs = dataclasses.replace(pairs, images=vectors)
    cpu = torch.device("cpu")
    methods = [create(name, place, **_TWO_STEPS) for place in (cpu, device)]
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        for method in methods:
            method.fit(pairs)
        for options in ({}, {"precision": "bfloat16"}):
            methods.append(create(name, device, **_TWO_STEPS | options))
            methods[-1].state = methods[0].state
        values = [
            np.stack([method._project(pairs, m) for m in method.modalities])  # type: ignore[arg-type]
            for method in methods
        ]
    near = [np.abs(x - values[0]) <= TOLERANCE * np.abs(values[0]).max() for x in values[1:3]]
    same = (values[3] >= 0) == (values[0] >= 0)
    shares = float(near[0].mean()), float(near[1].mean())
    if name not in _DEEP:
        return None, *shares, None
    losses = [method.state["loss"] for method in methods[:2]]
    apart = np.abs(losses[1] - losses[0]).max() / np.abs(losses[0]).max()
    return float(apart), *shares, float(same.mean())


def notebooks_part(until: float, options: argparse.Namespace) -> Iterator[Row]:
    """Seconds of the papers' notebooks at their papers' scale, until a time of `time.monotonic`."""
    for notebook in options.notebooks:
        dataset, n = largest(notebook, options.data)
        if not dataset:
            yield row("notebooks", f"{notebook}: no set with pictures is there", "", "seconds")
            continue
        given = {"dataset": dataset, "scale": "paper", "bits": "[32]", "seeds": "[0]"}
        given["root"] = str(options.data)
        given |= {name: value for which, name, value in options.p if which == notebook}
        given_parameters = [part for name, value in given.items() for part in ("-p", name, value)]
        start = time.monotonic()
        ended = call(["reproduce", "--notebook", notebook, *given_parameters], until - start)
        what = f"{notebook} on {dataset}, {n} pairs{'' if ended == 0 else f', {ended}'}"
        yield row("notebooks", what, time.monotonic() - start, "seconds")


def largest(notebook: str, root: Path) -> tuple[str, int]:
    """The largest set with pictures at hand that a notebook's paper has, and its size; "" if none.

    The embedded set is not real and does not count.
    """
    there = datasets.available(root)
    sizes = {"": 0}
    for name in there.name[there.present & (there["where"] != "embedded")]:
        try:
            protocol = papers.protocol(NOTEBOOKS[notebook], name, "paper")
        except ValueError:
            continue  # the paper has no experiment on it
        try:
            pairs = datasets.load(protocol.dataset, root, **protocol.views)
        except FileNotFoundError:
            continue  # it is there without its photos
        if pairs.images.ndim == 4:
            sizes[name] = len(pairs)
    name = max(sizes, key=lambda name: sizes[name])
    return name, sizes[name]


def call(arguments: Sequence[str], seconds: float) -> int | str:
    """The exit status of `python -m mmhash_nb …`; `stopped` where it is interrupted at its end."""
    if seconds <= 0:
        return LATE
    process = subprocess.Popen([sys.executable, "-m", "mmhash_nb", *arguments], cwd=project_root())
    try:
        status = process.wait(seconds)
        return f"failed with {status}" if status else 0
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)  # what is learned is kept
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
    return "stopped: the time is up"


def row(
    part: str,
    what: str,
    value: float | str,
    unit: str,
    limit: float | str = "",
    reached: float | str = "",
) -> Row:
    """A line of the table.

    Args:
        limit: what the value would be at best.
        reached: in units of the limit, how far the value has come.
    """
    share = f"{100 * float(reached) / float(limit):.1f}" if limit and reached else ""
    numbers = [f"{x:.4g}" if isinstance(x, float) else x for x in (value, limit)]
    return {
        **{"part": part, "what": what, "measured": numbers[0], "unit": unit},
        **{"limit": numbers[1], "% of the limit": share},
    }


def measure(device: torch.device, options: argparse.Namespace) -> list[Row]:
    """All parts that are asked for; what is measured is written at once."""
    until = time.monotonic() + 60 * options.minutes
    rows: list[Row] = []
    parts = {
        "training": lambda: training_part(device, until, options),
        "ranking": lambda: ranking_part(device, options),
        "agreement": lambda: agreement_part(device, until, options),
        "notebooks": lambda: notebooks_part(until, options),
    }
    where = {
        **{"card": machine(device)["device"], "backbone": options.backbone},
        **{"size": options.size, "batch": options.batch},
    }
    for part in options.parts:
        for line in parts[part]():
            rows.append(line | where)
            write(rows, options.csv)
    report(rows, options.csv)
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns 2 where there is no GPU."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--minutes", type=float, default=10.0, help="when notebooks are stopped")
    parser.add_argument("--methods", nargs="*", choices=PICTURES, default=PICTURES)
    parser.add_argument("--agreeing", nargs="*", choices=TRAINED, default=TRAINED)
    parser.add_argument("--backbone", choices=backbones.names(), default="resnet18")
    parser.add_argument("--size", type=int, default=224, help="pixels")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--images", type=int, default=2048, help="training samples")
    parser.add_argument("--epochs", type=int, default=6, help="that are timed")
    parser.add_argument("--text-hidden", type=int, default=8192)
    parser.add_argument("--queries", type=int, default=2100)
    parser.add_argument("--items", type=int, default=193_734)
    parser.add_argument("--bits", type=int, default=64)
    parser.add_argument("--copied", type=int, default=1 << 30, help="bytes")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="steps timed together")
    parser.add_argument("--notebooks", nargs="*", choices=list(NOTEBOOKS), default=list(NOTEBOOKS))
    parser.add_argument(
        "-p",
        nargs=3,
        action="append",
        default=[],
        metavar=("NOTEBOOK", "NAME", "VALUE"),
        help="a parameter of a notebook",
    )
    parser.add_argument("--data", type=Path, default=datasets.data_root())
    parser.add_argument("--csv", type=Path, default=output_folder() / "benchmarks_gpu.csv")
    options = parser.parse_args(arguments)
    if not torch.cuda.is_available():
        print("PyTorch sees no CUDA device here, and this measures one.", file=sys.stderr)
        return 2
    unknown = {notebook for notebook, *_ in options.p} - NOTEBOOKS.keys()
    if unknown:
        parser.error(f"-p takes one of {', '.join(NOTEBOOKS)}, not {unknown.pop()}")
    rows = measure(torch.device("cuda"), options)
    return int(any(FAILED in str(line["what"]) for line in rows))


if __name__ == "__main__":
    sys.exit(main())
