"""Runs: trained once, found again, evaluated anew when only the metrics changed, whole on disk."""

import dataclasses
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from pretend import pretended_gpu

from mmhash_nb import hashers
from mmhash_nb.experiments import evaluation, runs
from mmhash_nb.experiments.collapse import signs
from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.protocol_runs import run_protocol
from mmhash_nb.experiments.provenance import method_hash, source_hash
from mmhash_nb.experiments.records import COLUMNS, COUNTS, checked, read, write
from mmhash_nb.experiments.summaries import over_queries
from mmhash_nb.hashers.mmnn import MMNN
from mmhash_nb.hashers.nnhash import NNHash
from mmhash_nb.metrics import (
    acg,
    mean_average_precision,
    ndcg,
    precision_at,
    precision_recall_ranked,
)
from mmhash_nb.ranking import rank_profile
from mmhash_nb.results import frame, run
from mmhash_nb.training import loop as training
from mmhash_nb.training.devices import resolve_device

QUICK = {"epochs": 2, "batch_size": 40}


def once(pairs, root, method="mmnn_l1", bits=12, seed=0, **options):
    return run("masci2014", method, pairs, bits, seed, {**QUICK, **options}, root=root)


@pytest.fixture
def fits(monkeypatch):
    """How many times a method was fitted."""
    counted = []
    original = hashers.Method.fit

    def fit(self, *arguments):
        counted.append(self.name)
        return original(self, *arguments)

    monkeypatch.setattr(hashers.Method, "fit", fit)
    return counted


def test_a_finished_run_is_found_and_anything_else_trains(two_views, tmp_path, fits):
    first = once(two_views, tmp_path)
    again = once(two_views, tmp_path)
    assert again.record == first.record and fits == ["mmnn_l1"]
    once(two_views, tmp_path, seed=1)
    once(two_views, tmp_path, bits=13)
    once(two_views, tmp_path, hidden=3)
    moved = dataclasses.replace(two_views, train=two_views.train[1:])
    once(moved, tmp_path)
    assert len(fits) == 5
    assert len(list(tmp_path.glob("*/record.json"))) == 5


def test_of_two_that_want_the_same_run_at_once_one_trains_and_the_other_waits(
    two_views, tmp_path, fits, monkeypatch
):
    counted = hashers.Method.fit
    training_now, other_asks = threading.Event(), threading.Event()

    def slow(self, *arguments):
        training_now.set()
        assert other_asks.wait(10)
        return counted(self, *arguments)

    monkeypatch.setattr(hashers.Method, "fit", slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(once, two_views, tmp_path)
        assert training_now.wait(10)
        second = pool.submit(once, two_views, tmp_path)
        time.sleep(0.5)
        other_asks.set()
        assert first.result().record == second.result().record
    assert fits == ["mmnn_l1"]


def test_a_protocol_trains_others_while_another_process_trains_one_of_its_runs(
    two_views, tmp_path, fits, monkeypatch
):
    counted = hashers.Method.fit
    training_now, other_trained = threading.Event(), threading.Event()

    def fit(self, *arguments):
        if self.name == "mmnn_l1" and self.seed == 0:
            training_now.set()
            assert other_trained.wait(20)
        return counted(self, *arguments)

    monkeypatch.setattr(hashers.Method, "fit", fit)
    protocol = Protocol("clusters", [(["mmnn_l1"], [12])], [0, 1], {}, {"mmnn_l1": QUICK})
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(once, two_views, tmp_path)
        assert training_now.wait(10)
        both = pool.submit(run_protocol, "masci2014", protocol, two_views, root=tmp_path)
        for _ in range(100):
            if "mmnn_l1" in fits:  # with seed 1
                break
            time.sleep(0.1)
        assert "mmnn_l1" in fits and not first.done()
        other_trained.set()
        assert [r.key for r in both.result()] == [(m, b, s) for m, b, s, _ in protocol.runs()]
        assert both.result()[0].record == first.result().record
    assert fits.count("mmnn_l1") == 2


def test_changed_metrics_evaluate_anew_without_training(two_views, tmp_path, fits, monkeypatch):
    first = once(two_views, tmp_path)
    path = first.folder / "record.json"
    record = json.loads(path.read_text())
    record["evaluator"] = "an older one"
    record["metrics"] = {"image-text": {"mAP": 0.0}}
    path.write_text(json.dumps(record))
    again = once(two_views, tmp_path)
    assert again.metrics == first.metrics and len(fits) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"metrics": {}}', b"[]"])
