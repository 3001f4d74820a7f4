"""One protocol for all methods: whose options, which data each sees, the table, the costs."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from pair_cases import pictures
from record_cases import made

from mmhash_nb import hashers, papers
from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.significance import OUTCOMES
from mmhash_nb.features import backbones
from mmhash_nb.features.vectors import described, feature_vectors
from mmhash_nb.hashers import registry
from mmhash_nb.hashers.names_in_print import in_print
from mmhash_nb.pairs import Pairs
from mmhash_nb.papers.side_by_side.differences import behind_best, outcomes
from mmhash_nb.papers.side_by_side.protocol import DATASETS, left_out
from mmhash_nb.papers.side_by_side.tables import (
    DIRECTIONS,
    arrow,
    backbone_ms,
    blind_orders,
    costs,
    listing,
    overview,
    tie_ranges,
    turned_by_ties,
)
from mmhash_nb.results import frame, run, run_protocol

masci2014 = partial(papers.protocol, "masci2014")
side_by_side = partial(papers.protocol, "side_by_side")
EXTRAS = {"aadah_cnn_f", "mah_printed", "mah_sentences", "sm_plain"}


def planned(protocol):
    return {key[:3]: key[3] for key in protocol.runs()}


@pytest.mark.parametrize("dataset", [*DATASETS])
@pytest.mark.parametrize("scale", ["demo", "paper"])
def test_every_registered_method_runs_once_or_is_left_out_with_a_reason(dataset, scale):
    runs = planned(side_by_side(dataset, scale))
    without = left_out(dataset)
    methods = {method for method, _, _ in runs}
    assert methods | set(without) == set(hashers.names()) and not methods & set(without)
    assert all(without.values()) and (set(without) == EXTRAS) == (
        dataset not in ("wiki", "uci_digits")
    )
    demo = {32} if dataset == "scenes" else {16, 32}
    lengths = demo if scale == "demo" else {16, 32, 64}
    for method in methods - {"raw", "cm", "sm", "scm_rasiwasia"}:
        assert {key[1:] for key in runs if key[0] == method} == {
            (bits, seed) for bits in lengths for seed in (0, 1, 2)
        }


@pytest.mark.parametrize(
    ("paper", "dataset"),
    [("liong2017", "scenes"), ("zhang2018", "scenes"), ("zeng2022", "scenes"),
     ("liong2017", "wiki"), ("masci2014", "wiki"), ("zhang2018", "mirflickr25k"),
     ("liong2017", "mirflickr25k")],
)  # fmt: skip
def test_runs_of_the_papers_own_protocols_are_found_again(paper, dataset):
    """Same method, bits, seed, options and view of the data: what is left of a name is the code."""
    own, side = papers.protocol(paper, dataset), side_by_side(dataset)
    ours, theirs = planned(side), planned(own)
    shared = [key for key in theirs if key in ours]
    # masci2014 has its references at 32 bits alone, here they are at the shortest length.
    expected = {key[0] for key in theirs} - EXTRAS - {"cm", "sm", "scm_rasiwasia"}
    assert {key[0] for key in shared} == expected
    other = {key[0] for key in shared if ours[key] != theirs[key]}
    # Of SePH-km's galleries zhang2018 has its authors', the table of unified codes liong2017's.
    assert other == ({"sephkm"} if paper == "zhang2018" else set())
    here = {key[0] for key in shared}
    if paper != "masci2014":  # which has views of its own where there are pixels
        assert own.views == side.views and here & own.on_vectors == here & side.on_vectors


def test_options_of_wiki_of_the_networks_of_masci2014_and_of_methods_from_outside(monkeypatch):
    wiki, scenes = side_by_side("wiki"), side_by_side("scenes")
    widths = ("text_hidden", "image_hidden")
    prdh, dcmh = wiki.options["prdh"], wiki.options["dcmh"]
    assert [prdh[width] for width in widths] == [dcmh[width] for width in widths]
    assert "eta" in dcmh and "eta" not in prdh  # each has what is an option of its own
    assert wiki.options["stmh"] == wiki.options["cca_hash"] == {}
    assert scenes.options["mmnn_l2"] == masci2014("scenes").options["mmnn_l2"]
    monkeypatch.setattr(registry, "_REGISTERED", {})
    hashers.register("mine", type("Mine", (hashers.DCMH,), {}))
    given = side_by_side("scenes", epochs=7).options
    assert given["mmnn_l2"]["epochs"] == given["mine"]["epochs"] == 7
    assert (
        side_by_side("scenes", "paper").options["mmnn_l2"]
        == (masci2014("scenes", "paper").options["mmnn_l2"])
    )


@pytest.mark.parametrize(("backbone", "like"), [("", "scenes"), ("mobilenet_v2", "flickr8k")])
def test_a_folder_has_the_settings_of_the_set_that_its_backbone_is_for(backbone, like):
    own = side_by_side("folder", backbone=backbone)
    other = side_by_side(like, backbone=backbone, bits=own.grids[0][1])
    assert planned(own) == planned(other) and own.vectors == other.vectors
    assert own.views.get("size") == (224 if backbone else None)


@pytest.mark.parametrize("dataset", [name for name in DATASETS if "size" in DATASETS[name].views])
def test_methods_see_photos_of_one_size(dataset):
    protocol = side_by_side(dataset, backbone="mobilenet_v2")
    sizes = {options["size"] for options in protocol.options.values() if "size" in options}
    assert sizes == {protocol.views["size"]} == {224}


def test_the_papers_scale_has_one_backbone_for_all():
    options = side_by_side("scenes", "paper").options
    backbone = {o["backbone"] for o in options.values() if "backbone" in o}
    assert backbone == {"resnet18"}
    assert {o["trainable"] for o in options.values() if "trainable" in o} == {"all"}
    named = side_by_side("scenes", "paper", backbone="vgg19", weights="w.safetensors")
    assert named.vectors == {"backbone": "vgg19", "weights": "w.safetensors", "size": 224}


def test_described_pairs_have_the_vectors_of_the_shallow_methods(tiny_pictures, two_views):
    seen = described(tiny_pictures)
    expected = feature_vectors(backbones.create("small"), tiny_pictures.images)
    assert seen.images.tolist() == expected.tolist() and seen.thumbnails is tiny_pictures.images
    for same in ("texts", "labels", "query", "database", "train"):
        assert getattr(seen, same).tolist() == getattr(tiny_pictures, same).tolist()
    assert described(two_views) is two_views
    alike = [hashers.create("cvh", 4, 0).fit(pairs) for pairs in (tiny_pictures, seen)]
    codes = [
        method.encode(p, "image") for method, p in zip(alike, (tiny_pictures, seen), strict=True)
    ]
    assert codes[0].bits.tolist() == codes[1].bits.tolist()


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A few methods of each kind on pixels, run by one protocol."""
    pairs = pictures()
    short = {"epochs": 1, "text_hidden": 8}
    protocol = Protocol(
        dataset="pictures",
        grids=[(("mmnn_l1", "raw", "cvh", "discmh", "texthash", "concat"), (4, 9))],
        seeds=(0, 1),
        options={"mmnn_l1": {"epochs": 1}, "texthash": short, "concat": short},
        on_vectors=frozenset({"mmnn_l1", "raw"}),
        vectors={"backbone": "small"},
    )
    root = tmp_path_factory.mktemp("runs")
    return pairs, protocol, run_protocol("side_by_side", protocol, pairs, root=root), root


