"""The code of a class that is defined in a notebook: of all the notebook's cells, what it uses."""

import ast
import hashlib
import symtable
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from mmhash_nb.io.source import parsed

_CODE = (type, types.FunctionType, types.ModuleType)
_PLAIN = (types.NoneType, bool, int, float, complex, str, bytes)


def notebook_code(name: str, namespace: Mapping[str, Any]) -> str | None:
    """The statements that define a name of a notebook and all names that these use, as one text.

    Of a global that holds plain data or an array its value counts, in place of its statements.
    Statements count that change what a name holds, such as `Mine.rate = 1` and `LOSSES.update(x)`.

    Args:
        name: of a class.
        namespace: the notebook's globals, with the executed cells in `In`, as in IPython.

    Returns:
        None where a definition is in none of the cells, so that its code is not known.
    """
    statements, bound = _statements(namespace)
    lines: dict[str, str] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in lines or one not in namespace:
            continue
        value = namespace[one]
        if (data := plain(value)) is not None:
            lines[one] = f"{one} = {data!r}"
            continue
        texts = statements.get(one, ())
        if one not in bound and isinstance(value, _CODE):
            module = getattr(value, "__module__", None) or getattr(value, "__name__", "")
            if module == "__main__":
                return None
            texts = (f"from {module} import {one}", *texts)
        if texts:
            lines[one] = "\n".join(texts)
            waiting += _used(_table(lines[one]))
    return "\n".join(lines[one] for one in sorted(lines))


def _statements(namespace: Mapping[str, Any]) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    """The statements behind each name, and the names that one of them binds.

    They are the last that binds it, those that this builds on (`f = wrap(f)`), and those that
    change what it holds.
    """
    found: dict[str, tuple[str, ...]] = {}
    bound: set[str] = set()
    for cell in namespace.get("In", ()):
        try:
            statements = [(one, ast.unparse(one)) for one in _apart(parsed(cell))]
            tables = [_table(text) for _, text in statements]
        except SyntaxError:
            continue  # it was not executed
        for (statement, text), table in zip(statements, tables, strict=True):
            binds = set()
            for symbol in table.get_symbols():
                if symbol.is_assigned() or symbol.is_imported():
                    name = symbol.get_name()
                    before = found.get(name, ()) if symbol.is_referenced() else ()
                    found[name] = (*before, text)
                    binds.add(name)
            bound |= binds
            for name in _changed(statement, namespace) - binds:
                before = found.get(name, ())
                if not (text in before[-1:] and _repeatable(statement, name)):
                    found[name] = (*before, text)
    return found, bound


def _changed(statement: ast.stmt, namespace: Mapping[str, Any]) -> set[str]:
    """The names of which a statement changes what they hold, as far as its text shows."""
    names = set()
    for node in ast.walk(statement):
        match node:
            case ast.Attribute(ctx=ast.Store() | ast.Del()):
                names.add(_root(node))
            case ast.Subscript(ctx=ast.Store() | ast.Del()):
                names.add(_root(node))
            case ast.Expr(value=ast.Call(func=ast.Name("setattr" | "delattr"), args=[one, *_])):
                names.add(_root(one))
            case ast.Expr(value=ast.Call(func=ast.Attribute() as method)):
                # Calling a function of a module is taken not to change the module.
                if not isinstance(namespace.get(_root(method)), types.ModuleType):
                    names.add(_root(method))
    return names - {""}


def _root(node: ast.expr) -> str:
    """`a` of `a.b[0].c`, empty for what begins with no name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _repeatable(statement: ast.stmt, name: str) -> bool:
    """Whether a statement changes nothing more when its cell runs twice."""
    if isinstance(statement, ast.Assign):
        return all(getattr(node, "id", "") != name for node in ast.walk(statement.value))
    return isinstance(statement, ast.FunctionDef | ast.ClassDef)


def _apart(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements of a cell, an import for each name."""
    for statement in tree.body:
        if isinstance(statement, ast.Import):
            yield from (ast.Import([alias]) for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            module, level = statement.module, statement.level
            yield from (ast.ImportFrom(module, [alias], level) for alias in statement.names)
        else:
            yield statement


def _table(text: str) -> symtable.SymbolTable:
    return symtable.symtable(text, "<cell>", "exec")


def _used(table: symtable.SymbolTable) -> set[str]:
    """The global names that a text reads, in functions and classes too."""
    outside = table.get_type() == "module"
    names = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (outside or symbol.is_global())
    }
    return names.union(*map(_used, table.get_children()))


def plain(value: Any) -> str | None:
    """A text of plain data or an array that no other such value has; None for anything else."""
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    if isinstance(value, np.generic) or type(value) in _PLAIN:
        return f"{type(value).__name__} {value!r}"
    if type(value) not in (tuple, list, dict, set, frozenset):
        return None
    try:
        texts = [plain(one) for one in (value.items() if isinstance(value, dict) else value)]
    except RecursionError:
        return None
    found = [text for text in texts if text is not None]
    found = sorted(found) if isinstance(value, set | frozenset) else found
    return f"{type(value).__name__} {found}" if len(found) == len(texts) else None
