"""Cached arrays: computed once, again where anything they depend on changes, whole on disk."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from mmhash_nb.io import cache, imports
from mmhash_nb.io.cache import cache_folder, cached_array


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "arrays"


@pytest.fixture
def calls():
    return []


@pytest.fixture
def cached(calls):
    """An array cached under a key, each computed one another."""

    def compute():
        calls.append(1)
        return np.full(200, len(calls))

    return lambda *key, **options: int(cached_array("arrays", key, compute, **options)[0])


def test_caches_go_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "chosen"))
    assert cache_folder("maps") == tmp_path / "chosen" / "maps"
    assert (tmp_path / "chosen" / "maps").is_dir()
    monkeypatch.delenv("MMHASH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder("maps") == tmp_path / "xdg" / "mmhash_nb" / "maps"


def test_the_same_key_is_computed_once(cached, folder):
    assert cached("a", 1, np.arange(3)) == cached("a", 1, np.arange(3)) == 1
    assert cached("a", 1, np.arange(3), mapped=True) == 1
    assert len(list(folder.glob("*.npy"))) == 1


def test_whatever_changes_in_a_key_is_another_array(cached):
    x = np.arange(6)
    keys = [
        *((), ("a",), ("a", ""), ("", "a"), (["a"],), ("a", ["b"]), (["a"], "b"), ("a", "b", "c")),
        *((1,), (1.0,), (True,), ("1",), (None,), ("None",), (12, 3), (1, 23)),
        *((x,), (x.reshape(2, 3),), (x.astype(np.uint64),), (x + 1,), (x[::-1],), (x[:0],)),
        *((x.astype(np.float32),), (x.reshape(3, 2).T,), (x, x), ([0, 1, 2, 3, 4, 5],)),
        *(({"a": 1},), ({"a": 2},), ({"b": 1},), ({"a": {"b": 1}},), ({},), ([["a", 1]],)),
    ]
    assert [cached(*key) for key in keys] == list(range(1, len(keys) + 1))
    assert [cached(*key) for key in keys] == list(range(1, len(keys) + 1))


@pytest.mark.parametrize("part", [{1, 2}, b"a", object(), np.array([{}]), np.int64(1), iter("a")])
def test_a_part_of_an_unknown_type_is_refused(cached, part):
    for key in (part, [part], {"a": part}):
        with pytest.raises(TypeError, match="a key has no part such as"):
            cached("a", key)


def test_a_mapping_is_a_key():
    keys = [cache.cache_key({"a": value}, cache_folder) for value in (1, 2)]
    assert keys[0] != keys[1]


def test_code_is_read_before_an_editor_may_change_it(monkeypatch):
    monkeypatch.setattr(imports, "_READ", {})
    cache.cache_key([], cache_folder)
    assert imports.module_file("mmhash_nb.io.source") in imports._READ
    monkeypatch.setattr(imports, "_READ", {})
    monkeypatch.setattr(cache, "closure", lambda files: set())
    cache.cache_key([], cache_folder)
    assert imports.module_file("mmhash_nb.io.source") in imports._READ


def test_a_file_that_is_changed_or_another_is_another_array(cached, tmp_path):
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_text("x")
        os.utime(path, ns=(0, 0))
    assert [cached(path) for path in paths] == [1, 2]
    assert cached(tmp_path / "." / "a") == 1
    paths[0].write_text("xy")
    os.utime(paths[0], ns=(0, 0))
    assert cached(paths[0]) == 3
    os.utime(paths[0], ns=(0, 1))
    assert cached(paths[0]) == 4
    with pytest.raises(FileNotFoundError):
        cached(tmp_path / "absent")


@pytest.mark.parametrize("left", [0, 5, 100, 1000, -1])
@pytest.mark.parametrize("mapped", [False, True])
def test_a_file_that_is_cut_short_is_computed_again(cached, folder, left, mapped):
    cached()
    (path,) = folder.glob("*.npy")
    path.write_bytes(path.read_bytes()[:left])
    assert cached(mapped=mapped) == 2 and cached() == 2


@pytest.mark.parametrize("at", range(100))
def test_a_damaged_header_is_computed_again(cached, folder, at):
    cached()
    (path,) = folder.glob("*.npy")
    whole = path.read_bytes()
    for byte in b"\x00(\xffP":
        path.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
        for mapped in (False, True):
            cache.read_array(path, mapped)  # never raises


def test_nothing_is_unpickled(cached, folder):
    cached()
    (path,) = folder.glob("*.npy")
    np.save(path, np.array([{}], dtype=object))
    assert cached() == 2


def test_what_is_written_to_a_mapped_array_stays_in_memory(folder):
    array = cached_array("arrays", ["a"], lambda: np.zeros(3), mapped=True)
    assert isinstance(array, np.memmap)
    array[1] = 5
    assert array[1] == 5
    assert not cached_array("arrays", ["a"], lambda: np.ones(3)).any()


def test_switched_off_nothing_is_read_or_written(cached, folder):
    assert cached(cached=False) == 1 and not folder.exists()
    assert cached() == 2 and cached(cached=False) == 3 and cached() == 2


def test_a_failed_write_leaves_nothing(cached, folder, monkeypatch):
    def full_disk(path, *args, **kwargs):
        (path.write if hasattr(path, "write") else Path(path).write_bytes)(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(cache.np, "save", full_disk)
    with pytest.raises(OSError, match="No space"):
        cached()
    assert not list(folder.glob("*.npy")) and not list(folder.glob(".*.npy"))


def test_of_two_that_want_the_same_array_one_computes_it(monkeypatch):
    calls, reads, both_looked = [], [], threading.Event()
    read = cache.read_array

    def counted(*arguments):
        reads.append(1)
        if len(reads) == 3:  # the one that computes looks twice
            both_looked.set()
        return read(*arguments)

    def compute():
        calls.append(1)
        assert both_looked.wait(10)
        return np.ones(3)

    monkeypatch.setattr(cache, "read_array", counted)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(cached_array, "arrays", ["a"], compute) for _ in range(2)]
        assert all(one.result().all() for one in both)
    assert calls == [1]


PROCESS = """
import os, sys, time
import numpy as np
from pathlib import Path
from mmhash_nb.io.cache import cached_array

