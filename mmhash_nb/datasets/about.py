"""The data of a module of this room, in the TOML file of its name beside it.

That of a dataset has `page` (where to get the files), `put` (what to put where, under the root),
and, where there are such, checksums, `protocols` and `archives`.
"""

import tomllib
from pathlib import Path
from typing import Any


def about(name: str) -> dict[str, Any]:
    """All of `NAME.toml`."""
    return tomllib.loads(Path(__file__).with_name(f"{name}.toml").read_text(encoding="utf-8"))
