"""`--plugin FILE.py`: methods of the user's, which join those of the package."""

import importlib.util
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from mmhash_nb import hashers


def load_plugins(files: Sequence[Path]) -> list[str]:
    """Run the files; give the names that they registered, each checked by `hashers.check`.

    Raises:
        ValueError: a file is not there, has a mistake (with its line), or registers nothing; or a
            method of it does not meet the contract.
    """
    names = []
    for file in files:
        before = set(hashers.registered())
        _run(file)
        new = [name for name in hashers.registered() if name not in before]
        if not new:
            raise ValueError(
                f"{file} registers no method: write @hashers.register('name') above its class."
            )
        for name in new:
            try:
                hashers.check(name)
            except ValueError as error:
                raise ValueError(f"{file}: {error}") from None
        names += new
    return names


def _run(file: Path) -> None:
    """Import a file as a module of its name, where saved methods look for their class."""
    if not file.is_file():
        raise ValueError(f"there is no file {file} for --plugin.")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or file.stem in sys.modules:
        raise ValueError(
            f"{file} cannot be imported as {file.stem!r}: rename it, such as to my_{file.stem}.py."
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        reason = f"line {error.lineno} of {file} is no Python ({error.msg})"
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        here = [frame for frame in frames if Path(frame.filename) == file.resolve()]
        line = f"line {here[-1].lineno} of " if here else ""
        reason = f"{line}{file} raises {type(error).__name__}: {' '.join(str(error).split())}"
    else:
        return
    del sys.modules[file.stem]
    raise ValueError(f"{reason.rstrip('.')}: mend it and run the same command again.")
