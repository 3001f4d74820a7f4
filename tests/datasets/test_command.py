"""`python -m mmhash_nb datasets`, with a local server for the network."""

import dataclasses
import hashlib
import io
import os
import re
import zipfile

import pytest
import test_iaprtc12
import test_mirflickr25k_layouts
import test_nuswide
import test_wiki
from file_server import serving

from mmhash_nb import cli as commands
from mmhash_nb.datasets import mirflickr25k, nuswide
from mmhash_nb.datasets.about import about
from mmhash_nb.io import archives
from mmhash_nb.io.archives import Archive


@pytest.fixture
def server():
    with serving({}) as running:
        yield running


def zipped(folder):
    """A folder as a zip archive."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return held.getvalue()


@pytest.fixture
def mirflickr(server, tmp_path, monkeypatch):
    """The two archives of a small set on the server, as the official ones are."""
    made, *_ = test_mirflickr25k_layouts.write_official(tmp_path / "made")
    photos = tmp_path / "photos"
    photos.mkdir()
    (made / "mirflickr").rename(photos / "mirflickr")
    contents = [zipped(photos), zipped(made / "mirflickr25k_annotations_v080")]
    local = []
    for archive, content in zip(mirflickr25k.ARCHIVES, contents, strict=True):
        path = "/" + archive.url.rsplit("/", 1)[1]
        server.files[path] = content
        local.append(
            dataclasses.replace(
                archive,
                url=server.url + path,
                md5=hashlib.md5(content).hexdigest(),
                holds=archive.holds.replace("im25000", "im14"),
            )
        )
    monkeypatch.setattr(mirflickr25k.COLLECTION, "archives", local)
    return tmp_path / "data"


def names(folder):
    """What is left in a folder, beside the locks of transfers."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def run(*words, root):
    return commands.main(["datasets", "--root", str(root), *words])


