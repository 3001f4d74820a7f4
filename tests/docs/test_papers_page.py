"""The page of papers cites what CITATION.cff cites."""

import re

import yaml
from page_cases import ROOT, blocks, page

from mmhash_nb import papers

CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_every_reference_is_there_in_bibtex():
    (bibtex,) = blocks("docs/papers.md", "## BibTeX")
    entries = bibtex.strip().split("\n\n")
    assert [re.match(r"@\w+\{(\w+),", entry)[1] for entry in entries] == [
        *("masci2014", "liong2017", "zhang2018", "zeng2022", "mmhash_nb")
    ]
    for entry, cited in zip(entries, [*CITATION["references"], CITATION], strict=True):
        assert f"= {{{cited['title']}}}" in entry
        for author in cited["authors"]:
            name = author.get("family-names") or author["name"]
            assert name in entry
        if "doi" in cited:
            assert cited["doi"] in entry and cited["doi"] in page("docs/papers.md")


def test_titles_are_those_of_the_papers_folders():
    assert {one["title"] for one in CITATION["references"]} == {*map(papers.title, papers.names())}
