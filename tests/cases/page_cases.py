"""The README, the pages of the site, and what stands in them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: a decimal number, and where it is no part of another
DECIMAL = re.compile(r"(?<![\w.,])\d+\.\d+(?![\w.]*\d)")
COUNTS = re.compile(r"\d+ above, \d+ undecided, \d+ below(?:: [a-z]+(?: [a-z]+)*)?")


def pages() -> list[Path]:
    """Every page of the site that is Markdown."""
    names = ["README.md", "CONTRIBUTING.md", "figures/SOURCES.md"]
    return [*(ROOT / name for name in names), *sorted((ROOT / "docs").glob("*.md"))]


def page(name: str) -> str:
    """The text of a page, named from the root of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def words(name: str) -> str:
    """The text of a page on one line."""
    return " ".join(page(name).split())


def blocks(name: str, heading: str = "# ") -> list[str]:
    """What stands in the fenced blocks after a heading, up to the next of its level or above."""
    level = len(heading) - len(heading.lstrip("#"))
    text = page(name)
    after = text[text.index(heading) + len(heading) :]
    end = re.search(rf"^#{{1,{level}}} ", re.sub(r"```.*?```", _blank, after, flags=re.S), re.M)
    return re.findall(r"```\w*\n(.*?)```", after[: end and end.start()], flags=re.S)


def _blank(block: re.Match) -> str:
    return " " * len(block[0])
