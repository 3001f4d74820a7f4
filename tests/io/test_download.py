import contextlib
import errno
import hashlib
import io
import os
import resource
import shutil
import socket
import subprocess
import sys
import tarfile
import zipfile
from unittest import mock

import pytest
from file_server import serving

from mmhash_nb.io.download import digest_of, extract, fetch

CONTENT = bytes(range(256)) * 4000  # about 1 MB
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


@pytest.fixture
def server():
    with serving({"/file.bin": CONTENT}) as running:
        running.url += "/file.bin"
        yield running


@pytest.mark.parametrize("checksum", [{"sha256": SHA256}, {"sha256": SHA256[:8]}, {"md5": MD5}, {}])
def test_a_whole_download_gets_its_name(server, tmp_path, checksum):
    path = fetch(server.url, tmp_path / "new" / "file.bin", **checksum)
    assert path.read_bytes() == CONTENT
    assert visible(path.parent) == ["file.bin"]


def visible(folder):
    """The files of a folder, without locks."""
    return [path.name for path in folder.iterdir() if not path.name.endswith(".lock")]


FETCH = """
import sys
from mmhash_nb.io.download import fetch
print("ready", flush=True)
input()
fetch(*sys.argv[1:3], **{sys.argv[3]: sys.argv[4]} if sys.argv[3:] else {})
"""


@pytest.mark.parametrize("checksum", [["sha256", SHA256], []])
def test_of_processes_that_want_one_file_one_downloads_it(server, tmp_path, checksum):
    server.pause = 1.0
    command = [sys.executable, "-c", FETCH, server.url, tmp_path / "file.bin", *checksum]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert server.ranges == [None]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT and visible(tmp_path) == ["file.bin"]


def test_a_broken_transfer_goes_on_where_it_stopped(server, tmp_path):
    server.cuts[:] = [300_000, 200_000]
    assert fetch(server.url, tmp_path / "file.bin", sha256=SHA256).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=300000-", "bytes=500000-"]


def test_a_later_call_goes_on_with_the_partial_file(server, tmp_path):
    server.cuts[:] = [100_000, 1000, 1000, 1000]
    with pytest.raises(ConnectionError, match="after 103000 of 1024000 bytes"):
        fetch(server.url, tmp_path / "file.bin", sha256=SHA256)
    assert (tmp_path / "file.bin.part").stat().st_size == 103_000
    assert not (tmp_path / "file.bin").exists()
    fetch(server.url, tmp_path / "file.bin", sha256=SHA256)
    assert server.ranges[-1] == "bytes=103000-"
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_server_without_ranges_starts_over(server, tmp_path):
    server.honours_range = False
    server.cuts[:] = [300_000]
    assert fetch(server.url, tmp_path / "file.bin", sha256=SHA256).read_bytes() == CONTENT


