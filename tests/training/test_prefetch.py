"""Samples on the device or ahead of it: every batch is the right one, announced once."""

import threading
from contextlib import contextmanager

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmhash_nb.training import prefetch
from mmhash_nb.training.memory import free_memory, halved
from mmhash_nb.training.prefetch import HostSamples, in_batches, placed

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6))
def test_every_batch_is_announced_once_while_the_one_before_is_worked_on(sizes):
    order = torch.randperm(sum(sizes))
    events = []
    ahead = lambda batch, on_host: events.append((batch.tolist(), on_host.tolist()))  # noqa: E731
    for batch in in_batches(order, sizes, CPU, ahead):
        events.append(batch.tolist())
    batches = [part.tolist() for part in order.split(sizes)]
    expected = [(batches[0], batches[0])]
    for number, batch in enumerate(batches):
        expected += [(other, other) for other in batches[number + 1 : number + 2]] + [batch]
    assert events == expected


def test_batches_of_one_size_end_with_what_is_left():
    batches = in_batches(torch.arange(7), 3, CPU)
    assert [batch.tolist() for batch in batches] == [[0, 1, 2], [3, 4, 5], [6]]


@pytest.fixture
def fetched(monkeypatch):
    """In which threads batches are fetched, by their first index."""
    threads, fetch = {}, HostSamples._fetch

    def noted(self, on_host):
        threads[int(on_host[0])] = threading.current_thread()
        return fetch(self, on_host)

    monkeypatch.setattr(HostSamples, "_fetch", noted)
    return threads


def test_announced_batches_come_from_another_thread_and_others_all_the_same(fetched):
    samples = torch.randint(256, (20, 3, 2, 2), dtype=torch.uint8)
    host = HostSamples(samples, CPU)
    announced, lone = torch.tensor([4, 1, 4]), torch.tensor([7, 8])
    host.ahead(announced, announced)
    assert torch.equal(host[lone], samples[lone])
    assert torch.equal(host[announced], samples[announced])
    assert fetched[4] != threading.main_thread() == fetched[7]
    assert torch.equal(host[announced.clone()], samples[announced])  # equal, but not the same
    assert fetched[4] == threading.main_thread()


class Stream:
    """A pretended stream: what is done on it, and what others wait for, is noted."""

    def __init__(self, name, notes):
        self.name, self.notes = name, notes

    def record_event(self):
        self.notes.append(f"event of {self.name}")
        return self.name

    def wait_event(self, event):
        self.notes.append(f"{self.name} waits for {event}")


def test_a_copy_has_a_stream_of_its_own_which_the_work_waits_for(monkeypatch):
    notes, inside = [], []
    side, working = Stream("side", notes), Stream("working", notes)

    @contextmanager
    def on(stream):
        inside.append(stream.name)
        yield
        inside.pop()

    empty, to = torch.empty, torch.Tensor.to

    def pinned(*size, pin_memory=False, **options):
        notes.append(f"pinned: {pin_memory}")
        return empty(*size, **options)

    def copied(tensor, *given, non_blocking=False):
        notes.append(f"copied on {inside}, without waiting: {non_blocking}")
        return to(tensor, "cpu")

    monkeypatch.setattr(torch.cuda, "Stream", lambda device: side)
    monkeypatch.setattr(torch.cuda, "stream", on)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: working)
    monkeypatch.setattr(torch, "empty", pinned)
    monkeypatch.setattr(torch.Tensor, "to", copied)
    monkeypatch.setattr(
        torch.Tensor, "record_stream", lambda rows, stream: notes.append(f"used on {stream.name}")
    )
    samples = torch.arange(12.0).reshape(6, 2)
    host, batch = HostSamples(samples, CUDA), torch.tensor([4, 1])
    host.ahead(batch, batch)
    assert torch.equal(host[batch], samples[batch])
    assert notes == [
        "pinned: True",
        "copied on ['side'], without waiting: True",
        *("event of side", "working waits for side", "used on working"),
    ]


def test_what_does_not_fit_is_worked_on_in_halves(monkeypatch):
    emptied, sizes = [], []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(1))

    def work(x, none, y):
        assert none is None
        sizes.append(len(x))
        if len(x) > 3:
            raise torch.OutOfMemoryError
        return x * y

    x, y = torch.arange(11.0), torch.arange(11.0) + 1
    assert torch.equal(halved(work, x, None, y), x * y)
    assert sizes == [11, 6, 3, 3, 5, 3, 2] and len(emptied) == 3


def test_a_sample_that_is_too_large_alone_is_said_to_be(monkeypatch):
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)

    def work(x):
        raise torch.OutOfMemoryError

    with pytest.raises(RuntimeError, match="one sample alone is more than the GPU's memory holds"):
        halved(work, torch.arange(4))


def test_batches_that_were_announced_and_skipped_are_let_go_of():
    host = HostSamples(torch.arange(10.0), CPU)
    batches = torch.arange(10).split(2)
    for batch in batches[:3]:
        host.ahead(batch, batch)
    assert host[batches[1]].tolist() == [2, 3] and len(host._coming) == 1
    assert host[batches[2]].tolist() == [4, 5] and not host._coming


class Samples:
    """Stands for a tensor that cannot be moved to a GPU here."""

    nbytes = 1000

    def to(self, device):
        return f"on {device.type}"


@pytest.mark.parametrize(("free", "fits"), [(1999, False), (2000, True), (10**9, True)])
def test_samples_go_to_a_gpu_where_they_take_half_of_its_free_memory_at_most(
    free, fits, monkeypatch
):
    monkeypatch.setattr(prefetch, "free_memory", lambda device: free)
    monkeypatch.setattr(prefetch, "HostSamples", lambda samples, device: f"for {device.type}")
    assert placed(Samples(), CUDA) == ("on cuda" if fits else "for cuda")
    assert placed(Samples(), CPU) == "on cpu"


def test_memory_that_pytorch_keeps_unused_is_free(monkeypatch):
    for name, value in (
        ("mem_get_info", (100, 1000)),
        ("memory_reserved", 70),
        ("memory_allocated", 30),
    ):
        monkeypatch.setattr(torch.cuda, name, lambda device, value=value: value)
    assert free_memory(CUDA) == 140
