"""Studies of the papers: candidates, variants of MAH, adversary and masks of AADAH."""

import dataclasses
from functools import partial

import numpy as np
import pandas as pd
import pytest

from mmhash_nb import hashers, papers
from mmhash_nb.datasets import load
from mmhash_nb.experiments.evaluation import of_codes
from mmhash_nb.experiments.records import study_files
from mmhash_nb.experiments.runs import run
from mmhash_nb.papers.liong2017 import studies as liong
from mmhash_nb.papers.zeng2022 import studies as zeng
from mmhash_nb.papers.zhang2018 import attention_scores, word_scores
from mmhash_nb.papers.zhang2018 import studies as zhang

liong2017 = partial(papers.protocol, "liong2017")
zeng2022 = partial(papers.protocol, "zeng2022")
zhang2018 = partial(papers.protocol, "zhang2018")
SMALL = {"text_hidden": 16, "trainable": "none", "epochs": 1}


@pytest.fixture(scope="module")
def pairs():
    return load("scenes", n=200)


def test_candidates_are_the_protocols_options_at_both_rates():
    protocol = zeng2022("scenes")
    found = zeng.candidates(protocol)
    assert set(found) == {m for m in protocol.options if not m.startswith("mah_")}
    assert found["dth"] == [{**protocol.options["dth"], "learning_rate": r} for r in (1e-3, 3e-3)]
    (tags,) = zeng.candidates(zeng2022("mirflickr25k")).values()
    assert tags == [{"learning_rate": 1e-4, "epochs": epochs} for epochs in (10, 20)]


def test_all_nine_variants_keep_the_other_options():
    found = zeng.variants({"epochs": 3})
    assert len({(f["kernel"], f["attention"]) for f in found}) == 9
    assert all(f["epochs"] == 3 for f in found)


def test_the_printed_form_lets_next_to_nothing_through(pairs):
    table = zeng.start_of_training(pairs.take(pairs.train[:40]), 8, SMALL)
    assert table.loc["none, none"].eq(1).all() and len(table) == 9
    # Even attention divides by the number of channels (88, 128) and of units (16, 512).
    assert table.loc["none, printed", "image"] == pytest.approx(1 / 128, rel=0.5)
    assert table.loc["none, printed", "text"] == pytest.approx(1 / (16 * 512), rel=0.1)
    assert table.loc["residual, rescaled"].between(0.7, 1.4).all()
    assert (table.loc["printed, printed"] < 1e-4).all()


def test_candidates_of_zhang2018_are_the_papers_rates_and_margins():
    found = zhang.candidates(zhang2018("scenes"))
    assert set(found) == {"aadah", "aadah_none", "dcmh", "prdh", "dvsh"}
    assert [o["learning_rate"] for o in found["prdh"]] == [2e-4, 1e-3, 5e-3]
    tried = [[(o["learning_rate"], o["margin"]) for o in found[m]] for m in ("aadah", "aadah_none")]
    margins = [(1e-3, margin) for margin in (0.1, 0.25, 0.5, 2.0)]
    assert tried[0] == [(2e-4, 1), (1e-3, 1), (5e-3, 1), *margins]
    assert tried[1] == [(1e-3, 1), *margins]


def test_candidates_of_liong2017_are_three_rates_of_each_deep_baseline_that_is_run():
    scenes, wiki = (liong.candidates(liong2017(dataset)) for dataset in ("scenes", "wiki"))
    assert list(scenes) == ["dnh_c", "dvsh", "cah", "dcmh"]
    assert list(wiki) == ["dnh_c", "cah", "dcmh"]
    assert [o["learning_rate"] for o in wiki["dcmh"]] == [2e-4, 1e-3, 5e-3]
    kept = {k: v for k, v in wiki["dcmh"][0].items() if k != "learning_rate"}
    assert kept.items() <= liong2017("wiki").options["dcmh"].items()
    photos = liong.candidates(liong2017("flickr8k"))
    assert list(photos) == ["dnh_c", "dvsh", "cah", "dcmh", "cmdvh"]
    paper = hashers.create("cmdvh", 16).options["learning_rate"]
    assert [o["learning_rate"] for o in photos["cmdvh"]] == [1e-3, 3e-3, paper]


def test_interpretations_of_cmdvh_are_its_options_with_every_pair_of_switches():
    protocol = liong2017("scenes")
    (found,) = liong.interpretations(protocol).values()
    switches = [(o.pop("code_update"), o.pop("printed")) for o in found]
    assert len(set(switches)) == 4 and found == [protocol.options["cmdvh"]] * 4
    default = hashers.create("cmdvh", 16).options
    assert switches[0] == (default["code_update"], default["printed"])


def test_pdh_is_compared_by_its_decorrelation_on_held_out_samples(
    noisy_views, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)  # runs are searched here
    table = liong.by_decorrelation(noisy_views, (4, 8), (0, 1))
    assert list(table.bits) == [4] * 5 + [8] * 5
    assert list(table.decorrelation) == [0, 0.25, 0.5, 0.75, 1] * 2
    part = noisy_views.held_out()
    for d in (0.5, 1.0):
        runs = [run("liong2017", "pdh", part, 8, seed, {"decorrelation": d}) for seed in (0, 1)]
        scores = [r.metrics[task]["mAP"] for r in runs for task in ("image-text", "text-image")]
        found = table[(table.bits == 8) & (table.decorrelation == d)].mAP.item()
        assert found == pytest.approx(sum(scores) / 4)


