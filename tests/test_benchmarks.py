"""The benchmarks run, check their own results, and write the table that the README quotes."""

import dataclasses
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import benchmark_cases
import numpy as np
import pytest
import torch
from benchmark_cases import FOLDER, table

from mmhash_nb import hashers
from mmhash_nb.codes import HammingIndex, HashCodes, IndexKind
from mmhash_nb.hashers.shallow import ShallowHasher
from mmhash_nb.shards import write_shards


@pytest.fixture
def benchmark(monkeypatch):
    """A program as a module; each row is measured here, since starting a process takes seconds."""

    def load(name):
        module = benchmark_cases.load(name)
        if hasattr(module, "fresh_processes"):
            monkeypatch.setattr(module, "fresh_processes", lambda: ThreadPoolExecutor(1))
        return module

    return load


def run_script(script, *arguments):
    """What a program prints that ends well."""
    command = [sys.executable, FOLDER / script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


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
    sizes = ["--queries", "60", "--items", "2500", "--bits", "70", "--repeats", "1"]
    lines = run_script(script, *sizes, "--sample", "9", "--csv", path).splitlines()
    found = table(path)
    assert len(found) == rows and found[0][first[0]] == first[1]
    assert len(lines) == rows + 2
    assert lines[0] == "| " + " | ".join(found[0]) + " |"
    assert lines[2] == "| " + " | ".join(found[0].values()) + " |"


def test_decoding_benchmark_checks_and_writes_its_table(tmp_path):
    path = tmp_path / "table.csv"
    sizes = ["--images", "9", "--sizes", "16", "40", "--repeats", "1"]
    run_script("decoding.py", *sizes, "--csv", path)
    found = table(path)
    assert [row["side in pixels"] for row in found] == ["16", "40"]
    assert all(float(row["ratio"]) > 0 for row in found)


@pytest.fixture
def training_benchmark(benchmark):
    return benchmark("training")


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
    tables = [table(path) for path in paths]
    printed = [part.splitlines() for part in capsys.readouterr().out.split("\n\n")]
    for found, lines in zip(tables, printed, strict=True):
        assert lines[0] == "| " + " | ".join(found[0]) + " |"
        assert lines[2:] == ["| " + " | ".join(row.values()) + " |" for row in found]
    methods = ["concat", "MAH", "MAH without kernel", "MAH without attention"]
    methods += ["AADAH", "AADAH without masks"]
    assert [row["what"] for row in tables[0]] == 2 * ["bare backbone", *methods]
    assert [row["backbone"] for row in tables[0]] == 7 * ["small"] + 7 * ["mobilenet_v2"]
    assert tables[0][0]["% of the bare backbone"] == "100.0"
    assert [row["batch"] for row in tables[1]] == ["5", "9"]


def test_four_steps_of_hashing_and_one_of_the_adversary_count_as_four(
    training_benchmark, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        training_benchmark, "in_turn", lambda calls, *_: {name: np.ones(1) for name in calls}
    )
    path = tmp_path / "training.csv"
    sizes = ["--size", "16", "--batch", "6", "--text-hidden", "10", "--repeats", "1"]
    training_benchmark.main([*sizes, "--methods", "AADAH", "--triplets", "--csv", str(path)])
    found = table(path)
    assert [row["what"] for row in found] == ["bare backbone", "AADAH"]
    assert [float(row["images a second"]) for row in found] == [6, 24]  # in a second a call


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
def gist_benchmark(benchmark, monkeypatch):
    module = benchmark("gist")
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
    run_script("shallow.py", *sizes)
    found = table(path)
    shallow = {
        name for name in hashers.names() if issubclass(hashers.method_class(name), ShallowHasher)
    }
    assert {row["method"] for row in found} == shallow and len(found) == len(shallow)
    assert all(float(row["times two ridge regressions"]) > 0 for row in found)


def test_explorer_benchmark_moves_every_control(benchmark, tmp_path):
    path = tmp_path / "table.csv"
    sizes = ["--items", "300", "--bits", "20", "--moves", "2", "--csv", str(path)]
    benchmark("explorer").main(sizes)
    found = table(path)
    moved = ["query", "radius", "results", "only mistakes", "bits, first"]
    assert [row["move"] for row in found] == [*moved, "query, 20 results", "query, two methods"]
    assert all(float(row["ms, slowest"]) > 0 for row in found)


def tables(printed):
    """The Markdown tables in what a benchmark printed, without the row under the header."""
    lines = [line[2:-2].split(" | ") for line in printed.splitlines() if line.startswith("| ")]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_scaling_benchmark_counts_shards_made_up_and_from_files(benchmark, tmp_path, capsys):
    scaling = benchmark("scaling")
    path = tmp_path / "table.csv"
    arguments = ["--millions", "0.002", "0.01", "--shard", "2000", "--queries", "3", "5"]
    scaling.main([*arguments, "--csv", str(path)])
    rows = table(path)
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
    rows = table(path)
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


SMALL_GPU = [
    *("--backbone", "small", "--size", "16", "--batch", "6", "--images", "12", "--epochs", "2"),
    *("--text-hidden", "10", "--queries", "5", "--items", "70", "--copied", "1000"),
    *("--repeats", "1", "--steps", "1", "--methods", "dth", "cmdvh"),
    *("--agreeing", "mah", "--notebooks"),
]


def measured(gpu, arguments, monkeypatch, status=0):
    """The table of the GPU benchmark, whose card is the CPU."""
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: True)
    measure, rows = gpu.measure, []

    def on_cpu(_, given):
        rows.extend(measure(torch.device("cpu"), given))
        return rows

    monkeypatch.setattr(gpu, "measure", on_cpu)
    fits = gpu.Hasher.fit

    def fit(method, *given):
        with monkeypatch.context() as patch:  # the optimisers would look for the card
            patch.setattr(gpu.torch.cuda, "is_available", lambda: False)
            return fits(method, *given)

    monkeypatch.setattr(gpu.Hasher, "fit", fit)
    assert gpu.main(arguments) == status
    return rows


