"""Studies of the papers: variants of MAH, adversary and masks of AADAH."""

import dataclasses
import json
from functools import partial

import numpy as np
import pandas as pd
import pytest

from mmhash_nb import hashers, papers
from mmhash_nb.codes import HashCodes
from mmhash_nb.datasets import load
from mmhash_nb.experiments.evaluation import of_codes
from mmhash_nb.experiments.held_out import held_out
from mmhash_nb.experiments.records import study_files
from mmhash_nb.experiments.runs import run
from mmhash_nb.hashers.single_code import SingleCode
from mmhash_nb.papers.liong2017 import studies as liong
from mmhash_nb.papers.zeng2022 import studies as zeng
from mmhash_nb.papers.zhang2018 import attention_scores, word_scores
from mmhash_nb.papers.zhang2018 import studies as zhang

liong2017 = partial(papers.protocol, "liong2017")
SMALL = {"text_hidden": 16, "trainable": "none", "epochs": 1}


@pytest.fixture(scope="module")
def pairs():
    return load("scenes", n=200)


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


def test_real_values_are_ranked_beside_their_signs(pairs, tmp_path):
    runs = [run("zeng2022", "concat", pairs, 8, s, SMALL, root=tmp_path) for s in (0, 1)]
    table = zeng.beside_real_values(pairs, runs).rename(columns={"mAP of values": "of_values"})
    assert table[["method", "bits", "seed"]].values.tolist() == [["concat", 8, 0], ["concat", 8, 1]]
    for row, one in zip(table.itertuples(), runs, strict=True):
        method = one.method()
        assert isinstance(method, SingleCode)
        values = method.real_values(pairs)
        codes = one.codes()["joint"]
        assert codes == HashCodes.from_signs(values)
        assert row.codes == len({tuple(bits) for bits in codes.bits[pairs.database].tolist()})
        assert row.of == len(pairs.database) and row.mAP == one.metrics["joint-joint"]["mAP"]
        h = np.tanh(values.astype(float))
        scores = []
        for q in pairs.query:
            nearest = np.argsort(((h[pairs.database] - h[q]) ** 2).sum(1))
            hits = (pairs.labels[pairs.database][nearest] & pairs.labels[q]).any(1)
            scores.append((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())
        assert row.of_values == pytest.approx(np.mean(scores), abs=1e-6) != row.mAP


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
    part = held_out(noisy_views)
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


def test_each_attention_is_run_with_each_mean_over_its_masked_map(pairs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = zhang.by_attention(pairs, 8, (0, 1), TINY)
    assert len(table) == 6 * 2 and set(table.columns) >= {"fall in %", "seconds", "epochs"}
    one = table.set_index(["attention", "pooling", "seed"])["image-text"]
    given = {**TINY, "attention": "visual", "pooling": "all"}
    again = run("zhang2018", "aadah", pairs, 8, 1, given).metrics["image-text"]["mAP"]
    assert one["visual", "all", 1] == again != one["visual", "attended", 1]
    assert len(list(tmp_path.glob("runs/*/record.json"))) == 12


def test_each_setting_is_run_with_each_seed_and_shows_what_was_learned(
    pairs, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    few = {name: TINY[name] for name in ("epochs", "text_hidden") if name in TINY}
    settings = {"balance": few, "no balance": {**few, "eta": 0.0}}
    table = zhang.by_setting(pairs, "dcmh", 8, (0, 1), settings).set_index(["setting", "seed"])
    assert [*table.index] == [(name, seed) for name in settings for seed in (0, 1)]
    again = run("zhang2018", "dcmh", pairs, 8, 1, settings["no balance"]).metrics["text-image"]
    row = table.loc[("no balance", 1)]
    assert row["text-image"] == again["mAP"] != table.loc[("balance", 1), "text-image"]
    assert row["text-image, training set"] == again["train mAP"]
    assert row["text-image, distinct codes"] == again["distinct"] and row.loss > 0


def test_what_masks_add_is_paired_by_seed():
    scores = {("none", ""): (0.2, 0.4), ("visual", "all"): (0.21, 0.43)}
    rows = [
        {"attention": a, "pooling": p, "seed": s, "image-text": value, "text-image": 0.5}
        for (a, p), values in scores.items()
        for s, value in enumerate(values)
    ]
    gains = zhang.over_none(pd.DataFrame(rows)).loc[("visual", "all")]
    assert gains["image-text"] == "+2.0 [-10.7, +14.7]"  # 1 and 3 points; t = 12.7 with two seeds
    assert gains["text-image"] == "+0.0 [+0.0, +0.0]"


def test_settling_runs_every_combination_for_as_many_steps(pairs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = pairs.take(np.concatenate([pairs.query[:5], pairs.train[:20]]))
    few = dataclasses.replace(few, database=few.train)
    few = few.take(np.concatenate([few.query, few.train]))
    table = zeng.settling(few, 8, 3, (0,), {"text_hidden": 4, "batch_size": 10})
    combined = ["operations", "reduction", "weight_decay", "last_stage"]
    assert len(table) == 24 and not table.duplicated(combined).any()
    assert set(table.steps) == {4} and set(table.epochs) == {2}  # two batches an epoch
    assert table["mAP of values"].between(0, 1).all() and set(table.of) == {20}
    options = [
        json.loads(path.read_text())["configuration"]["options"]
        for path in tmp_path.glob("runs/*/record.json")
    ]
    assert len(options) == 24 and {one["decay_every"] for one in options} == {2}
    stages = {(one["trainable"], one["statistics"]) for one in options}
    assert stages == {("none", "fixed"), ("last", "batch")}


def test_texthash_has_a_verdict_for_each_length_of_training(pairs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tags = dataclasses.replace(pairs, name="mirflickr25k")
    options = {"text_hidden": 4, "text_features": 4}
    table = zeng.texthash_by_epochs(tags, (16, 32), (1, 2), (0, 1), options)
    assert list(table.epochs.unique()) == [1, 2] and set(table.bits) == {16, 32}
    assert set(table.n_seeds) == {2} and set(table.verdict) <= {"reproduced", "not reproduced"}
    done = [run("zeng2022", "texthash", tags, 32, s, {**options, "epochs": 2}) for s in (0, 1)]
    expected = np.mean([one.metrics["text-text"]["mAP"] for one in done])
    assert table.ours[(table.epochs == 2) & (table.bits == 32)].unique() == pytest.approx(expected)
    assert table["fall in %"][table.epochs == 1].isna().all()
