"""Ours beside the published numbers: intervals, verdicts, reasons, layout."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_cases import made
from scipy import stats
from table_cases import table_rows

from mmhash_nb import papers
from mmhash_nb.experiments import records as run_records
from mmhash_nb.experiments.intervals import FLOOR, interval, prediction_half_width
from mmhash_nb.papers.compare import LACKS, compare, scores, table
from mmhash_nb.papers.printed import COLUMNS

VERDICTS = {
    *("reproduced", "not reproduced", "other backbone", "failed run"),
    *("other data", "not run", "not published"),
}


def records(values, method="mmnn_l2", dataset="cifar10", task="image-text", bits=48, metric="mAP"):
    """Run records of one cell, one seed per value."""
    return made(dataset, {method: values}, task, bits, metric, source="pixels")


def one(method="mmnn_l2", value=0.54, task="image-text", bits=48, dataset="cifar10", metric="mAP"):
    """A published table of a single cell."""
    row = (3, method, dataset, task, bits, metric, value)
    return pd.DataFrame([row], columns=list(COLUMNS)).astype({"bits": "Int64"})


def verdict(ours, cell, **options):
    return compare("masci2014", ours, cell, **options).iloc[0]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=12))
def test_interval_is_scipys(values):
    mean, low, high = interval(np.array(values))
    assert low <= mean + 1e-12 and mean <= high + 1e-12
    if np.std(values) > 1e-6:
        error = stats.sem(values)
        expected = stats.t.interval(0.95, len(values) - 1, np.mean(values), error)
        np.testing.assert_allclose([low, high], expected, rtol=1e-9, atol=1e-12)


def test_interval_of_one_value_has_no_bounds_and_of_none_is_refused():
    mean, low, high = interval(np.array([0.4]))
    assert mean == 0.4 and np.isnan(low) and np.isnan(high)
    with pytest.raises(ValueError, match="no interval of no values"):
        interval(np.array([]))


def test_prediction_interval_covers_one_more_run_95_times_in_100_and_has_a_floor():
    rng = np.random.default_rng(0)
    draws = rng.normal(0.5, 0.1, size=(4000, 4))  # wide enough that the floor plays no part
    inside = [abs(d[3] - d[:3].mean()) <= prediction_half_width(d[:3]) for d in draws]
    assert 0.94 < np.mean(inside) < 0.96
    for equal in ([0.5, 0.5, 0.5], [0.5]):  # it never narrows below the floor
        assert prediction_half_width(np.array(equal)) == FLOOR


@pytest.mark.parametrize(("ours", "expected"), table_rows("verdicts"))
def test_verdict_on_the_papers_own_data(ours, expected):
    row = verdict(records(ours), one(value=0.54))
    assert row.verdict == expected
    assert row.ours == pytest.approx(np.mean(ours)) and row.n_seeds == len(ours)
    assert row.difference == pytest.approx(np.mean(ours) - 0.54)
    assert row.source == "pixels"


def test_other_data_is_shown_and_not_judged():
    ours = records([0.54, 0.54, 0.54], dataset="scenes")
    assert verdict(ours, one()).verdict == "not run"
    row = verdict(ours, one(), dataset="scenes")
    assert (row.verdict, row.ours_from, row.ours) == ("other data", "scenes", pytest.approx(0.54))


@pytest.mark.parametrize(("change", "lacks", "reason"), table_rows("not_run"))
def test_not_run_says_what_is_missing(change, lacks, reason):
    row = verdict(records([0.5, 0.6], **change), one())
    assert (row.verdict, row.reason, row.n_seeds) == ("not run", reason, 0)
    assert np.isnan(row.ours) and row.lacks == LACKS[lacks]


def test_a_run_the_paper_could_not_finish_is_not_judged():
    row = verdict(records([0.5, 0.6]), one(value=np.nan))
    assert row.verdict == "not published" and row.ours == pytest.approx(0.55)


def test_a_method_without_codes_is_found_at_any_length_and_counts_each_seed_once():
    ours = pd.concat([records([0.2, 0.2], "raw", bits=b) for b in (12, 24, 48)])
    row = verdict(ours, one("raw", 0.2, bits=None))
    assert (row.n_seeds, row.verdict) == (2, "reproduced")


def test_average_is_over_both_directions_by_seed():
    ours = pd.concat(
        [
            records([0.2, 0.4], "cmnn_l1", "wiki", "image-text", 32),
            records([0.3, 0.1, 0.9], "cmnn_l1", "wiki", "text-image", 32),
        ]
    )
    row = verdict(ours, one("cmnn_l1", 0.255, "average", 32, "wiki"))
    assert row.n_seeds == 2  # the third seed has one direction only
    assert row.ours == pytest.approx(0.25)
    assert row.high == pytest.approx(0.25)  # both seeds average 0.25


def test_every_published_number_gets_a_row_and_a_known_verdict():
    ours = pd.concat([records([0.5, 0.52]), records([0.6], "ksh", task="text-text", bits=12)])
    rows = compare("masci2014", ours)
    assert len(rows) == len(papers.tables("masci2014"))
    assert set(rows.verdict) <= VERDICTS
    assert (rows.n_seeds > 0).sum() == 2
    assert (rows.verdict == "not run").eq(rows.n_seeds == 0).all()


def test_records_of_another_paper_do_not_count_and_the_same_row_twice_counts_once():
    other = records([0.54]).assign(paper="liong2017")
    assert verdict(other, one()).verdict == "not run"
    assert verdict(pd.concat([other, *[records([0.5, 0.6])] * 2]), one()).n_seeds == 2


def test_committed_records_are_read(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "results").mkdir()
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert set(compare("masci2014").verdict) == {"not run"}
    records([0.54, 0.55]).to_csv(tmp_path / "results" / "masci2014_cifar10.csv", index=False)
    records([0.25], "raw", "wiki", bits=None).to_csv(
        tmp_path / "results" / "masci2014_wiki.csv", index=False
    )
    records([0.1]).to_csv(tmp_path / "results" / "liong2017_wiki.csv", index=False)
    assert len(run_records.read("masci2014")) == 3
    assert (compare("masci2014").n_seeds == 2).sum() == 1


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (records([0.5]).drop(columns="seed"), "have no column 'seed'"),
        (records([54.0]), "hold mAP = 54.0 of mmnn_l2 on cifar10"),
        (records([np.nan]), "hold mAP = nan"),
        (
            pd.concat([records([0.5]), records([0.6])]),
            "two different values of mAP for mmnn_l2, image-text, 48 bits, seed 0 on cifar10",
        ),
    ],
)
def test_broken_records_are_named(broken, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        compare("masci2014", broken)


def test_written_records_read_back_and_a_second_writing_replaces_them(tmp_path):
    ours = pd.concat([records([0.5, 0.6]), records([0.2], "raw", "wiki", bits=None)])
    paths = run_records.write(ours, tmp_path)
    assert [p.name for p in paths] == ["masci2014_cifar10.csv", "masci2014_wiki.csv"]
    back = run_records.read("masci2014", tmp_path)
    pd.testing.assert_frame_equal(
        back.reset_index(drop=True),
        run_records.checked(ours).reset_index(drop=True),
        check_dtype=False,
    )
    run_records.write(records([0.7]), tmp_path)
    assert run_records.read("masci2014", tmp_path).value.tolist() == [0.7, 0.2]


def test_only_acg_counts_labels_and_may_exceed_one():
    assert len(run_records.checked(records([1.7], metric="ACG@100"))) == 1
    for metric, value in (("NDCG@100", 1.7), ("ACG@100", -0.1), ("ACG@100", np.nan)):
        with pytest.raises(ValueError, match=f"hold {metric} = "):
            run_records.checked(records([value], metric=metric))


def test_liong2017_searches_unified_codes_where_a_method_learns_them():
    tasks = {"image-text": 0.1, "text-image": 0.2, "image-unified": 0.3, "text-unified": 0.4}
    both = pd.concat(records([v, v], "cmfh", "wiki", t) for t, v in tasks.items())
    alone = pd.concat(records([0.5], "scm", "wiki", t) for t in ("image-text", "text-image"))
    ours = pd.concat([both, alone]).assign(paper="liong2017")
    seen = papers.as_evaluated("liong2017", ours)
    found = seen.groupby(["method", "task"]).value.agg(list).to_dict()
    assert found == {
        ("cmfh", "image-text"): [0.3, 0.3],
        ("cmfh", "text-image"): [0.4, 0.4],
        ("scm", "image-text"): [0.5],
        ("scm", "text-image"): [0.5],
    }
    again = papers.as_evaluated("liong2017", seen)
    pd.testing.assert_frame_equal(again, seen)
    other = ours.assign(paper="zhang2018")
    assert papers.as_evaluated("zhang2018", other) is other
    cell = one("cmfh", 0.3, "image-text", 48, "wiki").assign(table=1)
    assert compare("liong2017", ours, cell).ours.tolist() == [0.3]


def test_table_has_the_papers_layout():
    ours = pd.concat([records([0.54, 0.55]), records([0.3], "cca", task="text-image", bits=12)])
    layout = table("masci2014", 3, ours)
    assert list(layout.index) == ["cca", "cmssh", "cmnn_l1", "cmnn_l2", "mmnn_l1", "mmnn_l2"]
    assert layout.shape == (6, 12) and layout.columns[0] == "image-image, 12 bits"
    assert layout.loc["mmnn_l2", "image-text, 48 bits"] == "54.50 ± 6.35 (54.01)"
    assert layout.loc["cca", "text-image, 12 bits"] == "30.00 (10.21)"
    assert layout.loc["cmssh", "text-image, 12 bits"] == "– (17.28)"


def test_table_with_two_metrics_and_a_method_without_codes():
    layout = table("masci2014", 4, records([0.5], dataset="nuswide"))
    first = "image-image, 16 bits"
    assert layout.columns[:2].tolist() == [f"{first}, mAP@10", f"{first}, mAP"]
    assert layout.loc["raw", "image-image, 64 bits, mAP@10"] == "– (61.53)"
    assert layout.loc["raw", "image-image, 64 bits, mAP"] == ""
    assert layout.loc["agh1", "text-text, 256 bits, mAP"] == "– (–)"


def test_table_of_one_length_names_no_bits():
    layout = table("masci2014", 6, records([0.5], dataset="wiki", bits=32))
    assert list(layout.columns) == ["image-text", "text-image", "average"]
    assert layout.loc["mmnn_l2", "image-text"] == "50.00 (57.50)"
    assert layout.loc["scm_rasiwasia", "average"] == "– (25.20)"


def test_a_variant_that_is_not_in_print_stands_in_the_table_of_its_class_where_it_was_run():
    plain = [records([0.26], "sm_plain", "wiki", task, 32) for task in ("image-text", "text-image")]
    ours = pd.concat([records([0.29], "sm", "wiki", "image-text", 32), *plain])
    layout = table("masci2014", 6, ours)
    assert layout.loc["sm_plain"].tolist() == ["26.00 (–)"] * 3
    assert layout.loc["sm", "image-text"] == "29.00 (22.50)"
    assert "sm_plain" not in table("masci2014", 6, ours[ours.method == "sm"]).index
    assert "sm_plain" not in table("masci2014", 3, ours, "wiki").index
    assert len(compare("masci2014", ours)) == len(papers.tables("masci2014"))


def test_an_unknown_table_names_those_there_are():
    with pytest.raises(ValueError, match="no table 1 of results; it has 2, 3, 4, 5, 6"):
        table("masci2014", 1)


def test_scores_show_mean_and_interval_by_length():
    values = {16: (0.5, 0.6), 32: (0.7,)}
    rows = [("b", "text-text", bits, s, v) for bits, vs in values.items() for s, v in enumerate(vs)]
    rows += [("a", "image-image", 16, 0, 0.25), ("elsewhere", "image-image", 16, 0, 0.9)]
    records = pd.DataFrame(rows, columns=["method", "task", "bits", "seed", "value"])
    records["dataset"] = np.where(records.method == "elsewhere", "other", "here")
    records["metric"], records["paper"] = "mAP", "p"
    shown = scores(records, "here", methods=["a", "b", "missing"])
    assert list(shown.index) == [("a", "image-image"), ("b", "text-text")]
    assert list(shown.columns) == ["16 bits", "32 bits"]
    half = 100 * (interval(np.array([0.5, 0.6])).high - 0.55)
    assert shown.loc[("b", "text-text")].tolist() == [f"55.0 ± {half:.1f}", "70.0"]
    assert shown.loc[("a", "image-image")].tolist() == ["25.0", ""]
    assert list(scores(records, "here").index) == [("b", "text-text"), ("a", "image-image")]


FAILING = {16: [0.5, 0.52, 0.51], 24: [0.6, 0.6, 0.61], 48: [0.7, 0.2, 0.71]}


def test_a_failed_run_is_shown_by_seed_and_in_no_mean():
    ours = pd.concat([records(values, bits=bits) for bits, values in FAILING.items()])
    row = verdict(ours, one())
    assert (row.verdict, row.reason) == ("failed run", "by seed: 70.0, 20.0 ✗, 71.0")
    assert np.isnan(row.ours) and row.n_seeds == 3
    cell = scores(ours, "cifar10").loc[("mmnn_l2", "image-text")]
    assert cell["48 bits"] == "70.0, 20.0 ✗, 71.0" and "±" in cell["24 bits"]
    assert "70.0, 20.0 ✗, 71.0 (54.01)" in table("masci2014", 3, ours).to_numpy()


def test_a_method_at_chance_is_marked():
    ours = pd.concat([records([0.1, 0.1], "random"), records([0.105, 0.1])])
    cell = scores(ours, "cifar10").loc[("mmnn_l2", "image-text")]
    assert cell["48 bits"].endswith("(chance)")


def test_other_features_on_the_papers_data_are_no_reproduction():
    ours = made("wiki", {"cmdvh": [0.7, 0.7]}, "text-image", 16, "mAP@100", paper="liong2017")
    rows = compare("liong2017", ours)
    (row,) = rows[rows.n_seeds > 0].itertuples()
    assert row.verdict == "other backbone" and "128 visual words" in row.reason
    assert row.difference == pytest.approx(0.7 - row.published)


def test_other_features_of_pictures_do_not_touch_a_method_that_reads_texts_alone():
    verdicts = {}
    for method, task in [("texthash", "text-text"), ("mah", "joint-joint")]:
        ours = made("mirflickr25k", {method: [0.7, 0.7]}, task, 32, "mAP", paper="zeng2022")
        rows = compare("zeng2022", ours)
        (verdicts[method],) = set(rows[rows.n_seeds > 0].verdict)
    assert verdicts == {"texthash": "not reproduced", "mah": "other backbone"}


@pytest.mark.parametrize(
    ("column", "entry", "said"),
    [
        ("bits", "1>", "'1>' as bits in row 2"),
        ("bits", 16.5, "'16.5' as bits"),
        ("seed", None, "as seed"),
        ("value", "0,5", "'0,5' as value"),
        ("method", None, "as method"),
    ],
)
def test_an_entry_of_another_type_is_named(column, entry, said):
    wrong = records([0.7, 0.6]).astype({column: object})
    wrong.loc[wrong.index[1], column] = entry
    with pytest.raises(ValueError, match=said):
        run_records.checked(wrong)


@pytest.mark.parametrize(
    "data", [b"paper\n1,2\n3,4,5\n", b"\xff\xfe\x93", b"", b'"unclosed', "cut"]
)
def test_a_damaged_file_of_records_is_named(tmp_path, data):
    if data == "cut":  # in its last word, or in a number, which would be another then
        run_records.write(records([0.5]), tmp_path / "whole")
        data = next((tmp_path / "whole").glob("*.csv")).read_bytes()[:-3]
    (tmp_path / "masci2014_x.csv").write_bytes(data)
    with pytest.raises(ValueError, match=r"masci2014_x\.csv"):
        run_records.read("masci2014", tmp_path)
