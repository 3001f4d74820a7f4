"""Random tensors and the comparison of a loss with a naive one, for several tests."""

import torch


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def agree(loss, naive, *tensors):
    """Value and gradients of `loss` are those of `naive` at `tensors`."""
    results = []
    for function in (loss, naive):
        leaves = [tensor.clone().requires_grad_() for tensor in tensors]
        value = function(*leaves)
        value.backward()
        results.append([value.detach(), *(leaf.grad for leaf in leaves)])
    rtol, atol = (1e-10, 1e-12) if tensors[0].dtype == torch.float64 else (2e-5, 2e-6)
    torch.testing.assert_close(*results, rtol=rtol, atol=atol)