def compute():
    with open(folder / "calls", "a") as file:
        file.write("x")
    time.sleep(1)
    return np.arange(5)

folder = Path(sys.argv[1])
(folder / f"ready{os.getpid()}").touch()
while len(list(folder.glob("ready*"))) < 2:
    time.sleep(0.01)
assert cached_array("arrays", ["a"], compute).tolist() == [0, 1, 2, 3, 4]
"""


def test_of_two_processes_one_computes_an_array(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(PROCESS)
    both = [subprocess.Popen([sys.executable, script, tmp_path]) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]
    assert (tmp_path / "calls").read_text() == "x"


def test_changed_code_that_compute_can_execute_is_another_array(cached, tmp_path, monkeypatch):
    changed = []
    text = imports.source_text

    def edited(path):
        return text(path) + "\nx = 1" if path.name in changed else text(path)

    monkeypatch.setattr(imports, "source_text", edited)
    assert cached() == cached() == 1
    changed[:] = ["test_cache.py"]
    assert cached() == 2
    changed[:] = ["files.py"]  # of `cache`, which this module imports
    assert cached() == 3
    changed[:] = ["download.py"]
    assert cached() == 1


def test_a_partial_is_of_the_module_of_its_function():
    def compute(value):
        return np.full(3, value)

    assert cached_array("arrays", ["a"], partial(compute, 2))[0] == 2
    key = cache.cache_key(["a"], partial(compute, 2))
    assert key == cache.cache_key(["a"], compute) != cache.cache_key(["a"], cache_folder)


def test_a_function_without_source_is_refused(monkeypatch):
    made = eval("lambda: 0", {"__name__": "nowhere"})
    with pytest.raises(ValueError, match="is of no source file"):
        cached_array("arrays", [], made)
