"""A report as Markdown, as GitHub shows it."""

import html
import os
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from mmhash_nb.report.document import Block, Fold, Heading, Link, Links, Picture, Table, Text


def render(blocks: Sequence[Block], folder: Path) -> str:
    """`blocks` as Markdown for a file in `folder`, from which pictures are linked."""
    return "\n\n".join(_block(block, folder) for block in blocks) + "\n"


def _block(block: Block, folder: Path) -> str:
    match block:
        case Heading(level, text, anchor):
            return f'<a id="{html.escape(anchor)}"></a>\n\n{"#" * level} {_text(text)}'
        case Text(text):
            return _text(text)
        case Links(links):
            return " · ".join(_cell(link) for link in links)
        case Picture(path, caption):
            where = quote(Path(os.path.relpath(path, folder)).as_posix())
            return f"![{_text(caption)}]({where})\n\n{_text(caption)}"
        case Fold(summary, inner):
            # Within tags, on one line, nothing is read as Markdown.
            line = html.escape(" ".join(summary.split()), quote=False)
            parts = (f"<details><summary>{line}</summary>", render(inner, folder).strip())
            return "\n\n".join((*parts, "</details>"))
        case Table(frame):
            rows = [frame.columns, ["---"] * len(frame.columns), *frame.itertuples(index=False)]
            return "\n".join("| " + " | ".join(map(_cell, row)) + " |" for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, Link):
        return f"[{_text(value.text)}](#{value.anchor})"
    return _text(str(value))


def _text(text: str) -> str:
    """`text` that reads as it stands: no tags, links or emphasis come of it, and no new line."""
    return html.escape(re.sub(r"([\\|*\[\]`])", r"\\\1", " ".join(text.split())), quote=False)
