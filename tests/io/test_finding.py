import zipfile

import pytest

from mmhash_nb.io.finding import Photos, files_below, has_photo, locate, named
from mmhash_nb.io.packed import PackedFile


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_folders_are_known_by_their_letters(tmp_path):
    for name in ("NUS-WIDE", "nus_wide", "nuswide2", "other"):
        (tmp_path / name).mkdir()
    touch(tmp_path / "nuswide")
    assert [path.name for path in named(tmp_path, "nuswide")] == ["NUS-WIDE", "nus_wide"]
    assert named(tmp_path / "nowhere", "nuswide") == []


def test_files_are_found_two_levels_down_and_the_nearest_first(tmp_path):
    touch(tmp_path / "a/b/x.mat", tmp_path / "a/b/c/y.mat")
    assert locate(tmp_path, "z.mat", "x.mat") == tmp_path / "a/b/x.mat"
    assert locate(tmp_path, "y.mat") is None
    touch(tmp_path / "x.mat")
    assert locate(tmp_path, "x.mat") == tmp_path / "x.mat"


def test_what_is_half_unpacked_is_not_there(tmp_path):
    half = tmp_path / ".unpacked-1" / "all"
    half.mkdir(parents=True)
    (half / "x.mat").touch()
    (half / "im1.jpg").touch()
    assert locate(tmp_path, "x.mat") is None and len(Photos(tmp_path)) == 0


def test_photos_are_found_by_name_and_by_folder_where_names_repeat(tmp_path):
    touch(tmp_path / "a/1.jpg", tmp_path / "deep/b/1.jpg", tmp_path / "2.PNG", tmp_path / "2.txt")
    photos = Photos(tmp_path)
    found = photos.find_all(["x\\b\\1.jpg", "/somewhere/x/a/1.jpg", "c/2.PNG "])
    assert found == [tmp_path / "deep/b/1.jpg", tmp_path / "a/1.jpg", tmp_path / "2.PNG"]
    assert photos.find_all(["c/1.jpg"])[0].name == "1.jpg"


def test_a_photo_of_another_folder_does_not_stand_in_for_one_that_is_missing(tmp_path):
    touch(tmp_path / "a/1.jpg")
    with pytest.raises(FileNotFoundError, match=r"no photo b/1\.jpg \(1 of 2 are missing\): put"):
        Photos(tmp_path).find_all(["a\\1.jpg", "b\\1.jpg"])


def test_linked_folders_and_files_count_and_a_circle_ends(tmp_path):
    touch(tmp_path / "disk/photos/1.jpg", tmp_path / "disk/2.jpg")
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "images").symlink_to(tmp_path / "disk/photos")
    (folder / "again").symlink_to(tmp_path / "disk/photos")
    (folder / "2.jpg").symlink_to(tmp_path / "disk/2.jpg")
    (tmp_path / "disk/photos/up").symlink_to(folder)
    assert list(files_below(folder)) == [folder / "2.jpg", folder / "again/1.jpg"]
    assert list(files_below(folder, "1*")) == [folder / "again/1.jpg"]
    assert Photos(folder).find_all(["images/1.jpg", "2.jpg"]) == [*files_below(folder)][::-1]


def test_a_link_that_leads_nowhere_is_a_photo_that_is_missing(tmp_path):
    touch(tmp_path / "2.jpg")
    (tmp_path / "1.jpg").symlink_to("/disk2/1.jpg")
    sentence = rf"no photo a/1\.jpg \(1 of 2 are missing, {tmp_path}/1\.jpg is a link that leads no"
    with pytest.raises(FileNotFoundError, match=sentence):
        Photos(tmp_path).find_all(["2.jpg", "a/1.jpg"])


def test_names_of_another_case_or_encoding_of_accents_are_found(tmp_path):
    touch(tmp_path / "IM1.JPG", tmp_path / "cafe\u0301.png", tmp_path / "b.jpg", tmp_path / "B.jpg")
    photos = Photos(tmp_path)
    found = photos.find_all(["im1.jpg", "caf\xe9.png", "B.jpg", "b.jpg"])
    assert [path.name for path in found] == ["IM1.JPG", "cafe\u0301.png", "B.jpg", "b.jpg"]


def test_photos_in_archives_are_found_where_no_folder_has_them(tmp_path):
    touch(tmp_path / "a/1.jpg")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for name in ("1.jpg", "deep/c/1.jpg", "2.png", "notes.txt", "__MACOSX/._2.png"):
            archive.writestr(name, name)
    photos = Photos(tmp_path)
    loose, *packed = photos.find_all(["a/1.jpg", "b/1.jpg", "c/1.jpg", "x/2.png"])
    assert loose == tmp_path / "a/1.jpg" and all(isinstance(one, PackedFile) for one in packed)
    inside = ["1.jpg", "deep/c/1.jpg", "2.png"]
    assert [photo.read_bytes().decode() for photo in packed] == inside, "an archive is a folder too"
    assert len(photos) == 4 and photos.find(["3.jpg", "x/1.jpg", "y/1.jpg"]) == [None] * 3
    assert has_photo(tmp_path) and has_photo(tmp_path, "2.png") and not has_photo(tmp_path, "3.jpg")
    with pytest.raises(
        FileNotFoundError, match=r"no photo 3\.jpg \(1 of 2 .* in a zip or tar arch"
    ):
        photos.find_all(["a/1.jpg", "3.jpg"])
