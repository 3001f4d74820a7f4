"""The paper-versus-ours report: whole, true to the records, and safe to open."""

import re
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from PIL import Image
from record_cases import made as rows

from mmhash_nb import cli, papers, report
from mmhash_nb.experiments import records
from mmhash_nb.papers.compare import LACKS
from mmhash_nb.report import contents, numbers
from mmhash_nb.report.document import Link, fold, heading, links, table, text
from mmhash_nb.report.page import markdown, page
from mmhash_nb.runner.headless import Outcome

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project without records, pictures or data."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMHASH_DATA", raising=False)
    return tmp_path


def tables(blocks):
    """Every table, its cells as text, with the last heading's anchor before it."""
    title = ""
    for element in (element for block in blocks for element in block.iter()):
        title = element.get("id", title)
        if element.tag == "table":
            names, *rows = [["".join(c.itertext()) for c in row] for row in element.iter("tr")]
            yield title, pd.DataFrame(rows, columns=names)


def cell(frame, method, dataset="cifar10", task="image-text", bits=48):
    at = (frame.method == method) & (frame.dataset == dataset) & (frame.task == task)
    (found,) = frame[at & (frame.bits == bits)].itertuples(index=False, name=None)
    return dict(zip(frame.columns, found, strict=True))


class Parsed(HTMLParser):
    """What a browser would make of a page: its tags with attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("with_runs", [False, True])
def test_every_published_number_stands_once_in_each_section_with_ours_or_a_reason(
    project, with_runs
):
    if with_runs:
        some = {"mmnn_l2": (0.5, 0.52), "raw": (0.2,)}
        records.write(rows("cifar10", some), project / "results")
        records.write(rows("scenes", some), project / "runs")
        records.write(rows("scenes", {"scm": (0.5,)}, bits=16, paper="zhang2018"), project / "runs")
    of_section: dict[str, list[pd.DataFrame]] = {}
    for anchor, frame in tables(contents.blocks()):
        if list(frame.columns) == list(numbers.SHOWN):
            of_section.setdefault(anchor, []).append(frame)
    expected = {f"{paper}-results-paper" for paper in papers.names()}
    others = {"masci2014-runs-scenes", "zhang2018-runs-scenes"} if with_runs else set()
    assert set(of_section) == expected | others
    for anchor, frames in of_section.items():
        paper = anchor.partition("-")[0]
        text = resources.files("mmhash_nb.papers").joinpath(paper, "tables.csv").read_text()
        frame = pd.concat(frames)
        assert len(frame) == len(text.splitlines()) - 1
        assert not frame.duplicated(["table", "method", "dataset", "task", "bits", "metric"]).any()
        assert (frame != "").all(axis=None) and not frame.isin(["nan", "<NA>"]).any(axis=None)
        unknown = frame[frame.seeds == "0"]
        assert (unknown.ours == "–").all() and (unknown["why, or from what"].str.len() > 12).all()


def test_ours_interval_difference_and_verdict_are_those_of_the_records(project):
    made = {"mmnn_l2": (0.53, 0.54, 0.55), "cmnn_l2": (0.1,), "mmnn_l1": (0.5, 0.5)}
    records.write(rows("cifar10", made), project / "results")
    section, *_ = contents.sections("masci2014")
    shown = numbers.shown(section.numbers)
    ours = cell(shown, "mmnn_l2")
    assert ours["published"] == "54.01" and ours["ours"] == "54.00" and ours["seeds"] == 3
    assert ours["95 % interval"] == "51.52 to 56.48"  # 4.303 · 1 point / √3
    assert ours["difference"] == "-0.01" and ours["verdict"] == "reproduced"
    assert ours["why, or from what"] == "made up"
    assert cell(shown, "cmnn_l2")["95 % interval"] == "one run"
    assert cell(shown, "cmnn_l2")["verdict"] == "not reproduced"
    assert numbers.counted(section.numbers).startswith(
        "307 not run, 2 not reproduced, 1 reproduced"
    )


def test_each_kind_of_gap_has_its_reason(project):
    made = rows("cifar10", {"mmnn_l2": (0.5,)})
    records.write(made, project / "results")
    (section,) = contents.sections("masci2014", present={"wiki"})
    shown = numbers.shown(section.numbers)

    def why(*args):
        return cell(shown, *args)["why, or from what"]

    on = section.numbers.drop_duplicates("dataset").set_index("dataset")
    assert on.reason["nuswide"] == "no run on nuswide: its files are not on this machine"
    assert on.reason["wiki"] == "no run on wiki: its files are here, but it has no record"
    assert why("cmssh") == "no run of cmssh on cifar10, where there are mmnn_l2 (made up)"
    assert why("mmnn_l2", "cifar10", "image-text", 12) == (
        "mmnn_l2 was not run at 12 bits on cifar10, but at 48"
    )
    assert (
        why("mmnn_l2", "cifar10", "text-image", 48) == "no mAP of mmnn_l2 for text-image on cifar10"
    )
    counts = section.numbers.lacks.value_counts()
    assert set(counts.index) == {"", *LACKS} and counts[""] == 1


def test_the_summary_counts_every_number_once(project):
    records.write(
        rows("cifar10", {"mmnn_l2": (0.54, 0.54), "cmnn_l2": (0.1,)}), project / "results"
    )
    here = rows("cifar10", {"mmnn_l2": (0.9,), "mmnn_l1": (0.9,)})
    records.write(here, project / "runs")
    records.write(rows("scenes", {"mmnn_l2": (0.3,), "cmssh": (0.3,)}), project / "runs")
    of_paper = contents.sections("masci2014")
    assert [s.anchor.partition("-")[2] for s in of_paper] == [
        *("results-paper", "runs-paper", "runs-scenes")
    ]
    best = contents.overall(of_paper)
    assert len(best) == len(papers.tables("masci2014"))
    verdicts = best[(best.dataset == "cifar10") & (best.task == "image-text") & (best.bits == 48)]
    verdicts = verdicts.set_index("method").verdict
    assert verdicts["mmnn_l2"] == "reproduced"  # results/ comes before runs/
    assert verdicts["mmnn_l1"] == "not reproduced"  # only runs/ has it
    assert verdicts["cmssh"] == "other data"
    board, frame, *_ = (f for anchor, f in tables(contents.blocks()) if anchor == "summary")
    first = board[board.paper == "masci2014"].iloc[0, 1:].astype(int).tolist()
    assert first == [310, 2, 1, 0, 0, 308]  # of results/ alone
    for row in frame.itertuples(index=False):
        paper, n, *counts = row
        assert int(n) == sum(map(int, counts)) == len(papers.tables(paper))


def test_the_page_and_the_markdown_say_all_of_it_and_links_lead_somewhere(project):
    records.write(rows("scenes", {"mmnn_l2": (0.3,)}), project / "runs")
    paths = report.write(
        project / "out", [Outcome("1_ok", 2.0), Outcome("2_bad", 1.0, "Died: <b>")]
    )
    assert [path.name for path in paths] == ["report.md", "report.html"]
    assert [path.name for path in sorted((project / "out").iterdir())] == [
        *("report.html", "report.md")
    ]
    text = paths[1].read_text()
    parsed = Parsed(text)
    anchors = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    links = {a["href"][1:] for tag, a in parsed.tags if tag == "a"}
    assert len(anchors) == len(set(anchors)) and links and links <= set(anchors)
    in_markdown = paths[0].read_text()
    assert set(re.findall(r"\]\(#([\w-]+)\)", in_markdown)) == links
    assert set(re.findall(r'<a id="([\w-]+)">', in_markdown)) == set(anchors)
    assert (
        text.rstrip().endswith("</html>") and "Died: &lt;b&gt;" in text and "Died: <b>" not in text
    )
    assert "30.00 (54.01)" in parsed.text  # the layout of the paper
    for paper in papers.names():
        for note in papers.errata(paper).interpretation:
            assert note in parsed.text
    # Nothing is fetched, nothing runs.
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "iframe", "object", "form"}
    for _, attributes in parsed.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert attributes.get("src", "data:").startswith("data:")


HOSTILE = "<b>x</b> | & [a](javascript:1) ` *y*\n</style>"


def test_the_report_says_over_how_many_queries_means_are(project):
    some = rows("wiki", {"mmnn_l2": [0.3]}, bits=32).assign(queries=20, without_relevant=13)
    records.write(some, project / "results")
    words = " ".join("".join(block.itertext()) for block in contents.blocks())
    assert (
        "wiki: means are over 20 queries; 13 of them have nothing to find: at most 0.350" in words
    )


def test_texts_from_records_become_no_tags(project):
    records.write(rows("cifar10", {"mmnn_l2": (0.5,)}, source=HOSTILE), project / "results")
    records.write(
        rows(HOSTILE.replace("/", ":"), {"<b>": (0.3,)}, paper="side_by_side"), project / "runs"
    )
    parsed = Parsed(page(contents.blocks(), HOSTILE))
    assert not [tag for tag, _ in parsed.tags if tag in ("b", "script")]
    assert HOSTILE in parsed.text and parsed.tags.count(("style", {})) == 1
    blocks = [heading(2, HOSTILE, "a"), text(HOSTILE), links([Link(HOSTILE, "a")])]
    blocks += [table(pd.DataFrame({HOSTILE: [HOSTILE]})), fold(HOSTILE, [])]
    written = markdown(blocks, project)
    tags = re.findall(r"<[^>]*>", written)
    assert set(tags) == {'<a id="a">', "</a>", "<details>", "<summary>", "</summary>", "</details>"}
    (folded,) = [line for line in written.splitlines() if "<summary>" in line]
    assert "</summary>" in folded  # on one line, where Markdown is not read
    assert not re.search(r"(?<!\\)\]\(javascript", written.replace(folded, ""))
    row = next(line for line in reversed(written.splitlines()) if line.startswith("|"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 2  # one cell


def test_pictures_are_in_the_page_and_linked_from_the_markdown(project):
    folder = project / "figures" / "masci2014" / "a set"
    folder.mkdir(parents=True)
    Image.new("RGB", (3, 2)).save(folder / "figure2_codes.png")
    Image.new("RGB", (3, 2)).save(folder / "new_one.png")
    report.write(project / "out")
    links = re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", (project / "out" / "report.md").read_text())
    assert [caption[:9] for caption, _ in links] == ["Figure 2.", "New one."]
    for _, link in links:
        assert (project / "out" / link.replace("%20", " ")).is_file()
    shown = [a for tag, a in Parsed((project / "out/report.html").read_text()).tags if tag == "img"]
    assert len(shown) == 2 and all(a["src"].startswith("data:image/png;base64,") for a in shown)
    assert [a["alt"] for a in shown] == [caption for caption, _ in links]


def test_runs_come_first_and_committed_files_stand_in_where_nothing_was_run(project):
    for figures, tables, dataset in (
        *(("figures", "results", dataset) for dataset in "ab"),
        ("runs/figures", "runs", "b"),
    ):
        path = project / figures / "masci2014" / dataset
        path.mkdir(parents=True)
        Image.new("RGB", (3, 2)).save(path / "new_one.png")
        records.write(rows(dataset, {"raw": (0.2,)}), project / tables)
    assert list(contents.pictures("masci2014")) == [("figures", "a"), ("runs/figures", "b")]
    assert [section.title for section in contents.sections("masci2014")] == [
        "On the paper's datasets, from results/", "On a, from results/", "On b, from runs/",
    ]  # fmt: skip


@pytest.mark.parametrize("room", [*papers.names(), "side_by_side"])
def test_every_picture_that_a_notebook_saves_has_a_caption(room):
    (path,) = (ROOT / "notebooks").glob(f"[0-9]_{room}*.ipynb")
    saved = set()
    for code in nbformat.read(path, as_version=4).cells:
        saved |= set(re.findall(r'figures\.save\(figure, folder / "(\w+)"', code.source))
    captions = papers.captions(room)
    assert saved == set(captions)
    committed = {path.stem for path in (ROOT / "figures" / room).glob("*/*.png")}
    assert committed and committed <= set(captions)


def test_the_command_writes_both_files_and_a_broken_record_leaves_the_last_ones(project, capsys):
    out = project / "elsewhere"
    assert cli.main(["report", "--out", str(out)]) == 0
    log = capsys.readouterr().out
    assert log == f"report: {out / 'report.md'}\nreport: {out / 'report.html'}\n"
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    (out / "masci2014_x.csv").write_text("paper,method\nmasci2014,raw\n")
    assert cli.main(["report", "--out", str(out)]) == 2
    assert "masci2014_x.csv have no column 'dataset'" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.glob("report.*")} == before
