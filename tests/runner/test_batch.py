"""What a batch runs and what of it is done: grids, YAML files, names, records, estimates."""

import errno
import gc
import json
import os
import shutil
import string
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from batch_cases import notebook
from hypothesis import given
from hypothesis import strategies as st
from table_cases import table_rows

from mmhash_nb import cli, report
from mmhash_nb.cli import reproduce
from mmhash_nb.experiments import records
from mmhash_nb.io import source as sources
from mmhash_nb.runner import cluster, job_records, machine, merging, workers
from mmhash_nb.runner import jobs as batch
from mmhash_nb.runner.headless import Conditions, Outcome, files_folder, variables

PARAMETERS = """\
dataset: str = "scenes"  # which
bits: list[int] = []  # lengths
rate: float = 0.1  # step
quick: bool = False  # demo
weights = None  # file"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").touch()
    notebook(tmp_path / "notebooks" / "1_one.ipynb", "print(bits)", parameters=PARAMETERS)
    notebook(tmp_path / "notebooks" / "2_two.ipynb", "print(bits)", parameters=PARAMETERS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def executed(monkeypatch):
    """The outputs that would be written, in place of running notebooks; those in `failing` fail."""
    ran = []

    def execute(path, output, parameters, **_):
        ran.append(output.stem)
        output.write_text("{}")
        return Outcome(path.stem, 10.0, "ValueError: no" if output.stem in failing else "")

    failing = execute.failing = set()
    execute.ran = ran
    monkeypatch.setattr(workers, "execute", execute)

    def write(out, outcomes):
        (out / "report.md").write_text(f"{[o.notebook for o in outcomes]}")

    monkeypatch.setattr(report, "write", write)
    return execute


def jobs_of(text: str):
    Path("batch.yml").write_text(text)
    return batch.from_file(Path("batch.yml"), Path("out"))


def test_a_grid_is_every_combination_for_every_notebook(project):
    jobs = batch.from_grid(
        ["1_one", "2_two"], {"dataset": "wiki"}, {"bits": ["16", "32,64"], "rate": ["1"]}, project
    )
    assert [(job.notebook.stem, job.parameters) for job in jobs] == [
        (stem, {"dataset": "wiki", "bits": bits, "rate": 1.0})
        for stem in ("1_one", "2_two")
        for bits in ([16], [32, 64])
    ]
    assert jobs[1].name == "1_one/bits=32+64,dataset=wiki,rate=1.0"
    assert jobs[1].output == project / "notebooks" / f"{jobs[1].name}.ipynb"
    (plain,) = batch.from_grid(["1_one"], {}, {}, project)
    assert plain.output == project / "notebooks" / "1_one.ipynb" and plain.name == "1_one"


@pytest.mark.parametrize(
    "damaged", [lambda text: text[:50], lambda text: text.replace('"source"', '"sauce"')]
)
def test_a_notebook_that_is_not_whole_is_named(project, executed, capsys, damaged):
    path = project / "notebooks" / "2_two.ipynb"
    path.write_text(damaged(path.read_text()))
    assert cli.main(["reproduce", "-p", "bits", "8"]) == 2
    assert f"{path} is no whole notebook (" in capsys.readouterr().err and not executed.ran


def test_a_file_lists_jobs_each_with_a_grid_of_its_own(project):
    jobs = jobs_of("""
- notebooks: [1_one, 2_two]
  parameters: {dataset: wiki, bits: [8, 16]}
  grid: {rate: [1, 1e-3], quick: [true, false]}
- notebooks: 2_two
  grid:
    bits: [16, [16, 32]]
