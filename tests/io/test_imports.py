"""The closure of imports: all that can be executed, and nothing else."""

import importlib
import sys
import types

import pytest
from table_cases import table_rows

from mmhash_nb.io import imports
from mmhash_nb.io.imports import Import, closure, code_hash, module_file, source_text
from mmhash_nb.io.source import code


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of that name of files given by their texts."""
    folder = tmp_path / "mmhash_nb"
    monkeypatch.setattr(imports, "PACKAGE", folder)
    monkeypatch.setattr(imports, "_READ", {})

    def written(**texts):
        for name, text in texts.items():
            path = folder.joinpath(*name.split("__")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for inside in (folder, *(p for p in folder.rglob("*") if p.is_dir())):
            (inside / "__init__.py").touch()
        return folder

    return written


def reached(folder, text):
    (folder / "above.py").write_text(text)
    found = closure([folder / "above.py"]) - {folder / "above.py"}
    return {path.relative_to(folder).as_posix().removesuffix(".py") for path in found}


@pytest.mark.parametrize(("text", "expected"), table_rows("files_behind_imports"))
def test_files_behind_imports(package, text, expected):
    folder = package(
        bottom="y = 1",
        room__low="x = 1",
        room__high="from ..bottom import y\nfrom .low import x\nz = x + y",
    )
    (folder / "room" / "__init__.py").write_text(
        "from .low import x\nfrom mmhash_nb.bottom import y as renamed\nmade = {x}"
    )
    assert reached(folder, text) == set(expected)


@pytest.mark.parametrize("text", ["import importlib", "from importlib import import_module"])
def test_imports_by_any_name_lead_to_all_files_beside(package, text):
    folder = package(bottom="y = 1", room__low="x = 1", room__maker=text)
    found = reached(folder, "import mmhash_nb.room.maker")
    assert found == {"room/maker", "room/low", "room/__init__"}
    outside = folder.parent / "mine.py"
    outside.write_text(text)
    (folder.parent / "beside.py").touch()
    assert closure([outside]) == {outside}


def test_circles_end(package):
    folder = package(a="from mmhash_nb.b import y", b="from mmhash_nb.a import x")
    assert reached(folder, "import mmhash_nb.a") == {"a", "b"}


def test_every_import_of_the_package_leads_to_a_file():
    for path in imports.PACKAGE.rglob("*.py"):
        for one in imports.imports(source_text(path), imports._package(path)):
            if one.module.split(".")[0] == "mmhash_nb":
                assert imports._file(one) is not None, (path, one)


def test_relative_imports_are_of_the_package_that_holds_the_text():
    found = imports.imports("from . import a\nfrom .b import c\nfrom ..d import e", "p.q")
    assert found == (Import("p.q", "a", "a"), Import("p.q.b", "c", "c"), Import("p.d", "e", "e"))


def test_a_module_of_a_user_counts_with_what_it_imports(tmp_path, monkeypatch):
    files = {"mine": "import helper\nfrom mmhash_nb.codes import x", "helper": "y = 1"}
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text)
        module = types.ModuleType(name)
        module.__file__ = str(tmp_path / f"{name}.py")
        monkeypatch.setitem(sys.modules, name, module)
    found = closure([module_file("mine")])
    assert {tmp_path / "mine.py", tmp_path / "helper.py", module_file("mmhash_nb.codes")} <= found
    assert module_file("numpy") is module_file("json") is module_file("not_loaded") is None


@pytest.mark.parametrize("on_path", [True, False])
def test_what_a_users_function_will_import_counts_before_it_is_loaded(
    tmp_path, monkeypatch, on_path
):
    if on_path:
        monkeypatch.syspath_prepend(tmp_path)
    files = {
        "mine": "def f():\n    import their_package.low\n    from their_helper import x",
        "their_helper": "raise SystemExit",
        "their_package/__init__": "raise SystemExit",
        "their_package/low": "def f():\n    from . import beside\n    import json, numpy, nowhere",
        "their_package/beside": "raise SystemExit",
        "their_package/other": "",
    }
    for name, text in files.items():
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    found = closure([tmp_path / "mine.py"])
    names = ("mine", "their_helper", "their_package/low", "their_package/beside")
    assert found == {tmp_path / f"{name}.py" for name in names}
    assert not {"their_helper", "their_package"} & set(sys.modules)


METHOD = '''"""What it is."""

RATE = 1.0


class Method:
    """A method."""

    class Options(Base.Options):
        rate: float = option(0.5, "the step", above=0)

    def fit(self, x):
        """Learn."""
        return x - 1
'''


@pytest.mark.parametrize(("old", "new", "same"), table_rows("code_and_explanation"))
def test_code_counts_and_its_explanation_does_not(package, old, new, same):
    assert METHOD.count(old) == 1
    folder = package(top="import mmhash_nb.below", below=METHOD)
    before = code_hash(closure([folder / "top.py"]))
    package(below=METHOD.replace(old, new))
    assert (code_hash(closure([folder / "top.py"])) == before) is same


def test_files_of_other_names_are_other_code(package):
    folder = package(a="x = 1", b="x = 1")
    assert code_hash([folder / "a.py"]) != code_hash([folder / "b.py"])


def test_sources_of_loaded_modules_are_read_before_they_change(monkeypatch):
    monkeypatch.setattr(imports, "_READ", {})
    imports.read_loaded()
    assert module_file("mmhash_nb.io.imports") in imports._READ
    assert all(path.is_relative_to(imports.PACKAGE) for path in imports._READ)


def test_of_a_loaded_module_the_code_in_memory_counts(tmp_path, monkeypatch):
    path = tmp_path / "loaded_module.py"
    path.write_text("x = 1")
    assert source_text(path) == "x = 1"
    path.write_text("x = 2")
    assert source_text(path) == "x = 2"  # not loaded yet
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("loaded_module")
    assert source_text(path) == "x = 2"
    path.write_text("x = 333")
    assert source_text(path) == "x = 2"
    importlib.reload(module)
    assert source_text(path) == "x = 333"
    monkeypatch.delitem(sys.modules, "loaded_module")


def test_the_line_of_an_option_is_left_out_in_classes_alone():
    inside = "class Options:\n    a: int = hashers.option(0, {!r})"
    assert code(inside.format("one")) == code(inside.format("other"))
    for other in ("a: float = option(1, {!r})", "class A:\n    a: float = option(1, {})"):
        assert code(other.format(2)) != code(other.format(3))
