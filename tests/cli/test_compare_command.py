"""`mmhash compare` as a user has it: the page, going on after a kill, a method of one's own."""

import argparse
import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pair_cases import pictures
from user_folder import write_folder, write_table

from mmhash_nb import cli as commands
from mmhash_nb.cli import compare_methods
from mmhash_nb.cli.arguments import duration
from mmhash_nb.datasets.preprocessing import Preprocessing
from mmhash_nb.hashers import registry
from mmhash_nb.papers.side_by_side.durations import QUICK, expected_seconds

#: two lengths of methods that learn in no time, one of them from vectors
FEW = ("--methods", "scm", "diffhash", "--bits", "4", "8", "--seeds", "0")
PLUGIN = """
import numpy as np
from mmhash_nb import hashers

@hashers.register("{name}")
class Mine(hashers.ShallowHasher):
    def fit_views(self, image, text, labels, rng):
        u, _, v = np.linalg.svd(image.T @ text)
        return {{"image.directions": u[:, :self.n_bits], "text.directions": v[:self.n_bits].T}}
"""


@pytest.fixture(scope="module")
def items(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("compared") / "items"
    write_folder(folder)
    return folder


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A current folder and a cache of this test alone, and methods that it alone registers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(registry, "_REGISTERED", {})
    return tmp_path


def compare(capsys, *arguments: object) -> tuple[int, str, str]:
    status = commands.main(["compare", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_a_folder_becomes_a_page_and_a_table_and_the_best_method_goes_further(items, here, capsys):
    (here / "my_mine.py").write_text(PLUGIN.format(name="mine"))
    status, out, _ = compare(capsys, items, *FEW, "--plugin", "my_mine.py")
    assert status == 0 and "60 items with 9 labels" in out and "ζώο: 20 items, such as" in out
    assert out.index("12 queries over") < out.index("runs of 4 methods, about") < out.index("1/4")
    page, table = (here / "comparison.html").read_text(), pd.read_csv(here / "comparison.csv")
    assert set(table.method) == {"random", "scm", "diffhash", "mine"} and set(table.bits) == {4, 8}
    assert len(set(zip(table.method, table.bits, table.seed, strict=True))) == 4 * 2
    sources = re.findall(r'(?:src|href)="([^"]{0,12})', page)
    assert sources and all(one.startswith(("data:image", "#")) for one in sources)
    means = "Means are over 12 queries, of which "
    for part in (
        means,
        "3 methods on items",
        "Best: ",
        ">SCM<",
        "surely behind",
        "image → text, 8 bits",
        "galleries",
    ):
        assert part in page
    fit, explore = re.findall(r"mmhash_nb ((?:fit|explore) [^\n<]*)", page)
    assert explore == f"explore --model my_model {items} --plugin my_mine.py"
    given = fit.replace("--plugin my_mine.py", "").split()
    before = sorted((here / "cache" / "fits").glob("*/record.json"))
    assert commands.main(given) == 0
    assert sorted((here / "cache" / "fits").glob("*/record.json")) == before, "nothing is trained"


@pytest.mark.slow
def test_a_killed_comparison_goes_on(items, here):
    command = [sys.executable, "-m", "mmhash_nb", "compare", str(items), *FEW]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        for line in first.stdout:
            if line.lstrip().startswith("2/3"):
                break
        first.kill()
    done = {p: p.stat().st_mtime_ns for p in (here / "cache" / "fits").glob("*/record.json")}
    assert 4 <= len(done) < 6 and not list(here.glob("comparison*"))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert {p: p.stat().st_mtime_ns for p in done} == done
    assert (here / "comparison.html").is_file() and (here / "comparison.csv").is_file()


@pytest.mark.parametrize(
    ("text", "reason"),
    [("import os\nx = (", "line 2 of my_plugin_0.py is no Python"),
     ("\nx = y", "line 2 of my_plugin_1.py raises NameError: name 'y' is not defined"),
     ("x = 1", "my_plugin_2.py registers no method"),
     (PLUGIN.format(name="lost").replace('"text.directions"', '"text.direction"'),
      "my_plugin_3.py: lost")],
)  # fmt: skip
def test_a_plugin_with_a_mistake_is_one_sentence(items, here, capsys, text, reason, request):
    name = f"my_plugin_{request.node.callspec.indices['text']}.py"
    (here / name).write_text(text)
    status, out, err = compare(capsys, items, *FEW, "--plugin", name)
    assert (status, out) == (2, "") and reason in err and err.count("\n") == 1


def test_a_method_that_cannot_run_or_is_not_begun_in_time_is_named_and_others_go_on(
    items, here, capsys
):
    given = (items, "--methods", "cca_hash", "scm", "--bits", "16", "--seeds", "0")
    status, _, err = compare(capsys, *given)
    assert status == 0 and "cca_hash does not run at 16 bits: n_bits is 16" in err
    assert "CCA, 16 bits" in (here / "comparison.html").read_text()
    status, _, err = compare(capsys, items, "--methods", "diffhash", "--bits", "4", "--time", "0s")
    assert status == 2 and "no method has run: " in err and "diffhash: the time was up" in err


def test_a_page_shows_directions_and_lengths_that_methods_have(items, here, capsys):
    within = ("--methods", "random", "diffhash", "--bits", "4", "--seeds", "0")
    assert compare(capsys, items, *within)[0] == 0
    found = re.findall(r"(\w+ → \w+): ✓", (here / "comparison.html").read_text())
    assert set(found) == {"image → image", "text → text"}, "random codes have other directions"
    short = ("--methods", "cca_hash", "--bits", "4", "32", "--seeds", "0")
    status, _, err = compare(capsys, items, *short)
    assert status == 0 and "cca_hash does not run at 32 bits" in err
    page = (here / "comparison.html").read_text()
    assert "Best: CCA, mAP in per cent at 4 bits" in page and ">4</td>" in page


def test_a_folder_without_a_query_is_refused_before_training(here, capsys):
    rows = write_folder(here / "learned", 12)
    write_table(here / "learned", [[*row, "train"] for row in rows])
    status, out, err = compare(capsys, here / "learned", *FEW)
    assert (status, out) == (2, "") and "has no row of split query to judge by: mark some." in err


@pytest.mark.parametrize(
    ("given", "reason"),
    [(("nowhere",), "nowhere is neither a folder nor one of the datasets scenes, wiki"),
     (("{items}", "--methods", "raw"), "raw does not run on"),
     (("{items}", "--methods", "scn"), "there is no method 'scn'"),
     (("{items}", "--methods", "random", "--bits", "4"), "no method has run: random is a control"),
     (("{items}", "--out", ".", *FEW), "--out . is a folder: name a page: comparison."),
     (("{items}", "--weights", "w.pth"), "there are no weights in w.pth")],
)  # fmt: skip
def test_what_is_not_there_is_refused_with_a_sentence(items, here, capsys, given, reason):
    status, _, err = compare(capsys, *(part.format(items=items) for part in given))
    assert status == 2 and reason in err and err.count("error: ") == 1


def test_quick_methods_are_those_whose_committed_runs_took_seconds():
    small, large = expected_seconds(1_000), expected_seconds(100_000)
    assert small["scm"] < QUICK < small["cmdvh"] and large["scm"] == pytest.approx(
        100 * small["scm"]
    )


def test_times_have_a_unit():
    assert [duration(text) for text in ("90s", "30m", "1.5h")] == [90, 1800, 5400]
    with pytest.raises(Exception, match="write 90s, 30m or 2h"):
        duration("30")


def test_an_option_that_nothing_takes_is_named():
    pairs = dataclasses.replace(pictures(), images=np.zeros((len(pictures()), 5), np.float32))
    args = argparse.Namespace(backbone="small", tokens="characters", ngram=3)
    data = compare_methods._Data("wiki", None, pairs, ())
    said = list(compare_methods._without_effect(data, args))
    assert [line.partition(" ")[0] for line in said] == ["--backbone", "--tokens"]
    of = Preprocessing()
    plain = argparse.Namespace(backbone=None, tokens=of.tokens, ngram=of.ngram)
    assert list(compare_methods._without_effect(data, plain)) == []