- {notebooks: 1_one, parameters: {quick: yes, weights: 3}}
- notebooks: 2_two
""")
    names = [job.name for job in jobs]
    assert len(names) == len(set(names)) == 2 * 4 + 2 + 1 + 1
    assert jobs[2].parameters == {
        **{"dataset": "wiki", "bits": [8, 16], "rate": 0.001, "quick": True}
    }
    assert names[8:] == [
        *("2_two/bits=16", "2_two/bits=16+32", "1_one/quick=true,weights=3", "2_two")
    ]
    assert [job.parameters for job in jobs[8:10]] == [{"bits": [16]}, {"bits": [16, 32]}]


def test_values_of_a_file_are_what_is_written_there(project):
    """Where YAML itself has false, 8, 90, a date, a text and, of the last, nothing."""
    (job,) = jobs_of("""
- notebooks: 1_one
  parameters:
    dataset: no
    bits: [010, 16]
    rate: 1e-3
    quick: on
    weights: 2020-01-01
  grid:
""")
    assert job.parameters == {
        **{"dataset": "no", "bits": [10, 16], "rate": 0.001, "quick": True},
        "weights": "2020-01-01",
    }
    for text in ("1:30", "7", "1_000", "Off", "0x10", "'~'", '"null"'):
        (job,) = jobs_of(f"- {{notebooks: 1_one, parameters: {{dataset: {text}}}}}")
        assert job.parameters == {"dataset": text.strip("\"'")}


def test_a_file_may_be_of_windows_and_merge_mappings(project):
    text = "- &a {notebooks: 1_one, parameters: {bits: 8}}\n- {<<: *a, grid: {rate: [1]}}\n"
    for encoding in ("utf-8-sig", "utf-16"):
        Path("batch.yml").write_bytes(text.encode(encoding))
        assert [j.name for j in batch.from_file(Path("batch.yml"), Path("out"))] == [
            *("1_one/bits=8", "1_one/bits=8,rate=1.0")
        ]


def test_the_example_of_the_readme_is_read(tmp_path, monkeypatch):
    root = Path(__file__).parents[2]
    monkeypatch.chdir(root)  # the notebooks it names are there
    _, _, example = (root / "docs" / "running.md").read_text().partition("```yaml\n")
    (tmp_path / "batch.yml").write_text(example.partition("```")[0])
    assert len(batch.from_file(tmp_path / "batch.yml", tmp_path)) == 2 * 3 * 3 + 1


def test_a_run_listed_twice_is_one(project):
    assert len(jobs_of("[{notebooks: 1_one}, {notebooks: [1_one, 2_two, 2_two.ipynb]}]")) == 2
    other = notebook(project / "other" / "1_one.ipynb", parameters=PARAMETERS)
    with pytest.raises(ValueError, match=r"would both write .*1_one\.ipynb: run them with diff"):
        batch.from_grid(["1_one", str(other)], {}, {}, project)


@pytest.mark.parametrize(("text", "sentence"), table_rows("wrong_batch_files"))
def test_whatever_is_wrong_in_a_file_is_one_sentence_before_anything_runs(
    project, executed, capsys, text, sentence
):
    Path("batch.yml").write_text(text)
    assert cli.main(["reproduce", "--batch", "batch.yml"]) == 2
    log = capsys.readouterr().err
    assert sentence in log and log.startswith("error: ") and log.count("\n") == 1
    assert not executed.ran and not Path("runs").exists()


@pytest.mark.parametrize(("arguments", "sentence"), table_rows("wrong_batch_arguments"))
def test_a_wrong_argument_is_one_sentence(
    project, executed, capsys, monkeypatch, arguments, sentence
):
    monkeypatch.setattr(cluster, "_CONNECT_SECONDS", 1)
    assert cli.main(["reproduce", *arguments]) == 2
    assert sentence in capsys.readouterr().err and not executed.ran


@pytest.mark.parametrize("wrong", ["0", "-1", "two", "1.5"])
def test_workers_are_a_count(capsys, wrong):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["reproduce", "--workers", wrong])
    assert stopped.value.code == 2
    assert f"must be an integer of at least 1, but is {wrong!r}" in capsys.readouterr().err


TEXTS = st.text(string.printable + "äé", max_size=300)


@given(st.lists(st.tuples(TEXTS, st.booleans()), min_size=2, max_size=2, unique=True))
def test_names_of_files_are_short_plain_and_differ_where_parameters_do(values):
    labels = [batch._label({"dataset": text, "quick": quick}) for text, quick in values]
    assert labels[0] != labels[1]
    for label in labels:
        assert 0 < len(label) <= 130 and not set(label) & set("/\\ \n:*'\"")


def run(project, *arguments):
    """The command, whose runs come one after the other unless `arguments` say otherwise."""
    return cli.main(["reproduce", "--out", str(project / "out"), "--workers", "1", *arguments])


GRID = ("--notebook", "1_one", "--grid", "bits", "8", "16")


def test_what_is_done_is_skipped_and_the_report_written_again(project, executed, capsys):
    assert run(project, *GRID) == 0
    assert executed.ran == ["bits=8", "bits=16"]
    (project / "out" / "report.md").unlink()
    assert run(project, *GRID) == 0
    assert len(executed.ran) == 2
    assert "2 of 2 runs are done already" in capsys.readouterr().out
    assert (project / "out" / "report.md").read_text() == "['1_one/bits=8', '1_one/bits=16']"
    assert run(project, *GRID, "--again") == 0
    assert len(executed.ran) == 4


def test_a_failed_run_is_run_again_and_no_other(project, executed, capsys):
    executed.failing.add("bits=8")
    assert run(project, *GRID) == 1
    assert "=== 1_one/bits=8 failed: ValueError: no (10 s, 1 of 2)" in capsys.readouterr().out
    executed.failing.clear()
    assert run(project, *GRID) == 0
    assert executed.ran == ["bits=8", "bits=16", "bits=8"]


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ValueError("runs/a.csv is no whole CSV file."), "ValueError: runs/a.csv is no whole CSV"),
        (OSError(errno.ENOSPC, "No space"), "the disk is full: free some space"),
    ],
)
@pytest.mark.parametrize("broken", ["merge", "write"])
def test_a_report_that_cannot_be_written_hides_no_outcome(
    project, executed, monkeypatch, capsys, error, sentence, broken
):
    def fail(*_):
        raise error

    monkeypatch.setattr(merging if broken == "merge" else report, broken, fail)
    assert run(project, *GRID) == 1
    log = capsys.readouterr().out
    table = [line.split(None, 2) for line in log.splitlines()[-3:]]
    assert [line[0] for line in table] == ["1_one/bits=8", "1_one/bits=16", "report"]
    assert [line[2] for line in table[:2]] == ["ok", "ok"] and table[2][2].startswith(sentence)


def measured(bits, seed, value, dataset="wiki"):
    row = ("masci2014", "ksh", dataset, "drawn", "image-image", bits, seed, "mAP", value, 1, "cpu")
    return pd.DataFrame([row], columns=records.COLUMNS)


@pytest.fixture
def measuring(monkeypatch):
    """Each run writes as a notebook does, which would replace what the others wrote."""

    def execute(path, output, parameters, **_):
        settings = {"bits": [8, 16], "rate": 0.1, "dataset": "scenes", **parameters}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MMHASH_OUTPUT", str(files_folder(output)))
            rows = [measured(b, 3, settings["rate"], settings["dataset"]) for b in settings["bits"]]
            (shown,) = records.write(pd.concat(rows), Path("runs"))
            assert shown == Path("runs") / f"masci2014_{settings['dataset']}.csv"
        output.write_text("{}")
        execute.ran.append(output.stem)
        return Outcome(path.stem, 1.0)

    execute.ran = []
    monkeypatch.setattr(workers, "execute", execute)
    monkeypatch.setattr(report, "write", lambda out, outcomes: [])
    return execute


def values(project, dataset="scenes"):
    table = pd.read_csv(project / "out" / f"masci2014_{dataset}.csv")
    return {(row.bits, row.value) for row in table.itertuples()}


def test_numbers_of_a_grid_are_joined_by_code_lengths_and_seeds_alone(project, measuring, capsys):
    grid = ("--notebook", "1_one", "--grid", "rate", "0.5", "0.25", "--grid", "bits", "8", "16")
    for _ in range(2):  # the second time all is done
        assert run(project, *grid) == 0
        assert values(project) == {(8, 0.25), (16, 0.25)}
        (project / "out" / "masci2014_scenes.csv").unlink()
        log = "masci2014_scenes.csv holds the runs with rate=0.25; left out: rate=0.5"
        assert log in capsys.readouterr().out
    assert len(measuring.ran) == 4


def test_the_report_gets_the_setting_that_was_asked_for_and_every_number_of_it(project, measuring):
    plain = ("--notebook", "1_one")
    assert run(project, *plain) == 0 and values(project) == {(8, 0.1), (16, 0.1)}
    # A part of the same setting replaces nothing, other lengths come to it.
    assert run(project, *plain, "--grid", "bits", "8", "32") == 0
    assert values(project) == {(8, 0.1), (16, 0.1), (32, 0.1)}
    assert run(project, *plain, "-p", "rate", "0.5", "-p", "bits", "8") == 0
    assert values(project) == {(8, 0.5)}
    ran = list(measuring.ran)
    # What is done already comes back, for other data it leaves the file alone.
    assert run(project, *plain) == 0
    assert values(project) == {(8, 0.1), (16, 0.1), (32, 0.1)}
    assert run(project, *plain, "-p", "rate", "0.5", "-p", "bits", "8") == 0
    assert measuring.ran == ran
    assert run(project, *plain, "-p", "dataset", "wiki") == 0
    assert values(project) == {(8, 0.5)} and values(project, "wiki") == {(8, 0.1), (16, 0.1)}
    # Nor is anything lost where the file is.
    (project / "out" / "masci2014_wiki.csv").unlink()
    assert run(project, *plain) == 0 and values(project, "wiki") == {(8, 0.1), (16, 0.1)}


def test_of_a_value_that_was_measured_twice_the_later_run_counts(project, measuring, monkeypatch):
    plain = ("--notebook", "1_one")
    assert run(project, *plain, "--grid", "bits", "8", "32") == 0
    again = measured

    def other(bits, seed, value, dataset):
        return again(bits, seed, value + 0.5, dataset)

    monkeypatch.setitem(globals(), "measured", other)
    assert run(project, *plain) == 0
    assert values(project) == {(8, 0.6), (16, 0.6), (32, 0.1)}


def test_numbers_that_are_not_whole_are_measured_again(project, measuring):
    """Gone, cut short or changed: what the record lists is what must be there."""
    table = project / "out" / "notebooks" / "1_one.files" / "masci2014_scenes.csv"
    plain = ("--notebook", "1_one")
    run(project, *plain)
    for damage in (table.unlink, lambda: table.write_bytes(table.read_bytes()[:-5])):
        content = table.read_bytes()
        damage()
        (job,) = batch.from_grid(["1_one"], {}, {}, project / "out")
        assert job_records.done(job) is None
        assert run(project, *plain) == 0 and table.read_bytes() == content
    assert len(measuring.ran) == 3


def edited(path, change):
    def edit(project, monkeypatch):
        made = nbformat.read(project / path, as_version=4)
        change(made.cells)
        nbformat.write(made, project / path)

    return edit


NOTEBOOK = "notebooks/1_one.ipynb"


@pytest.mark.parametrize(
    ("change", "n_runs"),
    [
        (edited(NOTEBOOK, lambda cells: cells[1].update(source="print(rate)")), 2),
        (edited(NOTEBOOK, lambda cells: cells[1].metadata.update(tags=["parameters"])), 2),
        (edited(NOTEBOOK, lambda cells: cells[1].update(outputs=[], execution_count=7)), 0),
        (edited(NOTEBOOK, lambda cells: cells.append(nbformat.v4.new_markdown_cell("Why"))), 0),
        (edited("notebooks/2_two.ipynb", lambda cells: cells[1].update(source="1 / 0")), 0),
        (lambda _, patch: patch.setattr(job_records, "package_hash", lambda: "other"), 2),
        (lambda _, patch: patch.setattr(job_records, "versions", lambda: {"torch": "0"}), 2),
    ],
)
def test_a_run_is_done_while_what_went_into_it_is_the_same(
    project, executed, monkeypatch, change, n_runs
):
    run(project, *GRID)
    change(project, monkeypatch)
    run(project, *GRID)
    assert len(executed.ran) == 2 + n_runs


@pytest.mark.parametrize("name", ["bits=8.json", "bits=8.ipynb"])
@pytest.mark.parametrize("left", [None, 0, 1, -3])
def test_a_truncated_record_or_notebook_is_run_again(project, executed, name, left):
    run(project, *GRID)
    path = project / "out" / "notebooks" / "1_one" / name
    content = path.read_text() if name.endswith("json") else '{"cells": []}'
    path.unlink() if left is None else path.write_text(content[:left])
    run(project, *GRID)
    assert executed.ran == ["bits=8", "bits=16", "bits=8"]


RECORD = {
    **{"hash": "1", "notebook": "1_one", "parameters": {}, "settings": {}, "seconds": 1},
    **{"ended": 2.5, "error": "", "files": {}, "published": {}, "took": [1.5]},
}
WRONG = [
    *("[]", "{}", "3", "null", '{"hash": 1}'),
    *(json.dumps({**RECORD, key: wrong}) for key in RECORD for wrong in (None, [None])),
    *(json.dumps({k: v for k, v in RECORD.items() if k != key}) for key in RECORD),
]


@pytest.mark.parametrize("record", WRONG)
def test_another_record_is_none(tmp_path, record):
    (tmp_path / "a.json").write_text(record)
    assert job_records.read(tmp_path / "a.json") is None
    (tmp_path / "a.json").write_text(json.dumps(RECORD))
    assert job_records.read(tmp_path / "a.json") == RECORD


def test_a_record_that_was_being_written_is_none_of_those_below_a_folder(tmp_path):
    for name in ("a.json", ".a-12345678.part.json"):
        (tmp_path / "notebooks" / "1_one").mkdir(parents=True, exist_ok=True)
        (tmp_path / "notebooks" / "1_one" / name).write_text(json.dumps(RECORD))
    assert [path.name for path, _ in job_records.records(tmp_path)] == ["a.json"]


def test_files_that_a_job_reads_are_part_of_what_went_into_it(project, monkeypatch):
    """A dataset's, or one that a parameter names; wherever they lie."""

    def seen(data="data", **given):
        monkeypatch.setenv("MMHASH_DATA", str(data))
        (job,) = batch.from_grid(["1_one"], given, {}, project / "out")
        return job_records.inputs_hash(job)

    digits = project / "data" / "uci_digits" / "uci_all.mat"
    absent, plain = seen(dataset="uci_digits"), seen(weights="w.bin")
    digits.parent.mkdir(parents=True)
    digits.write_bytes(b"1234")
    os.utime(digits, (100, 100))
    there = seen(dataset="uci_digits")
    assert there != absent == seen("none", dataset="uci_digits")
    (project / "other").mkdir()
    shutil.copytree(project / "data" / "uci_digits", project / "other" / "uci_digits")
    assert seen(project / "other", dataset="uci_digits") == there
    digits.write_bytes(b"1235")
    assert seen(dataset="uci_digits") != there
    assert seen(weights="w.bin") == plain  # of other data
    (project / "w.bin").write_bytes(b"1")
    assert seen(weights="w.bin") != plain
    assert seen(weights="x" * 5000)


