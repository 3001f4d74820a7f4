"""The benchmarks run, check their own results, and write the table that the README quotes."""

import csv
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
