"""Rules that the source keeps: imports go one way, and nothing is unpickled."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "mmhash_nb"
ORDER = [
    *("files", "pairs", "codes", "features", "datasets", "losses", "checkpoints", "training"),
    *("pretrain_small", "hashers", "ties", "ranking", "shards", "metrics", "published", "results"),
    *("figures", "explorer", "headless", "reproduce", "__main__"),
]


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


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from mmhash_nb import metrics, ranking", {"metrics", "ranking"}),
        ("from mmhash_nb.results.compare import table", {"results"}),
        ("import mmhash_nb.codes", {"codes"}),
        ("def f():\n    from mmhash_nb.hashers import base", {"hashers"}),
        ("from ..metrics import ndcg", {"metrics"}),
        ("from .. import figures", {"figures"}),
        ("import numpy\nimport mmhash_nb\nfrom mmhash_nb import __version__", set()),
    ],
)
def test_imports_are_seen(source, expected):
    assert imported(source, ("mmhash_nb", "results")) == expected


def test_every_module_has_its_place():
    assert set(modules()) <= set(ORDER)


def test_the_package_itself_imports_none_of_its_modules():
    assert not imported((PACKAGE / "__init__.py").read_text(), ("mmhash_nb",))


@pytest.mark.parametrize("name", list(modules()))
def test_imports_come_from_the_left(name):
    for path in modules()[name]:
        here = ("mmhash_nb", *path.relative_to(PACKAGE).parts[:-1])
        for other in imported(path.read_text(), here) - {name}:
            assert other in ORDER, f"{path.name} imports {other}, which has no place"
            assert ORDER.index(other) < ORDER.index(name), f"{path.name} imports {other}"


#: whatever unpickles what it reads, by the end of its dotted name
PICKLES = ("torch.load", "pickle.load", "pickle.loads", "pickle.Unpickler", ".read_pickle")


def unpickling(source: str) -> set[str]:
    """What in `source` can unpickle: calls and classes by name, and `allow_pickle`."""
    found, full_names = set(), {}
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            full_names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
            full_names |= names
            found |= {name for name in names.values() if name.endswith(PICKLES)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            base, *rest = ast.unparse(node).split(".")
            name = ".".join([full_names.get(base, base), *rest])
            found |= {name} if name.endswith(PICKLES) else set()
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            refused = isinstance(node.value, ast.Constant) and node.value.value is False
            found |= set() if refused else {"allow_pickle"}
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import numpy as np\nnp.load(p, allow_pickle=True)", {"allow_pickle"}),
        ("np.load(p, allow_pickle=yes)", {"allow_pickle"}),
        ("np.load(p, allow_pickle=False)\nnp.load(p)\njson.load(f)", set()),
        ("import torch\ndef f():\n    return torch.load(p)", {"torch.load"}),
        ("import torch as t\nt.load(p)", {"torch.load"}),
        ("from torch import load", {"torch.load"}),
        ("import pickle as p\np.load(f)\np.loads(b)", {"pickle.load", "pickle.loads"}),
        ("import pickle\nclass A(pickle.Unpickler): pass", {"pickle.Unpickler"}),
        ("from cloudpickle import loads as read", {"cloudpickle.loads"}),
        ("import pandas as pd\npd.read_pickle(p)", {"pandas.read_pickle"}),
    ],
)
def test_unpickling_is_seen(source, expected):
    assert unpickling(source) == expected


def test_nothing_is_unpickled_but_by_the_restricted_unpickler_of_cifar10():
    found = {
        (path.relative_to(PACKAGE).as_posix(), name)
        for path in PACKAGE.rglob("*.py")
        for name in unpickling(path.read_text())
    }
    assert found == {("datasets/cifar10_files.py", "pickle.Unpickler")}
