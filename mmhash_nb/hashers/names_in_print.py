"""The names of methods in tables and figures, such as "DNH-C" for `dnh_c`."""

import tomllib
from pathlib import Path

NAMES: dict[str, str] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())


def in_print(method: str) -> str:
    """The name of a method in print; a method from outside the package has its registered one."""
    return NAMES.get(method, method)