def test_each_method_is_run_on_the_view_it_can_read(done):
    pairs, _, runs, _ = done
    views = {pairs.fingerprint: "pixels", described(pairs).fingerprint: "vectors"}
    seen = {r.key[0]: views[r.record["configuration"]["data"]] for r in runs}
    assert seen == {
        **dict.fromkeys(("mmnn_l1", "raw"), "vectors"),
        **dict.fromkeys(("cvh", "discmh", "texthash", "concat", "random"), "pixels"),
    }


def test_another_papers_run_is_found_whatever_it_was_run_for(done, monkeypatch):
    pairs, _, runs, root = done
    monkeypatch.setattr(hashers.Method, "fit", None)
    again = run("liong2017", "cvh", pairs, 4, 1, root=root)
    assert again.folder in {r.folder for r in runs} and again.record["paper"] == "liong2017"


def test_pairs_of_vectors_need_no_backbone(two_views: Pairs, tmp_path):
    protocol = Protocol("x", [(("cvh",), (4,))], (0,), on_vectors=frozenset({"cvh"}))
    runs = run_protocol("side_by_side", protocol, two_views, root=tmp_path)
    assert {r.record["configuration"]["data"] for r in runs} == {two_views.fingerprint}


def test_costs_are_by_code_and_in_whole_bytes(done):
    pairs, _, runs, _ = done
    table = costs(runs).set_index(["method", "bits", "seed"])
    assert set(table.index.get_level_values(0)) == (
        {"mmnn_l1", "cvh", "discmh", "texthash", "concat", "random"}
    )
    assert set(table.bytes.xs(4, level="bits")) == {1}
    assert set(table.bytes.xs(9, level="bits")) == {2}
    sets = {"texthash": 1, "concat": 1, "cvh": 2, "mmnn_l1": 2, "discmh": 3, "random": 3}
    for r in runs:
        if r.key[0] in sets:
            codes = sets[r.key[0]] * len(pairs)
            expected = 1000 * r.record["seconds_encode"] / codes
            assert table.ms_from_cache[r.key] == pytest.approx(expected)
            assert table.seconds_fit[r.key] == r.record["seconds_fit"]


