"""Files in archives are read as they are in folders; what is damaged gets a sentence."""

import tarfile
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest
from packed_cases import pack

from mmhash_nb.io import packed
from mmhash_nb.io.packed import files, identities

CONTENT = {f"photos/im{i}.jpg": bytes([i]) * (1_000 + i) for i in range(40)}


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".ZIP"])
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_each_file_is_read_in_many_threads(tmp_path, suffix, compression):
    path = tmp_path / f"a{suffix.lower()}"
    pack(path, CONTENT, compression).rename(tmp_path / f"a{suffix}")
    found = files(tmp_path / f"a{suffix}")
    assert [file.inside for file in found] == list(CONTENT)
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda file: file.read_bytes(), found))
    assert read == list(CONTENT.values())
    assert found[3].name == "im3.jpg" and found[3].parts[-3:] == ("a", "photos", "im3.jpg")
    assert str(found[3]) == f"photos/im3.jpg in {tmp_path / f'a{suffix}'}"


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_folders_links_and_what_is_hidden_are_no_files(tmp_path, suffix):
    content = {"./a/1.jpg": b"1", "a/._1.jpg": b"2", ".git/2.jpg": b"3"}
    path = pack(tmp_path / f"a{suffix}", content)
    if suffix == ".tar":
        with tarfile.open(path, "a") as archive:
            for name, kind in (("a", tarfile.DIRTYPE), ("link.jpg", tarfile.SYMTYPE)):
                entry = tarfile.TarInfo(name)
                entry.type, entry.linkname = kind, "/etc/passwd"
                archive.addfile(entry)
    else:
        with zipfile.ZipFile(path, "a") as archive:
            archive.mkdir("b")
    assert [file.inside for file in files(path)] == ["./a/1.jpg"]


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_an_archive_that_is_not_whole_is_named(tmp_path, suffix):
    path = pack(tmp_path / f"a{suffix}", CONTENT)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        ValueError, match=rf"a\{suffix} is no whole {suffix[1:]} archive \(.+\): ge"
    ):
        files(path)
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(ValueError, match="is no whole"):
        files(path)


def test_a_damaged_or_too_large_file_is_named(tmp_path, monkeypatch):
    path = pack(tmp_path / "a.zip", CONTENT)
    whole = bytearray(path.read_bytes())
    whole[60] ^= 255  # among the bytes of the first
    path.write_bytes(whole)
    first, second, *_ = files(path)
    with pytest.raises(ValueError, match=r"^photos/im0\.jpg in .*a\.zip cannot be read \(Bad CRC-"):
        first.read_bytes()
    assert second.read_bytes() == CONTENT["photos/im1.jpg"]
    monkeypatch.setattr(packed, "_MOST_BYTES", 1_000)
    with pytest.raises(ValueError, match=r"im1\.jpg in .* has 1,001 bytes unpacked, over 1,000: t"):
        second.read_bytes()
    monkeypatch.undo()
    tar = pack(tmp_path / "a.tar", CONTENT)
    last = files(tar)[-1]
    tar.write_bytes(tar.read_bytes()[:30_000])
    with pytest.raises(ValueError, match=r"im39\.jpg in .*a\.tar ends too early: get the archive"):
        last.read_bytes()


def test_a_change_of_an_archive_changes_all_that_it_holds(tmp_path):
    path, loose = pack(tmp_path / "a.tar", CONTENT), tmp_path / "b.jpg"
    loose.write_bytes(b"1")
    before = identities([*files(path), loose])
    assert len(dict.fromkeys(before)) == 41 and before == identities([*files(path), loose])
    pack(path, CONTENT | {"photos/im40.jpg": bytes(20_000)})
    after = identities([*files(path)[:40], loose])
    assert [name for name, _ in after] == [name for name, _ in before]
    assert all(a != b for (_, a), (_, b) in zip(after[:40], before[:40], strict=True))
    assert after[40] == before[40]