def test_a_run_is_not_done_once_other_tables_are_published(project, executed):
    jobs = batch.from_grid(["1_one"], {}, {"bits": ["8", "16"]}, project / "out")
    table = project / "results" / "liong2017_wiki.csv"
    table.parent.mkdir()
    for text in "12":
        run(project, *GRID)
        assert all(map(job_records.done, jobs))
        table.write_text(text)
        assert not any(map(job_records.done, jobs))
    table.unlink()
    assert not any(map(job_records.done, jobs))


def test_a_run_begun_anew_is_not_done_until_it_ends_but_its_time_is_known(
    project, executed, monkeypatch
):
    run(project, *GRID)

    def killed(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "execute", killed)
    assert run(project, *GRID, "--again") == 130
    jobs = batch.from_grid(["1_one"], {}, {"bits": ["8", "16"]}, project / "out")
    assert [job_records.done(job) is not None for job in jobs] == [False, True]
    assert "(about 10 s)" in next(reproduce.plan(jobs, project / "out", False, 1))


def test_a_dry_run_says_what_would_run_and_how_long_by_what_is_known(project, executed, capsys):
    run(project, *GRID)
    record = project / "out" / "notebooks" / "1_one" / "bits=16.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "hash": "", "took": [40.0]}))
    capsys.readouterr()
    ran = ("--notebook", "1_one", "2_two", "--grid", "bits", "8", "16", "32", "--dry-run")
    assert run(project, *ran) == 0
    assert capsys.readouterr().out.splitlines() == [
        "done       1_one/bits=8",
        "would run  1_one/bits=16  (about 40 s)",
        "would run  1_one/bits=32  (about 25 s)",
        *(f"would run  2_two/bits={bits}  (no record)" for bits in (8, 16, 32)),
        "5 of 6 to run, about 65 s in all, and 3 without a record",
    ]
    assert run(project, *ran, "--workers", "2") == 0
    assert "about 40 s in all" in capsys.readouterr().out
    assert len(executed.ran) == 2


