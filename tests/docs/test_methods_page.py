"""The page of methods lists what is registered, with a name and a sentence each."""

import re

import pytest
from page_cases import page

from mmhash_nb import hashers

PAGE = page("docs/methods.md")
TABLE, GLOSSARY = PAGE.split("## Glossary")
#: columns of the table
PAPERS = ("masci2014", "liong2017", "zhang2018", "zeng2022")


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_every_method_of_a_paper_has_its_mark():
    for place, paper in enumerate(PAPERS):
        marked = [
            m for row in rows(TABLE) if row[2 + place] for m in re.findall(r"`(\w+)`", row[0])
        ]
        assert sorted(marked) == sorted(hashers.names(paper)), paper


def test_the_glossary_has_every_method_once():
    listed = [name for row in rows(GLOSSARY) for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(listed) == sorted(hashers.names())


@pytest.mark.parametrize("row", rows(GLOSSARY), ids=lambda row: row[0])
def test_an_entry_has_a_name_a_sentence_and_a_source(row):
    _, name, sentence, source = row
    assert name[0].isupper() and sentence.endswith(".") and len(sentence.split()) <= 25
    assert source == "control" or re.search(r"(19|20)\d\d", source)
