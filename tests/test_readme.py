"""What the README quotes is what the files say."""

import csv
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
from PIL import Image

from mmhash_nb import cli as commands
from mmhash_nb import hashers, papers
from mmhash_nb.datasets import load, splits
from mmhash_nb.experiments.runs import run_protocol
from mmhash_nb.runner import notebook_parameters

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


TABLES = {path.stem: path for path in (ROOT / "results").glob("benchmarks_*.csv")}
#: others are shown in part, or have a test of their own
WHOLE = sorted(TABLES.keys() - {f"benchmarks_{name}" for name in ("approximate", "gpu", "scaling")})


@pytest.mark.parametrize("name", WHOLE)
def test_benchmark_tables_are_those_of_the_last_run(name):
    with open(TABLES[name], encoding="utf-8") as file:
        rows = list(csv.reader(file))
    for row in rows:
        assert "| " + " | ".join(row) + " |" in README


def test_what_a_card_gave_is_that_of_the_last_run():
    table = pd.read_csv(ROOT / "results" / "benchmarks_gpu.csv", dtype=str, keep_default_na=False)
    (card,) = set(table.card)
    assert f"On an {card}" in README
    for row in table[table.part != "agreement"].itertuples(index=False):
        assert "| " + " | ".join(row) + " |" in README
    agreement = table[table.part == "agreement"].copy()
    agreement[["method", "kind"]] = agreement.what.str.split(", ", n=1, expand=True)
    measured = agreement.measured.astype(float).groupby(agreement.kind)
    assert measured.max()["losses"] <= 1e-5 and measured.min()["encoding"] == 1
    assert 0.997 <= measured.min()["encoding in bfloat16"] < 0.998
    trained = agreement[agreement.kind == "trained"].set_index("method").measured.astype(float)
    parted = trained[trained < 0.99]
    assert (100 * parted).round().astype(int).to_dict() == {"concat": 76, "mcb": 6, "texthash": 97}


def test_features_are_computed_once_and_their_code_runs(tiny_pictures, tmp_path, monkeypatch):
    block = README[README.index("### Without a GPU") :]
    code = block[block.index("```python\n") + len("```python\n") :]
    code = code[: code.index("```")].replace("epochs=10", "epochs=1").replace("512", "16")
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


def test_methods_over_cached_features_train_as_fast_as_the_readme_says():
    kept = (ROOT / "results").glob("[!s]*_flickr8k.csv")  # records, not studies
    runs = (
        pd.concat(map(pd.read_csv, kept)).query("method != 'random'").drop_duplicates("seconds_fit")
    )
    medians = runs.groupby(["paper", "method"]).seconds_fit.median()
    words = f"{medians.min():.0f} to {medians.max():.0f} seconds on two shared cores"
    assert len(medians) > 30 and words in README


def test_scores_are_those_of_the_records():
    """Of `quoted_scores.csv`; those of liong2017 are of its own gallery."""
    from mmhash_nb.experiments.records import read
    from mmhash_nb.papers import as_evaluated
    from mmhash_nb.results import interval

    quoted = pd.read_csv(Path(__file__).with_name("quoted_scores.csv"))
    assert len(quoted) == 32
    cells = ["dataset", "method", "bits", "task", "metric"]
    for paper, rows in quoted.groupby("paper"):
        values = as_evaluated(paper, read(paper)).groupby(cells).value.agg(list)
        for row in rows.itertuples():
            mean, _, high = interval(np.array(values[tuple(getattr(row, c) for c in cells)]))
            assert row.words == f"{100 * mean:.1f} ± {100 * (high - mean):.1f}", row
            assert row.words in README


def test_the_scoreboard_is_that_of_the_records():
    from mmhash_nb.papers.scoreboard import COLUMNS, scoreboard

    assert f"| {' | '.join(COLUMNS)} |" in README
    for paper, *numbers in scoreboard().itertuples(index=False, name=None):
        name = paper if paper == "all" else f"`{paper}`"
        assert f"| {name} | {' | '.join(map(str, numbers))} |" in README


def test_counts_of_claims_are_those_of_the_records():
    from mmhash_nb.papers.verdicts import verdicts

    quoted = pd.read_csv(Path(__file__).with_name("quoted_claims.csv"))
    words = " ".join(README.split())
    for (paper, dataset), rows in quoted.groupby(["paper", "dataset"]):
        table = verdicts(paper, dataset=dataset)
        for row in rows.itertuples():
            (found,) = table[table.claim.str.contains(row.words)].itertuples()
            counts = f"{found.above} above, {found.undecided} undecided, {found.below} below"
            assert row.counts == counts, row
            assert counts in words


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    inside = [target for target in targets if not target.startswith("https://")]
    assert len(inside) > 10
    for target in inside:
        assert (ROOT / target).exists(), target