def test_a_truncated_record_is_not_taken_for_a_finished_run(two_views, tmp_path, fits, content):
    first = once(two_views, tmp_path)
    (first.folder / "record.json").write_bytes(content)
    assert once(two_views, tmp_path).metrics == first.metrics and len(fits) == 2


@pytest.mark.parametrize(
    ("name", "trainings"),
    [("codes.npz", 1), ("method/state.safetensors", 2), ("method/method.json", 2)],
)
@pytest.mark.parametrize("left", [0, 30, None])
def test_a_truncated_file_of_a_finished_run_is_made_again(
    two_views, tmp_path, fits, name, trainings, left
):
    first = once(two_views, tmp_path)
    codes, path = first.codes(), first.folder / name
    content = path.read_bytes()
    path.unlink() if left is None else path.write_bytes(content[:left])
    again = once(two_views, tmp_path)
    assert again.codes() == codes and again.metrics == first.metrics
    assert len(fits) == trainings
    assert again.method().encode(two_views, "image") == codes["image"]


def test_metrics_are_those_of_the_saved_codes(noisy_views, tmp_path):
    done = once(noisy_views, tmp_path)
    codes, labels = done.codes(), noisy_views.labels
    q, d = noisy_views.query, noisy_views.database
    assert set(done.metrics) == {"image-image", "image-text", "text-image", "text-text"}
    for task, found in done.metrics.items():
        query, answers = task.split("-")
        profile = rank_profile(codes[query][q], codes[answers][d], labels[q], labels[d])
        at_recall = precision_recall_ranked(profile, np.array(levels := [0.2, 0.4, 0.6, 0.8]))
        assert found == signs(codes, noisy_views, query, answers) | {
            "mAP": mean_average_precision(profile),
            "mAP_best": mean_average_precision(profile, ties="best"),
            "mAP_worst": mean_average_precision(profile, ties="worst"),
            "mAP@10": mean_average_precision(profile, 10, "retrieved"),
            "mAP@100": mean_average_precision(profile, 100, "retrieved"),
            "mAP@500": mean_average_precision(profile, 500, "retrieved"),
            "NDCG@100": ndcg(profile, min(100, len(d))).mean(),
            "ACG@100": acg(profile, min(100, len(d))).mean(),
            **{f"P@{n}": precision_at(profile, min(n, len(d))).mean() for n in (50, 100, 200, 500)},
            **dict(zip((f"P@recall={r}" for r in levels), at_recall, strict=True)),
        }
        assert found["mAP_worst"] < found["mAP"] < found["mAP_best"] < 1
        assert found["mAP@10"] not in (found["mAP"], mean_average_precision(profile, 10))
    assert len({metrics["mAP"] for metrics in done.metrics.values()}) == 4  # none stands for two
    for modality in ("image", "text"):
        assert done.method().encode(noisy_views, modality) == codes[modality]


@pytest.mark.parametrize(
    ("name", "directions"),
    [
        ("raw", ["image-image", "text-text"]),
        ("cm", ["image-image", "image-text", "text-image", "text-text"]),
    ],
)
def test_embedders_score_by_brute_force_over_distances(
    noisy_views, tmp_path, monkeypatch, name, directions
):
    monkeypatch.setattr(evaluation, "_CHUNK", 7)  # several chunks, the last one short
    done = run("masci2014", name, noisy_views, 6, root=tmp_path)
    assert sorted(done.metrics) == directions
    q, d = noisy_views.query, noisy_views.database
    for task, found in done.metrics.items():
        query, answers = (done.method().embed(noisy_views, m) for m in task.split("-"))
        whole, at_ten = [], []
        for item in q:
            order = np.argsort(((answers[d] - query[item]) ** 2).sum(1))
            relevant = (noisy_views.labels[d[order]] & noisy_views.labels[item]).any(1)
            precision = np.cumsum(relevant) / np.arange(1, len(relevant) + 1)
            whole.append(precision[relevant].mean())
            first = precision[:10][relevant[:10]]
            at_ten.append(first.mean() if len(first) else 0.0)
        expected = {"mAP": np.mean(whole), "mAP@10": np.mean(at_ten)}
        assert found == pytest.approx(expected, abs=1e-6), task


