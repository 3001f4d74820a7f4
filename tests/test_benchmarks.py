"""The benchmarks run, check their own results, and write the table that the README quotes."""

import csv
import importlib.util
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch

from mmhash_nb import hashers
from mmhash_nb.codes import HammingIndex, HashCodes, IndexKind
from mmhash_nb.hashers.shallow import ShallowHasher
from mmhash_nb.shards import write_shards

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


def test_decoding_benchmark_checks_and_writes_its_table(tmp_path):
    path = tmp_path / "table.csv"
    sizes = ["--images", "9", "--sizes", "16", "40", "--repeats", "1"]
    done = subprocess.run(
        [sys.executable, FOLDER / "decoding.py", *sizes, "--csv", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    table = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert [row["side in pixels"] for row in table] == ["16", "40"]
    assert all(float(row["ratio"]) > 0 for row in table)


@pytest.fixture
def training_benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("training_benchmark", FOLDER / "training.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_training_benchmark_writes_both_tables(training_benchmark, tmp_path, capsys):
    paths = [tmp_path / f"{name}.csv" for name in ("training", "triplet")]
    training_benchmark.main(
        [
            *("--backbone", "small", "mobilenet_v2", "--size", "16", "--batch", "6"),
            *("--text-hidden", "10", "--bits", "8", "--repeats", "1", "--triplets", "5", "9"),
            *("--device", "cpu", "--precision", "bfloat16"),
            *("--csv", str(paths[0]), "--triplet-csv", str(paths[1])),
        ]
    )
    tables = [list(csv.DictReader(path.read_text("utf-8").splitlines())) for path in paths]
    printed = [part.splitlines() for part in capsys.readouterr().out.split("\n\n")]
    for table, lines in zip(tables, printed, strict=True):
        assert lines[0] == "| " + " | ".join(table[0]) + " |"
        assert lines[2:] == ["| " + " | ".join(row.values()) + " |" for row in table]
    methods = ["concat", "MAH", "MAH without kernel", "MAH without attention"]
    methods += ["AADAH", "AADAH without masks"]
    assert [row["what"] for row in tables[0]] == 2 * ["bare backbone", *methods]
    assert [row["backbone"] for row in tables[0]] == 7 * ["small"] + 7 * ["mobilenet_v2"]
    assert tables[0][0]["% of the bare backbone"] == "100.0"
    assert [row["batch"] for row in tables[1]] == ["5", "9"]


def test_four_batches_of_one_player_and_one_of_the_other_count_as_four(
    training_benchmark, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        training_benchmark, "in_turn", lambda calls, *_: {name: np.ones(1) for name in calls}
    )
    path = tmp_path / "training.csv"
    sizes = ["--size", "16", "--batch", "6", "--text-hidden", "10", "--repeats", "1"]
    training_benchmark.main([*sizes, "--methods", "AADAH", "--triplets", "--csv", str(path)])
    table = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert [row["what"] for row in table] == ["bare backbone", "AADAH"]
    assert [float(row["images a second"]) for row in table] == [6, 24]  # in a second a call


def test_memory_of_the_triplet_losses_grows_with_the_square_and_the_cube(training_benchmark):
    labels = training_benchmark.random_labels(np.random.default_rng(0), 80)
    similarity = (labels @ labels.T).long()
    peaks = {}
    for loss in (training_benchmark.triplet_ranking_loss, training_benchmark.cubic_triplet_loss):
        for n in (40, 80):
            x = torch.rand(n, 8, requires_grad=True)
            with training_benchmark.PeakMemory() as memory:
                loss(x, similarity[:n, :n], 1.0).backward()
            peaks[loss.__name__, n] = memory.peak
    # At least the float32 costs of all triplets.
    assert 4 * 80**3 <= peaks["cubic_triplet_loss", 80] < 24 * 80**3
    assert 7 < peaks["cubic_triplet_loss", 80] / peaks["cubic_triplet_loss", 40] < 8.5
    assert 3.5 < peaks["triplet_ranking_loss", 80] / peaks["triplet_ranking_loss", 40] < 4.5


def test_training_benchmark_refuses_losses_that_differ(training_benchmark, monkeypatch, tmp_path):
    cubic = training_benchmark.cubic_triplet_loss
    monkeypatch.setattr(training_benchmark, "cubic_triplet_loss", lambda *x: 1.01 * cubic(*x))
    arguments = ["--size", "16", "--batch", "4", "--text-hidden", "4", "--repeats", "1"]
    arguments += ["--device", "cpu", "--csv", str(tmp_path / "table.csv")]
    with pytest.raises(AssertionError, match="the two triplet losses of 9 samples disagree"):
        training_benchmark.main([*arguments, "--triplets", "9"])


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


def test_shallow_benchmark_times_every_shallow_cross_modal_method(tmp_path):
    path = tmp_path / "table.csv"
    sizes = ["--pairs", "300", "--dimensions", "20", "--bits", "8", "--csv", path]
    done = subprocess.run(
        [sys.executable, FOLDER / "shallow.py", *sizes], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with open(path, newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    shallow = {
        name for name in hashers.names() if issubclass(hashers.method_class(name), ShallowHasher)
    }
    assert {row["method"] for row in table} == shallow and len(table) == len(shallow)
    assert all(float(row["times two ridge regressions"]) > 0 for row in table)


def test_explorer_benchmark_moves_every_control(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("explorer_benchmark", FOLDER / "explorer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    path = tmp_path / "table.csv"
    module.main(["--items", "300", "--bits", "20", "--moves", "2", "--csv", str(path)])
    table = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    moved = ["query", "radius", "results", "only mistakes", "bits, first"]
    assert [row["move"] for row in table] == [*moved, "query, 20 results", "query, two methods"]
    assert all(float(row["ms, slowest"]) > 0 for row in table)


def tables(printed):
    """The Markdown tables in what a benchmark printed, without the row under the header."""
    lines = [line[2:-2].split(" | ") for line in printed.splitlines() if line.startswith("| ")]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    here = ThreadPoolExecutor  # no fresh process for each row: starting one takes seconds

    def load(name):
        spec = importlib.util.spec_from_file_location(f"{name}_benchmark", FOLDER / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if hasattr(module, "fresh_processes"):
            monkeypatch.setattr(module, "fresh_processes", lambda: here(1))
        return module

    return load


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_scaling_benchmark_counts_shards_made_up_and_from_files(benchmark, tmp_path, capsys):
    scaling = benchmark("scaling")
    path = tmp_path / "table.csv"
    arguments = ["--millions", "0.002", "0.01", "--shard", "2000", "--queries", "3", "5"]
    scaling.main([*arguments, "--csv", str(path)])
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert rows == tables(capsys.readouterr().out)
    assert [(r["shards"], r["million codes"], r["queries"]) for r in rows] == [
        (shards, size, n)
        for n in "35"
        for size in ("0.002", "0.01")
        for shards in ("made up", "files")
    ]
    assert [bool(row["seconds to make the shards"]) for row in rows] == [True, False] * 4
    for row in rows:
        seconds, on_4 = (float(row[c]) for c in ("seconds", "seconds on 4 machines"))
        share = 1 if row["million codes"] == "0.002" else 2 / 5  # of five shards, one has two
        assert on_4 == pytest.approx(share * seconds, abs=0.011)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_scaling_benchmark_refuses_files_that_differ(benchmark, monkeypatch, tmp_path):
    scaling = benchmark("scaling")
    made_up = scaling.made_up

    def otherwise(folder, shards):
        return write_shards(folder, (made_up(len(codes), 9, 9) for codes, _ in shards))

    monkeypatch.setattr(scaling, "write_shards", otherwise)
    with pytest.raises(AssertionError, match="files are counted otherwise than made up"):
        scaling.main(
            ["--millions", "0.002", "--shard", "1000", "--csv", str(tmp_path / "table.csv")]
        )


def test_approximate_benchmark_draws_a_curve_for_each_kind(benchmark, tmp_path, capsys):
    path = tmp_path / "table.csv"
    sizes = ["--items", "900", "2500", "--hnsw-items", "1000", "--queries", "9", "--k", "5"]
    benchmark("approximate").main([*sizes, "--repeats", "1", "--csv", str(path)])
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert rows == tables(capsys.readouterr().out)
    assert {r["index"] for r in rows if r["items"] == "900"} == set(get_args(IndexKind))
    assert [r["seconds to build"] for r in rows if r["index"] == "hnsw"][-1] == "not built"
    assert [r["recall"] for r in rows if r["index"] == "flat"] == ["1.000"] * 2
    for items in ("900", "2500"):
        found = [float(r["recall"]) for r in rows if (r["index"], r["items"]) == ("ivf", items)]
        assert len(found) > 1 and found == sorted(found) and found[-1] > 0.8


def test_codes_of_the_approximate_benchmark_lie_in_clusters(benchmark):
    codes = benchmark("approximate").clustered_codes(4000, 0)
    distances = HammingIndex(codes).search(codes[:50], 100)[0]
    uniform = HashCodes(np.random.default_rng(0).integers(0, 256, (4000, 8), np.uint8), 64)
    assert distances[:, -1].mean() < HammingIndex(uniform).search(uniform[:50], 2)[0][:, -1].mean()
