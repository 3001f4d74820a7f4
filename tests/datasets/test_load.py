from pathlib import Path

import numpy as np
import pytest

from mmhash_nb.datasets import available, data_root, load, names, wiki
from mmhash_nb.datasets.about import about


def test_the_registered_names():
    assert names()[:3] == ["scenes", "wiki", "cifar10"]


def test_an_unknown_name_names_the_known_ones():
    with pytest.raises(ValueError, match="no dataset 'mnist'; there are scenes, wiki, cifar10"):
        load("mnist")


@pytest.mark.parametrize("name", ["wiki", "cifar10", "flickr8k"])
def test_an_unknown_option_names_the_known_ones(name, tmp_path):
    known = "images" if name == "flickr8k" else ".*download"
    with pytest.raises(TypeError, match=f"dataset {name} has no option 'labels'; it has {known}"):
        load(name, tmp_path, labels="both")


def test_the_root_is_the_argument_then_the_variable_then_data(tmp_path, monkeypatch):
    monkeypatch.setenv("MMHASH_DATA", str(tmp_path / "variable"))
    assert data_root(tmp_path) == tmp_path
    assert data_root() == tmp_path / "variable"
    with pytest.raises(FileNotFoundError, match="variable"):
        load("wiki")
    monkeypatch.setenv("MMHASH_DATA", "$HOME/datasets")
    assert data_root("") == Path.home() / "datasets"
    for nothing in ("", " "):
        monkeypatch.setenv("MMHASH_DATA", nothing)
        monkeypatch.chdir(tmp_path)
        assert data_root() == tmp_path / "data"


def test_data_of_the_repository_are_found_from_the_folder_of_notebooks(tmp_path, monkeypatch):
    """Where JupyterLab starts, and where a relative variable was set in the repository."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "pyproject.toml").touch()
    for name in wiki.FILES:
        (tmp_path / "data" / "wiki").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "wiki" / name).touch()
    monkeypatch.chdir(tmp_path / "notebooks")
    for value in ("", "data", "data/", "../data"):
        monkeypatch.setenv("MMHASH_DATA", value)
        where = Path(available().set_index("name")["where"]["wiki"])
        assert where.resolve() == tmp_path / "data" / "wiki" and where.is_absolute()


@pytest.mark.parametrize("name", ["wiki", "cifar10", "nuswide", "flickr8k"])
def test_a_root_that_is_a_file_is_named(tmp_path, monkeypatch, name):
    (tmp_path / "archive.zip").touch()
    monkeypatch.setenv("MMHASH_DATA", str(tmp_path / "archive.zip"))
    with pytest.raises(NotADirectoryError, match=r"archive\.zip is a file: root, or else the var"):
        load(name)
    assert not available().present.drop(0).any()  # scenes is embedded
    assert len(load("scenes", n=20, images="hog")) == 20


def test_a_root_that_is_a_broken_link_is_a_folder_that_is_not_there(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=f"under {tmp_path}/link"):
        load("wiki", tmp_path / "link")


def test_available_says_what_is_there_and_what_to_put_where(tmp_path):
    folder = tmp_path / "wiki"
    folder.mkdir()
    for name in wiki.FILES:
        (folder / name).write_text("")
    table = available(tmp_path).set_index("name")
    assert list(table.index) == names()
    assert list(table.columns) == ["present", "where", "page", "put"]
    assert table.present.dtype == np.bool_
    assert table.present["scenes"] and table["where"]["scenes"] == "embedded"
    assert table.present["wiki"] and table["where"]["wiki"] == str(folder)
    assert table.page["wiki"] == table.put["wiki"] == ""
    assert not table.present["cifar10"] and table["where"]["cifar10"] == ""
    assert table.page["cifar10"].startswith("https://www.cs.toronto.edu/")
    put = table.put["cifar10"]
    assert "cifar-10-python.tar.gz" in put and str(tmp_path) in put


@pytest.mark.parametrize("name", [name for name in names() if name not in ("scenes", "folder")])
def test_absent_data_says_where_to_get_it_and_where_to_put_it(name, tmp_path):
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(FileNotFoundError) as caught:
            load(name, root)
        message, known = str(caught.value), about(name)
        assert known["page"].startswith("http") and known["page"] in message and "\n" not in message
        assert known["put"] in message and str(root) in message
        row = available(root).set_index("name").loc[name]
        assert not row.present and row.page == known["page"]
        assert known["put"] in row.put and str(root) in row.put