def test_codes_are_compared_on_the_device_of_the_run(two_views, tmp_path, monkeypatch):
    """The pretended GPU counts; what it counts is what the CPU does."""
    expected = run("zhang2018", "scm", two_views, 12, root=tmp_path / "cpu", device="cpu")
    used, counting = [], evaluation.rank_profile

    def on_gpu(*given):
        used.append(given[-1])
        with pretended_gpu(), monkeypatch.context() as patch:
            patch.setattr(torch.cuda, "is_available", lambda: True)
            return counting(*given)

    monkeypatch.setattr(evaluation, "rank_profile", on_gpu)
    monkeypatch.setattr(runs, "resolve_device", torch.device)
    done = run("zhang2018", "scm", two_views, 12, root=tmp_path / "gpu", device="cuda:1")
    assert used == ["cuda:1"] * 4 and done.metrics == expected.metrics
    assert done.record["device"] == "cuda"


def test_unimodal_codes_are_not_compared_across_modalities(two_views, tmp_path):
    assert set(once(two_views, tmp_path, "nnhash_l1").metrics) == {"image-image", "text-text"}
    assert evaluation.tasks(["image", "text", "joint"], True)[-1] == ("joint", "joint")


def test_unified_codes_are_a_database_for_either_modality(noisy_views, tmp_path):
    done = run("liong2017", "cmfh", noisy_views, 12, root=tmp_path)
    assert set(done.metrics) == {
        *("image-image", "image-text", "text-image", "text-text", "image-unified", "text-unified")
    }
    codes, labels = done.codes(), noisy_views.labels
    q, d = noisy_views.query, noisy_views.database
    assert codes["unified"] == done.method().database_codes(noisy_views)
    profile = rank_profile(codes["text"][q], codes["unified"][d], labels[q], labels[d])
    assert done.metrics["text-unified"]["mAP"] == mean_average_precision(profile)


@pytest.mark.parametrize(
    ("name", "network", "stop", "left"),
    # Two steps an epoch. NN hash has finished its images and is in the third epoch of its texts.
    [("mmnn_l1", MMNN, 6, 4), ("nnhash_l1", NNHash, 14, 4)],
)
def test_an_interrupted_run_goes_on_from_its_checkpoint(
    two_views, tmp_path, monkeypatch, name, network, stop, left
):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)  # a checkpoint after every epoch
    settings = {"epochs": 4, "optimiser": "adam", "learning_rate": 0.01}
    original, steps = network.objective, []

    def objective(self, *arguments):
        steps.append(1)
        if len(steps) == stop:
            raise KeyboardInterrupt
        return original(self, *arguments)

    monkeypatch.setattr(network, "objective", objective)
    cut, straight = tmp_path / "cut", tmp_path / "straight"
    with pytest.raises(KeyboardInterrupt):
        once(two_views, cut, name, **settings)
    assert list(cut.glob("*/checkpoint/**/training.safetensors"))
    assert not list(cut.glob("*/record.json"))
    stop = None
    steps.clear()
    resumed = once(two_views, cut, name, **settings)
    assert len(steps) == left
    assert sorted(p.name for p in resumed.folder.iterdir()) == [
        *("codes.npz", "method", "record.json")
    ]
    expected = once(two_views, straight, name, **settings)
    assert resumed.codes() == expected.codes() and resumed.metrics == expected.metrics
    states = resumed.method().state, expected.method().state
    assert all(np.array_equal(states[0][key], states[1][key]) for key in states[1])


