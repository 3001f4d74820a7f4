"""Headless runs over small generated notebooks: parameters, failures, log, report."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import batch_cases
import pytest
from batch_cases import printed
from table_cases import table_rows

from mmhash_nb import cli
from mmhash_nb.io import project as project_module
from mmhash_nb.io.project import runs_folder
from mmhash_nb.runner import headless, job_records, notebook_parameters, workers
from mmhash_nb.runner import jobs as batch

PARAMETERS = """\
dataset = "scenes"  # embedded
bits = [16, 32]  # code lengths, so K = 16
epochs: int = 3  # passes
rate = 1e-3  # step
quick = True  # demo"""


def notebook(path: Path, *cells: str) -> Path:
    return batch_cases.notebook(path, *cells, parameters=PARAMETERS)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one notebook that runs."""
    (tmp_path / "pyproject.toml").touch()
    notebook(tmp_path / "notebooks" / "1_ok.ipynb", "print(dataset, bits, epochs, rate, quick)")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults_are_the_literals_of_the_parameters_cell(project):
    found = notebook_parameters.defaults(project / "notebooks" / "1_ok.ipynb")
    assert found == {
        **{"dataset": "scenes", "bits": [16, 32], "epochs": 3},
        **{"rate": 0.001, "quick": True},
    }


@pytest.mark.parametrize(("name", "text", "message"), table_rows("wrong_parameters"))
def test_a_wrong_parameter_is_refused_before_anything_runs(project, capsys, name, text, message):
    assert cli.main(["reproduce", "-p", name, text]) == 2
    assert message in capsys.readouterr().err
    assert not (project / "runs").exists()


def test_an_unknown_notebook_names_those_there_are(project, capsys):
    assert cli.main(["reproduce", "--notebook", "9_none"]) == 2
    assert "no notebook '9_none'; there are 1_ok" in capsys.readouterr().err


def test_without_notebooks_around_those_of_the_package_are_found(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = batch.from_grid([], {}, {}, runs_folder())
    assert found[0].notebook == Path(__file__).parents[2] / "notebooks" / "0_start_here.ipynb"
    assert found[0].output == tmp_path / "runs" / "notebooks" / "0_start_here.ipynb"
    monkeypatch.setattr(project_module, "_CHECKOUT", tmp_path)  # installed without a repository
    assert cli.main(["reproduce"]) == 2
    assert "holds no numbered notebook" in capsys.readouterr().err


def test_notebooks_are_found_by_stem_file_name_and_path(project):
    other = notebook(project / "elsewhere.ipynb")
    names = ["1_ok", "1_ok.ipynb", str(other)]
    assert [p.name for p in batch.find_notebooks(names)] == [
        *("1_ok.ipynb", "1_ok.ipynb", "elsewhere.ipynb")
    ]
    notebook(project / "notebooks" / "draft.ipynb")
    assert [p.stem for p in batch.find_notebooks()] == ["1_ok"]


@pytest.mark.slow
def test_a_failure_is_kept_and_the_others_still_run(project):
    """The command itself: exit status, log, outputs, summary and report."""
    notebook(project / "notebooks" / "0_bad.ipynb", "print('before')", "1 / 0", "print('after')")
    parameters = "print(dataset, bits, epochs, rate, quick)"
    surroundings = "import os; print(os.environ['IPYTHONDIR'], os.environ['MMHASH_HEADLESS'])"
    notebook(project / "notebooks" / "1_ok.ipynb", parameters, surroundings)
    command = [sys.executable, "-m", "mmhash_nb", "reproduce", "-p", "bits", "8,24"]
    command += ["-p", "rate", "1e-05", "-p", "quick", "false", "--workers", "1"]
    name = "bits=8+24,quick=false,rate=1e-05"
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ})
    assert done.returncode == 1, done.stderr
    out = project / "runs" / "notebooks"
    values, surroundings = printed(out / "1_ok" / f"{name}.ipynb").splitlines()
    assert values == "scenes [8, 24] 3 1e-05 False"
    assert "before" in printed(out / "0_bad" / f"{name}.ipynb")
    assert "after" not in printed(out / "0_bad" / f"{name}.ipynb")
    folder, is_headless = surroundings.split()
    assert is_headless == "1" and "mmhash-ipython-" in folder and not Path(folder).exists()
    log = (out / "1_ok" / f"{name}.log").read_text()
    assert "scenes [8, 24] 3 1e-05 False\n" in log and log in done.stdout
    begun = f"=== 0_bad/{name} bits=[8, 24]"
    for expected in (begun, "scenes [8, 24] 3 1e-05 False", "division by zero"):
        assert expected in done.stdout
    assert f"=== 0_bad/{name} failed: ZeroDivisionError: division by zero (" in done.stdout
    assert f"=== 1_ok/{name} done (" in done.stdout and ", 2 of 2)" in done.stdout
    bad, ok, report = done.stdout.splitlines()[-3:]
    assert bad.split(None, 2)[::2] == [f"0_bad/{name}", "ZeroDivisionError: division by zero"]
    assert ok.split()[::2] == [f"1_ok/{name}", "ok"]
    assert report.endswith("runs/report.md and report.html beside it")
    for name in ("report.md", "report.html"):
        assert "ZeroDivisionError: division by zero" in (project / "runs" / name).read_text()


def test_a_kernel_that_dies_is_a_failure_and_is_not_run_again(project):
    cell = "open('runs.txt', 'a').write('x'); import os; os._exit(3)"
    path = notebook(project / "notebooks" / "3_dead.ipynb", cell)
    outcome = headless.execute(path, project / "out.ipynb", {})
    assert "DeadKernelError" in outcome.error
    assert (project / "runs.txt").read_text() == "x"


@pytest.mark.parametrize(("exit_code", "starts"), [(138, headless.STARTS), (1, 1), (-9, 1), (0, 1)])
def test_only_a_kernel_that_never_answered_is_started_again(
    project, monkeypatch, exit_code, starts
):
    tried = []

    class NoKernel:
        """A process that ends before any cell ran."""

        def __init__(self, command, **settings):
            self.stdin = io.BytesIO()
            tried.append((command[-1], settings["env"]["IPYTHONDIR"]))

        def wait(self, timeout=None):
            return exit_code

        def terminate(self):
            pass

    monkeypatch.setattr(headless.subprocess, "Popen", NoKernel)
    path = project / "notebooks" / "1_ok.ipynb"
    outcome = headless.execute(path, project / "out.ipynb", {})
    assert outcome.error == ("" if exit_code == 0 else f"exit status {exit_code}")
    assert len(set(tried)) == len(tried) == starts  # an IPython folder each
    assert all(request == folder for request, folder in tried)


@pytest.mark.parametrize("sentence", ["", "\n", None])
def test_a_failure_without_a_sentence_is_one_all_the_same(project, monkeypatch, capsys, sentence):
    """As on a full disk, where the file of the sentence is made and stays empty."""
    ends = f"open(__import__('sys').argv[3] + '/{headless.ERROR}', 'w').write({sentence!r})"
    ends = f"{ends if sentence is not None else 0}; raise SystemExit(1)"
    popen = subprocess.Popen

    def without_words(command, **settings):
        return popen([sys.executable, "-c", ends, *command[1:]], **settings)

    monkeypatch.setattr(headless.subprocess, "Popen", without_words)
    assert cli.main(["reproduce"]) == 1
    assert "=== 1_ok failed: exit status 1 (" in capsys.readouterr().out
    (job,) = batch.from_grid([], {}, {}, project / "runs")
    assert job_records.done(job) is None


def test_a_kernel_that_ends_at_its_start_is_started_again(project, monkeypatch):
    """As one whose port was taken; the decision is that of the process that runs the notebook."""
    kernel = project / "kernels" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    ends = f"open({str(project / 'starts.txt')!r}, 'a').write('x')"
    argv = [sys.executable, "-c", ends, "{connection_file}"]
    spec = {"argv": argv, "display_name": "ends", "language": "python"}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(project / "kernels"))
    path = project / "notebooks" / "1_ok.ipynb"
    outcome = headless.execute(path, project / "out.ipynb", {})
    assert (project / "starts.txt").read_text() == "x" * headless.STARTS
    assert "RuntimeError: Kernel died" in outcome.error


def test_what_killed_runs_have_left_is_deleted_and_nothing_of_others(project, monkeypatch):
    monkeypatch.setattr(headless.tempfile, "tempdir", str(project / "tmp"))
    output = project / "rate=[1]-a.ipynb"
    names = [headless._prefix(output) + "x", headless._prefix(project / "b.ipynb") + "x"]
    for name in names:
        (project / "tmp" / name / "profile").mkdir(parents=True)
    stale = ".rate=[1]-a-abc_1234.part.json"
    others = [".rate=[1]-a-0123abcd-abc_1234.part.json", ".rate=1-a-abc_1234.part.json", "a.json"]
    for name in (stale, *others):
        (project / name).touch()
    headless.clear(output)
    assert [path.name for path in (project / "tmp").iterdir()] == names[1:]
    assert not (project / stale).exists() and all((project / name).exists() for name in others)


def test_out_is_where_notebooks_and_report_go(project, monkeypatch, capsys):
    ran = []

    def execute(path, output, parameters, **_):
        ran.append(output)
        return headless.Outcome(path.stem, 1.0)

    monkeypatch.setattr(workers, "execute", execute)
    out = project / "elsewhere"
    assert cli.main(["reproduce", "--out", str(out)]) == 0
    assert ran == [out / "notebooks" / "1_ok.ipynb"]
    assert "| 1_ok | 1 | ok |" in (out / "report.md").read_text()
    assert '<td class="good">ok</td>' in (out / "report.html").read_text()
    assert f"report: {out / 'report.md'}" in capsys.readouterr().out
    assert not (project / "runs").exists()
