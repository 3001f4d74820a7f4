"""What the pages in `docs/` show is what runs and what was measured."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmhash_nb.codes import HammingIndex, HashCodes
from mmhash_nb.figures.style import png
from mmhash_nb.ranking import rank_profile

ROOT = Path(__file__).parents[1]
SCALING = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")


@pytest.fixture
def page():
    spec = importlib.util.spec_from_file_location("page", ROOT / "benchmarks" / "page.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def test_the_verdict_takes_the_fastest_that_finds_enough(page):
    table = rows("flat", ("", "4.0", "1.0", "1.000", "0.00", ""))
    table += rows(
        "ivf",
        ("1", "0.5", "8.0", "0.949", "9.00", "2571"),
        ("4", "1.0", "4.0", "0.950", "9.00", "3000"),
    )
    table += rows("multihash", ("2", "1.5", "2.7", "0.999", "1.00", "400"))
    table += [
        dict.fromkeys(table[0], "")
        | {"items": "2000", "index": "hnsw", "seconds to build": "not built"}
    ]
    assert page.verdict(pd.DataFrame(table)).splitlines() == [
        "- 1,000 codes: `flat` takes 4.0 ms a query; `ivf` with effort 4 is 4.0 times faster at "
        "recall 0.950, and its 9.00 s of building are repaid after 3,000 queries.",
        "- `hnsw` was not built over 2,000 codes.",
    ]
    slow = page.verdict(
        pd.DataFrame(table[:1] + rows("ivf", ("1", "2.1", "1.9", "1.000", "9.00", "9")))
    )
    assert slow.endswith("no index is 2 times faster at a recall of 0.95.")


@pytest.mark.parametrize("name", ["scaling", "approximate"])
def test_the_figures_are_drawn_and_linked(name, page):
    table = pd.read_csv(ROOT / "results" / f"benchmarks_{name}.csv", dtype=str).fillna("")
    assert png(getattr(page, f"draw_{name}")(table)).startswith(b"\x89PNG")
    assert (ROOT / "figures" / "scaling" / f"{name}.png").stat().st_size < 100_000


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", SCALING):
        assert (ROOT / "docs" / target).exists(), target
