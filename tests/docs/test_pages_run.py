"""The code and the commands of the pages run."""

import dataclasses
import re
import shlex
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import papermill.cli
import pytest
from click.testing import CliRunner
from nbclient import NotebookClient
from page_cases import ROOT, blocks, pages, words
from PIL import Image

from mmhash_nb import cli as commands
from mmhash_nb import hashers, papers
from mmhash_nb.datasets import load, splits
from mmhash_nb.experiments.protocol_runs import run_protocol
from mmhash_nb.features.vectors import described
from mmhash_nb.runner import notebook_parameters


@pytest.mark.parametrize(
    ("name", "heading"), [("README.md", "## Your own photos"), ("docs/your_photos.md", "# ")]
)
def test_the_commands_for_own_photos_run(name, heading, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table = blocks("docs/your_photos.md", "## A folder")[0]
    (shell,) = (block for block in blocks(name, heading) if "mmhash_nb fit" in block)
    rng = np.random.default_rng(0)
    header, row = table.splitlines()
    Path("my_folder", "photos").mkdir(parents=True)
    kinds = [("A black dog, by the sea", "dog;beach"), ("A red car, in the town", "car;town")]
    for i in range(24):
        text, labels = kinds[i % 2]
        row += f'\nphotos/{i + 2}.jpg,"{text}",{labels}'
    for i in range(1, 26):
        pixels = rng.integers(0, 60, (9, 9, 3)) + np.array([190, 0, 0]) * (i % 2)
        Image.fromarray(pixels.astype(np.uint8)).save(f"my_folder/photos/{i}.jpg")
    Path("my_folder", "pairs.csv").write_text(f"{header}\n{row}\n")
    lines = [shlex.split(line, comments=True) for line in shell.replace("\\\n", "").splitlines()]
    assert [line[3] for line in lines] == ["fit", "encode", "search"]
    for line in lines:
        assert line[:3] == ["python", "-m", "mmhash_nb"]
        assert commands.main([*line[3:], *(["--size", "16"] if line[3] == "fit" else [])]) == 0
    found = capsys.readouterr().out.splitlines()[-10:]
    assert all("black dog" in line for line in found)
    if "--gallery" in shell:
        with Image.open("dogs.png") as drawn:
            assert drawn.width > 1000


def test_the_code_for_own_arrays_runs():
    (code,) = blocks("docs/your_photos.md", "## Your own arrays")
    rng = np.random.default_rng(0)
    groups = rng.integers(3, size=160)
    given = {
        "features": (np.eye(3)[groups] @ rng.normal(size=(3, 12))).astype(np.float32),
        "words": (np.eye(3)[groups] @ rng.normal(size=(3, 9))).astype(np.float32),
        "labels": np.eye(3, dtype=bool)[groups],
        "names": ["a", "b", "c"],
    }
    exec(code, given)
    found, asked = given["pairs"].database[given["rows"]], given["pairs"].query
    assert (groups[found] == groups[asked][:, None]).mean() > 0.9


def test_the_steps_in_python_run(tiny_pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("docs/your_photos.md", "## In Python, step by step")
    pairs = described(tiny_pictures, backbone="small")
    monkeypatch.setattr("mmhash_nb.datasets.load", lambda name, **options: pairs)
    exec(code, given := {})
    assert 0 <= given["mean_average_precision"](given["profile"]) <= 1
    assert hashers.load("my_method").n_bits == 48


def test_features_are_computed_once_and_their_code_runs(tiny_pictures, tmp_path, monkeypatch):
    (code,) = blocks("docs/your_photos.md", "## Features once")
    code = code.replace("epochs=10", "epochs=1").replace("512", "16")
    monkeypatch.setattr("mmhash_nb.datasets.load", {"scenes": tiny_pictures}.get)
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path))
    monkeypatch.setattr("mmhash_nb.features.image_cache.FEW", 1)
    given = {}
    exec(code, given)
    assert given["vectors"].images.shape == (48, 128)
    for name, pairs in (("shallow", "vectors"), ("deep", "vectors"), ("joint", "pictures")):
        method = given[name]
        assert len(method.encode(given[pairs], method.modalities[-1])) == 48
    kept = set(tmp_path.rglob("*.npy"))
    for place in ("maps.passed", "vectors.passed"):
        monkeypatch.setattr(f"mmhash_nb.features.{place}", None)  # cannot be called
    exec(code, {})
    assert kept and set(tmp_path.rglob("*.npy")) == kept