@given(st.lists(st.floats(0.1, 100), max_size=12), st.integers(1, 5))
def test_the_time_in_all_lies_between_a_fair_share_and_one_after_the_other(seconds, n):
    expected = job_records.makespan(seconds, n)
    least = max([sum(seconds) / n, *seconds])
    assert least - 1e-9 <= expected <= sum(seconds) + 1e-9
    assert expected <= least + max(seconds, default=0)
    assert n > 1 or expected == pytest.approx(sum(seconds))


def test_every_job_at_once_has_a_gpu_of_its_own_where_there_are_any(project, executed, monkeypatch):
    monkeypatch.setattr(machine, "visible_gpus", lambda: ["3", "5", "7"])
    begun, both = [], threading.Barrier(2, timeout=30)

    def run_job(job, since, conditions):
        begun.append(variables("ipython", project, conditions)["CUDA_VISIBLE_DEVICES"])
        both.wait()
        return Outcome(job.name, 1.0)

    monkeypatch.setattr(workers, "run_job", run_job)
    jobs = batch.from_grid(["1_one"], {}, {"bits": ["8", "16", "32", "64"]}, project / "out")
    workers.run_jobs(jobs, workers=2)
    assert [set(begun[:2]), set(begun[2:])] == [{"3", "5"}] * 2
    with pytest.raises(ValueError, match=r"4 workers would share 3 GPUs: ask for --workers 3 or"):
        workers.run_jobs(jobs, workers=4)


