"""A paper's or dataset's name decides something in its folder or module alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        ("experiments/a.py", "if paper != 'liong2017': pass", ["compared 'liong2017'"]),
        ("figures/a.py", "x = name in ('a', 'wiki')", ["compared 'wiki'"]),
        ("report/a.py", "T = {'zhang2018': 'Attention'}", ["key 'zhang2018'"]),
        ("report/a.py", "t = titles['zhang2018']", ["key 'zhang2018'"]),
        ("runner/a.py", "match d:\n    case 'flipkart_sub': pass", ["compared 'flipkart_sub'"]),
        ("papers/zhang2018/protocol.py", "D = {'scenes': 1, 'zhang2018': 2}", []),
        ("papers/zhang2018/protocol.py", "x = dataset == 'scenes'", ["compared 'scenes'"]),
        ("papers/compare.py", "x = {'zeng2022': 1}", ["key 'zeng2022'"]),
        ("datasets/nuswide.py", "P = {'zeng2022': 1}\nx = name == 'nuswide'", []),
        ("datasets/nuswide_tables.py", "x = name == 'nuswide'", []),
        ("datasets/store.py", "x = name == 'nuswide'", ["compared 'nuswide'"]),
        ("cli/a.py", "load('wiki')", []),
    ],
)
def test_a_foreign_name_is_seen(path, source, expected):
    assert foreign(path, source) == [f"{path}: {what}" for what in expected]


def test_names_decide_in_their_rooms_alone():
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        found += foreign(path.relative_to(PACKAGE).as_posix(), path.read_text())
    assert not found
