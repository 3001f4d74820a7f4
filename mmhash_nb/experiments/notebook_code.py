"""The code of a class that is defined in a notebook: of all the notebook's cells, what it uses."""

import ast
import hashlib
import json
import symtable
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from mmhash_nb.io.source import parsed

_CODE = (type, types.FunctionType, types.ModuleType)


def notebook_code(name: str, namespace: Mapping[str, Any]) -> str | None:
    """The statements that define a name of a notebook and all names that these use, as one text.

    Of a global that holds plain data or an array its value counts, in place of its statement.

    Args:
        name: of a class.
        namespace: the notebook's globals, with the executed cells in `In`, as in IPython.

    Returns:
        None where a definition is in none of the cells, so that its code is not known.
    """
    bindings = _bindings(namespace.get("In", ()))
    lines: dict[str, str] = {}
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in lines or one not in namespace:
            continue
        value = namespace[one]
        if (data := _data(value)) is not None:
            lines[one] = f"{one} = {data!r}"
        elif one in bindings:
            lines[one] = "\n".join(bindings[one])
            waiting += _used(_table(lines[one]))
        elif isinstance(value, _CODE):
            module = getattr(value, "__module__", None) or getattr(value, "__name__", "")
            if module == "__main__":
                return None
            lines[one] = f"from {module} import {one}"
    return "\n".join(lines[one] for one in sorted(lines))


def _bindings(cells: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The last statement that binds each name, after those that it builds on (`f = wrap(f)`)."""
    found: dict[str, tuple[str, ...]] = {}
    for cell in cells:
        try:
            statements = [ast.unparse(one) for one in _apart(parsed(cell))]
            tables = [_table(text) for text in statements]
        except SyntaxError:
            continue  # it was not executed
        for text, table in zip(statements, tables, strict=True):
            for symbol in table.get_symbols():
                if symbol.is_assigned() or symbol.is_imported():
                    name = symbol.get_name()
                    before = found.get(name, ()) if symbol.is_referenced() else ()
                    found[name] = (*before, text)
    return found


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


def _data(value: Any) -> str | None:
    """Plain data as JSON, an array as its hash; None for anything else."""
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return f"{value.dtype} {value.shape} {hashlib.sha256(value.tobytes()).hexdigest()}"
    try:
        return json.dumps(value, sort_keys=True)
    except (TypeError, ValueError):
        return None
