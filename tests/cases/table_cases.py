"""Rows of the tables in `tests/tables/`, for parametrised tests."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parents[1] / "tables"


def table_rows(name: str) -> list[list]:
    """The arguments of each row."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))["rows"]


def with_arrays(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a row; one with a `shape` becomes an array `of` one value."""
    return {
        name: np.full(given["shape"], given["of"], given.get("dtype"))
        if isinstance(given, dict) and "shape" in given
        else given
        for name, given in arguments.items()
    }
