"""Training throughput against the bare backbone, and the triplet loss against its triplets.

    python benchmarks/training.py

The bare backbone: forward and backward pass of the mean of its features for one batch, all stages
trained, no optimiser. The methods: the whole step of `training.train`, which takes the samples
from the data, passes them forward, ranks all triplets, passes backward and steps with Adam; of
AADAH four such steps and the one of its adversary, a fourth of it each. All
start from the same random backbone and train all its stages; in all of them batch normalisation
keeps its statistics. The second table is of the loss alone, forward and backward.
Every repeat times all of them in turn; the tables give medians, and medians of the ratios.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from table import report
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from mmhash_nb import hashers
from mmhash_nb.features import backbones
from mmhash_nb.hashers.deep import DeepHasher
from mmhash_nb.hashers.networks.inputs import Inputs
from mmhash_nb.io.project import output_folder
from mmhash_nb.losses.triplet import triplet_ranking_loss
from mmhash_nb.training.devices import Precision, autocast, resolve_device
from mmhash_nb.training.steps import Steps

BARE = "bare backbone"
#: AADAH's option of steps of hashing to one of attention
ROUND = "hashing_steps"
METHODS = {
    "concat": "concat",
    "MAH": "mah",
    "MAH without kernel": "mah_no_kn",
    "MAH without attention": "mah_no_an",
    "AADAH": "aadah",
    "AADAH without masks": "aadah_none",
}
#: samples of NUS-WIDE: concepts and how often each holds, tags and how many a picture has
CONCEPTS, FREQUENCY = 21, 0.12
WORDS, WORDS_EACH = 1386, 5


def random_batch(n: int, size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels `uint8 [n, 3, size, size]`, bags of words `[n, V]` and labels `[n, C]`."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(n, 3, size, size), dtype=np.uint8)
    texts = np.zeros((n, WORDS), np.float32)
    used = np.argsort(rng.random((n, WORDS)), axis=1)[:, :WORDS_EACH]
    np.put_along_axis(texts, used, 1, axis=1)
    return (
        torch.from_numpy(pixels).to(device),
        torch.from_numpy(texts).to(device),
        random_labels(rng, n).to(device),
    )


def random_labels(rng: np.random.Generator, n: int) -> Tensor:
    """Labels `float32 [n, C]`."""
    return torch.from_numpy((rng.random((n, CONCEPTS)) < FREQUENCY).astype(np.float32))


def random_backbone(name: str, pixels: Tensor) -> backbones.Backbone:
    """Random weights under which maps keep their scale, as learned ones do.

    Batch normalisation takes the statistics of `pixels`: without them the maps of a deep backbone
    vanish, and a processor computes with numbers that small at a fraction of its speed.
    """
    torch.manual_seed(0)
    backbone = backbones.create(name, pretrained=False).to(pixels.device)
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        backbone.train()(pixels)
    return backbone.eval().to(memory_format=torch.channels_last)


def bare_step(
    backbone: backbones.Backbone, pixels: Tensor, precision: Precision
) -> Callable[[], Tensor]:
    """Forward and backward pass of the mean of the features."""
    batch = pixels.contiguous(memory_format=torch.channels_last)

    def step() -> Tensor:
        backbone.zero_grad()
        with autocast(precision, batch.device):
            value = backbone(batch).mean()
        value.backward()
        return value.detach()

    return step


def method_step(
    method: DeepHasher, inputs: Inputs, labels: Tensor, precision: Precision
) -> tuple[Callable[[], Tensor], nn.Module]:
    """A round of training as `DeepHasher` and `training.train` do it, and the network it trains.

    A round is a step; of AADAH it has `hashing_steps` of E and D and, where there are masks, one
    of G.
    """
    assert inputs[1] is not None
    network = method.unfitted(inputs[1].shape[1]).to(labels.device).train()
    objective = method.objective_class(network, inputs, labels, method).to(labels.device)
    steps = Steps(objective, method.optimiser(), labels.device, precision)
    batch = torch.arange(len(labels), device=labels.device)

    def round_() -> Tensor:
        if ROUND in method.options:
            objective.step.zero_()  # the record of the losses would end
        return [steps(batch, n + 1) for n in range(method.options.get(ROUND, 1))][-1]

    return round_, network


def training_rows(
    name: str, size: int, device: torch.device, options: argparse.Namespace
) -> list[dict[str, object]]:
    """The table's rows of one backbone."""
    text_hidden = options.text_hidden or (512 if name == "small" else 8192)
    pixels, texts, labels = random_batch(options.batch, size, device)
    backbone = random_backbone(name, pixels)
    steps = {BARE: bare_step(backbone, pixels, options.precision)}
    networks: dict[str, nn.Module] = {BARE: backbone}
    batches = {BARE: 1, **dict.fromkeys(options.methods, 1)}
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "random.safetensors"
        save_file({k: v.contiguous() for k, v in backbone.state_dict().items()}, weights)
        for what in options.methods:
            method = hashers.create(
                METHODS[what],
                options.bits,
                backbone=name,
                weights=str(weights),
                trainable="all",
                text_hidden=text_hidden,
                **({"image_hidden": text_hidden // 2} if what.startswith("AADAH") else {}),
            )
            assert isinstance(method, DeepHasher)
            given = (method, (pixels, texts), labels, options.precision)
            steps[what], networks[what] = method_step(*given)
            batches[what] = method.options.get(ROUND, 1)

    for what, step in steps.items():  # memory and kernels are chosen at the first step
        if not np.isfinite(value := float(step())):
            raise AssertionError(f"the loss of {what} is {value}")
    times = in_turn(steps, options.repeats, options.steps, device)
    times = {what: t / batches[what] for what, t in times.items()}
    return [
        {
            "what": what,
            "images a second": f"{options.batch / np.median(t):.4g}",
            "% of the bare backbone": f"{100 * np.median(times[BARE] / t):.1f}",
            "million weights": f"{sum(p.numel() for p in networks[what].parameters()) / 1e6:.1f}",
            "backbone": name,
            "size": size,
            "batch": options.batch,
            "text_hidden": text_hidden,
            **machine(device),
            "precision": options.precision,
        }
        for what, t in times.items()
    ]


def cubic_triplet_loss(x: Tensor, similarity: Tensor, margin: float) -> Tensor:
    """The triplet ranking loss from arrays over all (i, j, k)."""
    distances = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist")
    others = ~torch.eye(len(x), dtype=torch.bool, device=x.device)
    triplets = (similarity[:, :, None] > similarity[:, None, :]) & others[:, :, None]
    triplets &= others[:, None, :]
    costs = F.relu((margin + distances)[:, :, None] - distances[:, None, :])
    return (costs * triplets).sum() / triplets.sum().clamp(min=1)


def triplet_row(n: int, device: torch.device, options: argparse.Namespace) -> dict[str, object]:
    """The loss of `n` samples by sorting and by listing the triplets: times and memory."""
    rng = np.random.default_rng(0)
    values = rng.standard_normal((n, options.bits), np.float32)
    x = torch.from_numpy(values).tanh().to(device).requires_grad_()
    labels = random_labels(rng, n).to(device)
    similarity = (labels @ labels.T).long()

    def passes(loss: Callable[[Tensor, Tensor, float], Tensor]) -> Tensor:
        x.grad = None
        value = loss(x, similarity, 1.0)
        value.backward()
        return value.detach()

    calls = {
        "sorted": lambda: passes(triplet_ranking_loss),
        "listed": lambda: passes(cubic_triplet_loss),
    }
    results, megabytes = [], {}
    for how, call in calls.items():
        with PeakMemory() as memory:
            value = call()
        assert x.grad is not None
        results.append((value, x.grad))
        megabytes[how] = memory.peak / 1e6
    for ours, theirs in zip(*results, strict=True):
        # Sums of millions of terms in float32, in another order.
        if not torch.allclose(ours, theirs, rtol=1e-3, atol=1e-3 * float(theirs.abs().max())):
            raise AssertionError(f"the two triplet losses of {n} samples disagree")
    del results
    times = in_turn(calls, options.repeats, options.steps, device)
    return {
        "batch": n,
        "sorted, ms": f"{1000 * np.median(times['sorted']):.3g}",
        "all triplets, ms": f"{1000 * np.median(times['listed']):.3g}",
        "times faster": f"{np.median(times['listed'] / times['sorted']):.3g}",
        "sorted, MB": f"{megabytes['sorted']:.3g}",
        "all triplets, MB": f"{megabytes['listed']:.3g}",
        "times less memory": f"{megabytes['listed'] / megabytes['sorted']:.3g}",
        "bits": options.bits,
        **machine(device),
    }


class PeakMemory(TorchDispatchMode):
    """The most bytes of tensors made in here that were alive at once, between operations.

    What an operation needs inside itself is not counted, nor what was there before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.alive = WeakIdKeyDictionary()
        self.peak = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given = {t.untyped_storage().data_ptr() for t in tree_leaves(args) if torch.is_tensor(t)}
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if torch.is_tensor(tensor) and tensor.untyped_storage().data_ptr() not in given:
                self.alive[tensor.untyped_storage()] = tensor.untyped_storage().nbytes()
        self.peak = max(self.peak, sum(self.alive.values()))
        return made


def in_turn(
    calls: Mapping[str, Callable[[], object]], repeats: int, steps: int, device: torch.device
) -> dict[str, np.ndarray]:
    """Seconds of each call `[repeats]`, every repeat with `steps` of each in turn."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            wait(device)
            start = time.perf_counter()
            for _ in range(steps):
                call()
            wait(device)
            times[name].append((time.perf_counter() - start) / steps)
    return {name: np.array(t) for name, t in times.items()}


def wait(device: torch.device) -> None:
    """Until the GPU has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def machine(device: torch.device) -> dict[str, object]:
    """The device's name, and the cores that PyTorch uses."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = platform.processor() or platform.machine()
        if (info := Path("/proc/cpuinfo")).is_file():
            lines = info.read_text(encoding="utf-8").splitlines()
            name = next((x.split(":")[1].strip() for x in lines if "model name" in x), name)
    return {"device": name, "cores": torch.get_num_threads()}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", nargs="+", choices=backbones.names(), default=["small"])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--size", type=int, help="pixels; 64 for small and 224 for the others")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--text-hidden", type=int, help="512 for small and 8,192 for the others")
    parser.add_argument("--bits", type=int, default=32)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--steps", type=int, default=1, help="steps timed together")
    parser.add_argument(
        "--triplets", type=int, nargs="*", default=[50, 100, 200, 400], help="batches of the loss"
    )
    parser.add_argument("--csv", type=Path, default=output_folder() / "benchmarks_training.csv")
    parser.add_argument(
        "--triplet-csv", type=Path, default=output_folder() / "benchmarks_triplet.csv"
    )
    options = parser.parse_args(arguments)

    device = resolve_device(options.device)
    table = []
    for name in options.backbone:
        size = options.size or (64 if name == "small" else 224)
        table += training_rows(name, size, device, options)
    report(table, options.csv)
    if options.triplets:
        print()
        report([triplet_row(n, device, options) for n in options.triplets], options.triplet_csv)


if __name__ == "__main__":
    main()
