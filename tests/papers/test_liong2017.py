"""liong2017: its claims, and what is run for it."""

from functools import partial
from itertools import product

import pandas as pd
import pytest
from record_cases import made

from mmhash_nb import hashers, papers
from mmhash_nb.papers.liong2017.protocol import METHODS as LIONG_METHODS
from mmhash_nb.papers.verdicts import verdicts as judged

liong2017 = partial(papers.protocol, "liong2017")
zhang2018 = partial(papers.protocol, "zhang2018")
BITS = (16, 32, 64, 128)
TASKS = ("image-text", "text-image")
SEPARATE, UNIFIED = ("cvh", "cca_itq", "pdh", "scm"), ("lssh", "cmfh", "sephkm", "discmh")
SHALLOW = LIONG_METHODS[:8]


def records(scores, dataset, metrics=("mAP@100", "NDCG@100", "ACG@100"), bits=(16, 32)):
    """Two seeds of runs in both directions; `scores` by method, or by method and length."""
    by_bits = {
        (method, k): (value, value + 0.001)
        for method, score in scores.items()
        for k in bits
        for value in [score[k] if isinstance(score, dict) else score]
    }
    cells = product(TASKS, metrics)
    return pd.concat(made(dataset, by_bits, t, metric=m, paper="liong2017") for t, m in cells)


def ranked():
    """Scores that agree with every claim: DisCMH the best shallow method, but it stands still."""
    return {
        **dict.fromkeys(SEPARATE, 0.3),
        **dict.fromkeys(UNIFIED, 0.4),
        **dict.fromkeys(("dnh_c", "dvsh", "cah", "dcmh"), 0.5),
        **{"cmdvh1": 0.6, "cmdvh2": {16: 0.65, 32: 0.75}, "cmdvh": {16: 0.7, 32: 0.8}},
        **{"random": 0.95, "scm_orth": 0.95},  # in no claim
    }


def test_claims_are_ruled_on_by_runs_on_other_data():
    wiki = {**ranked(), "cmdvh": 0.45}
    ours = pd.concat([records(ranked(), "scenes"), records(wiki, "wiki")])
    verdicts = judged("liong2017", ours, "scenes").set_index("claim")
    assert set(verdicts.verdict) == {"holds"}
    assert len(verdicts) == len(papers.claims("liong2017")) and verdicts.index.is_unique
    counts = verdicts.above
    assert counts.filter(like="best performance").item() == 8 * 2 * 2
    assert counts.filter(like="gap is larger").item() == 2 * 2
    assert counts.filter(like="unified codes").item() == 2 * 2
    assert counts.filter(like="NDCG and ACG").item() == 8 * 2 * 2 * 2
    assert counts.filter(like="DisCMH is competitive").item() == 2
    # On Wiki itself there is no gap to compare with, and CMDVH is below the variants here.
    verdicts = judged("liong2017", ours, "wiki").set_index("claim").verdict
    assert verdicts.filter(like="gap is larger").item() == "not run"
    assert verdicts.filter(like="A fusion network").item() == "does not hold"
    assert verdicts.filter(like="DisCMH is competitive").item() == "undecided"


def test_a_lead_that_shrinks_or_is_larger_on_wiki_breaks_its_claim():
    shrinking = {**ranked(), "discmh": {16: 0.4, 32: 0.6}}
    wiki = {**ranked(), "cmdvh": {16: 0.8, 32: 0.9}}
    ours = pd.concat([records(shrinking, "scenes"), records(wiki, "wiki")])
    verdicts = judged("liong2017", ours, "scenes").set_index("claim")
    for words, effect in (
        ("DisCMH is competitive", "-10.0 [-10.0, -10.0]"),
        ("gap is larger", "-20.0 [-20.0, -20.0]"),
    ):
        row = verdicts.loc[verdicts.index.str.contains(words)].iloc[0]
        assert row.verdict == "does not hold" and row.effect == effect
    one = judged("liong2017", ours[ours.bits == 16], "scenes").set_index("claim")
    assert one.verdict.filter(like="DisCMH is competitive").item() == "not run"


