"""The page of speed shows what the benchmarks measured."""

import csv

import pandas as pd
import pytest
from page_cases import ROOT, page, words

PAGE = page("docs/speed.md")
TABLES = {path.stem: path for path in (ROOT / "results").glob("benchmarks_*.csv")}
#: others are shown in part, or have a test of their own
WHOLE = sorted(TABLES.keys() - {f"benchmarks_{name}" for name in ("approximate", "gpu", "scaling")})


def test_its_first_sentence_is_of_the_last_run():
    table = pd.read_csv(TABLES["benchmarks_ranking"]).set_index("what")
    whole = table.loc["rank_profile and all metrics"]
    times = f"{whole['times faster than the loop']:.1f} times faster than the loop"
    said = f"takes {whole.seconds:.2f} seconds on two cores, {times}"
    assert said in words("docs/speed.md")


@pytest.mark.parametrize("name", WHOLE)
def test_benchmark_tables_are_those_of_the_last_run(name):
    with open(TABLES[name], encoding="utf-8") as file:
        rows = list(csv.reader(file))
    for row in rows:
        assert "| " + " | ".join(row) + " |" in PAGE


def test_what_a_card_gave_is_that_of_the_last_run():
    table = pd.read_csv(ROOT / "results" / "benchmarks_gpu.csv", dtype=str, keep_default_na=False)
    (card,) = set(table.card)
    assert f"On an {card}" in PAGE
    for row in table[table.part != "agreement"].itertuples(index=False):
        assert "| " + " | ".join(row) + " |" in PAGE
    agreement = table[table.part == "agreement"].copy()
    agreement[["method", "kind"]] = agreement.what.str.split(", ", n=1, expand=True)
    measured = agreement.measured.astype(float).groupby(agreement.kind)
    assert measured.max()["losses"] <= 1e-5 and measured.min()["encoding"] == 1
    assert 0.997 <= measured.min()["encoding in bfloat16"] < 0.998
    trained = agreement[agreement.kind == "trained"].set_index("method").measured.astype(float)
    parted = trained[trained < 0.99]
    assert (100 * parted).round().astype(int).to_dict() == {"concat": 76, "mcb": 6, "texthash": 97}
