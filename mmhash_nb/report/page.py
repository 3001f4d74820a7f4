"""A report as one HTML page that holds all it shows: pictures inside, no script, nothing fetched.

The page is built as a tree of elements, so that no text can become a tag.
"""

import base64
from collections.abc import Sequence
from importlib import resources
from xml.etree.ElementTree import Element, SubElement, tostring

from mmhash_nb.report.document import Block, Fold, Heading, Link, Links, Picture, Table, Text

#: Verdicts of numbers, of claims and of notebooks by what they mean to a reader.
_COLOURS = {
    "reproduced": "good",
    "holds": "good",
    "ok": "good",
    "not reproduced": "bad",
    "does not hold": "bad",
    "other data": "open",
    "within noise": "open",
}
#: Cells of fewer letters stay on one line.
_SHORT = 28
_STYLE = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")


def render(blocks: Sequence[Block], title: str) -> str:
    """`blocks` as a whole HTML document, which any browser shows from a file."""
    document = Element("html", lang="en")
    head = SubElement(document, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    SubElement(head, "title").text = title
    SubElement(head, "style").text = _STYLE
    body = SubElement(document, "body")
    for block in blocks:
        _add(body, block)
    return "<!DOCTYPE html>\n" + tostring(document, encoding="unicode", method="html") + "\n"


def _add(parent: Element, block: Block) -> None:
    match block:
        case Heading(level, text, anchor):
            SubElement(parent, f"h{level}", id=anchor).text = text
        case Text(text):
            SubElement(parent, "p").text = text
        case Links(links):
            nav = SubElement(parent, "nav")
            for link in links:
                _link(nav, link)
        case Picture(path, caption):
            figure = SubElement(parent, "figure")
            data = base64.b64encode(path.read_bytes()).decode()
            SubElement(figure, "img", src=f"data:image/png;base64,{data}", alt=caption)
            SubElement(figure, "figcaption").text = caption
        case Fold(summary, inner):
            details = SubElement(parent, "details")
            SubElement(details, "summary").text = summary
            for part in inner:
                _add(details, part)
        case Table():
            _table(SubElement(parent, "div", {"class": "wide"}), block)


def _table(parent: Element, block: Table) -> None:
    table = SubElement(parent, "table")
    header = SubElement(SubElement(table, "thead"), "tr")
    for column in block.frame.columns:
        SubElement(header, "th", scope="col").text = str(column)
    rows = SubElement(table, "tbody")
    for row in block.frame.itertuples(index=False):
        line = SubElement(rows, "tr")
        for value in row:
            if isinstance(value, Link):
                _link(SubElement(line, "td"), value)
            else:
                text = str(value)
                kind = "number" if _is_number(text) else "short" if len(text) < _SHORT else "long"
                SubElement(line, "td", {"class": _COLOURS.get(text, kind)}).text = text


def _link(parent: Element, link: Link) -> None:
    SubElement(parent, "a", href=f"#{link.anchor}").text = link.text


def _is_number(text: str) -> bool:
    try:
        float(text.replace("−", "-"))
    except ValueError:
        return text == "–"
    return True
