"""What a result depends on: a hash of the code behind a method, and the machine it ran on."""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import mmhash_nb
from mmhash_nb.experiments.class_source import ClassSource
from mmhash_nb.io import imports
from mmhash_nb.io.download import digest_of
from mmhash_nb.io.imports import closure, code_hash, imported_files, module_file
from mmhash_nb.io.project import project_root
from mmhash_nb.io.source import code

# From now on an edited file counts once its module is loaded anew.
imports.read_loaded()


def source_hash(module: ModuleType) -> str:
    """SHA-256 over all code that a module of this package can execute: see `io.imports`."""
    file = module_file(module.__name__)
    assert file is not None
    return code_hash(closure([file]))


def method_hash(cls: type) -> str:
    """SHA-256 over all code that fit and encode of a class can execute, and the packaged weights.

    The code is that of the modules of the class and of its bases, with all that they import. Of a
    class in an installed library its own file counts, and no other of the library. Of a class
    defined in a notebook it is what the class uses of the notebook's cells. A class typed where no
    source is saved, as in Python's shell, has another hash in each process. Of each class from
    outside the package its name and values count as well: see `class_source`.
    """
    imports.read_loaded()
    files, texts = method_files(cls)
    digest = hashlib.sha256("\n".join([code_hash(files), *map(code, texts)]).encode())
    if module_file("mmhash_nb.features.backbones") in files:
        for path in sorted((imports.PACKAGE / "weights").glob("*.safetensors")):
            digest.update(file_hash(path).encode())
    return digest.hexdigest()


def method_files(cls: type) -> tuple[set[Path], list[str]]:
    """All source files that fit and encode of a class can execute, and code of a notebook."""
    source = ClassSource(cls)
    return closure(source.files.union(*map(imported_files, source.texts))), source.texts


def option_files(options: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of each file that an option names, such as a backbone's weights, by option."""
    given = {name: value for name, value in options.items() if isinstance(value, str | Path)}
    return {name: file_hash(Path(v)) for name, v in given.items() if os.path.isfile(v)}


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    stat = path.stat()
    return _file_hash(path.resolve(), stat.st_size, stat.st_mtime_ns)


@cache
def _file_hash(path: Path, size: int, changed: int) -> str:
    return digest_of(path, "sha256")


def environment() -> dict[str, str]:
    """Versions, processor and commit, for a record."""
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


def peak_memory() -> int | None:
    """Bytes of memory that this process has held at most; None on Windows, which does not say."""
    try:
        import resource
    except ImportError:
        return None
    # Linux gives kilobytes, macOS bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@cache
def _commit() -> str:
    command = ["git", "-C", str(project_root()), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
