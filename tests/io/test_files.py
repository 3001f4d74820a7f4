"""Files appear whole or not at all, whatever goes wrong while they are written."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys

import filelock
import numpy as np
import pytest

from mmhash_nb.codes import HashCodes
from mmhash_nb.io.cache import cached_array
from mmhash_nb.io.files import locked, whole


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")
    return path


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_replaced_when_the_block_ends(target):
    with whole(target) as aside:
        assert (aside.parent, aside.suffix) == (target.parent, ".csv")
        aside.write_text("after")
        assert target.read_text() == "before"
    assert target.read_text() == "after"
    assert names(target.parent) == ["table.csv"]


def test_folders_are_made_and_permissions_are_those_of_any_new_file(tmp_path):
    path = tmp_path / "new" / "folder" / "file.txt"
    umask = os.umask(0o027)
    try:
        with whole(path) as aside:
            aside.write_text("x")
    finally:
        os.umask(umask)
    assert path.read_text() == "x"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_leaves_the_previous_file_and_nothing_else(target, error):
    with pytest.raises(error), whole(target) as aside:
        aside.write_text("half")
        raise error
    assert target.read_text() == "before"
    assert names(target.parent) == ["table.csv"]


def test_a_full_disk_leaves_the_previous_file_and_nothing_else(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "codes.npz"
    small = HashCodes.from_signs(rng.normal(size=(4, 8)))
    small.save(path)
    large = HashCodes.from_signs(rng.normal(size=(50_000, 8)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A limit on the size of files fails a write as a full disk does, in the middle.
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError) as caught:
            large.save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert HashCodes.load(path) == small
    assert names(tmp_path) == ["codes.npz"]


@pytest.mark.parametrize("code", ["ESTALE", "EXDEV", "EIO", "ENOTSUP", "EACCES", "EDQUOT", "EROFS"])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_network_disk_that_fails_keeps_the_previous_file(target, monkeypatch, call, code):
    number = getattr(errno, code)

    def fails(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fails)
    if (call, code) == ("fsync", "ENOTSUP"):  # it cannot tell, but has the file
        with whole(target) as aside:
            aside.write_text("after")
        assert target.read_text() == "after"
    else:
        kept = pytest.raises(OSError, match="as it was before: run the same")
        with kept as caught, whole(target) as aside:
            aside.write_text("after")
        assert (caught.value.errno, caught.value.filename) == (number, str(target))
        assert target.read_text() == "before"
    assert names(target.parent) == ["table.csv"]


@pytest.mark.parametrize("code", ["EINVAL", "ENOSYS"])
def test_a_disk_that_cannot_sync_takes_the_file(target, monkeypatch, code):
    monkeypatch.setattr(
        os, "fsync", lambda _: (_ for _ in ()).throw(OSError(getattr(errno, code), ""))
    )
    with whole(target) as aside:
        aside.write_text("after")
    assert target.read_text() == "after"


def test_a_disk_that_cannot_remove_files_does_not_hide_the_cause(target, monkeypatch):
    def stale(*_, **__):
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(type(target), "unlink", stale)
    with pytest.raises(RuntimeError, match="the cause"), whole(target):
        raise RuntimeError("the cause")
    assert target.read_text() == "before"


def test_a_kill_leaves_the_previous_file(target):
    code = (
        "import os, signal, sys\n"
        "from mmhash_nb.io.files import whole\n"
        "with whole(sys.argv[1]) as aside:\n"
        "    aside.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, target], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert target.read_text() == "before"


NO_LOCKS = [
    OSError(errno.ENOLCK, os.strerror(errno.ENOLCK)),
    OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP)),
    OSError(errno.ESTALE, os.strerror(errno.ESTALE)),
    NotImplementedError("FileSystem does not appear to support flock; use SoftFileLock instead"),
]


@pytest.fixture(params=NO_LOCKS, ids=lambda error: getattr(error, "strerror", None) or "ENOSYS")
def without_locks(request, monkeypatch):
    """A disk whose files cannot be locked."""

    def acquire(self):
        raise request.param

    monkeypatch.setattr(filelock.FileLock, "_acquire", acquire)


def test_a_disk_without_locks_is_named_with_what_to_do(without_locks, tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    doors = {
        ".lock": lambda: locked(tmp_path / "a.lock").__enter__(),
        "cache": lambda: cached_array("maps", [1], ones),
    }
    for part, door in doors.items():
        with pytest.raises(OSError, match=r"cannot be locked .*MMHASH_CACHE or --out") as raised:
            door()
        assert part in raised.value.filename and raised.value.filename.startswith("/")


def ones():
    return np.ones(1)


def test_a_lock_is_one_processs_at_a_time_and_is_given_back_after_an_error(tmp_path):
    path = tmp_path / "a.lock"
    with pytest.raises(ZeroDivisionError), locked(path):
        with pytest.raises(filelock.Timeout), locked(path, timeout=0):
            raise AssertionError("two have it")
        raise ZeroDivisionError
    with locked(path, timeout=0):
        pass
