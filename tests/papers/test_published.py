"""The published tables: complete, within range, and printed so in the papers."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from printed_cases import TEXTS, paper_text, printed_names
from table_cases import table_rows

from mmhash_nb import hashers, papers
from mmhash_nb.experiments.records import COLUMNS
from mmhash_nb.papers.compare import compare, table
from mmhash_nb.papers.printed import parse

HERE = Path(__file__).parent
MASCI, ZENG, ZHANG = map(papers.tables, ("masci2014", "zeng2022", "zhang2018"))
HEADER = "table,method,dataset,task,bits,metric,value\n"


def cell(table, number, method, task, bits, metric="mAP", dataset=None):
    at = table[
        (table.table == number)
        & (table.method == method)
        & (table.task == task)
        & ((table.dataset == dataset) | (dataset is None))
        & (table.metric == metric)
        & (table.bits.isna() if bits is None else table.bits.eq(bits).fillna(False))
    ]
    assert len(at) == 1
    return at.value.item()


def test_spot_values():
    """A few numbers of each paper, read from print by eye."""
    spot = pd.read_csv(HERE / "spot_values.csv").astype({"bits": "Int64"})
    ours = pd.concat([papers.tables(paper).assign(paper=paper) for paper in TEXTS])
    found = spot.merge(ours, on=[*spot.columns[:-1]], suffixes=("", "_ours"))
    assert len(found) == len(spot)
    assert found.value_ours.tolist() == pytest.approx(spot.value.tolist(), abs=1e-9)


def test_the_runs_that_did_not_converge_stand_empty():
    empty = MASCI[MASCI.value.isna()]
    assert set(empty.method) == {"agh1", "agh2"}
    assert set(empty.bits) == {256} and set(empty.table) == {4}
    assert len(empty) == 8


@pytest.mark.parametrize("paper", TEXTS)
def test_methods_are_registered(paper):
    assert set(papers.tables(paper).method) <= set(hashers.names(paper))


def test_every_paper_is_tested_here_and_has_errata():
    assert sorted(papers.names()) == sorted(TEXTS)
    for paper in TEXTS:
        assert (papers.errata(paper).map(len) > 0).all(axis=None)


def test_each_value_is_printed_in_the_paper_and_no_other():
    text = paper_text("masci2014")
    tables = text[text.index("TABLE 2") :]
    printed = {round(float(number) / 100, 6) for number in re.findall(r"\d+\.\d+", tables)}
    missing = MASCI[MASCI.value.notna() & ~MASCI.value.round(6).isin(printed)]
    assert missing.empty, missing
    assert len(re.findall(r"\b\d\d\.\d{1,2}\b", tables)) == MASCI.value.notna().sum()


def test_the_only_wrong_average_is_the_one_in_the_errata():
    six = MASCI[MASCI.table == 6].set_index(["method", "task"]).value.unstack()
    off = (six[["image-text", "text-image"]].mean(axis=1) - six.average).abs() > 0.0005 + 1e-9
    assert list(off.index[off]) == ["cmnn_l1"]
    errata = papers.errata("masci2014")
    assert errata["where"].str.contains("CM-NN L1, Avg").sum() == 1


def test_raw_of_table_4_can_only_be_map_at_10():
    four = MASCI[(MASCI.table == 4) & (MASCI.metric == "mAP")]
    for task in ("image-image", "text-text"):
        raw = cell(MASCI, 4, "raw", task, None, "mAP@10")
        assert raw > four[four.task == task].value.max()


def test_the_errata_on_ksh_and_on_multimodal_training_are_true_of_the_tables():
    full = MASCI[(MASCI.table == 4) & (MASCI.metric == "mAP")]
    full = full.set_index(["task", "bits", "method"]).value.unstack()
    both = full[["agh1", "agh2"]].max(axis=1).dropna()
    assert (full.ksh[both.index] > both).all()
    for task in ("image-image", "text-text"):
        for bits in (12, 24, 48):
            assert cell(MASCI, 3, "mmnn_l1", task, bits) < cell(MASCI, 2, "nnhash_l1", task, bits)


ZENG_ROWS = printed_names("zeng2022")


def row_of(table, number, method):
    """Values of one row as printed: datasets from left to right, code lengths within each."""
    row = table[(table.table == number) & (table.method == method)]
    row = row.set_index(["dataset", "bits"]).value
    datasets = [d for d in ("nuswide", "mirflickr25k", "iaprtc12") if d in row.index]
    return [row[dataset, bits] for dataset in datasets for bits in (16, 32, 48, 64)]


def test_each_method_of_zeng2022_has_one_task():
    tasks = ZENG.groupby("method").task.agg(set)
    image = {"dpsh", "dsh", "hashnet", "dth"}
    for method, task in tasks.items():
        own = {method in image: "image-image", method == "texthash": "text-text"}
        assert task == {own.get(True, "joint-joint")}


def test_each_row_of_zeng2022_is_printed_so_and_there_is_no_other():
    text = paper_text("zeng2022")
    printed = [" ".join(line.split()) for line in text.splitlines()]
    rows = [line for line in printed if len(re.findall(r"0\.\d{4}", line)) >= 4]
    ours = [
        f"{name} " + " ".join(f"{value:.4f}" for value in row_of(ZENG, *key))
        for key, name in ZENG_ROWS.items()
    ]
    assert sorted(ours) == sorted(rows)
    assert sum(len(re.findall(r"0\.\d{4}", row)) for row in rows) == len(ZENG)


def test_tables_of_zeng2022_lay_out_as_printed_datasets_side_by_side():
    none = pd.DataFrame({column: [] for column in COLUMNS})
    for number in (1, 2, 3):
        layout = table("zeng2022", number, none)
        rows = {method for n, method in ZENG_ROWS if n == number}
        assert set(layout.index) == rows
        for method in rows:
            printed = [f"– ({100 * value:.2f})" for value in row_of(ZENG, number, method)]
            assert layout.loc[method].tolist() == printed
    assert table("zeng2022", 1, none).columns[4] == "mirflickr25k, 16 bits"
    assert table("zeng2022", 2, none).columns[4] == "mirflickr25k, joint-joint, 16 bits"


def test_what_zeng2022_prints_twice_is_the_same():
    assert row_of(ZENG, 2, "mah") == row_of(ZENG, 1, "mah")
    assert row_of(ZENG, 3, "mah") == row_of(ZENG, 1, "mah")[8:]


def test_the_errata_on_gains_in_zeng2022_are_true_of_the_tables():
    printed = [1, "mah"], [1, "dth"], [2, "mah_no_kn"]
    mah, dth, no_kn = (np.array(row_of(ZENG, *key)) for key in printed)
    iapr = slice(8, 12)
    over_dth = 100 * (mah / dth - 1)[iapr]
    assert (over_dth.min().round(1), over_dth.max().round(1)) == (4.6, 6.9)
    over_no_kn = 100 * (mah / no_kn - 1)[iapr]
    assert (over_no_kn.min().round(2), over_no_kn.max().round(2)) == (1.64, 2.60)
    points = 100 * (mah - no_kn)[iapr]
    assert (points.min().round(2), points.max().round(2)) == (1.02, 1.57)
    others = np.array([row_of(ZENG, 1, name) for name in ("dpsh", "dsh", "hashnet")]).max(axis=0)
    assert np.flatnonzero(dth < others).tolist() == [0, 1, 2, 4, 5]
    fusions = np.array([row_of(ZENG, 1, name) for name in ("gmu", "mcb")]).max(axis=0)
    assert (no_kn < fusions).sum() == 4
    assert np.flatnonzero(no_kn < row_of(ZENG, 1, "concat")).tolist() == [4]
    sentences = np.array(row_of(ZENG, 3, "mah_sentences")) - row_of(ZENG, 3, "mah")
    assert (sentences > 0).tolist() == [True, True, True, False]


ZHANG_ROWS = printed_names("zhang2018")
ZHANG_TASKS = ("text-image", "image-text")
ZHANG_DATASETS = ("iaprtc12", "mirflickr25k", "nuswide")


def directed(table, number, method, task):
    """Values of one row of zhang2018 as printed: datasets, and 16, 32 and 64 bits within each."""
    row = table[(table.table == number) & (table.method == method) & (table.task == task)]
    row = row.set_index(["dataset", "bits"]).value
    there = [dataset for dataset in ZHANG_DATASETS if dataset in row.index]
    return np.array([row[dataset, bits] for dataset in there for bits in (16, 32, 64)])


@pytest.mark.parametrize(
    ("table", "rows", "counts", "bits", "metrics"),
    [
        # Table 2: 7 methods × 3 lengths × 2 + Raw; 3: 6 × 3 × 4; 4: 6 × 3 × 2 metrics × 2 + Raw;
        # 5: 4 × 3 × 2 × 4; 6: 8 methods × 3 columns.
        (MASCI, {}, {2: 44, 3: 72, 4: 74, 5: 96, 6: 24}, (), {"mAP", "mAP@10"}),
        (ZENG, ZENG_ROWS, {1: 9 * 12, 2: 3 * 12, 3: 2 * 4}, (16, 32, 48, 64), {"mAP"}),
        (
            *(ZHANG, ZHANG_ROWS, {1: 8 * 2 * 9, 2: 3 * 2 * 3, 3: 2 * 2 * 3, 4: 4 * 2 * 9}),
            *((16, 32, 64), {"mAP", "mAP@500"}),
        ),
    ],
)
def test_every_cell_of_every_table_is_there(table, rows, counts, bits, metrics):
    assert table.groupby("table").size().to_dict() == counts and set(table.metric) == metrics
    if rows:
        assert set(zip(table.table, table.method, strict=True)) == set(rows)
        cells = table.groupby(["table", "method", "dataset", "task"]).bits.agg(tuple)
        assert set(cells) == {bits} and table.value.notna().all()
    at_500 = table[table.metric == "mAP@500"]
    assert set(at_500.table) <= {2} and len(at_500) in (0, counts[2])


def test_each_row_of_zhang2018_is_printed_so_and_there_is_no_other():
    text = paper_text("zhang2018")
    printed, number, task = [], 0, ""
    for line in text.splitlines():
        if title := re.match(r"Table (\d)\.", line):
            number = int(title[1])
        *head, row = re.split(r"^(?:(Text|Image)\s*[↓→]\s*(?:Image|Text))?\t", line, maxsplit=1)
        if head and head[-1]:
            task = ZHANG_TASKS[head[-1] == "Image"]
        name, *values = row.split("\t")
        if head and values and re.fullmatch(r"0\.\d{4}", values[0]):
            printed.append((number, task, name, values))
    ours = [
        (number, task, name, [f"{value:.4f}" for value in directed(ZHANG, number, method, task)])
        for (number, method), name in ZHANG_ROWS.items()
        for task in ZHANG_TASKS
    ]
    assert sorted(printed) == sorted(ours)
    # Prose has three more: two that Table 1 has too, and a learning rate.
    assert len(re.findall(r"0\.\d{4}", text)) == len(ZHANG) + 3


def test_tables_of_zhang2018_lay_out_as_printed_and_end_with_the_variant_that_was_run():
    extra = [
        ("zhang2018", method, dataset, "", task, 16, 0, metric, 0.5, 1.0, "cpu")
        for method in ("random", "scm_orth")
        for dataset in ZHANG_DATASETS
        for task in ZHANG_TASKS
        for metric in ("mAP", "mAP@500")
    ]
    records = pd.DataFrame(extra, columns=COLUMNS)
    for number, width in {1: 18, 2: 6, 3: 6, 4: 18}.items():
        layout = table("zhang2018", number, records)
        rows = [method for n, method in ZHANG_ROWS if n == number]
        variants = ["scm_orth"] if "scm" in rows else []
        assert list(layout.index) == rows + variants and layout.shape[1] == width
        for method in rows:
            for task in ZHANG_TASKS:
                printed = [f"– ({100 * v:.2f})" for v in directed(ZHANG, number, method, task)]
                assert layout.loc[method].filter(like=task).tolist() == printed
    first = table("zhang2018", 1, records)
    assert first.columns[9] == "mirflickr25k, image-text, 16 bits"
    assert first.loc["scm_orth"].iloc[9:11].tolist() == ["50.00 (–)", ""]
    assert set(compare("zhang2018", records).verdict) == {"not run"}


def test_what_zhang2018_prints_twice_is_the_same():
    for task in ZHANG_TASKS:
        first = directed(ZHANG, 1, "aadah", task)
        assert first.tolist() == directed(ZHANG, 4, "aadah", task).tolist()
        assert first[:3].tolist() == directed(ZHANG, 3, "aadah", task).tolist()


def test_the_errata_on_the_tables_of_zhang2018_are_true_of_them():
    one, two, three, four = (
        {
            (method, task): directed(ZHANG, number, method, task)
            for n, method in ZHANG_ROWS
            for task in ZHANG_TASKS
            if n == number
        }
        for number in (1, 2, 3, 4)
    )
    baselines = [method for n, method in ZHANG_ROWS if n == 1 and method != "aadah"]

    def losses(numbers, method, others):
        """(other, task, column) wherever `method` is not above the other."""
        return [
            (other, task, int(column))
            for other in others
            for task in ZHANG_TASKS
            for column in np.flatnonzero(numbers[method, task] <= numbers[other, task])
        ]

    assert len(baselines) * 2 * 9 == 126
    assert losses(one, "aadah", baselines) == [("prdh", "image-text", 7)]
    assert losses(two, "aadah", ["dvsh", "dcmh"]) == [("dvsh", "image-text", 2)]
    small = {key: values[:3] for key, values in one.items()} | three
    assert losses(small, "aadah_cnn_f", baselines) == [("prdh", "text-image", 2)]
    # The largest fall from one length to the next of the same dataset.
    falls = {
        (*key, place): values[place] - values[place + 1]
        for key, values in one.items()
        for place in (0, 1, 3, 4, 6, 7)
    }
    largest = max(falls, key=falls.get)
    assert largest == ("prdh", "text-image", 7) and round(falls[largest], 4) == 0.0196
    below = four["aadah_none", "text-image"] < one["dcmh", "text-image"]
    assert below.tolist() == [True] * 6 + [False] * 3


@pytest.mark.parametrize(("text", "message"), table_rows("broken_published_rows"))
def test_a_broken_row_or_header_is_named(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        parse(text + "\n", "broken.csv")