def test_a_backbones_time_is_that_of_one_picture_with_its_scaling(monkeypatch):
    ticks = iter([10.0, 12.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(ticks))
    seen = []
    monkeypatch.setattr(
        "mmhash_nb.papers.side_by_side.tables.feature_vectors",
        lambda _, images, **how: seen.append((len(images), how)),
    )
    assert backbone_ms(np.zeros((4, 3, 16, 16), np.uint8), size=8) == 500
    # The first call warms up, the second is timed.
    assert seen == [(1, {"size": 8}), (4, {"size": 8, "cached": False})]


def test_the_one_table_shows_each_method_in_the_directions_it_has(done):
    _, _, runs, _ = done
    table = overview(runs)
    assert [name for name, _ in table.columns if "→" in name][::2] == [
        *("image → text", "text → image", "image → image", "text → text", "joint → joint"),
    ]
    assert table.index.get_level_values("method").tolist() == (
        ["cvh", "discmh", "mmnn_l1", "texthash", "concat", "random"]
    )
    shown = table.droplevel("family")
    filled = {m: {c[0] for c in shown if "→" in c[0] and shown.loc[m, c]} for m in shown.index}
    both = {"image → text", "text → image", "image → image", "text → text"}
    assert filled["cvh"] == filled["discmh"] == filled["mmnn_l1"] == both
    assert filled["texthash"] == {"text → text"} and filled["concat"] == {"joint → joint"}
    ours = {r.key: r.metrics for r in runs}
    mean = sum(ours["discmh", 9, seed]["text-image"]["mAP"] for seed in (0, 1)) / 2
    assert shown.loc["discmh", ("text → image", "9 bits")].split(" ± ")[0] == f"{100 * mean:.1f}"
    assert shown["bytes an item"].loc["cvh"].tolist() == [1, 2]
    spent = pd.Series([r.record["seconds_fit"] for r in runs if r.key[0] == "concat"])
    assert shown.loc["concat", ("training", "s")] == f"{spent.median():.2f}"
    encoded = costs(runs).groupby("method").ms_from_cache.median()
    column = shown["code from cached features", "ms"]
    assert column.to_dict() == {m: f"{encoded[m]:.3f}" for m in shown.index}
    two = [100 * ours["discmh", 9, seed]["text-image"]["mAP"] for seed in (0, 1)]
    half = 12.706 * abs(two[0] - two[1]) / 2  # Student's t of one degree of freedom, SD / sqrt 2
    assert shown.loc["discmh", ("text → image", "9 bits")].split(" ± ")[1] == f"{half:.1f}"
    assert table.index.get_level_values("family").tolist() == (
        ["shallow"] * 2 + ["network on vectors"] + ["deep network"] * 2 + ["control"]
    )


def test_blind_orders_are_those_of_a_stable_sort(done):
    pairs, _, runs, _ = done
    table = blind_orders(runs, pairs, {"cvh": "text-image", "concat": "joint-joint"}, 4, draws=3)
    assert list(table.index) == ["cvh", "concat"]
    r = next(r for r in runs if r.key[:2] == ("cvh", 4))
    assert table.expected["cvh"] == pytest.approx(r.metrics["text-image"]["mAP"])
    codes, labels = r.codes(), pairs.labels

    def score(order):
        total = 0.0
        for q in pairs.query:
            bits = codes["text"].signs()[q]
            gallery = [pairs.database[i] for i in order]
            ranked = sorted(gallery, key=lambda i: int((codes["image"].signs()[i] != bits).sum()))
            hits = [bool((labels[q] & labels[i]).any()) for i in ranked]
            found = [sum(hits[: k + 1]) / (k + 1) for k, hit in enumerate(hits) if hit]
            total += sum(found) / len(found)
        return total / len(pairs.query)

    n = len(pairs.database)
    rng = np.random.default_rng(0)
    drawn = [score(rng.permutation(n)) for _ in range(3)]
    assert table.random["cvh"] == pytest.approx(np.std(drawn, ddof=1), rel=1e-4)
    by_class = sorted(range(n), key=lambda i: tuple(labels[pairs.database[i]]))
    assert table["by class"]["cvh"] == pytest.approx(score(by_class) - table.expected["cvh"])


def test_ties_give_each_score_a_range_and_overlapping_ranges_can_change_places(done):
    _, _, runs, _ = done
    table = tie_ranges(frame(runs), 4)
    both = [r.metrics["text-image"] for r in runs if r.key[:2] == ("cvh", 4)]
    for column, metric in (("worst", "mAP_worst"), ("expected", "mAP"), ("best", "mAP_best")):
        mean = (both[0][metric] + both[1][metric]) / 2
        assert table.loc[("text-image", "cvh"), column] == pytest.approx(mean)
    assert list(dict.fromkeys(table.index.get_level_values("task"))) == list(DIRECTIONS)
    assert "raw" not in table.index.get_level_values("method")
    index = pd.MultiIndex.from_tuples(
        [("image-text", m) for m in "abc"] + [("joint-joint", "d")], names=["task", "method"]
    )
    made = pd.DataFrame(
        {
            "worst": [0.1, 0.2, 0.5, 0.3],
            "expected": [0.2, 0.3, 0.6, 0.3],
            "best": [0.4, 0.5, 0.7, 0.3],
        },
        index=index,
    )
    turned = turned_by_ties(made)
    assert turned.loc["image-text"].tolist() == [3, 1, pytest.approx(0.3)]  # b and c touch
    assert turned.loc["joint-joint"].tolist() == [0, 0, 0]


def test_the_listing_says_what_each_method_hashes(done):
    _, protocol, _, _ = done
    table = listing(protocol)
    assert table.loc["concat"].tolist() == (
        ["deep network", "zeng2022", "pixels", "joint → joint", ""]
    )
    assert table.loc["texthash", ["images", "directions"]].tolist() == ["", "text → text"]
    assert table.loc["mmnn_l1", ["images", "papers"]].tolist() == ["vectors", "masci2014"]
    assert table.loc["discmh", "learned gallery"] == "yes"
    assert table.loc["raw", "directions"] == "image → image, text → text"
    assert listing(side_by_side("scenes")).loc["cmfh", "papers"] == "liong2017, zhang2018"


def test_a_failed_run_is_in_no_range_of_ties():
    names = {"mAP_worst": -0.1, "mAP": 0.0, "mAP_best": 0.1}
    scores = {("dcmh", 48): [0.839, 0.381, 0.816], ("dcmh", 32): [0.76, 0.78, 0.80]}
    records = pd.concat(
        made("here", {key: [v + off for v in some] for key, some in scores.items()}, metric=name)
        for name, off in names.items()
    )
    row = tie_ranges(records, 48).loc[("image-text", "dcmh")]
    assert row.tolist() == pytest.approx([0.8275 - 0.1, 0.8275, 0.8275 + 0.1])


def test_methods_are_compared_with_the_best_in_each_direction_that_two_have(done):
    pairs, _, runs, _ = done
    compared = behind_best(runs, pairs, 9)
    assert "random" not in {*compared.method, *compared.best}
    expected = {
        task: {run.key[0] for run in runs if run.key[1] == 9 and task in run.metrics} - {"random"}
        for task in DIRECTIONS
    }
    for task, methods in expected.items():
        found = compared[compared.task == task]
        assert {*found.method, *found.best} == (methods if len(methods) > 1 else set())
    one = compared[compared.task == "image-text"]
    mean = frame(runs).query("metric == 'mAP' and bits == 9 and task == 'image-text'")
    mean = mean.groupby("method").value.mean().drop("random")
    assert one.best.iloc[0] == mean.idxmax()
    assert one.set_index("method").score.to_dict() == pytest.approx(
        mean.drop(mean.idxmax()).to_dict()
    )
    counted = outcomes(compared)
    assert list(counted.index) == [arrow(task) for task in DIRECTIONS if len(expected[task]) > 1]
    assert (counted[list(OUTCOMES)].sum(axis=1) == counted.others).all()
    near = counted.loc["image → text", "not surely behind"]
    named = [in_print(m) for m in one.method[one.outcome != "surely behind"]]
    assert near == (", ".join(named) or "–")
    with pytest.raises(ValueError, match="no direction has two methods with codes of 5 bits"):
        behind_best(runs, pairs, 5)
