"""Verdicts of claims: paired intervals, partial runs, the papers' own numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from record_cases import made
from table_cases import table_rows

from mmhash_nb import hashers, papers
from mmhash_nb.experiments.failed_runs import without
from mmhash_nb.experiments.intervals import interval
from mmhash_nb.experiments.records import COLUMNS, Cells
from mmhash_nb.papers.checks import Better, Compared, GrowsWithBits, Near
from mmhash_nb.papers.printed import TASKS
from mmhash_nb.papers.rulings import judge, ruling
from mmhash_nb.papers.verdicts import verdicts


def run(method, bits, values, task="image-text", metric="mAP", dataset="cifar10", seeds=None):
    """Run records of one cell, by default seeds 0, 1, …"""
    by_seed = dict(zip(seeds or range(len(values)), values, strict=True))
    return made(dataset, {method: by_seed}, task, bits, metric)


NONE = pd.DataFrame(columns=COLUMNS)


def verdict(check, *runs, dataset="cifar10"):
    return judge(check.cells(Cells(pd.concat(runs)), dataset))


AB = Better(pairs=[("mmnn_l1", "cmnn_l1")], tasks=["image-text"])


@pytest.mark.parametrize(("ours", "other", "ruling"), table_rows("rulings"))
def test_ruling_of_one_comparison(ours, other, ruling):
    result = verdict(AB, run("mmnn_l1", 12, ours), run("cmnn_l1", 12, other))
    assert result.ruling == ruling


def test_differences_are_paired_by_seed_not_by_order():
    # Unpaired, a spread of 0.2 between seeds would drown a difference of 0.01.
    ours = run("mmnn_l1", 12, [0.31, 0.51, 0.412], seeds=[0, 1, 2])
    other = run("cmnn_l1", 12, [0.40, 0.50, 0.30], seeds=[2, 1, 0])
    result = verdict(AB, ours, other)
    assert result.ruling == "holds"
    assert result.effect == pytest.approx(interval(np.array([0.01, 0.01, 0.012])))


def test_seeds_without_a_partner_do_not_count():
    ours = run("mmnn_l1", 12, [0.9, 0.9, 0.9], seeds=[0, 1, 2])
    other = run("cmnn_l1", 12, [0.1, 0.1], seeds=[2, 3])
    assert verdict(AB, ours, other).ruling == "not run"


def test_a_verdict_is_one_that_what_was_not_run_could_not_change():
    both = Better(pairs=[*AB.pairs, ("mmnn_l2", "cmnn_l2")], tasks=AB.tasks)
    good = [run("mmnn_l1", 12, [0.5, 0.51, 0.5]), run("cmnn_l1", 12, [0.4, 0.41, 0.4])]
    bad = [run("mmnn_l1", 24, [0.3, 0.31, 0.3]), run("cmnn_l1", 24, [0.4, 0.41, 0.4])]
    partial = verdict(both, *good)
    assert (partial.ruling, partial.above, partial.not_run) == ("undecided", 1, 1)
    broken = verdict(both, *bad)
    assert (broken.ruling, broken.below, broken.not_run) == ("undecided", 1, 1)
    assert verdict(AB, *good).ruling == "holds"
    assert verdict(AB, *bad).ruling == "does not hold"
    mixed = verdict(AB, *good, *bad)
    assert (mixed.ruling, mixed.above, mixed.below) == ("undecided", 1, 1)


@pytest.mark.parametrize(("counts", "most", "expected"), table_rows("verdict_of_counts"))
def test_the_verdict_follows_from_the_counts(counts, most, expected):
    assert ruling(*counts, most) == expected


def test_a_failed_run_leaves_its_comparison_undecided_and_is_named():
    at = {
        bits: [run("dcmh", bits, values), run("mmnn_l1", bits, [0.9, 0.89, 0.9])]
        for bits, values in (
            (16, [0.7, 0.72, 0.71]),
            (32, [0.8, 0.81, 0.79]),
            (64, [0.8, 0.3, 0.81]),
        )
    }
    records = pd.concat([part for parts in at.values() for part in parts])
    check = Better(pairs=[("mmnn_l1", "dcmh")], tasks=["image-text"])
    sound, failing = Cells(records), Cells(without(records))
    assert judge(check.cells(sound, "cifar10")).failed == 0
    found = judge(check.cells(failing, "cifar10"))
    assert (found.above, found.undecided, found.failed, found.ruling) == (2, 1, 1, "mostly holds")
    assert found.effect.mean == pytest.approx(0.141667, abs=1e-5)  # of 16 and 32 bits alone


def test_other_datasets_tasks_and_metrics_do_not_count():
    for change in ({"dataset": "wiki"}, {"task": "text-image"}, {"metric": "mAP_best"}):
        ours, other = run("mmnn_l1", 12, [0.5, 0.5], **change), run("cmnn_l1", 12, [0.4, 0.4])
        assert verdict(AB, ours, other).ruling == "not run"


def test_a_margin_below_zero_lets_a_small_loss_pass():
    ours, other = run("mmnn_l1", 12, [0.495, 0.496]), run("cmnn_l1", 12, [0.5, 0.5])
    loose = replace(AB, margin=-0.02)
    assert verdict(loose, ours, other).ruling == "holds"
    assert verdict(AB, ours, run("cmnn_l1", 12, [0.6, 0.601])).ruling == "does not hold"
    assert verdict(loose, ours, run("cmnn_l1", 12, [0.6, 0.601])).ruling == "does not hold"


def test_a_reference_without_codes_stands_against_every_length_and_seed():
    check = Better(pairs=[("nnhash_l1", "raw")], tasks=["image-image"])
    ours = [run("nnhash_l1", bits, [0.5, 0.52], "image-image") for bits in (12, 24)]
    result = verdict(check, *ours, run("raw", 64, [0.3], "image-image"))
    assert result.ruling == "holds" and result.above == 2


def test_only_the_lengths_of_a_claim_count():
    check = replace(AB, bits=[24])
    good = [run("mmnn_l1", 24, [0.5, 0.51, 0.5]), run("cmnn_l1", 24, [0.4, 0.41, 0.4])]
    bad = [run("mmnn_l1", 12, [0.3, 0.31, 0.3]), run("cmnn_l1", 12, [0.4, 0.41, 0.4])]
    assert verdict(check, *good, *bad).ruling == "holds"
    assert verdict(check, *bad).ruling == "not run"


def test_average_compares_the_mean_of_both_directions():
    check = Better(pairs=[("mmnn_l1", "scm_rasiwasia")], tasks=["average"])
    runs = [
        run("mmnn_l1", 32, [0.5, 0.52], "image-text", dataset="wiki"),
        run("mmnn_l1", 32, [0.1, 0.12], "text-image", dataset="wiki"),
        run("scm_rasiwasia", 10, [0.2], "image-text", dataset="wiki"),
        run("scm_rasiwasia", 10, [0.2], "text-image", dataset="wiki"),
    ]
    result = judge(check.cells(Cells(pd.concat(runs)), "wiki"))
    assert result.effect.mean == pytest.approx(0.11)  # (0.30 + 0.32) / 2 − 0.20
    assert judge(check.cells(Cells(pd.concat(runs[:3])), "wiki")).ruling == "not run"


NEAR = Near(pairs=[("cca", "random")], tasks=["image-text"], within=0.02)


@pytest.mark.parametrize(("values", "ruling"), table_rows("near"))
def test_near_is_two_sided(values, ruling):
    chance = run("random", 12, [0.1, 0.1, 0.1])
    assert verdict(NEAR, run("cca", 12, values), chance).ruling == ruling
    assert verdict(NEAR, run("cca", 12, values)).ruling == "not run"


def test_growth_is_from_the_shortest_to_the_longest_code():
    check = GrowsWithBits(method="ssh", tasks=["image-image"])
    at = {bits: run("ssh", bits, [v, v + 0.001], "image-image") for bits, v in
          ((12, 0.2), (24, 0.1), (48, 0.3))}  # fmt: skip
    result = verdict(check, *at.values())
    assert result.ruling == "holds" and result.effect.mean == pytest.approx(0.1)
    assert verdict(check, at[12], at[24]).ruling == "does not hold"
    assert verdict(check, at[12]).ruling == "not run"


def test_nothing_to_compare_is_not_run():
    assert judge([]).ruling == "not run"
    assert judge([Compared("x", {}), Compared("y", {0: 0.1})]).not_run == 2


ACROSS = Better(pairs=[("mah (joint-joint)", "dth (image-image)")])


@pytest.mark.parametrize(("joint", "image", "factor", "ruling"), table_rows("tasks_of_methods"))
def test_each_method_counts_in_the_task_it_has(joint, image, factor, ruling):
    runs = [run("mah", 16, joint, "joint-joint"), run("dth", 16, image, "image-image")]
    # Numbers of the same methods in other tasks say the opposite, and are none of its business.
    opposite = [run("mah", 16, image, "image-image"), run("dth", 16, joint, "joint-joint")]
    check = replace(ACROSS, factor=factor)
    result = verdict(check, *runs, *opposite)
    assert result.ruling == ruling
    assert verdict(check, *opposite).ruling == "not run"


def test_a_relative_gain_is_of_the_second_score_by_seed():
    joint = run("mah", 16, [0.7, 0.5], "joint-joint", seeds=[0, 1])
    image = run("dth", 16, [0.4, 0.6], "image-image", seeds=[1, 0])
    check = replace(ACROSS, factor=1.1)
    (cell,) = check.cells(Cells(pd.concat([joint, image])), "cifar10")
    assert cell.differences == pytest.approx({0: 0.7 - 1.1 * 0.6, 1: 0.5 - 1.1 * 0.4})
    assert cell.label == "mah (joint-joint) − 1.1 × dth (image-image), mAP, 16 bits"


def scored(check):
    """Methods and tasks that a check compares."""
    match check:
        case GrowsWithBits(method=method, tasks=tasks):
            return {method}, set(tasks)
        case Better(pairs=pairs, tasks=tasks):
            words = " ".join(side for pair in pairs for side in pair).split()
            across = {word.strip("()") for word in words if word.startswith("(")}
            return {word for word in words if not word.startswith("(")}, across or set(tasks)


@pytest.mark.parametrize("paper", papers.names())
def test_claims_name_registered_methods_known_tasks_and_the_papers_datasets(paper):
    known = {*hashers.names(paper), "random"}
    datasets = set(papers.tables(paper).dataset)
    for claim in papers.claims(paper):
        methods, tasks = scored(claim.check)
        assert methods <= known
        assert tasks <= set(TASKS)
        assert claim.datasets and set(claim.datasets) <= datasets
        assert claim.most in claim.text


IN_PRINT = pd.read_csv(Path(__file__).parent / "claims_in_print.csv", comment="#")


@pytest.mark.parametrize("paper", papers.names())
def test_so_many_of_a_papers_numbers_agree_with_its_claims(paper):
    table = verdicts(paper, NONE)
    assert not table.duplicated(["claim", "dataset"]).any() and set(table.verdict) == {"not run"}
    for words, rows in IN_PRINT[IN_PRINT.paper == paper].groupby("words"):
        found = table[table.claim.str.contains(words)]
        ours = dict(zip(found.dataset, found.in_paper, strict=True))
        assert ours == dict(zip(rows.dataset, rows.agree, strict=True)), words


@pytest.mark.parametrize(
    ("paper", "words", "agree"),
    [("zeng2022", "DTH achieves", "29 of 36"), ("liong2017", "best performance", "191 of 192")],
)
def test_on_another_dataset_each_claim_stands_once_with_all_of_the_papers_numbers(
    paper, words, agree
):
    table = verdicts(paper, NONE, "scenes").set_index("claim")
    assert list(table.index) == [claim.text for claim in papers.claims(paper)]
    assert table.index.is_unique and set(table.dataset) == {"scenes"}
    assert table.in_paper.filter(like=words).item() == agree


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
    assert set(verdicts("zhang2018", records).verdict) == {"not run"}  # on the paper's datasets
    assert set(verdicts("zhang2018", records.assign(paper="x"), dataset).verdict) == {"not run"}
    counts = table.set_index("claim").above
    assert counts.filter(like="outperforms").item() == 7 * 2 * 2
    top = records.metric == "mAP@500"
    low = records.value.where(~(top & (records.method == "aadah")), records.value - 0.4)
    table = verdicts("zhang2018", records.assign(value=low), dataset).set_index("source")
    lost = table.index[table.verdict == "does not hold"]
    assert list(lost) == ["Section 4.2, Table 2"] * 2
