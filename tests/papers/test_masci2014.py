"""masci2014: what it runs, every evaluation called "mAP", and the study of training length."""

import dataclasses
from functools import partial

import numpy as np
import pytest

from mmhash_nb import hashers, papers
from mmhash_nb.papers.masci2014.studies import (
    CUTS,
    by_epochs,
    by_evaluation,
    by_training_set,
    references_against_queries,
)
from mmhash_nb.results import run

masci2014 = partial(papers.protocol, "masci2014")


def brute(codes, labels, queries, searched, at=None, retrieved=False, by_class=False):
    """Average precision with items at equal distance in every order, by sampling none of them."""
    rng = np.random.default_rng(0)
    scores = []
    for q in queries:
        distance = (codes[0][q] != codes[1][searched]).sum(1)
        relevant = (labels[searched] & labels[q]).any(1)
        draws = []
        for _ in range(300):
            order = np.lexsort((rng.random(len(searched)), distance))
            hits = relevant[order][:at]
            precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
            by = hits.sum() if retrieved else relevant.sum()
            draws.append((precision * hits).sum() / by if by else 0.0)
        scores.append(np.mean(draws))
    if by_class:
        return np.mean([np.array(scores)[labels[queries][:, c]].mean() for c in range(4)])
    return np.mean(scores)


def test_each_evaluation_is_what_it_says(noisy_views):
    method = hashers.create("random", 6).fit(noisy_views)
    codes = {m: method.encode(noisy_views, m) for m in ("image", "text")}
    table = by_evaluation(noisy_views, codes).set_index("evaluation")
    bits = [codes[m].signs() for m in ("image", "text")]
    q, d, t = noisy_views.query, noisy_views.database, noisy_views.train
    labels = noisy_views.labels
    expected = {
        "queries against the database, full mAP (ours)": brute(bits, labels, q, d),
        "queries against the queries (Rasiwasia et al. 2010)": brute(bits, labels, q, q),
        "training samples against the queries": brute(bits, labels, t, q),
        "queries against the database, mAP@10 over those retrieved": brute(
            bits, labels, q, d, at=10, retrieved=True
        ),
        "queries against the database, mAP@10 over all relevant": brute(bits, labels, q, d, at=10),
        "full mAP, mean over classes instead of queries": brute(bits, labels, q, d, by_class=True),
    }
    for name, score in expected.items():
        assert table["image-text"][name] == pytest.approx(score, abs=6e-3), name
    assert len(table) == 4 + 2 * len(CUTS) + 1
    # The other direction: text asks, images answer.
    ours = table["text-image"]["queries against the database, full mAP (ours)"]
    assert ours == pytest.approx(brute(bits[::-1], labels, q, d), abs=6e-3)


def test_longer_training_lowers_the_loss_and_is_run_in_full(two_views, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # runs are searched here
    options = {"batch_size": 40, "optimiser": "adam", "learning_rate": 0.01}
    table = by_epochs("masci2014", "mmnn_l1", two_views, 8, (1, 12), (0, 1), options)
    assert list(table.epochs) == [1, 12]
    assert table.loss[1] < table.loss[0]
    assert len(list(tmp_path.glob("runs/*/record.json"))) == 4


def test_training_sets_are_told_apart_by_their_size(noisy_views, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = dataclasses.replace(noisy_views, train=noisy_views.train[:8])
    options = {"batch_size": 40, "epochs": 4}
    sets = (few, noisy_views)
    table = by_training_set("masci2014", ["mmnn_l1"], sets, 12, (0, 1, 2), options)
    assert list(table.training) == [8, 80] and set(table.method) == {"mmnn_l1"}
    assert table["text-text"][1] > table["text-text"][0]
    each = [run("masci2014", "mmnn_l1", few, 12, s, options).metrics for s in (0, 1, 2)]
    expected = np.mean([metrics["image-text"]["mAP"] for metrics in each])
    assert table["image-text"][0] == pytest.approx(expected)


def test_references_rank_the_queries_against_each_other(noisy_views, tmp_path):
    runs = [run("masci2014", name, noisy_views, 4, root=tmp_path) for name in ("cm", "raw", "ssh")]
    table = references_against_queries(noisy_views, runs)
    assert list(table.index) == ["cm"]  # raw does not compare modalities, and ssh has codes
    queries = noisy_views.take(noisy_views.query)
    text, image = (runs[0].method().embed(queries, m) for m in ("text", "image"))
    scores = []
    for q in range(len(queries)):
        order = np.argsort(((image - text[q]) ** 2).sum(1))
        hits = (queries.labels[order] & queries.labels[q]).any(1)
        precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
        scores.append(precision[hits].mean())
    assert table.loc["cm", "text-image"] == pytest.approx(np.mean(scores))
    assert table.loc["cm", "text-image"] != table.loc["cm", "image-text"]


NETWORKS = {"nnhash_l1", "nnhash_l2", "cmnn_l1", "cmnn_l2", "mmnn_l1", "mmnn_l2"}
CHOSEN = {
    "wiki": {"hidden": 32, "optimiser": "lbfgs"},
    "cifar10": {"hidden": 48, "optimiser": "lbfgs", "weight_decay": 1e-3},
    "nuswide": {"hidden": 48, "optimiser": "lbfgs", "weight_decay": 1e-3},
}


@pytest.mark.parametrize("scale", ["demo", "paper"])
@pytest.mark.parametrize("dataset", CHOSEN)
def test_masci2014_runs_the_papers_datasets_at_its_settings(dataset, scale):
    protocol = masci2014(dataset, scale)
    assert protocol.options == {
        **dict.fromkeys(NETWORKS, CHOSEN[dataset]),
        "ksh": {"labelled": 5000},
    }
    assert tuple(protocol.seeds) == (0, 1, 2, 3, 4) and protocol.views == {}


def test_masci2014_on_scenes_has_a_demo_and_the_counterparts_of_both_kinds_of_tables():
    demo, paper = masci2014("scenes"), masci2014("scenes", "paper")
    for protocol in (demo, paper):
        assert protocol.views == {"images": "gist", "texts": "tags"}
        lengths = {}
        for method, bits, _, _ in protocol.runs():
            lengths.setdefault(method, set()).add(bits)
        tables_2_to_5 = {12, 48} if protocol is demo else {12, 24, 48}
        assert lengths["mmnn_l2"] == lengths["cmssh"] == lengths["random"] == tables_2_to_5 | {32}
        assert lengths["ssh"] == lengths["nnhash_l1"] == tables_2_to_5
        assert lengths["sm"] == {32}
    assert tuple(demo.seeds) == (0, 1, 2) and tuple(paper.seeds) == (0, 1, 2, 3, 4)
    network = {"hidden": 48, "optimiser": "lbfgs", "weight_decay": 1e-3}
    for name in NETWORKS:
        assert demo.options[name] == {**network, "epochs": 8}
        assert paper.options[name] == network


@pytest.mark.parametrize("dataset", ["wiki", "scenes"])
def test_masci2014_takes_another_optimiser(dataset):
    adam = masci2014(dataset, "paper", optimiser="adam").options["nnhash_l2"]
    assert (adam["optimiser"], adam["learning_rate"], adam["epochs"]) == ("adam", 0.01, 100)
    shorter = masci2014(dataset, "paper", epochs=9, optimiser="adam").options["nnhash_l2"]
    assert (shorter["learning_rate"], shorter["epochs"]) == (0.01, 9)
