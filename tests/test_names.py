"""A paper's or dataset's name decides something in its folder or module alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from table_cases import table_rows

from mmhash_nb import datasets, papers

PACKAGE = Path(__file__).parents[1] / "mmhash_nb"
PAPERS = [*papers.names(), "side_by_side"]
# `folder` is a word of its own.
DATASETS = [name for name in datasets.names() if name != "folder"] + ["flipkart_sub"]
#: Keys that name another room, and why. What is compared has no such reason.
KEYS = {
    "papers/": (DATASETS, "a paper's settings on each dataset"),
    "datasets/": (PAPERS, "a dataset's selection and split, as each paper prints them"),
    "datasets/__init__.py": (DATASETS, "the registry"),
}


def decisions(source: str) -> Iterator[tuple[str, str]]:
    """(`compared` or `key`, text) of each string that is compared, matched, or a key."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Compare():
                for part in (node.left, *node.comparators):
                    elements = (
                        part.elts if isinstance(part, ast.Tuple | ast.List | ast.Set) else [part]
                    )
                    yield from (("compared", text) for text in _texts(elements))
            case ast.MatchValue():
                yield from (("compared", text) for text in _texts([node.value]))
            case ast.Dict():
                yield from (("key", text) for text in _texts(node.keys))
            case ast.Subscript():
                yield from (("key", text) for text in _texts([node.slice]))


def _texts(nodes: list) -> list[str]:
    return [n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def foreign(path: str, source: str) -> list[str]:
    """What decides by a paper's or dataset's name in a file that is not in its room."""
    stem, parts = Path(path).stem, Path(path).parts
    found = []
    for kind, text in decisions(source):
        if text not in (*PAPERS, *DATASETS) or text in parts[:-1]:
            continue
        if parts[0] == "datasets" and any(stem.startswith(n) for n in DATASETS if n in text):
            continue
        allowed = {
            name for start, (names, _) in KEYS.items() if path.startswith(start) for name in names
        }
        if kind == "compared" or text not in allowed:
            found.append(f"{path}: {kind} {text!r}")
    return found


@pytest.mark.parametrize(("path", "source", "expected"), table_rows("foreign_names"))
def test_a_foreign_name_is_seen(path, source, expected):
    assert foreign(path, source) == [f"{path}: {what}" for what in expected]


def test_names_decide_in_their_rooms_alone():
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        found += foreign(path.relative_to(PACKAGE).as_posix(), path.read_text())
    assert not found
