"""A report as one HTML page that holds all it shows: pictures inside, no script, nothing fetched.

The page is built as a tree of elements, so that no text can become a tag.
"""

import base64
from collections.abc import Sequence
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
_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2430; background: #fff;
  max-width: 1280px; margin: 0 auto; padding: 1.5rem 1.5rem 6rem; }
h1 { font-size: 1.9rem; margin: 0 0 .5rem; }
h2 { font-size: 1.45rem; margin: 3.2rem 0 .6rem; padding-top: .8rem;
  border-top: 2px solid #d5dae3; }
h3 { font-size: 1.12rem; margin: 2rem 0 .4rem; }
p { max-width: 52rem; margin: .5rem 0; }
a { color: #0b57a4; }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .5rem 0; }
.wide { overflow-x: auto; margin: .6rem 0 1rem; }
table { border-collapse: collapse; font-size: 13px; line-height: 1.35; }
th { text-align: left; background: #eef1f6; font-weight: 600; vertical-align: bottom; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #dfe3ea; }
td { vertical-align: top; max-width: 34rem; font-variant-numeric: tabular-nums; }
td.number, td.short { white-space: nowrap; }
td.number { text-align: right; }
tbody tr:hover { background: #f6f8fb; }
.good, .bad, .open { white-space: nowrap; font-weight: 600; }
.good { color: #17663a; } .bad { color: #a32020; } .open { color: #7a5200; }
details { margin: .5rem 0; padding-left: .9rem; border-left: 3px solid #e3e7ee; }
summary { cursor: pointer; margin-left: -.9rem; padding: .15rem .5rem; background: #f4f6fa; }
figure { margin: 1rem 0 1.6rem; }
img { max-width: min(100%, 60rem); height: auto; border: 1px solid #e3e7ee; }
figcaption { max-width: 52rem; color: #49525f; font-size: 14px; }
"""


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
        case Fold(summary, inner, opened):
            details = SubElement(parent, "details", {"open": "open"} if opened else {})
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
