"""Controls of the explorer: how they look, are filled, hidden, and set at first."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypedDict

import ipywidgets as widgets

from mmhash_nb.datasets.decoding import FORMATS

WIDE = {"description_width": "initial"}


def menu(name: str) -> widgets.Dropdown:
    """A menu whose name is never cut, as wide as it must be."""
    return widgets.Dropdown(description=name, style=WIDE, layout={"width": "auto"})


def check_box(name: str) -> widgets.Checkbox:
    """A box to tick, no wider than its name."""
    return widgets.Checkbox(description=name, indent=False, layout={"width": "auto"})


def words_box(name: str) -> widgets.Text:
    """A box whose words count once Enter is pressed."""
    how = {"style": WIDE, "placeholder": "then Enter", "continuous_update": False}
    return widgets.Text(description=name, **how)


def upload_button(name: str) -> widgets.FileUpload:
    """A button that takes a picture of any format that is read."""
    kinds = ",".join(f".{kind.lower()}" for kind in (*FORMATS, "jpg"))
    return widgets.FileUpload(accept=kinds, description=name)


def fill(
    control: widgets.Dropdown, values: Iterable[Any], name: Callable[[Any], str] = str
) -> None:
    """Offer values by their names; leave the chosen one where it is among them."""
    before, values = control.value, list(values)
    control.options = [(name(value), value) for value in values]
    control.value = before if before in values else values[0]


def show_where(control: widgets.Widget, wanted: bool) -> None:
    """Take a control out of the page where it has nothing to choose."""
    control.layout.display = None if wanted else "none"


class InitialValues(TypedDict, total=False):
    """Values of controls by their names, in the order of which may be chosen after which."""

    dataset: str
    method: str
    bits: int
    beside: str
    direction: str
    query: int
    item: int
    k: int
    radius: int
    mistakes: bool
    attention: bool


def in_order(first: InitialValues) -> Iterator[tuple[str, Any]]:
    """Names and values of these; what a control offers depends on those before it.

    Raises:
        TypeError: there is no such control.
    """
    for name in first:
        if name not in InitialValues.__annotations__:
            known = ", ".join(InitialValues.__annotations__)
            raise TypeError(f"the explorer cannot open at {name}=…: its controls are {known}.")
    return ((name, first[name]) for name in InitialValues.__annotations__ if name in first)  # type: ignore[literal-required]


def state_of(explorer: Any) -> InitialValues:
    """The values of an explorer's controls that have one, with which it opens alike."""
    values = {name: getattr(explorer, name).value for name in InitialValues.__annotations__}
    return {name: value for name, value in values.items() if value != ""}  # type: ignore[return-value]


def set_control(control: Any, name: str, value: Any) -> None:
    """Set a control, `name`, to a value that it offers.

    Raises:
        ValueError: it does not offer that.
    """
    offered: Sequence[Any]
    if isinstance(control, widgets.Dropdown):
        offered = [value for _, value in control.options]
        choice = f"choose from {', '.join(map(repr, offered))}"
    elif isinstance(control, widgets.IntSlider | widgets.BoundedIntText):
        offered = range(control.min, control.max + 1)
        choice = f"choose from {control.min} to {control.max}"
    elif control.layout.display == "none":  # as it is where no method has masks
        offered, choice = [False], "no method that it shows has masks and was saved"
    else:
        offered, choice = [False, True], "choose from False, True"
    if value not in offered:
        raise ValueError(f"the explorer cannot open at {name}={value!r}: {choice}.")
    control.value = offered[offered.index(value)]