def test_the_decorrelation_of_pdh_is_the_least_that_costs_wiki_next_to_nothing():
    chosen = hashers.create("pdh", 16).options["decorrelation"]
    tables = {}
    for dataset in ("wiki", "uci_digits"):
        rows = pd.read_csv(*study_files(f"liong2017_{dataset}_decorrelation"))
        tables[dataset] = rows.pivot(index="bits", columns="decorrelation", values="mAP")
    behind = tables["wiki"].rsub(tables["wiki"][1.0], axis=0).max()
    assert min(d for d in liong.DECORRELATIONS if behind[d] <= 0.002) == chosen
    assert (tables["uci_digits"][chosen] - tables["uci_digits"][1.0] > 0.1).all()


def test_galleries_are_learned_or_predicted_as_of_new_samples(noisy_views, tmp_path):
    plan = [("cmfh", {}), ("discmh", {}), ("sephkm", {"gallery": "learned"})]
    runs = [
        run("liong2017", name, noisy_views, 8, seed, options, root=tmp_path)
        for name, options in plan
        for seed in (0, 1)
    ]
    table = liong.by_gallery(noisy_views, runs).set_index(["method", "task", "metric"])
    assert set(table.index.get_level_values("method")) == {"discmh", "sephkm"}  # cmfh learns none
    # Features that differ in their last bit are those of new samples.
    moved = dataclasses.replace(noisy_views, images=np.nextafter(noisy_views.images, np.inf))
    found = {"learned": [], "predicted": [], "encoded": []}
    for one in runs[2:4]:
        codes = one.codes() | {"unified": one.method().database_codes(moved)}
        again = of_codes(codes, noisy_views, cross_modal=True)
        found["learned"].append(one.metrics["text-unified"]["mAP"])
        found["predicted"].append(again["text-unified"]["mAP"])
        found["encoded"].append(one.metrics["text-image"]["mAP"])
    expected = {gallery: np.mean(values) for gallery, values in found.items()}
    row = table.loc[("discmh", "text-image", "mAP")]
    assert row[list(expected)].to_dict() == pytest.approx(expected)
    assert row.learned > row.predicted > row.encoded


TINY = {**SMALL, "image_hidden": 16, "text_features": 16, "batch_size": 32}


def test_every_choice_of_sides_is_run_with_every_seed_on_held_out_samples(pairs, monkeypatch):
    calls = []

    class Done:
        def __init__(self, options, seed):
            self.metrics = {"image-text": {"mAP": 0.1 * seed}, "text-image": {"mAP": 0.5}}
            self.fitted = hashers.create("aadah", 8, seed, **options)

        def method(self):
            return self.fitted.fit(pairs)

    def run(paper, method, part, bits, seed, options):
        calls.append((part, options["adversarial"], seed))
        return Done(options, seed)

    monkeypatch.setattr(zhang, "run", run)
    table = zhang.by_adversary(pairs, 8, (0, 1), TINY)
    assert [(sides, seed) for _, sides, seed in calls] == [
        (sides, seed) for sides in ("both", "hashing", "attention", "none") for seed in (0, 1)
    ]
    assert all(len(part) == len(pairs.train) for part, _, _ in calls)
    assert table["image-text"].tolist() == pytest.approx([0.0, 0.1] * 4)
    assert table[["IoU", "IoU, random", "area"]].stack().between(0, 1).all()


def test_masks_and_words_are_scored_beside_their_controls(pairs):
    queries = pairs.take(pairs.query)
    fitted = [hashers.create("aadah", 8, seed, **TINY).fit(pairs) for seed in (0, 1)]
    masks = zhang.mask_table(queries, fitted)
    assert list(dict.fromkeys(masks.index.get_level_values(0))) == [
        *("attended", "feature norm", "centre", "random", "untrained", "random, as untrained")
    ]
    for method in fitted:
        seen = method.attend(queries, "image")
        expected = attention_scores.mask_scores(seen.mask, seen.probabilities, queries.masks)
        assert masks.loc[("attended", method.seed)].IoU == pytest.approx(expected.IoU.mean())
        # Controls have the area of the trained masks.
        regions = ("attended", "feature norm", "centre", "random")
        areas = [masks.loc[(region, method.seed)].area for region in regions]
        assert areas == pytest.approx([seen.mask.mean()] * 4)
        start = method.before_training().attend(queries, "image")
        for region in ("untrained", "random, as untrained"):
            assert masks.loc[(region, method.seed)].area == pytest.approx(start.mask.mean())
    words = zhang.word_table(queries, fitted)
    shares = fitted[0].word_shares(queries, "unattended")
    expected = word_scores.text_scores(shares, queries.texts, word_scores.concept_words(queries))
    assert words.loc[("unattended", 0)].attended == pytest.approx(
        expected.attended.mean(), abs=0.02
    )
    assert words.groupby(level="seed").scored.nunique().eq(1).all()  # the same samples in each row
    assert words.groupby(level="seed").chance.nunique().eq(1).all()
