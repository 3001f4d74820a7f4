"""A report as a file: an HTML page, or Markdown as GitHub shows it."""

import base64
import html
import os
import re
from collections.abc import Iterable
from copy import deepcopy
from importlib import resources
from pathlib import Path
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, tostring

_STYLE = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")


def page(blocks: Iterable[Element], title: str) -> str:
    """`blocks` as a whole HTML document, which any browser shows from a file.

    It holds all it shows: pictures are inside, there is no script, and nothing is fetched.
    """
    document = Element("html", lang="en")
    head = SubElement(document, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    SubElement(head, "title").text = title
    SubElement(head, "style").text = _STYLE
    body = SubElement(document, "body")
    body.extend(deepcopy(list(blocks)))
    for image in body.iter("img"):
        data = base64.b64encode(Path(image.attrib["src"]).read_bytes()).decode()
        image.set("src", f"data:image/png;base64,{data}")
    return "<!DOCTYPE html>\n" + tostring(document, encoding="unicode", method="html") + "\n"


def markdown(blocks: Iterable[Element], folder: Path) -> str:
    """`blocks` as Markdown for a file in `folder`, from which pictures are linked."""
    return "\n\n".join(_block(block, folder) for block in blocks) + "\n"


def _block(block: Element, folder: Path) -> str:
    match block.tag:
        case "p":
            return _text(block)
        case "nav":
            return " · ".join(map(_text, block))
        case "figure":
            image, caption = block
            where = quote(Path(os.path.relpath(image.attrib["src"], folder)).as_posix())
            return f"![{_text(caption)}]({where})\n\n{_text(caption)}"
        case "details":
            summary, *inner = block
            # Within tags, on one line, nothing is read as Markdown.
            line = html.escape(" ".join(str(summary.text).split()), quote=False)
            parts = (f"<details><summary>{line}</summary>", markdown(inner, folder).strip())
            return "\n\n".join((*parts, "</details>"))
        case "div":
            header, *rows = ([_text(cell) for cell in row] for row in block.iter("tr"))
            lines = [header, ["---"] * len(header), *rows]
            return "\n".join("| " + " | ".join(line) + " |" for line in lines)
        case _:
            anchor = html.escape(block.attrib["id"])
            return f'<a id="{anchor}"></a>\n\n{"#" * int(block.tag[1])} {_text(block)}'


def _text(element: Element) -> str:
    """Text that reads as it stands: no tags or emphasis come of it, and no link but its own."""
    line = " ".join("".join(element.itertext()).split())
    text = html.escape(re.sub(r"([\\|*\[\]`])", r"\\\1", line), quote=False)
    for link in element.iter("a"):
        return f"[{text}]({link.attrib['href']})"
    return text
