"""What a report is made of, as elements of its page: no text in them can become a tag."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

import pandas as pd

#: Verdicts of numbers, of claims and of notebooks by what they mean to a reader.
_COLOURS = {
    **dict.fromkeys(("reproduced", "holds", "mostly holds", "ok"), "good"),
    **dict.fromkeys(("not reproduced", "does not hold", "failed run"), "bad"),
    **dict.fromkeys(("other data", "other backbone", "undecided"), "open"),
}
#: Cells of fewer letters stay on one line.
_SHORT = 28


class Link(NamedTuple):
    """A way to a heading of the same report; may stand in a cell of a table."""

    text: str
    anchor: str


def heading(level: int, words: str, anchor: str) -> Element:
    """A heading of level 1 to 4; `anchor` is what links name, unique in the report."""
    made = Element(f"h{level}", id=anchor)
    made.text = words
    return made


def text(words: str) -> Element:
    """A paragraph."""
    made = Element("p")
    made.text = words
    return made


def links(ways: Iterable[Link]) -> Element:
    """Ways to headings, one after the other."""
    nav = Element("nav")
    for way in ways:
        _link(nav, way)
    return nav


def picture(path: Path, caption: str) -> Element:
    """A PNG file with what it shows."""
    figure = Element("figure")
    SubElement(figure, "img", src=str(path), alt=caption)
    SubElement(figure, "figcaption").text = caption
    return figure


def commands(lines: Iterable[str]) -> Element:
    """Lines for a shell, as they are typed; of a page, not of Markdown."""
    made = Element("pre")
    made.text = "\n".join(lines)
    return made


def fold(summary: str, blocks: Iterable[Element]) -> Element:
    """Blocks behind a line that opens and closes them."""
    details = Element("details")
    SubElement(details, "summary").text = summary
    details.extend(blocks)
    return details


def table(frame: pd.DataFrame) -> Element:
    """A table; cells are shown as `str` makes them, but for a `Link`."""
    wide = Element("div", {"class": "wide"})
    made = SubElement(wide, "table")
    header = SubElement(SubElement(made, "thead"), "tr")
    for column in frame.columns:
        SubElement(header, "th", scope="col").text = str(column)
    rows = SubElement(made, "tbody")
    for row in frame.itertuples(index=False):
        line = SubElement(rows, "tr")
        for value in row:
            if isinstance(value, Link):
                _link(SubElement(line, "td"), value)
            else:
                cell = str(value)
                kind = "number" if _is_number(cell) else "short" if len(cell) < _SHORT else "long"
                SubElement(line, "td", {"class": _COLOURS.get(cell, kind)}).text = cell
    return wide


def _link(parent: Element, link: Link) -> None:
    SubElement(parent, "a", href=f"#{link.anchor}").text = link.text


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace("−", "-"))
    except ValueError:
        return cell == "–"
    return True
