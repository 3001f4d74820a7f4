"""The hash behind a run changes with all code that the run executes, and with nothing else."""

import functools
import importlib
import json
import shutil
import subprocess
import sys
import threading
import types
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from table_cases import table_rows

from mmhash_nb import experiments, hashers
from mmhash_nb.experiments import evaluation
from mmhash_nb.experiments.notebook_code import notebook_code
from mmhash_nb.experiments.provenance import method_files, method_hash, option_files, source_hash
from mmhash_nb.experiments.runs import run
from mmhash_nb.features import image_cache
from mmhash_nb.hashers.ksh import KSH
from mmhash_nb.hashers.mmnn import MMNN
from mmhash_nb.io import imports

PACKAGE = Path(experiments.__file__).parents[1]
#: settings with which a fit takes a moment, of a method those that it has
TINY = {
    **{"backbone": "small", "trainable": "none", "epochs": 1, "batch_size": 12, "rounds": 1},
    **{"text_hidden": 8, "text_features": 8, "image_hidden": 8, "lstm_hidden": 4, "hidden": 4},
    **{"anchors": 10, "iterations": 2, "atoms": 8, "labelled": 30, "pairs": 50},
}


def tiny(name):
    return {k: v for k, v in TINY.items() if k in hashers.method_class(name).defaults}


@contextmanager
def executed(files):
    """Add the source files of this package of which a function is called, in any thread."""

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_name != "<module>":
            files.add(frame.f_code.co_filename)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


@pytest.mark.parametrize("name", hashers.names())
def test_each_file_that_fit_and_encode_execute_is_in_the_hash(
    name, two_views, tiny_pictures, tmp_path, monkeypatch
):
    monkeypatch.setattr(image_cache, "FEW", 0)
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path))
    cls, files = hashers.method_class(name), set()
    for pairs in (two_views, tiny_pictures):
        method = hashers.create(name, 4, device="cpu", **tiny(name))
        with executed(files), suppress(ValueError):  # of images that it does not take
            method.fit(pairs, tmp_path / "checkpoint")
            for modality in method.modalities:
                (method.encode if cls.has_codes else method.embed)(pairs, modality)
            if cls.unified:
                method.database_codes(pairs)
            files.add(method.name)
    assert name in files
    ours = {path for path in map(Path, files) if path.is_relative_to(PACKAGE)}
    assert PACKAGE / "hashers" / "base.py" in ours
    assert ours <= method_files(cls)[0]


def test_a_method_depends_on_its_losses_and_training_and_not_on_other_methods():
    files = method_files(MMNN)[0]
    names = {path.relative_to(PACKAGE).as_posix().removesuffix(".py") for path in files}
    assert {
        *("hashers/mmnn", "hashers/base", "losses/contrastive", "training/loop", "codes", "pairs")
    } <= names
    assert not {n for n in names if n.startswith(("experiments", "metrics", "hashers/_"))}
    assert "hashers/ksh" not in names
    assert method_hash(MMNN) != method_hash(KSH)


@pytest.fixture
def edit(tmp_path, monkeypatch):
    """Change the package's sources, of which only the hashes are to see anything."""
    copy = tmp_path / "copy" / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "*.csv"))
    monkeypatch.setattr(imports, "PACKAGE", copy)
    monkeypatch.setattr(imports, "_READ", {})

    def edited(file, old, new):
        text = (copy / file).read_text()
        assert text.count(old) == 1
        (copy / file).write_text(text.replace(old, new))
        imports._READ.clear()

    return edited


@pytest.fixture
def trained(two_views, tiny_pictures, tmp_path, monkeypatch):
    """Whether a run trains, rather than finds its record."""
    fits, fit = [], hashers.Method.fit
    monkeypatch.setattr(hashers.Method, "fit", lambda *a: fits.append(1) or fit(*a))

    def ran(name, **options):
        fits.clear()
        pairs = tiny_pictures if "backbone" in hashers.method_class(name).defaults else two_views
        run("zeng2022", name, pairs, 4, 0, tiny(name) | options, device="cpu", root=tmp_path)
        return bool(fits)

    return ran


