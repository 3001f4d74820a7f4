"""Verdicts of claims: paired intervals, partial runs, the papers' own numbers."""

import numpy as np
import pandas as pd
import pytest

from mmhash_nb import hashers, papers
from mmhash_nb.experiments.intervals import interval
from mmhash_nb.experiments.records import COLUMNS, Cells
from mmhash_nb.papers.checks import (
    Better,
    BetterAcross,
    Compared,
    GrowsWithBits,
    Near,
    Scored,
    each,
    judge,
)
from mmhash_nb.papers.printed import TASKS
from mmhash_nb.papers.verdicts import verdicts


def run(method, bits, values, task="image-text", metric="mAP", dataset="cifar10", seeds=None):
    """Run records of one cell, by default seeds 0, 1, …"""
    rows = [
        ("masci2014", method, dataset, "", task, bits, seed, metric, value, 1.0, "cpu")
        for seed, value in zip(seeds or range(len(values)), values, strict=True)
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"bits": "Int64"})


def verdict(check, *runs, dataset="cifar10"):
    return judge(check.cells(Cells(pd.concat(runs)), dataset))


AB = Better((("mmnn_l1", "cmnn_l1"),), ("image-text",))


@pytest.mark.parametrize(
    ("ours", "other", "ruling"),
    [
        ([0.50, 0.53, 0.51], [0.40, 0.44, 0.41], "holds"),
        ([0.40, 0.44, 0.41], [0.50, 0.53, 0.51], "does not hold"),
        ([0.50, 0.53, 0.41], [0.49, 0.40, 0.52], "within noise"),
        ([0.50, 0.50, 0.50], [0.50, 0.50, 0.50], "within noise"),
        ([0.50], [0.40], "not run"),
    ],
)
def test_ruling_of_one_comparison(ours, other, ruling):
    result = verdict(AB, run("mmnn_l1", 12, ours), run("cmnn_l1", 12, other))
    assert result.ruling == ruling


def test_differences_are_paired_by_seed_not_by_order():
    # Unpaired, a spread of 0.2 between seeds would drown a difference of 0.01.
    ours = run("mmnn_l1", 12, [0.31, 0.51, 0.412], seeds=[0, 1, 2])
    other = run("cmnn_l1", 12, [0.40, 0.50, 0.30], seeds=[2, 1, 0])
    result = verdict(AB, ours, other)
    mean, low, high = interval(np.array([0.01, 0.01, 0.012]))
    assert result.ruling == "holds"
    assert f"{100 * mean:+.1f} [{100 * low:+.1f}, {100 * high:+.1f}] points" in result.detail


def test_seeds_without_a_partner_do_not_count():
    ours = run("mmnn_l1", 12, [0.9, 0.9, 0.9], seeds=[0, 1, 2])
    other = run("cmnn_l1", 12, [0.1, 0.1], seeds=[2, 3])
    assert verdict(AB, ours, other).ruling == "not run"


def test_one_bad_comparison_breaks_the_claim_even_if_others_are_missing():
    both = Better((("mmnn_l1", "cmnn_l1"), ("mmnn_l2", "cmnn_l2")), ("image-text",))
    good = [run("mmnn_l1", 12, [0.5, 0.51]), run("cmnn_l1", 12, [0.4, 0.41])]
    bad = [run("mmnn_l1", 24, [0.3, 0.31]), run("cmnn_l1", 24, [0.4, 0.41])]
    partial = verdict(both, *good)
    assert partial.ruling == "not run"
    assert "mmnn_l2 − cmnn_l2, image-text, mAP" in partial.detail
    broken = verdict(both, *good, *bad)
    assert broken.ruling == "does not hold" and broken.cells == 2
    assert "24 bits" in broken.detail
    assert verdict(AB, *good).ruling == "holds"
    assert verdict(AB, *good, *bad).ruling == "does not hold"


def test_other_datasets_tasks_and_metrics_do_not_count():
    for change in ({"dataset": "wiki"}, {"task": "text-image"}, {"metric": "mAP_best"}):
        ours, other = run("mmnn_l1", 12, [0.5, 0.5], **change), run("cmnn_l1", 12, [0.4, 0.4])
        assert verdict(AB, ours, other).ruling == "not run"


