"""The published tables: complete, within range, and printed so in the papers."""

import os
import re
from pathlib import Path

import pytest

from mmhash_nb import hashers, published

TEXTS = {"masci2014": "004_4ac9ca03a49f9c28.txt"}
HEADER = "table,method,dataset,task,bits,metric,value\n"


def paper_text(paper: str) -> str:
    beside = Path(__file__).parents[2] / "shared" / "papers"
    path = Path(os.environ.get("MMHASH_PAPERS", beside)) / TEXTS[paper]
    if not path.is_file():
        pytest.skip(f"the text of {paper} is not at hand: set MMHASH_PAPERS to its folder")
    return path.read_text()


@pytest.fixture(scope="module")
def masci():
    return published.load("masci2014")


def cell(table, number, method, task, bits, metric="mAP"):
    at = table[
        (table.table == number)
        & (table.method == method)
        & (table.task == task)
        & (table.metric == metric)
        & (table.bits.isna() if bits is None else table.bits.eq(bits).fillna(False))
    ]
    assert len(at) == 1
    return at.value.item()


def test_every_cell_of_every_table_is_there(masci):
    # Table 2: 7 methods × 3 lengths × 2 + Raw; 3: 6 × 3 × 4; 4: 6 × 3 × 2 metrics × 2 + Raw;
    # 5: 4 × 3 × 2 × 4; 6: 8 methods × 3 columns.
    counts = masci.groupby("table").size().to_dict()
    assert counts == {2: 44, 3: 72, 4: 74, 5: 96, 6: 24}


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ((2, "diffhash", "image-image", 12), 0.1472),
        ((2, "nnhash_l2", "text-text", 48), 0.5301),
        ((2, "raw", "text-text", None), 0.1919),
        ((3, "cca", "image-image", 48), 0.1236),
        ((3, "cmnn_l2", "image-text", 12), 0.4789),
        ((3, "mmnn_l2", "text-image", 48), 0.5106),
        ((4, "ksh", "text-text", 256, "mAP@10"), 0.8405),
        ((4, "raw", "image-image", None, "mAP@10"), 0.6153),
        ((5, "mmnn_l1", "text-text", 256), 0.694),
        ((5, "cmssh", "image-text", 16, "mAP@10"), 0.6163),
        ((6, "mmnn_l2", "image-text", 32), 0.575),
        ((6, "scm_rasiwasia", "text-image", None), 0.226),
        ((6, "cmnn_l1", "average", 32), 0.255),
    ],
)
def test_spot_values(masci, where, value):
    assert cell(masci, *where) == pytest.approx(value, abs=1e-9)


def test_the_runs_that_did_not_converge_stand_empty(masci):
    empty = masci[masci.value.isna()]
    assert set(empty.method) == {"agh1", "agh2"}
    assert set(empty.bits) == {256} and set(empty.table) == {4}
    assert len(empty) == 8


def test_methods_are_registered(masci):
    assert set(masci.method) <= set(hashers.names("masci2014"))


def test_each_value_is_printed_in_the_paper(masci):
    text = paper_text("masci2014")
    tables = text[text.index("TABLE 2") :]
    printed = {round(float(number) / 100, 6) for number in re.findall(r"\d+\.\d+", tables)}
    missing = masci[masci.value.notna() & ~masci.value.round(6).isin(printed)]
    assert missing.empty, missing


def test_as_many_numbers_as_the_paper_prints(masci):
    text = paper_text("masci2014")
    tables = text[text.index("TABLE 2") :]
    assert len(re.findall(r"\b\d\d\.\d{1,2}\b", tables)) == masci.value.notna().sum()


def test_the_only_wrong_average_is_the_one_in_the_errata(masci):
    six = masci[masci.table == 6].set_index(["method", "task"]).value.unstack()
    off = (six[["image-text", "text-image"]].mean(axis=1) - six.average).abs() > 0.0005 + 1e-9
    assert list(off.index[off]) == ["cmnn_l1"]
    errata = published.errata("masci2014")
    assert errata["where"].str.contains("CM-NN L1, Avg").sum() == 1


def test_raw_of_table_4_can_only_be_map_at_10(masci):
    four = masci[(masci.table == 4) & (masci.metric == "mAP")]
    for task in ("image-image", "text-text"):
        raw = cell(masci, 4, "raw", task, None, "mAP@10")
        assert raw > four[four.task == task].value.max()


def test_the_errata_on_ksh_and_on_multimodal_training_are_true_of_the_tables(masci):
    full = masci[(masci.table == 4) & (masci.metric == "mAP")]
    full = full.set_index(["task", "bits", "method"]).value.unstack()
    both = full[["agh1", "agh2"]].max(axis=1).dropna()
    assert (full.ksh[both.index] > both).all()
    for task in ("image-image", "text-text"):
        for bits in (12, 24, 48):
            assert cell(masci, 3, "mmnn_l1", task, bits) < cell(masci, 2, "nnhash_l1", task, bits)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2,ssh,cifar10,image-image,12,mAP,15.42", "line 2: value is '15.42'"),
        ("2,ssh,cifar10,image-image,12,mAP,nan", "line 2: value is 'nan'"),
        ("2,ssh,cifar10,image-image,x,mAP,0.1", "line 2: bits is 'x'"),
        (",ssh,cifar10,image-image,12,mAP,0.1", "line 2: table is ''"),
        ("2,ssh,cifar10,gist-gist,12,mAP,0.1", "line 2: task is 'gist-gist'"),
        ("2,ssh,cifar10,image-image,12,MAP,0.1", "line 2: metric is 'MAP'"),
        ("2,ssh,cifar10,image-image,12,mAP,0.1\n" * 2, "line 3: the same cell"),
    ],
)
def test_a_broken_row_is_named(row, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        published.parse(HEADER + row + "\n", "broken.csv")


def test_a_wrong_header_is_named():
    with pytest.raises(ValueError, match="has columns table, value, not table, method"):
        published.parse("table,value\n2,0.1\n", "broken.csv")


@pytest.mark.parametrize("read", [published.load, published.errata])
def test_an_unknown_paper_names_those_there_are(read):
    with pytest.raises(ValueError, match=r"'masci2015'.*masci2014"):
        read("masci2015")
