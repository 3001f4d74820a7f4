"""What the README and the page of results quote is what the records say."""

from pathlib import Path

import numpy as np
import pandas as pd
from page_cases import COUNTS, page, words
from scipy.stats import kendalltau

from mmhash_nb.experiments.records import read
from mmhash_nb.experiments.split_spread import spread
from mmhash_nb.papers import as_evaluated
from mmhash_nb.papers.compare import compare
from mmhash_nb.papers.side_by_side.differences import outcomes
from mmhash_nb.papers.verdicts import verdicts
from mmhash_nb.results import interval

TESTS = Path(__file__).parents[1]
RESULTS = TESTS.parent / "results"
SHALLOW = ("cca_hash", "cmfh", "scm", "stmh", "sephkm")


def test_scores_are_those_of_the_records():
    """Of `quoted_scores.csv`; those of liong2017 are of its own gallery."""
    quoted = pd.read_csv(TESTS / "quoted_scores.csv")
    assert len(quoted) > 70
    cells = ["dataset", "method", "bits", "task", "metric"]
    for paper, rows in quoted.groupby("paper"):
        values = as_evaluated(paper, read(paper)).groupby(cells).value.agg(list)
        for row in rows.itertuples():
            mean, _, high = interval(np.array(values[tuple(getattr(row, c) for c in cells)]))
            assert row.words == f"{100 * mean:.1f} ± {100 * (high - mean):.1f}", row
            assert row.words in words(row.page), row


def test_counts_of_claims_are_those_of_the_records():
    """And every count on the page is one of `quoted_claims.csv`."""
    quoted = pd.read_csv(TESTS / "quoted_claims.csv")
    found = set()
    for (paper, dataset), rows in quoted.groupby(["paper", "dataset"]):
        table = verdicts(paper, dataset=dataset)
        for row in rows.itertuples():
            (claim,) = table[table.claim.str.contains(row.words)].itertuples()
            counts = f"{claim.above} above, {claim.undecided} undecided, {claim.below} below"
            assert row.counts == f"{counts}: {claim.verdict}", row
            found.add((row.page, row.counts))
    for name in quoted.page.unique():
        assert {(name, counts) for counts in COUNTS.findall(words(name))} == {
            one for one in found if one[0] == name
        }


def test_mask_scores_are_those_of_the_study():
    table = pd.read_csv(RESULTS / "study_zhang2018_scenes_masks.csv", index_col="region")
    text = page("docs/results.md")
    for region, metric in (("attended", "IoU"), ("attended", "pointing")):
        assert table.loc[region, metric] in text
    for region in ("random", "centre", "feature norm"):
        for metric in ("IoU", "pointing"):
            assert table.loc[region, metric].split(" ")[0] in text


def test_how_near_the_shallow_methods_of_zhang2018_come_to_print():
    found = compare("zhang2018")
    found = found[(found.ours_from == "mirflickr25k") & found.method.isin(SHALLOW)]
    assert len(found) == 30 and set(found.verdict) == {"other backbone"}
    text = words("docs/results.md")
    assert f"within {100 * found.difference.abs().max():.1f} points of print" in text
    taus = {
        round(float(kendalltau(column.published, column.ours).statistic), 1)
        for _, column in found.groupby(["task", "bits"])
    }
    assert f"Kendall's τ is {' or '.join(map(str, sorted(taus)))} in each column" in text


def test_how_far_splits_and_seeds_move_the_scores():
    study = pd.read_csv(RESULTS / "study_zhang2018_mirflickr25k_splits.csv")
    found = spread(study, ["image-text", "text-image"])
    assert (found.draws == 10).all()
    low, high = found["SD over splits"].min(), found["SD over splits"].max()
    said = f"standard deviation of {low:.1f} to {high:.1f} points, ten seeds on one split of "
    least, most = found["SD over seeds"].min(), found["SD over seeds"].max()
    assert f"{said}{least:.1f} to {most:.1f}." in words("docs/results.md")


def test_how_many_methods_are_behind_the_best_side_by_side():
    """In both directions across modalities, of the study with ten seeds."""
    study = pd.read_csv(RESULTS / "study_side_by_side_scenes_differences.csv")
    counted = outcomes(study).loc[["image → text", "text → image"]]
    assert set(counted["others"]) == {27} and set(counted["surely behind"]) == {25}
    assert (counted[["within a point", "unresolved"]] == 1).all(axis=None)
    text = words("docs/results.md")
    assert "Of 27 methods 25 are surely behind CAH." in text
    assert counted["not surely behind"].tolist() == [
        "CMDVH1, AADAH, text masks only",
        "CMDVH1, CMDVH",
    ]
    few = study[study.seeds < 10].groupby("method").seeds.first().to_dict()
    masks = dict.fromkeys(("aadah", "aadah_visual", "aadah_textual"), 3)
    assert few == {"dnh_c": 3, **masks, "mah_no_kn": 8}
