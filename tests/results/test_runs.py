"""Runs: trained once, found again, evaluated anew when only the metrics changed, whole on disk."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from mmhash_nb import hashers
from mmhash_nb.metrics import mean_average_precision
from mmhash_nb.ranking import rank_profile
from mmhash_nb.results import evaluation, frame, run, runs
from mmhash_nb.results.protocols import Protocol, masci2014
from mmhash_nb.results.records import COLUMNS, checked
from mmhash_nb.results.runs import run_protocol

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


def test_changed_source_of_the_method_trains_again(two_views, tmp_path, fits, monkeypatch):
    once(two_views, tmp_path)
    original = runs.source_hash
    monkeypatch.setattr(runs, "source_hash", lambda *m: original(*m) + "x")
    once(two_views, tmp_path)
    assert len(fits) == 2


def test_changed_metrics_evaluate_anew_without_training(two_views, tmp_path, fits, monkeypatch):
    kept = once(two_views, tmp_path)
    path = kept.folder / "record.json"
    record = json.loads(path.read_text())
    record["evaluator"] = "an older one"
    record["metrics"] = {"image-text": {"mAP": 0.0}}
    path.write_text(json.dumps(record))
    again = once(two_views, tmp_path)
    assert again.metrics == kept.metrics and len(fits) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"metrics": {}}', b"[]"])
def test_a_truncated_record_is_not_taken_for_a_finished_run(two_views, tmp_path, fits, content):
    kept = once(two_views, tmp_path)
    (kept.folder / "record.json").write_bytes(content)
    assert once(two_views, tmp_path).metrics == kept.metrics and len(fits) == 2


def test_metrics_are_those_of_the_kept_codes(two_views, tmp_path):
    done = once(two_views, tmp_path)
    codes = done.codes()
    q, d = two_views.query, two_views.database
    profile = rank_profile(
        codes["text"][q], codes["image"][d], two_views.labels[q], two_views.labels[d]
    )
    kept = done.metrics["text-image"]
    assert kept["mAP"] == mean_average_precision(profile)
    assert kept["mAP_worst"] <= kept["mAP"] <= kept["mAP_best"]
    assert set(done.metrics) == {"image-image", "image-text", "text-image", "text-text"}
    assert done.method().encode(two_views, "text") == codes["text"]


def test_embedders_score_by_brute_force_over_distances(noisy_views, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "_CHUNK", 7)  # several chunks, the last one short
    done = run("masci2014", "raw", noisy_views, 1, root=tmp_path)
    x = done.method().embed(noisy_views, "text")
    scores = []
    for q in noisy_views.query:
        order = np.argsort(((x[noisy_views.database] - x[q]) ** 2).sum(1))
        relevant = (noisy_views.labels[noisy_views.database[order]] & noisy_views.labels[q]).any(1)
        precision = np.cumsum(relevant) / np.arange(1, len(relevant) + 1)
        scores.append(precision[relevant].mean())
    assert done.metrics["text-text"]["mAP"] == pytest.approx(np.mean(scores), abs=1e-6)
    assert set(done.metrics) == {"image-image", "text-text"}


def test_unimodal_codes_are_not_compared_across_modalities(two_views, tmp_path):
    assert set(once(two_views, tmp_path, "nnhash_l1").metrics) == {"image-image", "text-text"}
    assert evaluation.tasks(["image", "text", "joint"], True)[-1] == ("joint", "joint")


def test_the_checkpoint_is_gone_when_the_record_is_there(two_views, tmp_path):
    done = once(two_views, tmp_path)
    assert (done.folder / "record.json").is_file()
    assert not (done.folder / "checkpoint").exists()


def test_frame_is_a_valid_long_table(two_views, tmp_path):
    table = checked(frame([once(two_views, tmp_path), once(two_views, tmp_path, seed=1)]))
    assert list(table.columns) == COLUMNS
    assert len(table) == 2 * 4 * 4  # runs × tasks × metrics
    row = table[(table.seed == 1) & (table.task == "text-text") & (table.metric == "mAP")]
    assert row.value.item() == once(two_views, tmp_path, seed=1).metrics["text-text"]["mAP"]


def test_a_protocol_runs_references_once_and_the_control_always(two_views, tmp_path, monkeypatch):
    protocol = Protocol("clusters", [(["cmnn_l1", "raw"], [4, 8])], [0, 1], {}, {"cmnn_l1": QUICK})
    asked = [cell[:3] for cell in protocol.runs()]
    assert asked.count(("raw", 4, 0)) == 1 and sum(m == "raw" for m, _, _ in asked) == 1
    assert {("cmnn_l1", b, s) for b in (4, 8) for s in (0, 1)} < set(asked)
    assert {("random", b, s) for b in (4, 8) for s in (0, 1)} < set(asked)
    monkeypatch.setenv("MMHASH_HEADLESS", "1")
    done = run_protocol("masci2014", protocol, two_views, root=tmp_path)
    assert [(r.record["configuration"]["method"]) for r in done] == [m for m, _, _ in asked]
    assert done[0].record["configuration"]["options"]["epochs"] == 2


def test_masci2014_protocols_cover_what_its_tables_list():
    from mmhash_nb import published

    for dataset in ("wiki", "cifar10", "nuswide"):
        planned = {(m, b) for m, b, _, _ in masci2014(dataset).runs()}
        printed = published.load("masci2014")
        for row in printed[printed.dataset == dataset].itertuples():
            lengths = {b for m, b in planned if m == row.method}
            assert lengths, row.method
            assert pd.isna(row.bits) or row.bits in lengths, (row.method, row.bits)
    assert len({s for _, _, s, _ in masci2014("wiki").runs()}) == 5
    with pytest.raises(ValueError, match="no experiment on 'coco'; it has wiki"):
        masci2014("coco")
    with pytest.raises(ValueError, match="scale must be demo or paper"):
        masci2014("wiki", scale="full")
