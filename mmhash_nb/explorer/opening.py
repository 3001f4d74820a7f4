"""What the explorer shows first: values of its controls, each of which must be offered."""

from collections.abc import Iterator, Sequence
from typing import Any, TypedDict

import ipywidgets as widgets


class Opening(TypedDict, total=False):
    """Values of controls by their names, in the order of which may be chosen after which."""

    dataset: str
    method: str
    bits: int
    beside: str
    direction: str
    query: int
    k: int
    radius: int
    mistakes: bool
    attention: bool


def in_order(opening: Opening) -> Iterator[tuple[str, Any]]:
    """Names and values of an opening; what a control offers depends on those before it.

    Raises:
        TypeError: there is no such control.
    """
    for name in opening:
        if name not in Opening.__annotations__:
            known = ", ".join(Opening.__annotations__)
            raise TypeError(f"the explorer cannot open at {name}=…: its controls are {known}.")
    return ((name, opening[name]) for name in Opening.__annotations__ if name in opening)  # type: ignore[literal-required]


def open_at(control: Any, name: str, value: object) -> None:
    """Set a control, `name`, to a value that it offers.

    Raises:
        ValueError: it does not offer that.
    """
    offered, choice = _offered(control)
    if value not in offered:
        raise ValueError(f"the explorer cannot open at {name}={value!r}: {choice}.")
    control.value = offered[offered.index(value)]


def _offered(control: Any) -> tuple[Sequence[Any], str]:
    """The values of a control, and in words what to do about one that is not among them."""
    if isinstance(control, widgets.Dropdown):
        values = [value for _, value in control.options]
        return values, f"choose from {', '.join(map(repr, values))}"
    if isinstance(control, widgets.IntSlider):
        return range(control.min, control.max + 1), f"choose from {control.min} to {control.max}"
    if control.layout.display == "none":  # as it is where no method has masks
        return [False], "no method that it shows has masks and was kept"
    return [False, True], "choose from False, True"
