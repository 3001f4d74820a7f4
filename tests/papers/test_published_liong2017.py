"""liong2017's printed numbers: complete, printed so, and what the errata say of the tables."""

import re

import numpy as np
import pandas as pd
from printed_cases import paper_text, printed_names

from mmhash_nb import papers
from mmhash_nb.experiments.records import COLUMNS
from mmhash_nb.metrics import mean_average_precision
from mmhash_nb.papers.compare import table
from mmhash_nb.ranking import RankProfile

BITS = (16, 32, 64, 128)
DATASETS = ("wiki", "iaprtc12", "nuswide")
TASKS = ("image-text", "text-image")
PRINTED = {name: method for (_, method), name in printed_names("liong2017").items()}
LIONG = papers.tables("liong2017")
#: Tables 1 and 2: a row for each dataset, task and length, a column for each method.
MAIN = LIONG[LIONG.table <= 2].set_index(["dataset", "task", "bits", "method"]).value.unstack()
SHALLOW = list(PRINTED.values())[:8]
SEPARATE, UNIFIED = ("cvh", "cca_itq", "pdh", "scm"), ("lssh", "cmfh", "sephkm", "discmh")


def row_of(number, method, dataset, task):
    """Values by code length, ascending."""
    at = (LIONG.table == number) & (LIONG.method == method)
    return LIONG[at & (LIONG.dataset == dataset) & (LIONG.task == task)].sort_values("bits")


def test_every_number_of_the_four_tables_is_there():
    # 9 methods × 3 datasets × 4 lengths; 3: (3 × 4 + 4 + 3 + 4) × 2 directions; 4: 3 × 4 × 2.
    assert LIONG.groupby("table").size().to_dict() == {1: 108, 2: 108, 3: 46, 4: 24}
    assert set(LIONG.task[LIONG.table == 1]) == {"image-text"}
    assert set(LIONG.task[LIONG.table == 2]) == {"text-image"}
    lengths = LIONG.groupby(["table", "method", "dataset", "task"]).bits.agg(tuple)
    short = lengths[lengths != BITS]
    assert {key[:2] for key in short.index} == {(3, "dcmh")} and set(short) == {(16, 32, 64)}
    assert LIONG.value.notna().all() and set(LIONG.method) == set(PRINTED.values())
    assert set(LIONG.metric[LIONG.dataset == "iaprtc12"]) == {"mAP@500"}
    assert set(LIONG.metric[LIONG.dataset != "iaprtc12"]) == {"mAP@100"}


def test_each_row_is_printed_so_and_there_is_no_other():
    printed, number, dataset, task = [], 0, "", ""
    for line in paper_text("liong2017").splitlines():
        if title := re.match(r"Table (\d)\.", line):
            number, dataset = int(title[1]), "nuswide"
            task = {1: "image-text", 2: "text-image"}.get(number, "")
        if line.strip() in ("IAPRTC12", "NUSWIDE"):
            dataset = line.strip().lower()
        *head, row = re.split(r"^(\$[IT] [^\t]*)?\t", line, maxsplit=1)
        if head and head[-1]:
            task = TASKS[head[-1].startswith("$T")]
        name, *values = re.sub(r"</?b>| \[\d+\]", "", row if number > 2 else line).split("\t")
        if name not in PRINTED or not values:
            continue
        own = DATASETS if len(values) == 12 else (dataset,)
        for place, one in enumerate(own):
            some = [v for v in values[4 * place : 4 * place + 4] if v != "-"]
            printed.append((number, PRINTED[name], one, task, [float(v) for v in some]))
    keys = ["table", "method", "dataset", "task"]
    ours = [(*key, rows.value.tolist()) for key, rows in LIONG.groupby(keys)]
    assert sorted(printed) == sorted(ours)


def test_tables_lay_out_as_printed():
    none = pd.DataFrame({column: [] for column in COLUMNS})
    for number, (width, rows) in {1: (12, 9), 2: (12, 9), 3: (16, 5), 4: (8, 3)}.items():
        layout = table("liong2017", number, none)
        layout = layout.loc[:, (layout != "").any()]
        assert layout.shape == (rows, width)
    first = table("liong2017", 1, none)
    at = first.columns.str.contains("iaprtc12.*32 bits.*mAP@500")
    assert first.loc["scm", at].item() == "– (50.51)"