def test_methods_over_cached_features_train_as_fast_as_the_page_says():
    kept = (ROOT / "results").glob("[!s]*_flickr8k.csv")  # records, not studies
    runs = (
        pd.concat(map(pd.read_csv, kept)).query("method != 'random'").drop_duplicates("seconds_fit")
    )
    medians = runs.groupby(["paper", "method"]).seconds_fit.median()
    said = f"{medians.min():.0f} to {medians.max():.0f} seconds on two shared cores"
    assert len(medians) > 30 and said in words("docs/your_photos.md")


def test_a_method_registered_in_a_cell_is_run_compared_shown_and_loaded_elsewhere(tmp_path):
    method, use, load_it = blocks("docs/your_method.md")
    names = "print([one.key[0] for one in runs], [v for _, v in page.method.options])"
    cells = [method, method, use, f"{names}\nprint('pls' in [key[0] for key in protocol.runs()])"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    done = NotebookClient(book, resources={"metadata": {"path": tmp_path}}).execute()
    shown = done.cells[-1].outputs[0].text
    assert shown == "['pls', 'scm', 'random'] ['pls', 'scm', 'random']\nTrue\n"
    (tmp_path / "my_methods.py").write_text(method)
    script = load_it + "print(method.name, method.options.skip, method.n_bits, type(method))"
    for lines, told in (
        (script, "pls 1 16 <class 'my_methods.PLS'>\n"),
        (script.replace("import my_methods\n", ""), "first run the cell or script that registers"),
    ):
        process = subprocess.run(
            [sys.executable, "-c", lines], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert told in process.stdout + process.stderr


def test_the_code_from_the_official_photos_to_a_gallery_runs(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "datasets"))
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    from test_mirflickr25k_layouts import write_official

    from mmhash_nb.datasets import mirflickr25k

    write_official(tmp_path / "data", 28)
    small = splits.Protocol(26, 6, 24, n_query=6, n_train=12)
    monkeypatch.setitem(mirflickr25k.PROTOCOLS, "zhang2018", small)
    tree, code = blocks("docs/datasets.md", "## From the photos to a gallery")
    for name in re.findall(r"(\S+)/", tree.replace(" …", "")):
        assert list(tmp_path.rglob(name)), name
    exec(code.replace('"mobilenet_v2"', '"small"'), {})
    with Image.open("gallery.png") as drawn:
        assert drawn.width > 1000


@pytest.mark.slow
def test_the_page_of_the_explorer_shows_what_runs_have_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("docs/explorer.md", "## In a notebook of your own")
    *imports, shows = code.strip().splitlines()
    given: dict = {}
    exec("\n".join(imports), given)
    with pytest.raises(ValueError, match="holds no finished run of the protocol on scenes"):
        eval(shows, given)
    one = dataclasses.replace(
        papers.protocol("zhang2018", "scenes"), grids=[(["cca_hash"], [32])], seeds=[0]
    )
    run_protocol("zhang2018", one, load("scenes"))
    shown = eval(shows, given)
    assert [value for _, value in shown.method.options] == ["cca_hash", "random"]
    assert "Nearest samples" in shown.message.value


def papermill_lines() -> list[str]:
    """Every papermill command of the pages and of the notebooks' words."""
    texts = [path.read_text(encoding="utf-8") for path in pages()]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        texts += [cell.source for cell in cells if cell.cell_type == "markdown"]
    return [line for some in texts for line in re.findall(r"papermill \S+\.ipynb [^`\n]+", some)]


@pytest.mark.parametrize("line", papermill_lines())
def test_papermill_reads_the_parameters_as_what_the_notebook_has(line, monkeypatch):
    read = []
    monkeypatch.setattr(papermill.cli, "execute_notebook", lambda **given: read.append(given))
    done = CliRunner().invoke(papermill.cli.papermill, shlex.split(line)[1:])
    assert done.exit_code == 0, done.output
    (given,) = read
    has = notebook_parameters.defaults(ROOT / "notebooks" / Path(given["input_path"]).name)
    assert given["parameters"]
    for name, value in given["parameters"].items():
        assert type(value) is type(has[name]), name
