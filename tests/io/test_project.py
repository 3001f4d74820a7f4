"""Where files lie: what is read, what is written, and what variables and parameters name."""

import ast
import os
import sys
from pathlib import Path

import pytest
from table_cases import table_rows

from mmhash_nb.experiments import provenance
from mmhash_nb.hashers.diffhash import _similar_earlier
from mmhash_nb.io import project
from mmhash_nb.io.cache import cache_folder
from mmhash_nb.io.compiled import compiled
from mmhash_nb.io.project import (
    headless,
    located,
    output_folder,
    project_root,
    runs_folder,
    short_path,
    variable,
    writable,
    writing_below,
    written_folder,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    for name in ("MMHASH_RUNS", "MMHASH_OUTPUT", "MMHASH_CACHE", "MMHASH_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def repository(tmp_path):
    """A repository with a space and an accent in its name, and a folder outside it."""
    root = tmp_path / "my papers é"
    (root / "notebooks").mkdir(parents=True)
    (root / "pyproject.toml").touch()
    (tmp_path / "outside").mkdir()
    return root


def test_what_is_committed_is_of_the_repository_around_or_of_the_package(repository, monkeypatch):
    (repository / "notebooks" / "deep").mkdir()
    for folder in ("", "notebooks", "notebooks/deep"):
        monkeypatch.chdir(repository / folder)
        assert project_root() == repository and runs_folder() == repository / "runs"
    monkeypatch.chdir(repository.parent / "outside")
    assert project_root() == ROOT  # this checkout
    assert runs_folder() == output_folder() == repository.parent / "outside" / "runs"
    monkeypatch.setattr(project, "_CHECKOUT", repository.parent)  # installed without one
    assert project_root() == repository.parent / "outside"


def test_a_relative_path_is_looked_for_from_here_then_in_the_repository(repository, monkeypatch):
    monkeypatch.chdir(repository / "notebooks")
    assert located("data") == repository / "data"  # there is none
    (repository / "data").mkdir()
    assert located("data") == repository / "data"
    (repository / "notebooks" / "data").mkdir()
    assert located("data") == repository / "notebooks" / "data"
    assert located("../data") == repository / "notebooks" / ".." / "data"
    assert located("/x/y") == Path("/x/y")
    assert located("data", repository) == repository / "data"
    outside = repository.parent / "outside"
    assert located("pyproject.toml", outside) == ROOT / "pyproject.toml"
    assert located("nowhere", outside) == outside / "nowhere"


def test_a_path_has_what_a_shell_would_have_put_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for text in ("~/a b", "$HOME/a b", "${HOME}/a b"):
        assert located(text) == tmp_path / "a b"
        for quotes in ("", "'", '"', " "):
            monkeypatch.setenv("MMHASH_RUNS", f"{quotes}{text}{quotes}")
            assert runs_folder() == tmp_path / "a b"


@pytest.mark.parametrize("text", ["$NO_SUCH_VARIABLE/x", "${NO_SUCH}", "~nobody-of-this-name/x"])
def test_a_part_that_is_not_known_is_no_folder_of_that_name(monkeypatch, text):
    monkeypatch.setenv("MMHASH_CACHE", text)
    with pytest.raises(ValueError, match=r"the variable MMHASH_CACHE is '.*', in which a part is"):
        cache_folder("x")


def test_variables_to_write_to_are_relative_to_the_repository(repository, monkeypatch):
    monkeypatch.chdir(repository / "notebooks")
    (repository / "notebooks" / "out").mkdir()
    monkeypatch.setenv("MMHASH_RUNS", "out")
    assert runs_folder() == repository / "out"
    monkeypatch.setenv("MMHASH_RUNS", "  ")
    assert runs_folder() == repository / "runs" and written_folder("MMHASH_RUNS") is None


def test_a_command_has_all_below_its_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMHASH_RUNS", "before")
    with pytest.raises(RuntimeError), writing_below(Path("out")):
        assert runs_folder() == tmp_path / "out"
        raise RuntimeError
    assert variable("MMHASH_RUNS") == "before"


def test_paths_are_shown_from_the_repository_or_the_current_folder(repository, monkeypatch):
    monkeypatch.chdir(repository / "notebooks")
    assert short_path(repository / "runs" / "a.csv") == "runs/a.csv"
    monkeypatch.chdir(repository.parent / "outside")
    assert short_path(Path.cwd() / "runs" / "a.csv") == "runs/a.csv"
    assert short_path(Path("/x/a.csv")) == "/x/a.csv"


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(PermissionError) as refused:
        writable(tmp_path / "file" / "runs")
    assert str(refused.value) == (
        f"{tmp_path / 'file' / 'runs'} cannot be written (Not a directory): name another folder by "
        "--out or the variable MMHASH_RUNS."
    )
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(PermissionError, match=r"cannot be written \(it is read-only for you\)"):
        writable(tmp_path)


def test_the_cache_is_the_variables_then_the_users_then_that_of_the_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder("x") == tmp_path / "home/.cache/mmhash_nb/x"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder("x") == tmp_path / "home/.cache/mmhash_nb/x"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder("x") == tmp_path / "xdg/mmhash_nb/x"
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "mine"))
    assert cache_folder("x") == tmp_path / "mine/x"
    for name in ("MMHASH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("HOME", "/dev/null")
    assert cache_folder("x") == tmp_path / "runs/cache/x"


def no_home():
    raise RuntimeError("Could not determine home directory.")


def test_a_user_without_a_home_has_a_cache(tmp_path, monkeypatch):
    """As of `docker run --user 12345`, where HOME is not set and the number has no entry."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "home", no_home)
    assert cache_folder("x") == tmp_path / "runs/cache/x"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder("x") == tmp_path / "xdg/mmhash_nb/x"
    (tmp_path / "file").touch()
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "file"))
    with pytest.raises(PermissionError, match="another folder by the variable MMHASH_CACHE"):
        cache_folder("x")


def test_functions_are_compiled_where_numba_has_no_folder_for_them(monkeypatch):
    from numba.core import caching

    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    function = compiled(_similar_earlier.py_func)
    assert function.stats.cache_path is None or not function.stats.cache_path
    import numpy as np

    of, share = np.array([0, 1, 0]), np.eye(2, dtype=np.int64)
    assert list(function(of, share)) == [0, 0, 1]


@pytest.mark.parametrize(("value", "expected"), table_rows("headless_variables"))
def test_zero_is_not_headless(monkeypatch, value, expected):
    monkeypatch.setenv("MMHASH_HEADLESS", value)
    assert headless() is expected


#: modules that Windows has not, and one that only measures
ELSEWHERE = {
    *("resource", "fcntl", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog", "psutil"),
}


def test_no_module_needs_what_only_linux_has_or_only_measures(monkeypatch):
    for path in (ROOT / "mmhash_nb").rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in getattr(node, "names", [])]
            roots = {name.split(".")[0] for name in [*names, str(getattr(node, "module", ""))]}
            assert not ELSEWHERE & roots, f"{path} imports {ELSEWHERE & roots}"
    monkeypatch.setitem(sys.modules, "resource", None)
    assert provenance.peak_memory() is None