def test_what_is_printed_twice_is_the_same():
    for number, names in ((3, ("iaprtc12", "nuswide")), (4, ("nuswide",))):
        for dataset in names:
            for first, task in enumerate(TASKS, start=1):
                again = row_of(number, "cmdvh", dataset, task).value.tolist()
                assert again == row_of(first, "cmdvh", dataset, task).value.tolist()


def test_the_errata_on_best_results_are_true_of_the_tables():
    above = MAIN[SHALLOW].lt(MAIN.cmdvh, axis=0)
    assert above.size == 192 and above.to_numpy().sum() == 191
    lost = MAIN.index[~above.all(axis=1)]
    assert list(lost) == [("wiki", "image-text", 128)]
    assert MAIN.loc[lost[0], ["sephkm", "cmdvh"]].tolist() == [0.4472, 0.4442]
    better = [(MAIN[a] > MAIN[b]).sum() for a in UNIFIED for b in SEPARATE]
    assert (sum(better), len(better) * len(MAIN)) == (299, 384)


def test_the_errata_on_discmh_and_scm_are_true_of_the_tables():
    behind = (MAIN.cmdvh - MAIN.discmh).unstack()
    assert round(100 * behind[16].min()) == 5 and round(100 * behind[16].max()) == 18
    assert (behind[128] < behind[16]).groupby(level="dataset").sum().to_dict() == {
        **{"iaprtc12": 0, "nuswide": 2, "wiki": 0}
    }
    at_16 = MAIN.xs(16, level="bits")
    assert (at_16.sephkm > at_16.discmh).sum() == 4
    ours, scm = MAIN.cmdvh.unstack(), MAIN.scm.unstack()
    assert (ours[128] < ours[64]).sum() == 3
    falls = (scm.diff(axis=1).iloc[:, 1:] < 0).all(axis=1).groupby(level="dataset").all()
    assert falls.to_dict() == {"iaprtc12": True, "nuswide": True, "wiki": False}


def test_the_errata_on_the_larger_gap_are_true_of_the_tables():
    over_best = (MAIN.cmdvh - MAIN[SHALLOW].max(axis=1)).unstack()
    over_mean = (MAIN.cmdvh - MAIN[SHALLOW].mean(axis=1)).unstack()
    for dataset in ("iaprtc12", "nuswide"):
        assert (over_best.loc[dataset] > over_best.loc["wiki"]).all(axis=None)
    iapr, wiki = (100 * over_mean.loc[dataset, "text-image"] for dataset in ("iaprtc12", "wiki"))
    assert (round(iapr.max(), 1), round(wiki.min(), 1)) == (21.5, 22.8)


def test_scm_on_wiki_is_below_the_score_of_a_random_order():
    database = np.array([138, 272, 244, 248, 202, 178, 186, 144, 214, 347])
    queries = np.array([34, 88, 96, 85, 65, 58, 51, 41, 71, 104])
    relevant = np.repeat(database, queries)
    counts = np.stack([database.sum() - relevant, relevant], axis=1)[:, None, :]  # one big tie
    chance = mean_average_precision(RankProfile(counts), at=100, normalise_by="retrieved")
    assert round(chance, 3) == 0.146
    assert (MAIN.scm["wiki"] < chance).sum() == 6


def test_the_errata_on_cited_numbers_are_true_of_the_tables():
    others = papers.tables("zhang2018")

    def both(method, dataset, number):
        theirs = others[(others.method == method) & (others.dataset == dataset)]
        theirs = theirs[theirs.table == number].set_index(["task", "bits"]).value
        cited = LIONG[(LIONG.method == method) & (LIONG.table == 3)]
        return cited.set_index(["task", "bits"]).value[theirs.index], theirs

    cited, theirs = both("dvsh", "iaprtc12", 2)
    assert cited.tolist() == theirs.tolist()
    cited, theirs = both("dcmh", "nuswide", 1)
    assert (theirs < cited).all() and len(theirs) == 6
    assert (theirs["image-text", 16], cited["image-text", 16]) == (0.5903, 0.6249)
    four = LIONG[LIONG.table == 4].set_index(["task", "bits", "method"]).value.unstack()
    assert (four.cmdvh2 > four.cmdvh1).sum() == 6