@pytest.mark.parametrize(("name", "file", "old", "new", "trains"), table_rows("code_changes"))
def test_changed_code_trains_again_and_changed_words_do_not(
    trained, edit, name, file, old, new, trains
):
    assert trained(name) and not trained(name)
    edit(file, old, new)
    assert trained(name) is trains
    assert not trained(name)


def test_changed_metrics_are_other_code_of_the_evaluation_and_not_of_the_method(edit):
    before, method = source_hash(evaluation), method_hash(KSH)
    edit("metrics.py", "import numpy as np\n", "import numpy as np\n\nMORE = 1\n")
    assert source_hash(evaluation) != before and method_hash(KSH) == method


def test_other_weights_of_the_same_name_train_again(trained, tmp_path, edit):
    weights = tmp_path / "weights.safetensors"
    shutil.copy(PACKAGE / "weights" / "small.safetensors", weights)
    options = {"weights": str(weights)}
    assert trained("dpsh") and trained("dpsh", **options) and not trained("dpsh", **options)
    state = load_file(weights)
    save_file({key: np.asarray(value * 1.5) for key, value in state.items()}, weights)
    assert trained("dpsh", **options) and not trained("dpsh", **options)
    assert option_files({"weights": str(tmp_path), "objective": "dpsh", "size": 3}) == {}
    (imports.PACKAGE / "weights" / "small.safetensors").write_bytes(b"others")
    assert trained("dpsh") and trained("scm") and trained("ksh") and not trained("ksh")


CELLS = [
    "import numpy as np\nfrom mmhash_nb.hashers import Hasher, create\nimport os, mine",
    "RATE = 0.5\nSIZES = {'a': [1]}\nMATRIX = np.eye(2)",
    "def unused():\n    return RATE + 1",
    "def step(x):\n    return helper(x) * RATE",
    "def helper(x, RATE=0):\n    local = x\n    return local + SIZES['a'][0]",
    "class Base:\n    def encode(self):\n        return MATRIX @ mine.x",
    "this is no Python",
    "@decorated\nclass Mine(Base):\n    def fit(self):\n        return step(os.sep)",
]


def code_of(*more, name="Mine", **values):
    """The code of a class of a notebook with these cells, the values of some globals changed."""
    code = types.ModuleType("code")
    namespace = {"In": [*CELLS, *more], "RATE": 0.5, "SIZES": {"a": [1]}, "MATRIX": np.eye(2)}
    for one in ("unused", "step", "helper", "Base", "Mine", "decorated"):
        namespace[one] = type(one, (), {"__module__": "__main__"})
    namespace |= {"mine": code, "os": code, "np": np, "Hasher": hashers.Hasher} | values
    return notebook_code(name, namespace)


DECORATED = "def decorated(cls):\n    return cls"


def test_the_code_of_a_notebooks_class_is_what_it_uses():
    text = code_of(DECORATED)
    assert set(text.splitlines()) >= {"import os", "import mine", "def decorated(cls):"}
    for other in ("unused", "Hasher", "numpy"):
        assert other not in text
    assert code_of() is None, "decorated is defined nowhere"
    for other in (
        code_of(DECORATED, RATE=0.6),
        code_of(DECORATED, SIZES={"a": [2]}),
        code_of(DECORATED, SIZES={"a": (1,)}),
        code_of(DECORATED, MATRIX=2 * np.eye(2)),
        code_of(DECORATED, "def helper(x, RATE=0):\n    return x"),
        code_of(DECORATED, "class Base:\n    pass"),
        code_of(DECORATED, "helper = decorated(helper)"),
        code_of(DECORATED.replace("cls\n", "cls, x=1\n").replace("return", "return x or")),
    ):
        assert other != text
    for same in (
        code_of(DECORATED, CELLS[3], CELLS[4]),
        code_of(DECORATED, "def unused():\n    return RATE + 2"),
        code_of(DECORATED, "x = step(1)\nfor i in range(3):\n    Mine()"),
        code_of(DECORATED, "def helper(x, RATE=0):\n    return x", CELLS[4]),
    ):
        assert same == text


class Settings:
    x = 1


