"""What a result depends on: a hash of the source behind a method, and the machine it ran on."""

import hashlib
import inspect
import platform
import subprocess
import sys
from functools import cache
from types import ModuleType
from typing import Any

import mmhash_nb
from mmhash_nb.io.project import project_root
from mmhash_nb.io.source import code


@cache
def source_hash(*modules: ModuleType) -> str:
    """SHA-256 over the code of `modules` and of all of this package that they use.

    Comments, docstrings and layout do not count: rewording an explanation retrains nothing.
    """
    digest = hashlib.sha256()
    for module in sorted(_used(modules), key=lambda m: m.__name__):
        digest.update(code(inspect.getsource(module)).encode())
    return digest.hexdigest()


def _used(modules: tuple[ModuleType, ...]) -> set[ModuleType]:
    """The given modules and all other modules of this package behind what they name."""
    found: set[ModuleType] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        found.add(module)
        for value in vars(module).values():
            name = value.__name__ if isinstance(value, ModuleType) else _module_name(value)
            if name.startswith("mmhash_nb.") and name in sys.modules:
                waiting.append(sys.modules[name])
    return found


def _module_name(value: Any) -> str:
    name = getattr(value, "__module__", "")
    return name if isinstance(name, str) else ""


def environment() -> dict[str, str]:
    """Versions, processor and commit that a record is kept with."""
    import numpy
    import torch

    cuda = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
    return {
        "mmhash_nb": mmhash_nb.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "torch": torch.__version__,
        "machine": platform.machine(),
        "gpu": cuda,
    }


@cache
def _commit() -> str:
    asked = ["git", "-C", str(project_root()), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