def test_a_margin_below_zero_lets_a_small_loss_pass():
    ours, other = run("mmnn_l1", 12, [0.495, 0.496]), run("cmnn_l1", 12, [0.5, 0.5])
    loose = Better(AB.pairs, AB.tasks, margin=-0.02)
    assert verdict(loose, ours, other).ruling == "holds"
    strict = Better(AB.pairs, AB.tasks, margin=0.0)
    assert verdict(strict, ours, run("cmnn_l1", 12, [0.6, 0.601])).ruling == "does not hold"
    assert verdict(loose, ours, run("cmnn_l1", 12, [0.6, 0.601])).ruling == "does not hold"


def test_a_reference_without_codes_stands_against_every_length_and_seed():
    check = Better((("nnhash_l1", "raw"),), ("image-image",))
    ours = [run("nnhash_l1", bits, [0.5, 0.52], "image-image") for bits in (12, 24)]
    result = verdict(check, *ours, run("raw", 64, [0.3], "image-image"))
    assert result.ruling == "holds" and result.cells == 2


def test_average_compares_the_mean_of_both_directions():
    check = Better((("mmnn_l1", "scm_rasiwasia"),), ("average",))
    runs = [
        run("mmnn_l1", 32, [0.5, 0.52], "image-text", dataset="wiki"),
        run("mmnn_l1", 32, [0.1, 0.12], "text-image", dataset="wiki"),
        run("scm_rasiwasia", 10, [0.2], "image-text", dataset="wiki"),
        run("scm_rasiwasia", 10, [0.2], "text-image", dataset="wiki"),
    ]
    result = judge(check.cells(Cells(pd.concat(runs)), "wiki"))
    assert "+11.0 [" in result.detail  # (0.30 + 0.32) / 2 − 0.20
    assert judge(check.cells(Cells(pd.concat(runs[:3])), "wiki")).ruling == "not run"


@pytest.mark.parametrize(
    ("values", "ruling"),
    [
        ([0.101, 0.102, 0.100], "holds"),
        ([0.099, 0.098, 0.100], "holds"),
        ([0.201, 0.202, 0.200], "does not hold"),
        ([0.001, 0.002, 0.000], "does not hold"),
        ([0.120, 0.121, 0.119], "within noise"),
    ],
)
def test_near_is_two_sided(values, ruling):
    check = Near(("cca", "random"), ("image-text",), within=0.02)
    chance = run("random", 12, [0.1, 0.1, 0.1])
    assert verdict(check, run("cca", 12, values), chance).ruling == ruling


def test_near_without_runs_is_not_run():
    check = Near(("cca", "random"), ("image-text",), within=0.02)
    assert verdict(check, run("cca", 12, [0.1, 0.1])).ruling == "not run"


def test_growth_is_from_the_shortest_to_the_longest_code():
    check = GrowsWithBits("ssh", ("image-image",))
    at = {bits: run("ssh", bits, [v, v + 0.001], "image-image") for bits, v in
          ((12, 0.2), (24, 0.1), (48, 0.3))}  # fmt: skip
    result = verdict(check, *at.values())
    assert result.ruling == "holds" and "48 − 12 bits" in result.detail
    assert verdict(check, at[12], at[24]).ruling == "does not hold"
    assert verdict(check, at[12]).ruling == "not run"


def test_nothing_to_compare_is_not_run():
    assert judge([]).ruling == "not run"
    assert judge([Compared("x", np.empty(0))]).detail == "fewer than two seeds of x"


ACROSS = BetterAcross(((Scored("mah", "joint-joint"), Scored("dth", "image-image")),))


@pytest.mark.parametrize(
    ("joint", "image", "factor", "ruling"),
    [
        ([0.60, 0.61, 0.59], [0.50, 0.51, 0.49], 1.0, "holds"),
        ([0.50, 0.51, 0.49], [0.60, 0.61, 0.59], 1.0, "does not hold"),
        ([0.60, 0.61, 0.59], [0.50, 0.51, 0.49], 1.15, "holds"),
        ([0.60, 0.61, 0.59], [0.50, 0.51, 0.49], 1.25, "does not hold"),
        ([0.60], [0.50], 1.0, "not run"),
    ],
)
def test_each_method_counts_in_the_task_it_has(joint, image, factor, ruling):
    runs = [run("mah", 16, joint, "joint-joint"), run("dth", 16, image, "image-image")]
    # Numbers of the same methods in other tasks say the opposite, and are none of its business.
    opposite = [run("mah", 16, image, "image-image"), run("dth", 16, joint, "joint-joint")]
    check = BetterAcross(ACROSS.pairs, factor=factor)
    result = verdict(check, *runs, *opposite)
    assert result.ruling == ruling
    assert verdict(check, *opposite).ruling == "not run"