OBJECTS = [
    DECORATED,
    "class Settings:\n    x = 1\ncfg = Settings()\nLOSSES = {'l': step}",
    "def other(self):\n    return 1",
    "@decorated\nclass Mine(Base):\n    def fit(self):\n        return cfg.x, LOSSES['l']",
]


def objects_code(*more, **values):
    values |= {"cfg": Settings(), "LOSSES": {"l": Settings()}, "Settings": Settings}
    return code_of(*OBJECTS, *more, **values)


@pytest.mark.parametrize("change", table_rows("notebook_changes"))
def test_statements_that_change_an_object_of_a_notebook_count(change):
    code = objects_code
    assert code(change) != code() and code("Mine.margin = 6", change) != code("Mine.margin = 6")
    assert code(change, OBJECTS[3], *OBJECTS[1:3]) == code()
    assert code(change.replace("Mine", "Not").replace("cfg", "c").replace("LOSSES", "L")) == code()


def test_what_a_change_uses_counts_and_a_repeated_setting_does_not():
    code = functools.partial(objects_code, other=type("other", (), {"__module__": "__main__"}))
    used = code("Mine.fit = other")
    assert used != code("Mine.fit = other", "def other(self):\n    return 2")
    assert used == code(*["Mine.fit = other"] * 2)
    assert code("Mine.x = 2 * Mine.x") != code(*["Mine.x = 2 * Mine.x"] * 2)
    assert code("np.random.seed(0)\nMine(8).fit(1)\nprint(cfg.x)") == code()


NOTEBOOK = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in json.load(sys.stdin):
    assert shell.run_cell(cell, store_history=True).success
"""
METHOD = [
    "import numpy as np\nfrom mmhash_nb.hashers.base import Hasher\nRATE = 1.0",
    "def noise(rng, n):\n    return RATE * rng.normal(size=(n, 4))",
    """class Mine(Hasher):
    def _fit(self, train, checkpoint):
        return {"seen": np.ones(1)}

    def _project(self, pairs, modality):
        return noise(np.random.default_rng(self.seed), len(pairs))
""",
    "from mmhash_nb.experiments.provenance import method_hash\nprint(method_hash(Mine))",
]


def printed(code, *arguments, given=None):
    """The words that another session prints, `given` being what it reads."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True)
    return done.stdout.split()


def notebook_hashes(cells):
    return printed(NOTEBOOK, given=json.dumps(cells))


def test_a_class_of_a_notebook_is_known_again_in_another_session():
    changed = METHOD[1].replace("RATE", "2 * RATE")
    first, edited, back = notebook_hashes([*METHOD, changed, METHOD[3], METHOD[1], METHOD[3]])
    assert first == back != edited
    assert notebook_hashes(["title = 'other'", *METHOD[:1], changed, *METHOD[2:]]) == [edited]


def test_classes_of_a_notebooks_factory_are_told_apart():
    factory = METHOD[2].replace("\n", "\n    ").replace('"seen"', "str(k)")
    factory = f"def made(k):\n    {factory}\n    return Mine"
    values = "1", "2", "lambda: 1", "lambda: RATE", "1"
    cells = [cell for k in values for cell in (f"Mine = made({k})", METHOD[3])]
    found = notebook_hashes([*METHOD[:2], factory, *cells, "RATE = 2", *cells[6:8]])
    assert found[0] == found[4] and len(set(found)) == 5


def test_a_class_typed_where_no_source_is_kept_is_not_found_again():
    command = "import uuid\nclass Mine: pass\n" + METHOD[3] + "\nprint(method_hash(Mine))"
    first, second = printed(command), printed(command)
    assert first[0] == first[1] != second[0] == second[1]


FRESH = """
import sys
sys.path.insert(0, sys.argv[1])
from mmhash_nb.experiments.provenance import method_hash
from mmhash_nb.io import imports
assert imports.module_file("mmhash_nb.io.source") in imports._READ, "read when it was imported"
from their_method import Theirs
imports._READ.clear()
first = method_hash(Theirs)
assert imports.module_file("mmhash_nb.experiments.provenance") in imports._READ
assert "their_helper" not in sys.modules
print(first)
"""