def test_an_absent_cuda_is_one_sentence_and_no_record(two_views, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    sentence = "PyTorch sees no CUDA device here for device='cuda': use 'cpu'."
    with pytest.raises(RuntimeError, match=f"^{sentence}$"):
        hashers.create("mmnn_l1", 8, device="cuda").fit(two_views)
    with pytest.raises(RuntimeError, match=f"^{sentence}$"):
        run("masci2014", "mmnn_l1", two_views, 8, 0, QUICK, device="cuda", root=tmp_path)
    assert not list(tmp_path.rglob("*.json"))


def test_a_record_says_what_was_run_on_what_and_how_long_it_took(two_views, tmp_path):
    record = json.loads((once(two_views, tmp_path, seed=3).folder / "record.json").read_text())
    assert set(record) == {
        *("configuration", "source", "splits", "metrics", "evaluator", "environment", "device"),
        *("seconds_fit", "seconds_encode", "peak_memory_bytes"),
    }
    configuration = record["configuration"]
    assert configuration.pop("code") == method_hash(MMNN)
    assert configuration == {
        **{"method": "mmnn_l1", "dataset": "clusters", "data": two_views.fingerprint},
        **{"bits": 12, "seed": 3},
        "options": {**MMNN.defaults, **QUICK, "layers": 1, "alpha": 0.5},
    }
    assert record["splits"] == {"query": 30, "database": 130, "train": 80}
    assert record["source"] == two_views.source
    assert record["device"] == resolve_device("auto").type
    assert record["evaluator"] == source_hash(evaluation)
    assert record["seconds_encode"] > 0 and record["seconds_fit"] > 0
    assert 50e6 < record["peak_memory_bytes"] < 50e9  # this process, in bytes
    environment = record["environment"]
    assert set(environment) == {
        *("mmhash_nb", "commit", "python", "numpy", "torch", "machine", "gpu")
    }
    assert environment["torch"] == torch.__version__ and environment["numpy"] == np.__version__
    assert all(environment.values())


def test_frame_is_a_valid_long_table(two_views, tmp_path):
    table = checked(frame([once(two_views, tmp_path), once(two_views, tmp_path, seed=1)]))
    assert list(table.columns) == [*COLUMNS, *COUNTS]
    assert table[COUNTS].drop_duplicates().values.tolist() == [[len(two_views.query), 0]]
    assert len(table) == 2 * 4 * 19  # runs × tasks × metrics
    row = table[(table.seed == 1) & (table.task == "text-text") & (table.metric == "mAP")]
    assert row.value.item() == once(two_views, tmp_path, seed=1).metrics["text-text"]["mAP"]


def test_a_protocol_runs_references_once_and_the_control_always(two_views, tmp_path, monkeypatch):
    protocol = Protocol("clusters", [(["cmnn_l1", "raw"], [4, 8])], [0, 1], {}, {"cmnn_l1": QUICK})
    planned = [cell[:3] for cell in protocol.runs()]
    assert planned.count(("raw", 4, 0)) == 1 and sum(m == "raw" for m, _, _ in planned) == 1
    assert {("cmnn_l1", b, s) for b in (4, 8) for s in (0, 1)} < set(planned)
    assert {("random", b, s) for b in (4, 8) for s in (0, 1)} < set(planned)
    monkeypatch.setenv("MMHASH_HEADLESS", "1")
    done = run_protocol("masci2014", protocol, two_views, root=tmp_path)
    assert [(r.record["configuration"]["method"]) for r in done] == [m for m, _, _ in planned]
    assert done[0].record["configuration"]["options"]["epochs"] == 2


def test_records_and_logs_say_what_cannot_be_found(two_views, tmp_path, monkeypatch, capsys):
    labels = np.hstack([two_views.labels, np.zeros((len(two_views), 1), dtype=bool)])
    labels[two_views.query[:3]] = np.eye(5, dtype=bool)[4]
    names = [*two_views.label_names, "alone"]
    tail = dataclasses.replace(two_views, labels=labels, label_names=names, source="made")
    protocol = Protocol("clusters", [(["random"], [4])], [0], {})
    (done,) = run_protocol("masci2014", protocol, tail, root=tmp_path)
    sentence = "means are over 30 queries, of which 3 have nothing to find and count as 0: at most"
    assert {*frame([done]).source} == {f"made; {sentence} 0.900 is possible"}
    assert f"clusters: {sentence} 0.900" in capsys.readouterr().err
    (again,) = run_protocol("masci2014", protocol, tail, root=tmp_path)  # found, not run
    write(frame([again]), tmp_path / "out")
    table = read("masci2014", tmp_path / "out")
    assert over_queries(table) == (
        "clusters: means are over 30 queries; 3 of them have nothing to find: at most 0.900 is "
        "possible."
    )
    capsys.readouterr()
    (whole,) = run_protocol("masci2014", protocol, two_views, root=tmp_path)
    assert {*frame([whole]).source} == {two_views.source} and not capsys.readouterr().err
    monkeypatch.setenv("MMHASH_HEADLESS", "1")
    run_protocol("masci2014", protocol, two_views, root=tmp_path)
    assert "of which 0 have nothing to find" in capsys.readouterr().err