def test_the_report_says_what_is_there_and_how_to_get_the_rest(tmp_path, capsys):
    test_wiki.write_wiki(tmp_path / "wiki")
    assert run(root=tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"datasets in {tmp_path}:"
    heads = {line.split()[0]: line.split()[1:] for line in lines[1:] if not line.startswith(" ")}
    assert heads["scenes"] == ["there", "embedded"]
    assert heads["wiki"] == ["there", str(tmp_path / "wiki")] and heads["cifar10"] == ["absent"]
    text = "\n".join(lines)
    assert "4 of 4 files" in text and f"    page: {about('mirflickr25k')['page']}" in text
    assert "--download mirflickr25k  (3,069 MB)" in text and "--download cifar10  (170 MB)" in text
    assert f"    put:  {about('nuswide')['put']} under {tmp_path}" in text
    assert about("wiki")["page"] not in text and "--download iaprtc12" not in text


def test_the_report_counts_what_lacks(tmp_path, capsys, monkeypatch):
    folder, *_ = test_mirflickr25k_layouts.write_official(tmp_path)
    next(folder.rglob("sea.txt")).unlink()
    test_iaprtc12.write_official(tmp_path)
    test_nuswide.write_nuswide(tmp_path)
    assert run(root=tmp_path) == 0
    text = capsys.readouterr().out
    for line in (
        *("14 of 25,000 photos", "14 of 25,000 files of tags", "23 of 24 annotations"),
        *("7 of 20,000 photos", "7 of 19,999 captions", "1 of 1 labels of segments"),
        *("81 of 81 files of labels", "0 of 269,648 photos", "0 of 1 list of images"),
        *("images='none' or 'pixels'", "images='bof' or 'none'\n"),
    ):
        assert f"{line}" in text, line
    assert text.count("page: ") >= 3, "what is not complete says where to get the rest"


def test_a_download_is_fetched_checked_and_unpacked(mirflickr, server, capsys):
    assert run("--download", "mirflickr25k", root=mirflickr) == 0
    folder = mirflickr / "mirflickr25k"
    assert names(folder) == [
        "mirflickr25k",
        "mirflickr25k_annotations_v080",
    ]
    out = capsys.readouterr().out
    assert "mirflickr25k  there" in out and "24 of 24 annotations" in out and "wiki" not in out
    pairs = mirflickr25k.read(folder, images="pixels", size=8, n_query=3, n_train=5)
    assert len(pairs) == 12


def test_what_is_there_is_not_fetched_again(mirflickr, server):
    assert run("--download", "mirflickr25k", root=mirflickr) == 0
    requests = len(server.requested)
    assert run("--download", "mirflickr25k", root=mirflickr) == 0
    assert len(server.requested) == requests == 2
    folder = mirflickr / "mirflickr25k"
    for path in sorted((folder / "mirflickr25k_annotations_v080").iterdir()):
        path.unlink()
    (folder / "mirflickr25k_annotations_v080").rmdir()
    assert run("--download", "mirflickr25k", root=mirflickr) == 0
    assert server.requested[2:] == ["/mirflickr25k_annotations_v080.zip"]


def test_a_broken_transfer_is_gone_on_with(mirflickr, server, capsys):
    server.cuts[:] = [1_000, 500, 500, 500]
    assert run("--download", "mirflickr25k", root=mirflickr) == 2
    assert "could not download" in capsys.readouterr().err
    assert (mirflickr / "mirflickr25k/mirflickr25k.zip.part").stat().st_size == 2_500
    assert run("--download", "mirflickr25k", root=mirflickr) == 0
    assert "bytes=2500-" in server.ranges


def test_a_wrong_sum_keeps_the_archive_out(mirflickr, server, capsys):
    server.files["/mirflickr25k.zip"] = server.files["/mirflickr25k.zip"][:-1] + b"!"
    assert run("--download", "mirflickr25k", root=mirflickr) == 2
    assert re.search(r"has md5 \w+ instead of \w+ and was not taken", capsys.readouterr().err)
    assert names(mirflickr / "mirflickr25k") == []


def test_a_damaged_or_wrong_archive_without_a_sum_is_not_kept(server, tmp_path):
    (tmp_path / "made/AllLabels").mkdir(parents=True)
    (tmp_path / "made/AllLabels/Labels_sky.txt").write_text("1\n")
    server.files["/a.zip"] = zipped(tmp_path / "made")[:-30]
    archive = Archive(f"{server.url}/a.zip", "a", "AllLabels")
    with pytest.raises(ValueError, match=r"a\.zip is damaged"):
        archives.get([archive], tmp_path / "set")
    assert names(tmp_path / "set") == []
    server.files["/a.zip"] = zipped(tmp_path / "made")
    with pytest.raises(
        ValueError, match=r"/a\.zip holds no Other\.txt and was not unpacked: get it"
    ):
        archives.get([dataclasses.replace(archive, holds="Other.txt")], tmp_path / "set")
    assert names(tmp_path / "set") == []
    archives.get([archive], tmp_path / "set")
    assert (tmp_path / "set/a/AllLabels/Labels_sky.txt").read_text() == "1\n"


def test_a_folder_in_the_way_is_named_before_anything_is_fetched(server, tmp_path):
    (tmp_path / "set/a").mkdir(parents=True)
    with pytest.raises(FileExistsError, match=r"set/a is there but holds no x\.txt: move it away"):
        archives.get([Archive(f"{server.url}/a.zip", "a", "x.txt")], tmp_path / "set")
    assert not server.requested


def test_the_archives_of_nuswide_unpack_to_what_is_read(server, tmp_path, monkeypatch):
    made = test_nuswide.write_nuswide(tmp_path / "made")
    (made / "ImageList").mkdir()
    (made / "ImageList/Imagelist.txt").write_text("actor\\0001_1.jpg\n")
    local = []
    for archive in nuswide.ARCHIVES:
        path = "/" + archive.url.rsplit("/", 1)[1]
        server.files[path] = zipped(made / archive.folder)
        local.append(dataclasses.replace(archive, url=server.url + path))
    monkeypatch.setattr(nuswide.COLLECTION, "archives", local)
    assert run("--download", "nuswide", root=tmp_path / "data") == 0
    monkeypatch.setattr(nuswide, "check_published", lambda n: None)
    folder = tmp_path / "data/nuswide"
    pairs = nuswide.read(folder, images="none", protocol="liong2017", n_query=3)
    assert pairs.texts.shape[1] == 1_000 and len(server.requested) == 4
    assert run("--download", "nuswide", root=tmp_path / "data") == 0 and len(server.requested) == 4


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("mnist", r"there is no dataset 'mnist'; there are scenes"),
        ("iaprtc12", r"iaprtc12 is not to be fetched .*: get it from https://.* by hand"),
        ("scenes", r"scenes is not to be fetched .*: it comes with the package"),
    ],
)
def test_what_cannot_be_fetched_is_told_before_anything_is(mirflickr, server, capsys, name, fault):
    assert run("--download", "mirflickr25k", name, root=mirflickr) == 2
    assert re.search(fault, capsys.readouterr().err) and not server.requested


def test_the_archives_have_addresses_and_sums():
    for archive in (*mirflickr25k.ARCHIVES, *nuswide.ARCHIVES):
        assert archive.url.startswith("https://") and archive.url.endswith(".zip")
        assert archive.md5 is None or re.fullmatch("[0-9a-f]{32}", archive.md5)
    assert all(archive.md5 and archive.size for archive in mirflickr25k.ARCHIVES)


def test_the_root_is_the_variable_by_default(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MMHASH_DATA", str(tmp_path / "there"))
    os.makedirs(tmp_path / "there")
    assert commands.main(["datasets"]) == 0
    assert f"datasets in {tmp_path / 'there'}:" in capsys.readouterr().out
