"""The benchmarks run, check their own results, and write the table that the README quotes."""

import csv
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize(
    ("script", "first", "rows"),
    [
        ("ranking.py", ("what", "common loop, mAP alone"), 5),
        ("search.py", ("index", "NumPy"), 6),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_benchmark_runs_and_writes_its_table(script, first, rows, tmp_path):
    path = tmp_path / "table.csv"
    sizes = [
        "--queries",
        "60",
        "--items",
        "2500",
        "--bits",
        "70",
        "--repeats",
        "1",
        "--sample",
        "9",
    ]
    done = subprocess.run(
        [sys.executable, FOLDER / script, *sizes, "--csv", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with open(path, newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert len(table) == rows and table[0][first[0]] == first[1]
    lines = done.stdout.splitlines()
    assert len(lines) == rows + 2
    assert lines[0] == "| " + " | ".join(table[0]) + " |"
    assert lines[2] == "| " + " | ".join(table[0].values()) + " |"


@pytest.fixture
def gist_benchmark(monkeypatch):
    spec = importlib.util.spec_from_file_location("gist_benchmark", FOLDER / "gist.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", ["gist.py", "48"])
    return module


def test_gist_benchmark_compares_its_loop_and_its_batch(gist_benchmark, capsys):
    gist_benchmark.main()
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        *("batched", "loop", "ratio")
    ]


@pytest.mark.parametrize("wrong", [0.0011, -0.0011, float("nan")])
def test_gist_benchmark_refuses_results_that_differ(gist_benchmark, monkeypatch, wrong):
    loop = gist_benchmark.loop

    def off(images):
        described = loop(images)
        described[-1, 200] += wrong
        return described

    monkeypatch.setattr(gist_benchmark, "loop", off)
    with pytest.raises(AssertionError, match="the loop and the batch differ by"):
        gist_benchmark.main()
