"""Where samples lie while a network passes over them: on its device, or a batch ahead of it."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from mmhash_nb.training.memory import free_memory

#: of a GPU's free memory, what samples may take; the rest is for networks and what a batch leaves
SHARE = 0.5
#: told the next batch: indices `int64 [B]` on the device, and the same on the CPU
Ahead = Callable[[Tensor, Tensor], None]


def placed(samples: Tensor, device: torch.device) -> "Tensor | HostSamples":
    """`samples` on the device where they fit, else in the host's memory, fetched by the batch.

    They fit on a GPU where they take at most `SHARE` of its free memory.
    """
    if device.type == "cuda" and samples.nbytes > SHARE * free_memory(device):
        return HostSamples(samples, device)
    return samples.to(device)


class HostSamples:
    """Samples in the host's memory, whose batches come to the device while it works on others.

    A thread gathers a batch that is announced into pinned memory, from where it is copied on a
    second stream. A batch that is not announced comes as well, but is waited for.

    Args:
        samples: on the CPU, `[n, ...]`.
        device: where batches of them are wanted.
    """

    def __init__(self, samples: Tensor, device: torch.device) -> None:
        self.samples, self.device = samples, device
        self._thread = ThreadPoolExecutor(1)
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._coming: list[tuple[Tensor, Future[tuple[Tensor, torch.cuda.Event | None]]]] = []

    def ahead(self, batch: Tensor, on_host: Tensor) -> None:
        """Start to fetch the samples `batch`, indices on the device; `on_host`: on the CPU."""
        self._coming.append((batch, self._thread.submit(self._fetch, on_host)))

    def __getitem__(self, batch: Tensor) -> Tensor:
        """The samples `batch` on the device, `[B, ...]`; it is known again as the same object."""
        announced = [known is batch for known, _ in self._coming]
        if any(announced):
            place = announced.index(True)
            rows, copied = self._coming[place][1].result()
            del self._coming[: place + 1]  # those before it were never used
        else:
            rows, copied = self._fetch(batch.cpu())
        if copied is not None:
            working = torch.cuda.current_stream(self.device)
            working.wait_event(copied)
            rows.record_stream(working)  # its memory is not reused before that work is done
        return rows

    def _fetch(self, on_host: Tensor) -> tuple[Tensor, torch.cuda.Event | None]:
        """Some samples on the device, and what happens when their copy is complete."""
        if self._stream is None:
            return self.samples[on_host].to(self.device), None
        shape = (len(on_host), *self.samples.shape[1:])
        pinned = torch.empty(shape, dtype=self.samples.dtype, pin_memory=True)
        torch.index_select(self.samples, 0, on_host, out=pinned)
        with torch.cuda.stream(self._stream):
            return pinned.to(self.device, non_blocking=True), self._stream.record_event()


def in_batches(
    order: Tensor, sizes: int | Sequence[int], device: torch.device, ahead: Ahead | None = None
) -> Iterator[Tensor]:
    """Indices on the device batch after batch, each announced while the one before is worked on.

    Args:
        order: `int64 [n]` on the CPU.
        sizes: of all batches, or of each.
        ahead: told of every batch once, the first at the start.
    """
    given, on_host = order.to(device).split(sizes), order.split(sizes)  # type: ignore[arg-type]
    for number, batch in enumerate(given):
        if ahead is not None:
            for other in range(number + (number > 0), min(number + 2, len(given))):
                ahead(given[other], on_host[other])
        yield batch