def test_gpus_are_counted_once_and_for_a_single_job_not_at_all(project, monkeypatch):
    counted: list[int] = []
    monkeypatch.setattr(machine, "visible_gpus", lambda: counted.append(1) or [])
    monkeypatch.setattr(workers, "run_job", lambda job, *_: Outcome(job.name, 1.0))
    jobs = batch.from_grid(["1_one"], {}, {"bits": ["8", "16"]}, project / "out")
    workers.run_jobs(jobs[:1])
    assert not counted
    workers.run_jobs(jobs, workers=2)
    assert len(counted) == 1


def test_as_many_run_at_once_as_there_are_cores_memory_and_gpus_for(monkeypatch):
    monkeypatch.setattr(machine, "CPU_COUNT", 8)
    monkeypatch.setattr(machine, "MEMORY_LIMIT", 64 << 30)
    monkeypatch.setattr(machine, "visible_gpus", list)
    assert machine.at_once() == 8 and machine.at_once(20) == 20
    monkeypatch.setattr(machine, "MEMORY_LIMIT", 10 << 30)
    assert machine.at_once() == 3
    monkeypatch.setattr(machine, "visible_gpus", lambda: ["0"])
    assert machine.at_once() == 1
    monkeypatch.setattr(machine, "MEMORY_LIMIT", 1 << 30)
    assert machine.at_once() == 1


