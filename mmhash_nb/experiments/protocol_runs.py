"""All runs of a protocol, shared between the processes that want the same ones."""

from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import Timeout

from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.runs import Run, run
from mmhash_nb.features.vectors import described
from mmhash_nb.io.output import progress_bar, say
from mmhash_nb.io.project import headless
from mmhash_nb.pairs import Pairs
from mmhash_nb.training.devices import resolve_device


def views(protocol: Protocol, pairs: Pairs, device: str = "auto") -> Callable[[str], Pairs]:
    """What of `pairs` a protocol gives to each method: themselves, or vectors of their pictures."""
    seen = pairs
    if protocol.on_vectors:
        seen = described(pairs, **protocol.vectors, device=resolve_device(device))
    return lambda method: seen if method in protocol.on_vectors else pairs


def run_protocol(
    paper: str,
    protocol: Protocol,
    pairs: Pairs,
    *,
    device: str = "auto",
    root: Path | None = None,
) -> list[Run]:
    """`run` everything a protocol lists, with progress; the runs are in the protocol's order.

    What another process trains at the time comes last, so that two processes share the work.

    Args:
        paper: as `run` takes it; it is no part of what a run is found by.
        protocol: what to run; methods that are to see vectors get `pairs` described by them.
        pairs: the protocol's dataset.
        device, root: as `run` takes them.
    """
    view = views(protocol, pairs, device)
    lines = headless()
    if lines or pairs.without_relevant:
        say(f"{pairs.name}: {pairs.means}.")
    planned = protocol.runs()

    def one(place: int, wait: bool) -> Run:
        method, bits, seed, options = planned[place]
        seen = view(method)
        return run(paper, method, seen, bits, seed, options, device=device, root=root, wait=wait)

    done: dict[int, Run] = {}
    for place, found in progress_bar(
        _free_first(one, len(planned)),
        total=len(planned),
        desc=pairs.name,
        disable=lines,
        leave=False,
        delay=10.0,
    ):
        done[place] = found
        if lines:
            method, bits, seed, _ = planned[place]
            scores = (f"{task} {of['mAP']:.3f}" for task, of in found.metrics.items())
            took = f"mAP {', '.join(scores)} ({found.record['seconds_fit']:.1f} s)"
            say(f"{method} {bits} bits seed {seed}: {took}")
    return [done[place] for place in range(len(planned))]


def _free_first(one: Callable[[int, bool], Run], n: int) -> Iterator[tuple[int, Run]]:
    """Places 0 to n − 1 with their runs; those that another process trains now come last."""
    taken = []
    for place in range(n):
        try:
            yield place, one(place, False)
        except Timeout:
            taken.append(place)
    for place in taken:
        yield place, one(place, True)