def test_gpu_benchmark_measures_every_part_but_notebooks_without_any(
    benchmark, tmp_path, monkeypatch
):
    gpu, path = benchmark("gpu"), tmp_path / "gpu.csv"
    rows = measured(gpu, [*SMALL_GPU, "--csv", str(path)], monkeypatch)
    found = table(path)
    assert [row["what"] for row in found] == [row["what"] for row in rows]
    assert [(row["part"], row["what"]) for row in found] == [
        *(("training", what) for what in ("bare small", "dth", "cmdvh")),
        *2 * [("ranking", "5 × 70 × 64 bits, on cpu")],
        *(
            ("agreement", f"mah, {how}")
            for how in ("losses", "trained", "encoding", "encoding in bfloat16")
        ),
    ]
    # So few samples take less time than it varies by: their speed may be of either sign.
    assert all(np.isfinite(float(row["measured"])) and row["card"] for row in found)
    assert all(float(row["measured"]) > 0 for row in (found[0], *found[3:5], *found[6:]))
    assert found[5]["measured"] == "0"
    assert found[0]["% of the limit"] == "100.0"
    assert {row["measured"] for row in found[-3:-1]} == {"1"}  # a device agrees with itself
    assert 0.9 < float(found[-1]["measured"]) < 1


def test_gpu_benchmark_goes_on_after_a_method_that_fails(benchmark, tmp_path, monkeypatch):
    gpu = benchmark("gpu")
    speed, agree = gpu.images_per_second, gpu.agreement

    def broken(name, *given):
        if name in ("dth", "mah"):
            raise RuntimeError("out of\nmemory")
        return (speed if given[1:] else agree)(name, *given)

    monkeypatch.setattr(gpu, "images_per_second", broken)
    monkeypatch.setattr(gpu, "agreement", broken)
    arguments = [*SMALL_GPU, "--agreeing", "mah", "mmnn_l1", "--csv", str(tmp_path / "gpu.csv")]
    arguments += ["--parts", "training", "agreement"]
    rows = measured(gpu, arguments, monkeypatch, status=1)
    assert [row["what"] for row in rows] == [
        *("bare small", "dth: failed (out of memory)", "cmdvh", "mah: failed (out of memory)"),
        *("mmnn_l1, trained", "mmnn_l1, encoding"),
    ]


def test_gpu_benchmark_without_a_gpu_says_so(benchmark, tmp_path, monkeypatch, capsys):
    gpu = benchmark("gpu")
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: False)
    path = tmp_path / "gpu.csv"
    assert gpu.main(["--csv", str(path)]) == 2 and not path.exists()
    out, err = capsys.readouterr()
    assert (out, err) == ("", "PyTorch sees no CUDA device here, and this measures one.\n")


