"""The hash behind a run changes with the code a method uses, and with nothing else."""

import importlib.util
import linecache
import sys

import pytest

from mmhash_nb.experiments.provenance import _used, source_hash
from mmhash_nb.hashers import ksh, mmnn


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Make a module of the package out of a text, in place of an earlier one of that name."""

    def made(name, text):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        linecache.clearcache()
        source_hash.cache_clear()
        spec = importlib.util.spec_from_file_location(f"mmhash_nb.{name}", path)
        new = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, new)
        exec(compile(text, path, "exec"), vars(new))
        return new

    yield made
    source_hash.cache_clear()


METHOD = '''"""What it is."""

LEARNING_RATE = 1.0


class Method:
    """A method."""

    def fit(self, x):
        """Learn."""
        return x - 1
'''


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("What it is.", "Other words.", True),
        ("A method.", "Other words.", True),
        ("Learn.", "Other words.", True),
        ("return x - 1", "# why\n        return  x  -  1  # and how", True),
        ("LEARNING_RATE = 1.0", "\n\nLEARNING_RATE = 1.0", True),
        ("return x - 1", "return x + 1", False),
        ("1.0", "1.5", False),
        ("def fit(self, x)", "def fit(self, x, y=0)", False),
        ("return x - 1", "return 'Learn.'", False),
    ],
)
def test_code_counts_and_its_explanation_does_not(module, old, new, same):
    before = source_hash(module("made_up", METHOD))
    assert METHOD.count(old) == 1
    after = source_hash(module("made_up", METHOD.replace(old, new)))
    assert (after == before) is same


@pytest.mark.parametrize(
    "use",
    [
        "import mmhash_nb.below as b",
        "from mmhash_nb.below import step",
        "from mmhash_nb.below import step as other",
        "from mmhash_nb.below import Step",
    ],
)
def test_code_behind_what_a_module_uses_counts_and_other_code_does_not(module, use, monkeypatch):
    step = "def step(x):\n    return bottom(x)\n\n\nclass Step:\n    pass\n"

    def hashed(bottom="x", aside="x"):
        module("aside", f"def f(x):\n    return {aside}\n")
        module("bottom", f"def bottom(x):\n    return {bottom}\n")
        module("below", f"from mmhash_nb.bottom import bottom\n\n\n{step}")
        # `import a.b as c` takes the package's attribute, which an import would have set.
        monkeypatch.setattr("mmhash_nb.below", sys.modules["mmhash_nb.below"], raising=False)
        return source_hash(module("above", use + "\n"))

    assert hashed() == hashed(aside="x + 1")
    assert hashed() != hashed(bottom="x + 1")


def test_a_method_depends_on_its_losses_and_training_and_not_on_other_methods():
    behind = {m.__name__.removeprefix("mmhash_nb.") for m in _used((mmnn,))}
    assert {
        "hashers.mmnn",
        "hashers.base",
        "losses.contrastive",
        "training.loop",
        "codes",
        "pairs",
    } <= behind
    assert not {name for name in behind if name.split(".")[0] in ("results", "figures", "metrics")}
    assert "hashers.ksh" not in behind
    assert source_hash(mmnn) != source_hash(ksh)
    assert source_hash(mmnn, ksh) == source_hash(ksh, mmnn) != source_hash(mmnn)
