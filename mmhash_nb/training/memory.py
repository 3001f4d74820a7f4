"""What a GPU has memory for: how much is free, work in halves, the batch size that fits."""

from collections.abc import Callable

import torch
from torch import Tensor


def free_memory(device: torch.device) -> int:
    """Bytes that a GPU has free, and those that PyTorch keeps there without using them."""
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + unused


def halved(work: Callable[..., Tensor], *given: Tensor | None) -> Tensor:
    """`work(*given)`, in halves where a GPU's memory does not hold it, one after the other.

    Args:
        work: from samples to `[n, ...]`, each sample for itself.
        given: `[n, ...]` each, or None.

    Raises:
        RuntimeError: one sample alone is too large.
    """
    try:
        return work(*given)
    except torch.OutOfMemoryError:
        n = max(len(samples) for samples in given if samples is not None)
        if n == 1:
            raise RuntimeError(
                "one sample alone is more than the GPU's memory holds: use device='cpu', or a "
                "smaller size."
            ) from None
    # Outside of the handler, which holds on to what the work had made.
    torch.cuda.empty_cache()
    halves = zip(*(2 * [None] if x is None else x.tensor_split(2) for x in given), strict=True)
    return torch.cat([halved(work, *half) for half in halves])


def step_within_memory(
    step: Callable[[Tensor, int], Tensor], batch: Tensor, number: int, label: str
) -> Tensor:
    """`step(batch, number)`; where a GPU's memory ends, an error says which batch size fits.

    To find that, steps of number 0 are tried on a half of the batch, a quarter and so on: what is
    trained is of no use afterwards.

    Raises:
        RuntimeError: the memory does not hold the step.
    """
    try:
        return step(batch, number)
    except torch.OutOfMemoryError:
        pass  # what the step held is let go of here
    size = len(batch) // 2
    while size > 1 and not _fits(step, batch[:size]):
        size //= 2
    advice = f"try batch_size={size}, which fits" if size > 1 else "use device='cpu'"
    raise RuntimeError(f"{label} ran out of GPU memory at batch_size={len(batch)}: {advice}.")


def _fits(step: Callable[[Tensor, int], Tensor], batch: Tensor) -> bool:
    torch.cuda.empty_cache()
    try:
        step(batch, 0)
    except torch.OutOfMemoryError:
        return False
    return True