def test_speed_is_that_of_the_epochs_alone(benchmark, monkeypatch):
    """A fit of 5 seconds, and 2 more for every pass over the samples."""
    gpu, clock = benchmark("gpu"), [0.0]

    class Fitted:
        def __init__(self, epochs, rounds):
            self.state = {"loss": np.zeros((epochs, 2)), "history": np.zeros((rounds, 4))}

        def fit(self, pairs):
            clock[0] += 5 + 2 * sum(map(len, self.state.values()))

    monkeypatch.setattr(gpu.time, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(
        gpu, "create", lambda name, device, epochs, rounds, **_: Fitted(epochs, rounds)
    )
    pairs = gpu.random_pairs(10, 4)
    speed = gpu.images_per_second("cmdvh", pairs, torch.device("cpu"), 3, {})
    assert speed == pytest.approx(10 / 2)


def test_gpu_benchmark_sees_values_that_differ(benchmark, monkeypatch):
    gpu, places = benchmark("gpu"), iter(["cpu", "meta", "meta", "meta"])
    create = gpu.create

    def otherwise(name, device, **options):
        method = create(name, device, **options)
        method.seed = int(next(places) == "meta")  # another start on the device
        return method

    monkeypatch.setattr(gpu, "create", otherwise)
    losses, trained, encoded, bits = gpu.agreement("dth", torch.device("cpu"))
    assert losses > 0.001 and trained < 0.5 and encoded == 1 and bits > 0.9


def test_gpu_benchmark_refuses_counts_that_differ(benchmark, monkeypatch, tmp_path):
    gpu, calls = benchmark("gpu"), []

    def otherwise(*sides):
        calls.append(sides[-1])
        found = gpu_rank(*sides)
        found.counts[0, 0, 0] += len(calls)
        return found

    gpu_rank = gpu.rank_profile
    monkeypatch.setattr(gpu, "rank_profile", otherwise)
    arguments = [*SMALL_GPU, "--parts", "ranking", "--csv", str(tmp_path / "gpu.csv")]
    with pytest.raises(AssertionError, match="cpu counts otherwise than the CPU"):
        measured(gpu, arguments, monkeypatch)


def test_gpu_benchmark_runs_a_papers_notebook_on_its_largest_pictures(
    benchmark, monkeypatch, tmp_path
):
    gpu, asked, root = benchmark("gpu"), [], tmp_path / "data"
    sizes = {"wiki": 90, "flickr8k": 30, "flipkart": 40, "cifar10": 99, "mirflickr25k": 98}
    there = gpu.datasets.available(root)
    there["present"] = there.name.isin([*sizes, "scenes"])
    there.loc[there.name != "scenes", "where"] = "somewhere"
    monkeypatch.setattr(gpu.datasets, "available", lambda _: there)

    def load(name, _, **views):
        if name == "mirflickr25k":
            raise FileNotFoundError(f"{name} has no im1.jpg")
        pairs = gpu.random_pairs(sizes[name], 4)
        return pairs if name != "wiki" else vectors(pairs)

    monkeypatch.setattr(gpu.datasets, "load", load)
    ends = iter([0, "failed with 1", "stopped: the time is up"])
    monkeypatch.setattr(gpu, "call", lambda *given: asked.append(given) or next(ends))
    arguments = [*SMALL_GPU, *gpu.NOTEBOOKS, "--parts", "notebooks"]
    arguments += ["-p", "2_liong2017_cmdvh", "bits", "[16]"]
    arguments += ["--minutes", "2", "--data", str(root), "--csv", str(tmp_path / "gpu.csv")]
    rows = measured(gpu, arguments, monkeypatch, status=1)
    assert [row["what"] for row in rows] == [
        "2_liong2017_cmdvh on flipkart, 40 pairs",
        "3_zhang2018_aadah on flipkart, 40 pairs, failed with 1",
        "4_zeng2022_modal_aware on flipkart, 40 pairs, stopped: the time is up",
    ]
    command, seconds = asked[0]
    assert command[:3] == ["reproduce", "--notebook", "2_liong2017_cmdvh"] and 100 < seconds <= 120
    given = dict(zip(command[4::3], command[5::3], strict=True))
    assert given == {
        **{"dataset": "flipkart", "scale": "paper", "bits": "[16]", "seeds": "[0]"},
        "root": str(root),
    }
    assert "[32]" in asked[1][0]
    with pytest.raises(SystemExit):
        gpu.main([*arguments, "-p", "5_side_by_side", "bits", "[16]"])


def vectors(pairs):
    images = pairs.images.reshape(len(pairs), -1).astype(np.float32)
    return dataclasses.replace(pairs, images=images)


def test_gpu_benchmark_has_no_set_where_none_is_at_hand(benchmark, tmp_path):
    gpu = benchmark("gpu")
    assert gpu.largest("4_zeng2022_modal_aware", tmp_path) == ("", 0)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for Python")
@pytest.mark.parametrize(
    ("does", "seconds", "ended"),
    [
        ('[ "$*" = "-m mmhash_nb reproduce" ]', 60, 0),
        ("exit 3", 60, "failed with 3"),
        ("exit 3", 0.0, "not begun: the time is up"),
        ("sleep 60 & wait", 0.5, "stopped: the time is up"),
    ],
)
def test_gpu_benchmark_says_how_a_notebook_ended(
    benchmark, monkeypatch, tmp_path, does, seconds, ended
):
    gpu, python, kept = benchmark("gpu"), tmp_path / "python", tmp_path / "kept"
    python.write_text(f"#!/bin/sh\ntrap 'echo > {kept}; kill $!; exit 130' INT\n{does}\n")
    python.chmod(0o755)
    monkeypatch.setattr(gpu.sys, "executable", str(python))
    # A process in the background is started with the signal ignored, and so are its children.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert gpu.call(["reproduce"], seconds) == ended
    finally:
        signal.signal(signal.SIGINT, before)
    assert kept.exists() == str(ended).startswith("stopped")