@pytest.mark.parametrize(
    ("named", "n", "expected"),
    [("", 0, []), ("", 2, ["0", "1"]), ("3,5", 2, ["3", "5"]), ("GPU-a", 1, ["GPU-a"])],
)
def test_gpus_are_those_that_the_environment_leaves_visible(monkeypatch, named, n, expected):
    monkeypatch.setattr("torch.cuda.device_count", lambda: n)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert machine.visible_gpus() == expected


def test_a_user_without_a_home_lends_kernels_one(monkeypatch, tmp_path):
    """The cache stays where it is: the folder lent ends with the run."""
    monkeypatch.delenv("MMHASH_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert variables("ipython", tmp_path)["HOME"] == str(tmp_path)
    monkeypatch.setenv("HOME", "/nonexistent/x")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lent = variables("ipython", tmp_path)
    assert lent["HOME"] == "ipython" and Path(lent["MMHASH_CACHE"]) == tmp_path / "mmhash_nb"


def test_cores_are_shared_out_unless_the_environment_says_how_many(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "CPU_COUNT", 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert machine.threads_each(2) is None
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert [machine.threads_each(n) for n in (1, 3, 20)] == [8, 2, 1]
    here = variables("ipython", tmp_path)
    assert "OMP_NUM_THREADS" not in here and "NUMBA_NUM_THREADS" not in here
    shared = variables("ipython", tmp_path, Conditions(threads=2, runs=tmp_path / "r"))
    assert shared["MMHASH_RUNS"] == str(tmp_path / "r")
    assert {shared[f"{pool}_NUM_THREADS"] for pool in ("OMP", "MKL", "NUMBA")} == {"2"}


def test_threads_of_a_dask_worker_read_sources_at_once():
    """Its callbacks of the garbage collector let other threads in while one parses."""
    texts = [path.read_text() for path in Path(sources.__file__).parent.rglob("*.py")]
    let_in = lambda *_: time.sleep(0)  # noqa: E731
    threshold = gc.get_threshold()
    gc.callbacks.append(let_in)
    gc.set_threshold(50)
    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(sources.code.__wrapped__, texts))
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(let_in)


def test_the_package_hash_sees_code_tables_and_weights_and_no_comment(tmp_path, monkeypatch):
    package = tmp_path / "package"
    (package / "hashers").mkdir(parents=True)
    (package / "report").mkdir()
    (package / "runner").mkdir()
    monkeypatch.setattr(sources, "__file__", str(package / "io" / "source.py"))
    seen = []

    def written(name, text):
        (package / name).write_text(text)
        seen.append(sources.package_hash())
        return len(seen) > 1 and seen[-1] != seen[-2]

    written("pairs.py", "x = 1\n")
    assert not written("pairs.py", '"""Pairs."""\n\nx  =  1  # why\n')
    assert written("pairs.py", "x = 2\n")
    assert written("hashers/runner.py", "y = 1\n")  # not the room of that name
    assert not written("report/page.py", "y = 1\n")  # written after notebooks, not by them
    assert not written("runner/jobs.py", "y = 1\n")
    assert written("table.csv", "1") and written("errata.toml", "1")
    assert written("weights.safetensors", "1")
    assert written("weights.safetensors", "2")
    assert not written("notes.txt", "1")
