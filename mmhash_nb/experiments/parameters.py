"""Values of parameters with their types, whoever wrote them.

A value comes as Python's, or as a text from a command line or a file: `16`, `"16"`, `"[16, 32]"`.
Both become one of a kind: `int`, `float`, `bool`, `str`, a list of one of these (`list[int]`), or
`Any`. A single value stands for a list of one.
"""

import ast
import math
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, get_args

import numpy as np

from mmhash_nb.io.source import parsed

#: what a parameter of each kind takes, in words
_WORDS: dict[Any, str] = {
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "a text",
    list[int]: "integers, such as 16 or [16, 32]",
    list[float]: "numbers, such as 0.5 or [0.5, 1]",
    list[bool]: "true or false, or a list of them",
    list[str]: "texts, such as a or [a, b]",
}
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_KINDS = {str(kind) if get_args(kind) else kind.__name__: kind for kind in _WORDS}
#: how papermill begins the cell of the values that it is given
_INJECTED = "# Parameters\n"


def typed(value: Any, kind: Any) -> Any:
    """`value` as one of a kind.

    A text is read as its kind is written: `16,32` and `[16, 32]` are lists, `yes` and `on` are true
    where the kind is `bool`. Of a number without fraction an integer is taken for a float and a
    float for an integer. No number is true or false, and a text is no number.

    Raises:
        ValueError: it is none.
    """
    if kind is Any:
        return _literal(value) if isinstance(value, str) else value
    if kind is list or get_args(kind):
        (item,) = get_args(kind) or (Any,)
        return [typed(one, item) for one in _items(value)]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str) and kind is not str:
        value = _BOOLEANS[value.lower()] if value.lower() in _BOOLEANS else _number(value)
    if kind is float and type(value) is int:
        value = float(value)
    if kind is int and type(value) is float and value.is_integer():
        value = int(value)
    if type(value) is not kind or (kind is float and not math.isfinite(value)):
        raise ValueError
    return value


def all_typed(
    given: Mapping[str, Any], kinds: Mapping[str, Any], noun: str, owner: str
) -> dict[str, Any]:
    """`given` with the kinds of the `noun`s that `owner` has.

    Raises:
        ValueError: on a name that is not in `kinds`, or a value that is none of its kind.
    """
    values = {}
    for name, value in given.items():
        if name not in kinds:
            has = ", ".join(kinds) or "none"
            raise ValueError(f"{owner} has no {noun} {name!r}; it has {has}.")
        try:
            values[name] = typed(value, kinds[name])
        except (OverflowError, TypeError, ValueError):
            takes = _WORDS.get(kinds[name], "a list")
            hint = _hint(value, kinds[name])
            raise ValueError(
                f"{noun} {name} of {owner} takes {takes}, not {value!r}{hint}"
            ) from None
    return values


def kind_of(value: Any) -> Any:
    """The kind that a default stands for; an empty list is a list of anything."""
    if isinstance(value, list | tuple):
        return list[type(value[0])] if value else list  # type: ignore[misc]
    return Any if value is None else type(value)


def declared(source: str) -> Iterator[tuple[str, Any, Any]]:
    """Name, kind and default of each literal that a parameters cell assigns.

    The kind is the annotation's, and the default's where there is none.
    """
    for statement in parsed(source).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                annotation = ""
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                annotation = ast.unparse(statement.annotation)
            case _:
                continue
        default = ast.literal_eval(value)
        yield name, _KINDS.get(annotation) or kind_of(default), default


def check(notebook: MutableMapping[str, Any]) -> None:
    """Give the parameters of a running notebook their types, or say which is none.

    To be called in the cell after the parameters: papermill puts what it is given between the two.
    A parameter is what a cell annotates with a kind, such as `bits: list[int] = []`.

    Args:
        notebook: its `globals()`, in which IPython lists its cells as `In`.

    Raises:
        ValueError: a value is none of its kind, or papermill was given a name that is no parameter.
    """
    kinds, given = {}, set()
    for source in notebook.get("In", ()):
        with suppress(SyntaxError):  # of a cell that did not run
            for statement in parsed(source).body:
                match statement:
                    case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                        kinds[name] = _KINDS.get(ast.unparse(annotation))
                    case ast.Assign(targets=[ast.Name(id=name)]) if source.startswith(_INJECTED):
                        given.add(name)
    kinds = {name: kind for name, kind in kinds.items() if kind}
    values = {name: notebook[name] for name in [*kinds, *given] if name in notebook}
    notebook.update(all_typed(values, kinds, "parameter", "the notebook"))


def in_range(name: str, value: int, count: int, of: str) -> None:
    """Refuse a parameter of a notebook that is the place of something which is not there.

    Args:
        name, value: the parameter. count: how many there are. of: what they are, such as `queries`.

    Raises:
        ValueError: the value is below 0, or not below the count.
    """
    if not 0 <= value < count:
        raise ValueError(
            f"parameter {name} of the notebook takes an integer from 0 to {count - 1:,}, a place "
            f"among the {count:,} {of}, not {value}."
        )


def _number(text: str) -> Any:
    """The integer or the number that a text is; its zeros in front do not count."""
    with suppress(ValueError):
        return int(text)
    return float(text)


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def _items(value: Any) -> Iterable[Any]:
    """The items of a list, or of a text such as `16,32`, `[16, 32]` or `[a, b]`."""
    if isinstance(value, Mapping | bytes):
        raise ValueError
    if not isinstance(value, str):
        return value if isinstance(value, Iterable) else [value]
    text = value.strip()
    bare = text[1:-1] if text[:1] + text[-1:] in ("[]", "()") else text
    try:
        return [str(item) for item in ast.literal_eval(f"[{bare}]")]
    except (SyntaxError, ValueError):
        return [item.strip() for item in bare.removesuffix(",").split(",")]


def _hint(value: Any, kind: Any) -> str:
    """How to write it, where a file or a command line has made something else of it."""
    if value is None:
        return ": leave it out for its default."
    return ": put it in quotes in YAML, and give it to papermill by -r." if kind is str else "."
