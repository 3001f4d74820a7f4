"""The parameters of a notebook: read from its `parameters` cell, typed and checked."""

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmhash_nb.io.source import parsed

#: a value for each annotation of a list
_ITEMS = {"list[int]": [16], "list[float]": [0.5], "list[str]": [""], "list[bool]": [True]}


def code_cells(notebook: Path) -> list[tuple[str, list[str]]]:
    """Source and tags of each code cell, read as JSON: importing `nbformat` takes seconds.

    Raises:
        ValueError: where the file is no whole notebook.
    """
    try:
        return [
            ("".join(cell["source"]), cell.get("metadata", {}).get("tags", []))
            for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
            if cell["cell_type"] == "code"
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{notebook} is no whole notebook ({error!r}).") from None


def defaults(notebook: Path) -> dict[str, Any]:
    """The parameters of a notebook with their defaults: the literals of its `parameters` cell.

    The cell is parsed here since `papermill.inspect_notebook` gives defaults as
    text and loses a parameter whose comment holds an equals sign.
    """
    return {name: default for name, (default, _) in _declared(notebook).items()}


def _declared(notebook: Path) -> dict[str, tuple[Any, Any]]:
    """Parameters with their default and a value of their type, which an empty list does not show.

    A list's type is read from its annotation: `list[int]`.
    """
    tagged = [source for source, tags in code_cells(notebook) if "parameters" in tags]
    found: dict[str, Any] = {}
    for statement in parsed(tagged[0]).body if tagged else []:
        annotation = ""
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                annotation = ast.unparse(statement.annotation)
            case _:
                continue
        default = ast.literal_eval(value)
        like = _ITEMS.get(annotation, default) if default == [] else default
        found[name] = (default, like)
    return found


def typed(value: object, default: object) -> object:
    """`value` as one of the type of `default`; lists are written `16,32` or `[16, 32]` as text.

    A single value stands for a list of one.

    Raises:
        KeyError, ValueError: where it is none.
    """
    if not isinstance(value, str):
        return _checked(value, default)
    if isinstance(default, str):
        return value
    if isinstance(default, bool):
        return {"true": True, "false": False}[value.lower()]
    if isinstance(default, int | float):
        return type(default)(value)
    if isinstance(default, list | tuple):
        try:
            items = list(ast.literal_eval(value if value[:1] in ("[", "(") else f"[{value}]"))
        except (SyntaxError, ValueError):
            items = [item.strip() for item in value.split(",")]
        return [typed(str(item), default[0]) for item in items] if default else items
    try:
        return ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return value


def _checked(value: object, default: object) -> object:
    """`value`, which is no text, as one of the type of `default`, or a ValueError."""
    if isinstance(default, list | tuple):
        items = value if isinstance(value, list) else [value]
        return [typed(item, default[0]) for item in items] if default else items
    if default is None and (value is None or isinstance(value, bool | int | float | list)):
        return value
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is type(default):
        return value
    raise ValueError


def parameters_for(notebook: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given`, values by name or their texts, with the types of the notebook's defaults.

    Raises:
        ValueError: as `all_typed`; of a name that is not there, papermill itself would only warn.
    """
    likes = {name: like for name, (_, like) in _declared(notebook).items()}
    return all_typed(given, likes, "parameter", notebook.stem)


def all_typed(
    given: Mapping[str, Any], likes: Mapping[str, Any], noun: str, owner: str
) -> dict[str, Any]:
    """`given` with the types of the values of `likes`, the `noun`s that `owner` has.

    Raises:
        ValueError: on a name that is not in `likes`, or a value or text that is none of its type.
    """
    values = {}
    for name, value in given.items():
        if name not in likes:
            has = ", ".join(likes) or "none"
            raise ValueError(f"{owner} has no {noun} {name!r}; it has {has}.")
        try:
            values[name] = typed(value, likes[name])
        except (KeyError, ValueError):
            raise ValueError(
                f"{noun} {name} of {owner} takes a value like {likes[name]!r}, not {value!r}."
            ) from None
    return values