@pytest.mark.parametrize("folder", ["user", "my-packages", "site-packages"])
def test_a_users_file_counts_in_any_folder_with_what_it_will_import(folder, tmp_path):
    folder = tmp_path / folder
    folder.mkdir()

    def found(step, rate):
        (folder / "their_method.py").write_text(
            f"class Theirs:\n    def fit(self):\n        from their_helper import x\n{step}"
        )
        (folder / "their_helper.py").write_text(f"x = {rate}")
        return printed(FRESH, str(folder))

    first = found("", 1)
    assert found("        return 1\n", 1) != first
    assert (found("", 2) != first) is (folder.name != "site-packages")


def test_a_compiled_class_counts_by_its_file(tmp_path, monkeypatch):
    module = types.ModuleType("compiled")
    module.__file__ = str(tmp_path / "compiled.so")
    monkeypatch.setitem(sys.modules, "compiled", module)
    cls, hashes = type("Theirs", (), {"__module__": "compiled"}), set()
    for content in ("a", "bc"):
        Path(module.__file__).write_text(content)
        hashes.add(method_hash(cls))
    assert len(hashes) == 2


def test_a_method_in_a_file_of_a_user_counts_with_what_it_imports(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(imports, "_READ", {})
    (tmp_path / "their_loss.py").write_text("def loss(x):\n    return x")
    (tmp_path / "their_method.py").write_text(
        "from their_loss import loss\nfrom mmhash_nb.hashers.ksh import KSH\n\n"
        "class Theirs(KSH):\n    pass\n"
    )
    cls = importlib.import_module("their_method").Theirs
    files, first = method_files(cls)[0], method_hash(cls)
    assert {tmp_path / "their_loss.py", tmp_path / "their_method.py"} < files
    assert method_files(KSH)[0] < files
    (tmp_path / "their_loss.py").write_text("def loss(x):\n    return 2 * x")
    imports._READ.clear()
    assert method_hash(cls) != first
    for name in ("their_loss", "their_method"):
        monkeypatch.delitem(sys.modules, name)


USERS = """
import functools, threading, torch
from mmhash_nb.hashers.base import Hasher
class A(Hasher):
    K, lock = 1, threading.Lock()
    def _fit(self, train, checkpoint): return {}
class B(A): ...
class Settings:
    def __init__(self, x): self.x = x
def make(k, default=0):
    class Mine(A):
        @torch.no_grad()
        def _project(self, pairs, modality): return k
        def other(self, x=default): return super().other(x)
    return Mine
def changed(**values):
    class Changed(A): ...
    class Mine(Changed): ...
    for key, value in values.items(): setattr(Changed, key, value)
    return Mine
"""
TOLD_APART = [
    *("A", "B", "changed(K=7)", "changed(K=8)", "changed(K=staticmethod(A))"),
    *("changed(K=staticmethod(make))", "changed(K=property(make))", "make((1, 2))", "make([1, 2])"),
    *("make(0, Settings(1))", "make(lambda: 1)", "make(lambda: 2)", "make(Settings(1))"),
    *("make(Settings(2))", "make(Settings)", "make(make)", "make([A])", "make([B])"),
    *("make(functools.partial(make, 1))", "make(functools.partial(make, 2))", "make(torch)"),
    *("make(torch.ones(2))", "make(torch.zeros(2))", "make(torch.relu)", "make(torch.tanh)"),
    *("make({1: 2})", "make({'1': 2})", "make(True)", "make(1)", "make(1.0)", "make(make(1))"),
    *("make(functools.cache(lambda: 1))", "make(functools.cache(lambda: 2))"),
]


def test_classes_of_one_file_are_told_apart_by_name_attributes_and_closures(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "users_file.py").write_text(USERS)
    space = vars(importlib.import_module("users_file"))
    first, again = ([method_hash(eval(one, space)) for one in TOLD_APART] for _ in range(2))
    assert first == again and len(set(first)) == len(TOLD_APART)
    with pytest.raises(ValueError, match="uses k with a lock in it, of which a record cannot tell"):
        method_hash(space["make"](threading.Lock()))
    files = method_files(eval("make(f)", space | {"f": option_files}))[0]
    assert PACKAGE / "experiments" / "provenance.py" in files
    monkeypatch.delitem(sys.modules, "users_file")
