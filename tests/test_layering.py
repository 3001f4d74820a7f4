"""Rules of the source: imports go one way, and a module is found by its name."""

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
from table_cases import table_rows

PACKAGE = Path(__file__).parents[1] / "mmhash_nb"
#: From left to right: a module imports only what stands before it.
STEPS = (
    *("io", "pairs codes", "losses training", "features", "datasets", "hashers"),
    *("ties rank_counts ranking shards metrics", "experiments", "papers results", "figures"),
    *("explorer", "runner", "report", "cli __main__"),
)
ORDER = " ".join(STEPS).split()


def modules() -> dict[str, list[Path]]:
    """Files of each top-level module of the package."""
    found: dict[str, list[Path]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        found.setdefault(name, []).append(path)
    found.pop("__init__")
    return found


def imported(source: str, here: tuple[str, ...] = ()) -> set[str]:
    """Top-level modules of the package that `source` imports, anywhere in it.

    `here` is the package the source lies in, for relative imports.
    """
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            names |= {f"{base}.{alias.name}" for alias in node.names}
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == "mmhash_nb" and len(part) > 1} - {"__version__"}


@pytest.mark.parametrize(("source", "expected"), table_rows("imported_rooms"))
def test_imports_are_seen(source, expected):
    assert imported(source, ("mmhash_nb", "results")) == set(expected)


def test_every_module_is_in_the_order():
    assert set(modules()) <= set(ORDER)


def test_no_two_modules_have_one_name():
    """Those of a paper excepted: each paper has its claims, errata and protocol."""
    names = Counter(
        path.stem
        for path in PACKAGE.rglob("*.py")
        if path.stem != "__init__" and path.parents[1] != PACKAGE / "papers"
    )
    assert [name for name, n in names.items() if n > 1] == []


def test_the_package_itself_imports_none_of_its_modules():
    assert not imported((PACKAGE / "__init__.py").read_text(), ("mmhash_nb",))


@pytest.mark.parametrize("name", list(modules()))
def test_imports_come_from_the_left(name):
    for path in modules()[name]:
        here = ("mmhash_nb", *path.relative_to(PACKAGE).parts[:-1])
        for other in imported(path.read_text(), here) - {name}:
            assert other in ORDER, f"{path.name} imports {other}, which is not in the order"
            assert ORDER.index(other) < ORDER.index(name), f"{path.name} imports {other}"


def test_contributing_names_files_and_the_order_that_are_there():
    text = (PACKAGE.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paths = set(re.findall(r"`([\w/.]+(?:/|\.(?:py|toml|csv|yml|lock|md)))`", text))
    rooms = ("", "mmhash_nb", "mmhash_nb/papers/zhang2018", "mmhash_nb/explorer")
    there = {path for path in paths if any((PACKAGE.parent / r / path).exists() for r in rooms)}
    assert len(there) > 30 and paths - there <= {"runs/notebooks/"}
    (order,) = re.findall(r"`(io → [^`]+)`", text)
    assert [n for n in ORDER if re.search(rf"\b{n}\b", order)] == re.findall(r"\w+", order)
    for name, file in re.findall(r"`(\w+)`(?: and `\w+`)? in `(mmhash_nb/\S+?\.py)`", text):
        source = (PACKAGE.parent / file).read_text(encoding="utf-8")
        assert re.search(rf"^(?:def |class )?{name}\b", source, re.MULTILINE), f"{name} in {file}"
