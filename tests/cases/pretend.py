"""A pretended GPU: tensors that are moved to it stay on the CPU and are known by a mark.

Real operations run on them, so that training takes its own course; mixing them with tensors of the
CPU is refused where PyTorch refuses it. What autograd does on its way back is not looked into.
"""

import sys
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves, tree_map

CUDA = torch.device("cuda", 0)
#: they take tensors of several devices, or gradients, which come out of autograd without a mark
_ACROSS = ("copy_", "backward", "_has_compatible_shallow_copy_type", "_fused_adam_", "_fused_sgd_")


def on_gpu(tensor):
    return getattr(tensor, "_pretended", False)


def _mark(tensor, mark=True):
    if mark:
        tensor._pretended = True
    return tensor


def _is_cuda(value):
    named = isinstance(value, str) and value.split(":")[0] == "cuda"
    return named or (isinstance(value, torch.device) and value.type == "cuda")


def _tensors(*given):
    return [leaf for leaf in tree_leaves(given) if isinstance(leaf, torch.Tensor)]


class PretendedGPU(TorchFunctionMode):
    """Marks and follows what is moved to `cuda`."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", "")
        if name in ("__get__", "__set__"):
            return self._attribute(func, name, args)
        if name in ("numpy", "__array__") and on_gpu(args[0]):
            raise TypeError("can't convert cuda:0 device type tensor to numpy.")
        if name == "cpu":
            return args[0].detach().clone() if on_gpu(args[0]) else args[0]
        if name == "to":
            return self._to(func, args, kwargs)
        if name == "__setitem__":
            self._check_index(args[0], args[1])
            whole = not any(t.ndim for t in _tensors(args[1]))
            if not whole:
                self._check(name, [args[0], *_tensors(args[2])])
            return func(*args)
        if name == "__getitem__":
            self._check_index(args[0], args[1])
            return _mark(func(*args), on_gpu(args[0]))
        made_there = _is_cuda(kwargs.get("device"))
        if made_there:
            kwargs["device"] = "cpu"
        given = _tensors(args, kwargs)
        if name not in _ACROSS:
            self._check(name, given)
        there = made_there or any(map(on_gpu, given))
        result = func(*args, **kwargs)
        mark = lambda x: _mark(x, there) if isinstance(x, torch.Tensor) else x  # noqa: E731
        return tree_map(mark, result)

    def _attribute(self, func, name, args):
        what, tensor = func.__self__.__name__, args[0]
        if name == "__set__":
            if what == "data":
                _mark(tensor, on_gpu(args[1]))
            return func(*args)
        if what in ("device", "is_cuda") and on_gpu(tensor):
            return CUDA if what == "device" else True
        value = func(*args)
        if isinstance(value, torch.Tensor):
            _mark(value, on_gpu(tensor))
        return value

    def _to(self, func, args, kwargs):
        tensor, *rest = args
        there = on_gpu(tensor)
        target = next((x for x in [*rest, kwargs.get("device")] if _is_device(x)), None)
        other = next((x for x in rest if isinstance(x, torch.Tensor)), None)
        if target is not None:
            there = _is_cuda(target)
        elif other is not None:
            there = on_gpu(other)
        rest = [torch.device("cpu") if _is_device(x) else x for x in rest]
        kwargs = {k: torch.device("cpu") if _is_device(v) else v for k, v in kwargs.items()}
        moved = func(tensor, *rest, **kwargs)
        if moved is tensor and there != on_gpu(tensor):
            moved = tensor.detach().clone()
        return _mark(moved, there)

    @staticmethod
    def _check_index(tensor, index):
        if not on_gpu(tensor) and any(on_gpu(i) and i.ndim for i in _tensors(index)):
            raise RuntimeError(
                "indices should be either on cpu or on the same device as the indexed tensor (cpu)"
            )

    @staticmethod
    def _check(name, given):
        here = [tuple(t.shape) for t in given if not on_gpu(t) and t.ndim]
        if here and any(map(on_gpu, given)):
            raise RuntimeError(
                f"{name} got a tensor on the CPU, of shape {here[0]}, and one on cuda"
            )


def _is_device(value):
    return isinstance(value, torch.device) or (
        isinstance(value, str) and value.split(":")[0] in ("cuda", "cpu")
    )


@contextmanager
def pretended_gpu(free=1 << 40):
    """A GPU with so many bytes free, that cannot compute in bfloat16."""
    fork = torch.random.fork_rng
    patches = [
        patch("torch.cuda.is_bf16_supported", lambda **_: False),
        patch("torch.cuda.mem_get_info", lambda _: (free, free)),
        patch("torch.nn.RNNBase.flatten_parameters", lambda _: None),  # cuDNN's
        patch("torch.random.fork_rng", lambda devices=(): fork(devices=[])),
    ]
    # Not torch.cuda.is_available: the optimisers would look for the card's stream.
    loaded = [module for name, module in sys.modules.items() if name.startswith("mmhash_nb")]
    for module in loaded:
        if hasattr(module, "resolve_device"):
            patches.append(patch.object(module, "resolve_device", torch.device))
    with ExitStack() as stack:
        for one in patches:
            stack.enter_context(one)
        stack.enter_context(PretendedGPU())
        yield
