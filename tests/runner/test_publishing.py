"""Runs leave committed files alone; `publish` replaces them and says what changed."""

import json
import subprocess

import nbformat
import pandas as pd
import pytest
from batch_cases import notebook, reproduce

from mmhash_nb import cli, report
from mmhash_nb.experiments import records
from mmhash_nb.runner import publishing, workers
from mmhash_nb.runner.headless import Outcome, files_folder

PARAMETERS = 'dataset: str = "scenes"  # which\nrate: float = 0.5  # step'
#: what a notebook writes, by the functions that ours call
WRITES = """\
import sys
import pandas as pd
from mmhash_nb.experiments import records
from mmhash_nb.io.project import output_folder, project_root
row = ("masci2014", "ksh", dataset, "drawn", "image-image", 8, 3, "mAP", rate, 1.0, "cpu")
records.write(pd.DataFrame([row], columns=records.COLUMNS), project_root() / "runs")
records.write_study(f"masci2014_{dataset}_x", pd.DataFrame({"rate": [rate, 1]}))
folder = output_folder() / "figures" / "masci2014" / dataset
folder.mkdir(parents=True, exist_ok=True)
(folder / "a.png").write_bytes(str(rate).encode())
print("epoch 1", file=sys.stderr)
print("learned at", rate)"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository of one notebook, everything in it committed."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / ".gitignore").write_text("/runs/\n/my runs*\n")
    notebook(tmp_path / "notebooks" / "1_one.ipynb", WRITES, parameters=PARAMETERS)
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "write", lambda out, outcomes: [])
    return tmp_path


@pytest.fixture
def executed(monkeypatch):
    """Runs in this process, in place of a kernel each."""

    def execute(path, output, parameters, **_):
        made = nbformat.read(path, as_version=4)
        given = {"dataset": "scenes", "rate": 0.5, **parameters}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MMHASH_OUTPUT", str(files_folder(output)))
            exec(WRITES, dict(given))
        for cell, name in ((made.cells[1], "stderr"), (made.cells[1], "stdout")):
            cell.outputs.append(nbformat.v4.new_output("stream", name=name, text=f"{given}\n"))
            cell.execution_count, cell.metadata = 2, {"papermill": {"duration": 3.2}, "tags": []}
        made.metadata["widgets"] = {"state": {}}
        nbformat.write(made, output)
        return Outcome(path.stem, 1.0)

    monkeypatch.setattr(workers, "execute", execute)


def changed(project):
    """Files that git sees as changed or new."""
    command = ["git", "-C", project, "diff", "--name-only"]
    other = ["git", "-C", project, "ls-files", "--others", "--exclude-standard"]
    return [
        line
        for one in (command, other)
        for line in subprocess.run(one, capture_output=True, text=True, check=True).stdout.split()
    ]


def publish(capsys, *arguments):
    capsys.readouterr()
    assert cli.main(["publish", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def run(*arguments):
    assert cli.main(["reproduce", *arguments]) == 0


@pytest.mark.slow
def test_the_command_writes_into_runs_alone_even_from_another_folder(project, capsys):
    status, printed = reproduce(project / "notebooks", whole=True)
    assert status == 0, printed
    assert changed(project) == []
    assert (project / "runs" / "figures" / "masci2014" / "scenes" / "a.png").read_bytes() == b"0.5"
    assert (project / "runs" / "study_masci2014_scenes_x.csv").read_text() == "rate\n0.5\n1.0\n"
    assert len(pd.read_csv(project / "runs" / "masci2014_scenes.csv")) == 1
    assert reproduce(project / "notebooks", "--out", "../my runs é", whole=True)[0] == 0
    assert sorted(path.name for path in (project / "my runs é").iterdir()) == [
        *(".merging.lock", "figures", "masci2014_scenes.csv", "notebooks", "report.html"),
        *("report.md", "study_masci2014_scenes_x.csv"),
    ]
    assert changed(project / "notebooks") == []
    # What papermill leaves is published without its traces.
    path = project / "notebooks" / "1_one.ipynb"
    before = nbformat.read(path, as_version=4)
    publish(capsys)
    after = nbformat.read(path, as_version=4)
    assert [output.text for output in after.cells[1].pop("outputs")] == ["learned at 0.5\n"]
    assert [cell.pop("execution_count") for cell in after.cells] == [1, 2]
    del before.cells[1]["outputs"], before.cells[0]["execution_count"]
    del before.cells[1]["execution_count"]
    assert after == before


def test_publish_copies_what_runs_left_and_says_what_changed(project, executed, capsys):
    run()
    assert changed(project) == []
    files = ["figures/masci2014/scenes/a.png", "results/study_masci2014_scenes_x.csv"]
    assert publish(capsys) == [
        *(f"new        {name}" for name in files),
        "changed    notebooks/1_one.ipynb: outputs of 1 cells (1)",
    ]
    assert changed(project) == ["notebooks/1_one.ipynb", *files]
    assert publish(capsys) == [
        *(f"unchanged  {name}" for name in [*files, "notebooks/1_one.ipynb"])
    ]
    old = project / "figures" / "masci2014" / "scenes" / "b.png"
    old.touch()
    (sentence,) = [line for line in publish(capsys) if "unchanged" not in line]
    assert (
        sentence.startswith("not drawn  figures/masci2014/scenes/b.png: delete it") and old.exists()
    )
    # Another dataset: its records too, and no notebook.
    wiki = ("-p", "dataset", "wiki", "-p", "rate", "0.25")
    run(*wiki)
    assert [line.split() for line in publish(capsys, *wiki)] == [
        *(["new", name.replace("scenes", "wiki")] for name in files[:1]),
        ["new", "results/masci2014_wiki.csv"],
        ["new", "results/study_masci2014_wiki_x.csv"],
    ]
    again = ("-p", "dataset", "wiki", "-p", "rate", "0.5")
    run(*again)
    assert publish(capsys, *again) == [
        "masci2014_wiki.csv holds the runs with rate=0.5; left out: rate=0.25",
        "changed    figures/masci2014/wiki/a.png",
        "changed    results/masci2014_wiki.csv: 1 values of value "
        "(masci2014 ksh wiki drawn image-image 8 3 mAP 1.0 cpu 0.25 → 0.5)",
        "changed    results/study_masci2014_wiki_x.csv: 1 values of rate (0.25 → 0.5)",
    ]


def test_pictures_of_each_run_lie_in_its_folder_which_is_empty_when_it_runs_again(
    project, executed
):
    for given in ((), ("-p", "rate", "0.25"), ("-p", "rate", "0.125")):
        run(*given)
    drawn = {path.read_bytes(): path for path in (project / "runs").rglob("*.files/**/a.png")}
    assert drawn.keys() == {b"0.5", b"0.25", b"0.125"}
    former = drawn[b"0.25"].with_name("former.png")
    former.touch()
    run("-p", "rate", "0.25", "--again")
    assert drawn[b"0.25"].exists() and not former.exists()
    assert drawn[b"0.125"].read_bytes() == b"0.125"


def test_tables_of_benchmarks_are_published_by_themselves(project, capsys):
    assert cli.main(["publish", "--benchmarks"]) == 2
    assert "runs has no benchmarks_*.csv: run one of benchmarks/" in capsys.readouterr().err
    (project / "runs").mkdir()
    (project / "runs" / "benchmarks_a.csv").write_text("n,seconds\n1,2\n")
    assert publish(capsys, "--benchmarks") == ["new        results/benchmarks_a.csv"]
    (project / "runs" / "benchmarks_a.csv").write_text("n,seconds\n1,3\n")
    assert publish(capsys, "--benchmarks") == [
        "changed    results/benchmarks_a.csv: 1 values of seconds (1 2 → 3)"
    ]
    assert changed(project) == ["results/benchmarks_a.csv"]


def test_a_widget_that_changed_in_its_identifier_alone_is_the_same():
    widget = {"data": {"application/vnd.jupyter.widget-view+json": {"model_id": "a"}, "t": ["x"]}}
    other = json.loads(json.dumps(widget).replace('"a"', '"b"'))
    assert publishing._without_ids([widget]) == publishing._without_ids([other])
    other["data"]["t"] = "y"
    assert publishing._without_ids([widget]) != publishing._without_ids([other])


def test_what_is_not_done_is_not_published(project, executed, capsys):
    run()
    path = project / "notebooks" / "1_one.ipynb"
    path.write_text(path.read_text().replace("learned at", "seen at"))
    capsys.readouterr()
    assert cli.main(["publish"]) == 2
    assert capsys.readouterr().err == (
        "error: 1_one is not done, or what went into it has changed: run reproduce with the same "
        "arguments first.\n"
    )
    assert changed(project) == ["notebooks/1_one.ipynb"]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("a,b\n1,2\n", "a,c\n1,2\n", "columns a, b → a, c"),
        ("a,b\n1,2\n", "a,b\n1,2\n3,4\n", "0 rows gone; 1 rows new (3 4)"),
        ("a,b\n1,2\n", "a,b\n3,4\n3,4\n", "1 rows gone (1 2); 2 rows new (3 4, 3 4)"),
        (
            "a,b\n" + "".join(f"{i},0\n" for i in range(5)),
            "a,b\n" + "".join(f"{i},1\n" for i in range(5)),
            "5 values of b (0 0 → 1, 1 0 → 1, 2 0 → 1, …)",
        ),
    ],
)
def test_what_changed_in_a_table_is_said_by_rows_and_values(before, after, sentence):
    assert publishing._rows(before.encode(), after.encode()) == sentence


def test_studies_are_the_committed_ones_but_for_those_just_computed(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.delenv("MMHASH_OUTPUT", raising=False)
    with pytest.raises(FileNotFoundError, match=r"there is no study_p_\*\.csv in .*results\."):
        records.study_files("p_*")
    (tmp_path / "results").mkdir()
    for name in ("a", "b"):
        (tmp_path / "results" / f"study_p_{name}.csv").write_text("x\n1\n")
    records.write_study("p_b", pd.DataFrame({"x": [2]}, index=pd.Index(["k"], name="key")))
    assert (tmp_path / "runs" / "study_p_b.csv").read_text() == "key,x\nk,2\n"

    def folders(*given):
        return [path.parent.name for path in records.study_files(*given)]

    assert folders("p_*") == ["results", "results"] and folders("p_*", True) == ["results", "runs"]
    assert folders("p_b", True) == ["runs"]
