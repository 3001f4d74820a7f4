"""What the pages in `docs/` show is what runs and what was measured."""

import csv
import io
import re
from pathlib import Path

import benchmark_cases
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mmhash_nb.codes import HammingIndex, HashCodes
from mmhash_nb.figures.style import png
from mmhash_nb.ranking import rank_profile

ROOT = Path(__file__).parents[2]
SCALING = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
TROUBLESHOOTING = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


@pytest.fixture
def page():
    return benchmark_cases.load("page")


def test_the_code_for_databases_in_shards_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    serial, on_dask = re.findall(r"```python\n(.*?)```", SCALING, flags=re.S)
    assert len(serial.strip().splitlines()) <= 14
    exec(serial, given := {})
    codes, queries, database = given["codes"], given["queries"], given["database"]
    whole = HashCodes(np.concatenate([shard.bits for shard, _ in database]), 32)
    keys = given["pairs"].take(given["pairs"].database)
    expected = rank_profile(codes, whole, queries.labels, keys.labels)
    np.testing.assert_array_equal(given["profile"].counts, expected.counts)
    np.testing.assert_array_equal(given["rows"], HammingIndex(whole).search(codes, 10)[1])
    assert database.rows == (225,) * 4
    exec(on_dask, given)
    assert given["database"].folder.name == "codes-of-workers"
    assert HashCodes(np.concatenate([shard.bits for shard, _ in given["database"]]), 32) == whole
    np.testing.assert_array_equal(given["on_cluster"].counts, expected.counts)


def test_the_page_quotes_the_last_run(page):
    assert page.written(SCALING, ROOT / "results") == SCALING


def test_a_page_without_a_mark_is_refused(page):
    with pytest.raises(ValueError, match="must have the mark 'machines' once, but has it 0 times"):
        page.written(SCALING.replace("<!-- machines -->", ""), ROOT / "results")


def rows(index, *curve):
    columns = ["effort", "ms a query", "times faster than flat", "recall"]
    columns += ["seconds to build", "queries that repay building"]
    return [
        {"items": "1000", "index": index, **dict(zip(columns, row, strict=True))} for row in curve
    ]


def not_built(items, table):
    nothing = dict.fromkeys(table[0], "")
    return nothing | {"items": items, "index": "hnsw", "seconds to build": "not built"}


def test_the_verdict_takes_the_fastest_that_finds_enough(page):
    table = rows("flat", ("", "4.0", "1.0", "1.000", "0.00", ""))
    table += rows(
        "ivf",
        ("1", "0.5", "8.0", "0.949", "9.00", "2571"),
        ("4", "1.0", "4.0", "0.950", "9.00", "3000"),
    )
    table += rows("multihash", ("2", "1.5", "2.7", "0.999", "1.00", "400"))
    table += [not_built("2000", table)]
    assert page.verdict(pd.DataFrame(table)).splitlines() == [
        "- An index first pays at 1,000 codes, the smallest size that was measured: it is at least "
        "2 times faster than `flat` at a recall of 0.95.",
        "- 1,000 codes: `flat` takes 4.0 ms a query; `ivf` with effort 4 is 4.0 times faster at "
        "recall 0.950, and its 9.00 s of building are repaid after 3,000 queries.",
        "- `hnsw` was not built over 2,000 codes.",
    ]
    few = table[:1] + rows("ivf", ("1", "2.1", "1.9", "1.000", "9.00", "9"))
    slow = page.verdict(pd.DataFrame(few))
    assert slow.endswith("no index is 2 times faster at a recall of 0.95.")
    assert slow.startswith("- No index is at least 2 times faster than `flat` at a recall")
    more = [row | {"items": size} for size in ("7000", "20000") for row in table[:3]]
    # By lines of text, 20,000 would come before 7,000.
    assert page.verdict(pd.DataFrame(few + more)).startswith(
        "- An index first pays at 7,000 codes, not at 1,000: it is at least 2 times faster"
    )


