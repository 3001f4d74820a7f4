"""The parameters of a notebook, read from its `parameters` cell."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmhash_nb.experiments.parameters import all_typed, declared


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
    return {name: default for name, _, default in _declared(notebook)}


def parameters_for(notebook: Path, given: Mapping[str, Any]) -> dict[str, Any]:
    """`given`, values by name or their texts, with the types of the notebook's parameters.

    Raises:
        ValueError: as `all_typed`; of a name that is not there, papermill itself would only warn.
    """
    kinds = {name: kind for name, kind, _ in _declared(notebook)}
    return all_typed(given, kinds, "parameter", notebook.stem)


def _declared(notebook: Path) -> list[tuple[str, Any, Any]]:
    """Name, kind and default of each parameter."""
    tagged = [source for source, tags in code_cells(notebook) if "parameters" in tags]
    return list(declared(tagged[0])) if tagged else []
