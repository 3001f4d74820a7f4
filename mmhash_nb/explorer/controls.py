"""Menus of the explorer: how they look, are filled, and are hidden."""

from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets as widgets

WIDE = {"description_width": "initial"}


def menu(name: str) -> widgets.Dropdown:
    """A menu whose name is never cut, as wide as it must be."""
    return widgets.Dropdown(description=name, style=WIDE, layout={"width": "auto"})


def fill(
    control: widgets.Dropdown, values: Iterable[Any], name: Callable[[Any], str] = str
) -> None:
    """Offer values by their names; keep the chosen one where it is among them."""
    before, values = control.value, list(values)
    control.options = [(name(value), value) for value in values]
    control.value = before if before in values else values[0]


def show_where(control: widgets.Widget, wanted: bool) -> None:
    """Take a control out of the page where it has nothing to choose."""
    control.layout.display = None if wanted else "none"