def test_mask_scores_are_those_of_the_study():
    table = pd.read_csv(ROOT / "results" / "study_zhang2018_scenes_masks.csv", index_col="region")
    for region, metric in (("attended", "IoU"), ("attended", "pointing")):
        assert table.loc[region, metric] in README
    controls = [(region, "IoU") for region in ("random", "centre", "feature norm")]
    for region, metric in (*controls, ("centre", "pointing"), ("feature norm", "pointing")):
        assert table.loc[region, metric].split(" ")[0] in README


def test_every_method_of_a_paper_has_its_mark_in_the_table_of_methods():
    table = README[README.index("## Methods") : README.index("## Use it")]
    rows = [row.split("|")[1:-1] for row in table.splitlines() if row.startswith("| `")]
    for place, paper in enumerate(("masci2014", "liong2017", "zhang2018", "zeng2022")):
        marked = [
            m for row in rows if row[2 + place].strip() for m in re.findall(r"`(\w+)`", row[0])
        ]
        assert sorted(marked) == sorted(hashers.names(paper)), paper


def test_the_commands_for_own_data_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    block = README[README.index("### Your own data") : README.index("### Your own arrays")]
    table, shell, *_ = re.findall(r"```\n(.*?)```", block, flags=re.S)
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
    with Image.open("dogs.png") as drawn:
        assert drawn.width > 1000


def test_the_code_from_the_official_photos_to_a_gallery_runs(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "datasets"))
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    from test_mirflickr25k_layouts import write_official

    from mmhash_nb.datasets import mirflickr25k

    write_official(tmp_path / "data", 28)
    small = splits.Protocol(26, 6, 24, n_query=6, n_train=12)
    monkeypatch.setitem(mirflickr25k.PROTOCOLS, "zhang2018", small)
    block = README[README.index("### From the photos to a gallery") :]
    tree, code = re.findall(r"```(?:python)?\n(.*?)```", block, flags=re.S)[:2]
    for name in re.findall(r"(\S+)/", tree.replace(" …", "")):
        assert list(tmp_path.rglob(name)), name
    exec(code.replace('"mobilenet_v2"', '"small"'), {})
    with Image.open("gallery.png") as drawn:
        assert drawn.width > 1000


@pytest.mark.slow
def test_the_page_of_the_explorer_shows_what_runs_have_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = README[README.index("### The explorer as a page") :]
    code = block[block.index("```python\n") + len("```python\n") :]
    *imports, page = code[: code.index("```")].strip().splitlines()
    given: dict = {}
    exec("\n".join(imports), given)
    with pytest.raises(ValueError, match="holds no finished run of the protocol on scenes"):
        eval(page, given)
    one = dataclasses.replace(
        papers.protocol("zhang2018", "scenes"), grids=[(["cca_hash"], [16])], seeds=[0]
    )
    run_protocol("zhang2018", one, load("scenes"))
    shown = eval(page, given)
    assert [value for _, value in shown.method.options] == ["cca_hash", "random"]
    assert "Nearest samples" in shown.message.value


def test_commands_come_after_the_line_that_puts_a_shell_into_the_environment():
    place = README.index("source .venv/bin/activate")
    for found in re.finditer(r"(?:^|`)(?:python|papermill|voila)[ \n]", README, re.MULTILINE):
        assert found.start() > place, README[found.start() :].partition("\n")[0]
    wrong = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    assert "| `No module named mmhash_nb`" in wrong


def papermill_lines() -> list[str]:
    """Every papermill command of the README, of CONTRIBUTING and of the notebooks' words."""
    words = [README, (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")]
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        words += [cell.source for cell in cells if cell.cell_type == "markdown"]
    return [line for some in words for line in re.findall(r"papermill \S+\.ipynb [^`\n]+", some)]


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


def test_a_method_registered_in_a_cell_is_run_compared_shown_and_loaded_elsewhere(tmp_path):
    block = README[README.index("### A method of your own") :]
    method, use, load_it = re.findall(r"```python\n(.*?)```", block, flags=re.S)[:3]
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


def test_the_code_for_own_arrays_runs():
    block = README[README.index("### Your own arrays") :]
    code = block[block.index("```python\n") + len("```python\n") :]
    rng = np.random.default_rng(0)
    groups = rng.integers(3, size=160)
    given = {
        "features": (np.eye(3)[groups] @ rng.normal(size=(3, 12))).astype(np.float32),
        "words": (np.eye(3)[groups] @ rng.normal(size=(3, 9))).astype(np.float32),
        "labels": np.eye(3, dtype=bool)[groups],
        "names": ["a", "b", "c"],
    }
    exec(code[: code.index("```")], given)
    found, asked = given["pairs"].database[given["rows"]], given["pairs"].query
    assert (groups[found] == groups[asked][:, None]).mean() > 0.9