def test_a_relative_gain_is_of_the_second_score_by_seed():
    joint = run("mah", 16, [0.7, 0.5], "joint-joint", seeds=[0, 1])
    image = run("dth", 16, [0.4, 0.6], "image-image", seeds=[1, 0])
    check = BetterAcross(ACROSS.pairs, factor=1.1)
    (cell,) = check.cells(Cells(pd.concat([joint, image])), "cifar10")
    assert cell.differences == pytest.approx([0.7 - 1.1 * 0.6, 0.5 - 1.1 * 0.4])
    assert cell.label == "mah (joint-joint) − 1.1 × dth (image-image), mAP, 16 bits"


def test_each_pairs_every_name_with_every_other():
    assert each("a b", "c d") == (("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"))


def scored(check):
    """Methods and tasks that a check compares."""
    match check:
        case Better(pairs=pairs, tasks=tasks):
            return {m for pair in pairs for side in pair for m in side.split()}, set(tasks)
        case BetterAcross(pairs=pairs):
            sides = [side for pair in pairs for side in pair]
            return {side.method for side in sides}, {side.task for side in sides}
        case Near(pair=pair, tasks=tasks):
            return set(pair), set(tasks)
        case GrowsWithBits(method=method, tasks=tasks):
            return {method}, set(tasks)


@pytest.mark.parametrize("paper", papers.names())
def test_claims_name_registered_methods_known_tasks_and_the_papers_datasets(paper):
    known = {*hashers.names(paper), "random"}
    datasets = set(papers.tables(paper).dataset)
    for claim in papers.claims(paper):
        methods, tasks = scored(claim.check)
        assert methods <= known
        assert tasks <= set(TASKS)
        assert claim.datasets and set(claim.datasets) <= datasets


def test_the_papers_own_numbers():
    table = verdicts("masci2014", pd.DataFrame(columns=COLUMNS)).set_index("claim")
    assert set(table.verdict) == {"not run"}
    own = table.in_paper
    assert own.filter(like="MM-NN is superior to CM-NN").item() == "12 of 12"
    # By Tables 2 and 3: one-layer MM-NN is below NN in all six cells, two-layer above in five.
    assert own.filter(like="slightly better unimodal").item() == "5 of 12"
    # By Table 4, Tags–Tags mAP@10: AGH1 at 16 and 64 bits, AGH2 at 64.
    assert own.filter(like="KSH performs worse").item() == "3 of 16"
    assert own.filter(like="near chance").item() == "–"


def test_zeng2022s_own_numbers():
    none = pd.DataFrame(columns=COLUMNS)
    table = verdicts("zeng2022", none).set_index(["claim", "dataset"])
    assert table.index.is_unique and set(table.verdict) == {"not run"}

    def own(words):
        found = table.in_paper[table.index.get_level_values("claim").str.contains(words)]
        return found.droplevel("claim").to_dict()

    three = ("nuswide", "mirflickr25k", "iaprtc12")
    assert own("unimodal approaches") == dict.fromkeys(three, "20 of 20")
    assert own("read as Concat over") == dict.fromkeys(three, "8 of 8")
    assert own("deep fusion strategies") == dict.fromkeys(three, "12 of 12")
    assert own("kernel network") == own("attention network") == dict.fromkeys(three, "4 of 4")
    assert own("over DTH") == own("Compared to w/o KN") == {"iaprtc12": "4 of 4"}
    # HashNet is above DTH in five cells of Table I, DPSH in two of them too.
    excellent = {"nuswide": "8 of 12", "mirflickr25k": "9 of 12", "iaprtc12": "12 of 12"}
    assert own("DTH achieves") == excellent
    assert own("Sentence vectors") == {"iaprtc12": "3 of 4"}
    # On another dataset each claim stands once, beside the paper's numbers on all of its own.
    other = verdicts("zeng2022", none, "scenes").set_index("claim")
    assert other.index.is_unique and set(other.dataset) == {"scenes"}
    assert set(other.index) == set(table.index.get_level_values("claim"))
    assert other.in_paper.filter(like="DTH achieves").item() == "29 of 36"


