"""The code that a source file can execute: the closure of its imports over this package."""

import ast
import hashlib
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from mmhash_nb.io.source import code, parsed

PACKAGE = Path(__file__).parents[1]
#: where installed libraries lie
_STANDARD = os.path.dirname(os.__file__) + os.sep
_INSTALLED = tuple(f"{os.sep}{kind}-packages{os.sep}" for kind in ("site", "dist"))
#: what imports by a name made at run time
_BY_ANY_NAME = {("importlib", ""), ("importlib", "import_module")}
#: sources as they were when first read, with the loaded module's specification
_READ: dict[Path, tuple[object, str]] = {}


class Import(NamedTuple):
    """`from module import name as bound`; of `import module` the name is empty."""

    module: str
    name: str
    bound: str


def code_hash(files: Iterable[Path]) -> str:
    """SHA-256 over the code of source files, such as those of a `closure`.

    Comments, docstrings and layout do not count: rewording an explanation changes nothing.
    """
    digest = hashlib.sha256()
    for path in sorted(files):
        name = _dotted(path) if path.is_relative_to(PACKAGE) else path.name
        digest.update(f"{name}\n{code(source_text(path))}\n".encode())
    return digest.hexdigest()


def closure(files: Iterable[Path]) -> set[Path]:
    """`files` and every source file that they import, directly or not.

    Imports inside functions count. Followed are imports of this package, and those of modules that
    are not installed, as a user's are. Nothing is imported to find them. The `__init__.py` of a
    package counts only where something defined in it is imported: a name that it imports itself
    leads to the file that defines it, and its other imports are left alone. A file of this package
    that imports by names made at run time (`import_module`) can import all files beside it.
    """
    found: set[Path] = set()
    waiting = list(files)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            statements = imports(source_text(path), _package(path))
            waiting += filter(None, (_file(one, path) for one in statements))
            by_any_name = any(s[:2] in _BY_ANY_NAME for s in statements)
            if by_any_name and path.is_relative_to(PACKAGE):
                waiting += path.parent.rglob("*.py")
    return found


def imported_files(text: str) -> set[Path]:
    """The source files that the import statements of a notebook's text lead to."""
    return set(filter(None, (_file(one, Path("notebook")) for one in imports(text))))


def module_file(name: str) -> Path | None:
    """The source file of a module of this package, or of one that is loaded and not installed."""
    return _file(Import(name, "", ""))


@cache
def imports(text: str, package: str = "") -> tuple[Import, ...]:
    """All import statements of a source text.

    Args:
        package: dotted name of the package that the text lies in, for relative imports.
    """
    found = []
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, "", alias.asname or alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: 1 - node.level or None] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found += [Import(module, a.name, a.asname or a.name) for a in node.names]
    return tuple(found)


def source_text(path: Path) -> str:
    """The text of a source file.

    Of a module that is loaded it is the text first read, until the module is loaded anew: what is
    executed is the code in memory, whatever an editor has written since.
    """
    specification = getattr(_loaded_module(path), "__spec__", None)
    known = _READ.get(path)
    if known is None or specification is None or known[0] is not specification:
        known = _READ[path] = (specification, path.read_text(encoding="utf-8"))
    return known[1]


def read_loaded() -> None:
    """Read the source of each loaded module of this package, before an editor may change it."""
    for name in list(sys.modules):
        if name.startswith(f"{PACKAGE.name}.") and (path := module_file(name)) is not None:
            source_text(path)


def own_file(name: str) -> Path | None:
    """The file of a loaded module, installed ones included; None in the standard library."""
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    standard = file.startswith(_STANDARD) and not any(one in file for one in _INSTALLED)
    return Path(file) if file and not standard else None


def _file(statement: Import, beside: Path | None = None) -> Path | None:
    """The file that an import leads to; None where it is no source file of ours or a user's."""
    module, name, _ = statement
    root, *rest = module.split(".")
    if root != PACKAGE.name:
        names = [f"{module}.{name}", module] if name else [module]
        files = (getattr(sys.modules.get(one), "__file__", None) for one in names)
        found = next(filter(None, map(_followed, files)), None)
        if found is None and beside is not None and not beside.is_relative_to(PACKAGE):
            found = next(filter(None, (_unloaded(one, beside) for one in names)), None)
        return found
    base = PACKAGE.joinpath(*rest)
    inside = [base / f"{name}.py", base / name / "__init__.py"] if name else []
    for path in (*inside, base.with_suffix(".py")):
        if path.is_file():
            return path
    path = base / "__init__.py"
    if not path.is_file():
        return None
    for other in imports(source_text(path), module):
        if name and other.bound == name:
            return _file(other)
    return path


def _unloaded(module: str, beside: Path) -> Path | None:
    """The source file of a module that is not installed, which a file at `beside` can import."""
    root, *rest = module.split(".")
    if not root or root in sys.stdlib_module_names:
        return None
    found = None
    with suppress(ImportError, ValueError):  # of a module without specification
        found = find_spec(root)
    found = found or PathFinder.find_spec(root, [str(beside.parent), _packages(beside)[1]])
    for name in rest:  # not by `find_spec`, which imports what holds the module
        found = found and PathFinder.find_spec(name, found.submodule_search_locations or [])
    return _followed(found.origin if found else None)


def _followed(file: str | None) -> Path | None:
    # By its text: of all imports of a method's code this would make thousands of paths.
    if file is None or not file.endswith(".py") or file.startswith(_STANDARD):
        return None
    return None if any(one in file for one in _INSTALLED) else Path(file)


def _loaded_module(path: Path) -> ModuleType | None:
    if path.is_relative_to(PACKAGE):
        return sys.modules.get(_dotted(path.with_suffix("")).removesuffix(".__init__"))
    # Not by getattr, which makes some modules import others.
    files = ((m, getattr(m, "__dict__", {}).get("__file__")) for m in list(sys.modules.values()))
    return next((module for module, file in files if file == str(path)), None)


def _package(path: Path) -> str:
    """The dotted name of the package that a source file lies in."""
    if path.is_relative_to(PACKAGE):
        return _dotted(path.parent)
    if (module := _loaded_module(path)) is not None:
        return getattr(module, "__package__", None) or ""
    return _packages(path)[0]


def _packages(path: Path) -> tuple[str, str]:
    """The dotted name of the package around a file by its folders, and the folder that holds it."""
    names: list[str] = []
    folder = path.parent
    while (folder / "__init__.py").is_file():
        names, folder = [folder.name, *names], folder.parent
    return ".".join(names), str(folder)


def _dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).parts)
