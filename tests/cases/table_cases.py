"""Rows of the tables in `tests/tables/`, for parametrised tests."""

import tomllib
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "tables"


def table_rows(name: str) -> list[list]:
    """The arguments of each row."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))["rows"]