def test_zhang2018s_own_numbers():
    none = pd.DataFrame(columns=COLUMNS)
    table = verdicts("zhang2018", none).set_index(["claim", "dataset"])
    assert table.index.is_unique and set(table.verdict) == {"not run"}

    def own(words):
        found = table.in_paper[table.index.get_level_values("claim").str.contains(words)]
        return found.droplevel("claim").to_dict()

    three = ("iaprtc12", "mirflickr25k", "nuswide")
    # On NUS-WIDE, image → text, 32 bits, PRDH is above ours by less than the point of the curves.
    best = {"iaprtc12": "42 of 42", "mirflickr25k": "42 of 42", "nuswide": "41 of 42"}
    assert own("outperforms other baselines") == best
    assert own("Precision-recall") == dict.fromkeys(three, "42 of 42")
    assert own("second best") == dict.fromkeys(three, "36 of 36")
    assert own("DVSH's LSTM") == {"iaprtc12": "5 of 6"}
    assert own("better than DCMH") == own("VGGNet") == {"iaprtc12": "6 of 6"}
    assert own("Using CNN-F") == {"iaprtc12": "41 of 42"}
    assert own("better than no attention") == dict.fromkeys(three, "6 of 6")
    assert own("or textual attention alone$") == dict.fromkeys(three, "12 of 12")
    assert own("better than none") == dict.fromkeys(three, "12 of 12")


@pytest.mark.parametrize("dataset", ["scenes", "flipkart", "flickr8k"])
def test_claims_of_zhang2018_are_ruled_on_by_runs_on_other_data(dataset):
    better = {"aadah": 0.8, "aadah_visual": 0.7, "aadah_textual": 0.7, "aadah_cnn_f": 0.65}
    others = dict.fromkeys(hashers.names("zhang2018"), 0.5) | {"prdh": 0.6} | better
    # Neither is named in a claim: chance, and SCM's other solver.
    others |= {"random": 0.95, "scm_orth": 0.95}
    runs = [
        run(method, bits, [value, value + 0.01], task, metric, dataset)
        for method, value in others.items()
        for bits in (16, 32)
        for task in ("image-text", "text-image")
        for metric in ("mAP", "mAP@500")
    ]
    records = pd.concat(runs).assign(paper="zhang2018")
    table = verdicts("zhang2018", records, dataset)
    assert set(table.dataset) == {dataset} and set(table.verdict) == {"holds"}
    assert table.claim.is_unique and len(table) == len(papers.claims("zhang2018"))
    counts = table.set_index("claim").comparisons
    assert counts.filter(like="outperforms").item() == 7 * 2 * 2
    top = records.metric == "mAP@500"
    low = records.value.where(~(top & (records.method == "aadah")), records.value - 0.4)
    table = verdicts("zhang2018", records.assign(value=low), dataset).set_index("source")
    lost = table.index[table.verdict == "does not hold"]
    assert list(lost) == ["Section 4.2, Table 2"] * 2


def test_verdicts_on_the_own_dataset_and_on_another():
    runs = [run(m, 12, [0.5, 0.51] if m.startswith("mm") else [0.3, 0.31], t, dataset="scenes")
            for m in ("mmnn_l1", "mmnn_l2", "cmnn_l1", "cmnn_l2")
            for t in ("image-text", "text-image")]  # fmt: skip
    records = pd.concat(runs)
    assert set(verdicts("masci2014", records).verdict) == {"not run"}
    table = verdicts("masci2014", records, dataset="scenes").set_index("claim")
    assert set(table.dataset) == {"scenes"}
    superior = table[table.index.str.startswith("MM-NN is superior")].iloc[0]
    assert superior.verdict == "holds" and superior.comparisons == 4
    wrong_paper = verdicts("masci2014", records.assign(paper="x"), dataset="scenes")
    assert set(wrong_paper.verdict) == {"not run"}


def test_a_paper_without_claims_is_named():
    with pytest.raises(ValueError, match="there is no paper 'x'; there are masci2014, liong2017"):
        verdicts("x")
