"""The README is short, and what it quotes is what the records say."""

import re

import pandas as pd
from page_cases import COUNTS, DECIMAL, ROOT, page, pages, words

from mmhash_nb import hashers, papers
from mmhash_nb.papers.scoreboard import COLUMNS, numbers, scoreboard

README = page("README.md")
MASKS = ROOT / "results" / "study_zhang2018_scenes_masks.csv"
#: a number of a paper, beside ours
PRINTED = re.compile(r"printed (?:is|are) (\d+\.\d)(?: and (\d+\.\d))?", re.IGNORECASE)


def test_it_is_short():
    lines = README.splitlines()
    assert len(lines) <= 150
    assert [line for line in lines if len(line) > 110 and not line.startswith("|")] == []


def test_its_parts_come_in_order():
    assert re.findall(r"^## (.*)", README, re.MULTILINE) == [
        *("What came out", "Start", "Notebooks", "Your own photos", "Your own method"),
        *("Real data", "Limits", "Links", "Citation and licence"),
    ]


def test_the_scoreboard_is_that_of_the_records():
    assert f"| {' | '.join(COLUMNS)} |" in README
    board = scoreboard()
    for paper, *counts in board.itertuples(index=False, name=None):
        name = f"`{paper}`" if paper.isidentifier() and paper != "all" else paper
        assert f"| {name} | {' | '.join(map(str, counts))} |" in README
    everything = board.set_index("paper").loc["all"]
    for name in ("README.md", "docs/results.md"):
        assert f"{everything.printed} " in words(name).partition("reproduced")[0]
        assert f"{everything['own data and setting']} could be judged" in words(name)
        assert f"{everything['of these reproduced']} are reproduced" in words(name)


def test_whose_numbers_of_masci2014_are_reproduced():
    """24 of baselines and 1 of CM-NN, none of the paper's method."""
    found = numbers("masci2014").query("verdict == 'reproduced'").method
    ours = found.str.match("mmnn|cmnn")
    assert f"Of the {len(found)} reproduced numbers, {(~ours).sum()} are of baselines" in words(
        "README.md"
    )
    assert f"{ours.sum()} is of CM-NN" in words("README.md")
    assert set(found[ours]) <= {"cmnn_l1", "cmnn_l2"}
    assert f"reproduce {(~ours).sum()} numbers of baselines" in words("docs/results.md")


def test_every_decimal_is_of_a_record_or_of_a_paper():
    """Of a score or a study that another test holds, or printed, in per cent."""
    quoted = pd.read_csv(ROOT / "tests" / "quoted_scores.csv").query("page == 'README.md'")
    masks = pd.read_csv(MASKS, index_col="region").IoU
    known = {*DECIMAL.findall(" ".join([*quoted.words, masks["attended"], masks["random"]]))}
    tables = pd.concat(map(papers.tables, papers.names()))
    printed = {f"{100 * value:.1f}" for value in tables.value}
    prose = re.sub(r"```.*?```|Python 3[.]\d+( and 3[.]\d+)?", "", README, flags=re.S)
    after = PRINTED.findall(words("README.md"))
    said = {number for pair in after for number in pair if number}
    assert said and said <= printed
    assert set(DECIMAL.findall(prose)) <= known | said


def test_the_number_of_methods():
    for name in ("README.md", "docs/methods.md"):
        (count,) = re.findall(r"(\d+) methods", words(name))
        assert int(count) == len(hashers.names())


def test_links_lead_somewhere():
    """Also those of all other pages; the site checks the headings that they name."""
    for path in pages():
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            assert re.match("https?://", target) or (path.parent / target).exists(), (path, target)


def test_every_picture_says_what_it_shows():
    for path in pages():
        for shown in re.findall(r"!\[([^\]]*)\]", path.read_text(encoding="utf-8")):
            assert len(shown) > 20, (path, shown)


def test_commands_come_after_the_line_that_puts_a_shell_into_the_environment():
    for name in ("README.md", "docs/your_photos.md", "docs/running.md"):
        text = page(name)
        place = text.index("source .venv/bin/activate")
        for found in re.finditer(r"^(?:python|papermill|voila) ", text, re.MULTILINE):
            assert found.start() > place, text[found.start() :].partition("\n")[0]
    assert "| `No module named mmhash_nb`" in page("docs/troubleshooting.md")


def test_counts_stand_beside_each_verdict():
    for name in ("README.md", "docs/results.md"):
        for found in COUNTS.findall(words(name)):
            assert re.search(r": (holds|mostly holds|undecided|does not hold)$", found), found
