"""The code behind a run: a hash of this package that rewording leaves alone, library versions."""

import ast
import hashlib
import platform
import re
import threading
from functools import cache
from importlib import metadata
from pathlib import Path

#: what runs notebooks and is not run by them
_RUNNERS = ("__main__", "cli", "report", "runner")

_PARSING = threading.Lock()


def parsed(text: str) -> ast.Module:
    """`ast.parse`, which in some versions of Python fails where several threads call it at once.

    They count the depth of the tree for all threads together, and one that collects garbage
    meanwhile, with Dask's callbacks, lets others in (`AST constructor recursion depth mismatch`).
    """
    with _PARSING:
        return ast.parse(text)


@cache
def code(text: str) -> str:
    """`text` as it is parsed, without comments, docstrings, layout and the lines on options."""
    tree = parsed(text)
    for node in ast.walk(tree):
        for statement in node.body if isinstance(node, ast.ClassDef) else ():
            match statement:
                case ast.AnnAssign(value=ast.Call(func=ast.Name(id="option")) as call):
                    _drop_line(call)
                case ast.AnnAssign(value=ast.Call(func=ast.Attribute(attr="option")) as call):
                    _drop_line(call)
        match getattr(node, "body", None):
            case [ast.Expr(value=ast.Constant(value=str())), *_] as body:
                body.pop(0)  # the docstring
    return ast.dump(tree)


def package_hash() -> str:
    """SHA-256 over all of this package that a notebook can use: its code, tables and weights.

    Files are read at every call, so that a change under a long batch is seen.
    """
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for path in sorted(package.rglob("*")):
        inside = path.relative_to(package)
        if path.suffix in (".csv", ".toml", ".safetensors"):
            content = path.read_bytes()
        elif path.suffix == ".py" and inside.parts[0].removesuffix(".py") not in _RUNNERS:
            content = code(path.read_text(encoding="utf-8")).encode()
        else:
            continue
        name = inside.as_posix()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@cache
def versions() -> dict[str, str]:
    """Installed versions of Python and of the libraries this package depends on, by name."""
    try:
        needed = [line for line in metadata.requires("mmhash-nb") or [] if "extra ==" not in line]
    except metadata.PackageNotFoundError:
        needed = []
    names = sorted(re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in needed)
    return {"python": platform.python_version(), **{n: metadata.version(n) for n in names}}


def _drop_line(call: ast.Call) -> None:
    """Take the text off `option(default, line)` or `option(default, doc=line)`."""
    if len(call.args) == 2 and _is_text(call.args[1]):
        call.args.pop()
    call.keywords = [k for k in call.keywords if k.arg != "doc" or not _is_text(k.value)]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