def test_means_of_both_families_are_compared_by_seed():
    weaker = {**ranked(), "cmfh": 0.1, "scm": 0.35}  # means .325 and .3125
    claim = "unified codes"
    for scores, outcome in ((weaker, "holds"), ({**weaker, "cmfh": 0.0}, "does not hold")):
        verdicts = judged("liong2017", records(scores, "scenes"), "scenes")
        row = verdicts[verdicts.claim.str.contains(claim)].iloc[0]
        assert row.verdict == outcome and row.above + row.below == 4
        points = float(row.effect.split()[0])
        assert abs(points) == pytest.approx(1.25, abs=0.1)
    without = records({m: v for m, v in ranked().items() if m != "lssh"}, "scenes")
    verdicts = judged("liong2017", without, "scenes")
    assert verdicts[verdicts.claim.str.contains(claim)].verdict.item() == "not run"


def test_the_papers_map_counts_on_each_dataset():
    ours = records(ranked(), "iaprtc12", ("mAP@500", "NDCG@100", "ACG@100"))
    opposite = records({m: 0.5 for m in ranked()}, "iaprtc12", ("mAP@100", "mAP"))
    verdicts = judged("liong2017", pd.concat([ours, opposite]), "iaprtc12")
    best = verdicts[verdicts.claim.str.contains("best")]
    assert set(best.verdict) == {"holds"} and len(best) == 4
    verdicts = judged("liong2017", opposite, "iaprtc12")
    assert set(verdicts.verdict) == {"not run"}


VECTORS, PHOTOS = ("wiki", "uci_digits"), ("flipkart", "flickr8k")


def test_the_order_of_methods_is_that_of_the_tables():
    printed = papers.tables("liong2017").method.unique()
    assert list(printed) == [*SHALLOW, "cmdvh", *LIONG_METHODS[8:-1]]
    assert set(LIONG_METHODS) == set(hashers.names("liong2017"))


def test_cmdvh_has_its_rate_epochs_and_widths_in_a_demo():
    options = liong2017("flickr8k").options
    image = {"backbone": "mobilenet_v2", "size": 224, "trainable": "none"}
    assert options["cmdvh"] == options["cmdvh1"] == options["cmdvh2"] == image
    assert options["cvh"] == {"backbone": "mobilenet_v2", "size": 224}
    small = liong2017("scenes").options
    assert small["cvh"] == {"backbone": "small"} and small["dvsh"]["lstm_hidden"] == 128


@pytest.mark.parametrize("dataset", VECTORS)
def test_feature_vectors_have_no_backbone(dataset):
    for scale in ("demo", "paper"):
        options = liong2017(dataset, scale, backbone="resnet18", weights="w.safetensors").options
        for some in options.values():
            assert not {"backbone", "weights", "size", "trainable"} & set(some)
    widths = {"text_hidden": 512, "image_hidden": 512}
    assert widths.items() <= liong2017(dataset).options["cah"].items()
    assert liong2017(dataset, "paper").options["cah"] == {}
    topics = {"text_hidden": 100} if dataset == "wiki" else {}
    assert liong2017(dataset, "paper").options["cmdvh"] == topics
    assert liong2017(dataset).options["cmdvh"].get("text_hidden") == topics.get("text_hidden")


@pytest.mark.parametrize("dataset", PHOTOS)
def test_photos_have_the_rates_of_zhang2018_for_what_both_papers_run(dataset):
    options, theirs = liong2017(dataset).options, zhang2018(dataset).options
    for method in ("dcmh", "dvsh"):
        assert options[method]["learning_rate"] == theirs[method]["learning_rate"]
        assert options[method]["epochs"] == theirs[method]["epochs"]
    assert {m: options[m]["epochs"] for m in ("dnh_c", "cah")} == {"dnh_c": 30, "cah": 15}