def test_what_was_not_built_is_projected_from_the_last_two_sizes(page):
    table = []
    for items, seconds in (("100", "9.00"), ("1000", "2.00"), ("4000", "16.00")):
        made = rows("flat", ("", "4.0", "1.0", "1.000", "0.00", ""))
        made += rows("hnsw", ("1", "0.5", "8.0", "0.9", seconds, "1"))
        table += [row | {"items": items} for row in made]
    table += [not_built("32000", table), not_built("64000", table)]
    # Four times the codes took eight times as long: the exponent is 3/2.
    assert page.verdict(pd.DataFrame(table)).splitlines()[-2:] == [
        "- `hnsw` was not built over 32,000 codes: growing on as from 1,000 to 4,000 codes, "
        f"2 s to 16 s, building would take about {said} s.".replace("32,000", size)
        for size, said in (("32,000", "360"), ("64,000", "1,000"))
    ]


@pytest.mark.parametrize("name", ["scaling", "approximate"])
def test_the_figures_are_those_of_the_last_run_and_linked(name, page):
    table = pd.read_csv(ROOT / "results" / f"benchmarks_{name}.csv", dtype=str).fillna("")
    file = ROOT / "figures" / "scaling" / f"{name}.png"
    drawn = io.BytesIO(png(getattr(page, f"draw_{name}")(table)))
    now, kept = (np.asarray(Image.open(some).convert("RGB")).astype(int) for some in (drawn, file))
    assert now.shape == kept.shape
    # A value that moves by a twentieth turns over a hundred pixels; other fonts, few so much.
    assert (np.abs(now - kept).max(axis=2) > 48).sum() < 40
    assert file.stat().st_size < 100_000
    assert len(re.findall(rf"!\[[^\]]+\]\(\.\./figures/scaling/{name}\.png\)", SCALING)) == 1


def test_there_are_as_many_panels_as_sizes(page):
    table = rows("flat", ("", "4.0", "1.0", "1.000", "0.00", ""))
    sizes = [str(10**i) for i in range(2, 7)]
    many = [row | {"items": size, "k": "9"} for size in sizes for row in table]
    figure = page.draw_approximate(pd.DataFrame(many))
    assert [axes.get_title() for axes in figure.axes] == [f"{int(n):,} codes" for n in sizes]


@pytest.mark.parametrize("name", ["scaling", "approximate"])
def test_the_tables_are_those_of_the_last_run(name):
    """Read back from the page by itself, whatever `page.py` writes."""
    (part,) = re.findall(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", SCALING, flags=re.S)
    header, line, *lines = ([c.strip() for c in row[1:-1].split("|")] for row in part.splitlines())
    assert set(line) == {"---"}
    with open(ROOT / "results" / f"benchmarks_{name}.csv", newline="", encoding="utf-8") as file:
        measured = list(csv.DictReader(file))
    assert [dict(zip(header, row, strict=True)) for row in lines] == [
        {column: row[column] for column in header} for row in measured
    ]
    projected = {f"seconds on {n} machines" for n in (4, 16, 64)}  # in a table of their own
    assert set(measured[0]) - set(header) <= projected


def sources() -> str:
    """The package's code, with literals that stand in several parts as one."""
    texts = (path.read_text(encoding="utf-8") for path in (ROOT / "mmhash_nb").rglob("*.py"))
    return re.sub(r"[\"']\s*\n\s*f?[\"']", "", "\n".join(texts))


def test_errors_that_the_page_explains_are_those_of_the_code():
    """Each of their words between what differs from case to case; others' errors are left out."""
    code, others = sources(), ("No module named", "operator torchvision", "No locks")
    shown = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", TROUBLESHOOTING, re.MULTILINE)
    sentences = [one for cell in shown for one in re.findall(r"`([^`]+ [^`]+)`", cell)]
    parts = {p.strip() for one in sentences if not one.startswith(others) for p in one.split("…")}
    assert len(parts) > 15
    assert not [part for part in parts if part.removesuffix(")").removesuffix("(") not in code]


def test_the_page_lists_every_variable():
    read = set(re.findall(r"\"(MMHASH_\w+)\"", sources()))
    # what a command sets for the process that it starts
    read -= {"MMHASH_OUTPUT", "MMHASH_EXPLORE", "MMHASH_EXPLORE_TOKEN"}
    listed = re.findall(r"^\| `(\w+)` \|", TROUBLESHOOTING, re.MULTILINE)
    assert read == {name for name in listed if name.startswith("MMHASH_")}