def test_a_whole_partial_file_is_not_transferred_again(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    assert fetch(server.url, tmp_path / "file.bin", sha256=SHA256).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


def test_a_partial_file_longer_than_the_servers_starts_over(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT + b"more")
    assert fetch(server.url, tmp_path / "file.bin", sha256=SHA256).read_bytes() == CONTENT


def test_a_wrong_checksum_keeps_the_download_out_and_the_previous_copy_in(server, tmp_path):
    server.files["/file.bin"] = CONTENT[:-1] + b"!"
    (tmp_path / "file.bin").write_bytes(b"previous")
    with pytest.raises(ValueError, match=rf"{server.url} has sha256 .* instead of {SHA256}"):
        fetch(server.url, tmp_path / "file.bin", sha256=SHA256)
    assert (tmp_path / "file.bin").read_bytes() == b"previous"
    assert visible(tmp_path) == ["file.bin"]


def test_a_bad_copy_is_replaced_by_a_good_one(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(b"previous")
    assert fetch(server.url, tmp_path / "file.bin", md5=MD5).read_bytes() == CONTENT


@pytest.mark.parametrize(("copy", "checksum"), [(CONTENT, {"md5": MD5}), (b"any", {})])
def test_a_good_copy_is_left_alone(server, tmp_path, copy, checksum):
    (tmp_path / "file.bin").write_bytes(copy)
    before = os.stat(tmp_path / "file.bin")
    fetch(server.url, tmp_path / "file.bin", **checksum)
    assert server.ranges == []
    after = os.stat(tmp_path / "file.bin")  # whose time of access is another: it was read
    for what in ("st_ino", "st_size", "st_mtime_ns"):
        assert getattr(after, what) == getattr(before, what)


def test_a_missing_page_is_asked_once(server, tmp_path):
    url = server.url.replace("file.bin", "gone.bin")
    with pytest.raises(ConnectionError, match=r"gone\.bin \(the server answered 404"):
        fetch(url, tmp_path / "file.bin", sha256=SHA256)
    assert len(server.ranges) == 1


def test_no_network_names_the_address_and_the_place(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file.bin"
    with pytest.raises(ConnectionError) as caught:
        fetch(url, tmp_path / "file.bin", sha256=SHA256, timeout=2)
    assert url in str(caught.value) and f"put it at {tmp_path / 'file.bin'}." in str(caught.value)
    assert "\n" not in str(caught.value) and caught.value.__suppress_context__


def test_a_full_disk_ends_the_download_at_once_and_another_call_goes_on(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(b"previous")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A limit on the size of files fails a write as a full disk does, in the middle.
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(OSError, match=r"cannot be written \(File too large\): free") as caught:
            fetch(server.url, tmp_path / "file.bin", sha256=SHA256)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG and not isinstance(caught.value, ConnectionError)
    assert str(tmp_path / "file.bin.part") in str(caught.value)
    assert server.ranges == [None]  # one request
    assert (tmp_path / "file.bin").read_bytes() == b"previous"
    fetch(server.url, tmp_path / "file.bin", sha256=SHA256)
    assert server.ranges == [None, "bytes=300000-"]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_a_disk_that_fails_only_when_synced_is_not_called_a_network_error(
    server, tmp_path, monkeypatch
):
    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"cannot be written \(No space left on device\)"):
        fetch(server.url, tmp_path / "file.bin", sha256=SHA256)
    assert len(server.ranges) == 1 and not (tmp_path / "file.bin").exists()


def test_a_partial_file_that_cannot_be_opened_is_not_called_a_network_error(server, tmp_path):
    (tmp_path / "file.bin.part").mkdir()  # the partial file cannot be written
    with pytest.raises(IsADirectoryError):
        fetch(server.url, tmp_path / "file.bin", sha256=SHA256)


def test_digest_of_knows_both_algorithms(tmp_path):
    (tmp_path / "a").write_bytes(CONTENT)
    assert (digest_of(tmp_path / "a", "md5"), digest_of(tmp_path / "a", "sha256")) == (MD5, SHA256)


def zip_of(path, names):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "x")


def tar_of(path, names):
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 1
            archive.addfile(info, io.BytesIO(b"x"))


WRITERS = {"a.zip": zip_of, "a.tar.gz": tar_of}


@pytest.mark.parametrize("name", WRITERS)
def test_a_good_archive_is_unpacked(tmp_path, name):
    WRITERS[name](tmp_path / name, ["a/b.txt", "a/..c/d..txt", "e"])
    folder = extract(tmp_path / name, tmp_path / "out")
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert files == ["a/..c/d..txt", "a/b.txt", "e"]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("bad", ["../out.txt", "a/../../out.txt", "/out.txt", "C:/out", "a\\..\\b"])
def test_paths_that_leave_the_folder_are_refused_before_anything_is_written(tmp_path, name, bad):
    WRITERS[name](tmp_path / name, ["good.txt", bad])
    with pytest.raises(ValueError, match="a path that leaves its folder"):
        extract(tmp_path / name, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, "good"
        archive.addfile(info)
    with pytest.raises(ValueError, match="'link', which is a link or device"):
        extract(tmp_path / "a.tar", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_links_in_a_zip_are_refused(tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, "/etc")
    with pytest.raises(ValueError, match="'link', which is a link or device"):
        extract(tmp_path / "a.zip", tmp_path / "out")


@pytest.mark.parametrize("at", [-5, -1])
def test_a_compressed_tar_whose_checksum_disagrees_is_refused(tmp_path, at):
    """As where bits of its content are turned: it stands behind the end of the last member."""
    tar_of(tmp_path / "a.tar.gz", ["a", "b"])
    data = bytearray((tmp_path / "a.tar.gz").read_bytes())
    data[at] ^= 1  # of the checksum, and of the length
    (tmp_path / "a.tar.gz").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.tar\.gz is damaged or is no zip or tar archive"):
        extract(tmp_path / "a.tar.gz", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def zip_bomb(path, size):
    """Two members, of which the second says that it unpacks to `size` bytes."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.txt", "x")
        archive.writestr("bomb", "x")
        archive.filelist[1].file_size = size


def tar_bomb(path, size):
    """The same; its last bytes are not there, and would never be come to."""
    with tarfile.open(path, "w:gz") as archive:
        for name, held in (("good.txt", 1), ("bomb", size)):
            info = tarfile.TarInfo(name)
            info.size = held
            archive.fileobj.write(info.tobuf(tarfile.PAX_FORMAT))
            archive.fileobj.write(bytes(512))


@pytest.mark.parametrize(("name", "write"), [("a.zip", zip_bomb), ("a.tar.gz", tar_bomb)])
def test_an_archive_that_would_fill_the_disk_is_refused_before_anything_is_written(
    tmp_path, name, write
):
    write(tmp_path / name, 1 << 50)
    with pytest.raises(
        ValueError, match=rf"{name} unpacks to 1,125,899\.9 GB or more, but .* free"
    ):
        extract(tmp_path / name, tmp_path / "out" / "in")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", WRITERS)
def test_what_fits_on_the_disk_to_the_byte_is_unpacked(tmp_path, name, monkeypatch):
    WRITERS[name](tmp_path / name, ["a", "b", "c"])
    for free in (2, 3):
        monkeypatch.setattr(shutil, "disk_usage", lambda at, n=free: mock.Mock(free=n))
        with pytest.raises(ValueError) if free == 2 else contextlib.nullcontext():
            extract(tmp_path / name, tmp_path / f"out{free}")
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, "out3"]


@pytest.mark.parametrize("name", WRITERS)
def test_a_truncated_archive_gives_a_clear_error_or_all_its_files(tmp_path, name):
    WRITERS[name](tmp_path / name, [f"f{i}" for i in range(50)])
    whole = (tmp_path / name).read_bytes()
    errors = 0
    for keep in range(0, len(whole), max(1, len(whole) // 40)):
        (tmp_path / name).write_bytes(whole[:keep])
        try:
            folder = extract(tmp_path / name, tmp_path / f"out{keep}")
        except ValueError as error:
            assert f"{name} is damaged or is no zip or tar archive" in str(error)
            errors += 1
        else:
            assert len(list(folder.iterdir())) == 50
    assert errors > 30
