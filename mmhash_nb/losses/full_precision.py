"""Losses in full precision behind networks in mixed precision."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def in_float32(loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`loss` without autocast, which would round the products of its values to bfloat16."""

    @functools.wraps(loss)
    def exact(*given: Any, **more: Any) -> Tensor:
        device = next(x.device for x in (*given, *more.values()) if isinstance(x, Tensor))
        with torch.autocast(device.type, enabled=False):
            return loss(*given, **more)

    return exact
