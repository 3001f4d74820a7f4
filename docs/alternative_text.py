"""Give each picture of a notebook the alternative text that its output carries as plain text."""

import base64
import hashlib
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)


def texts(path: Path) -> dict[str, str]:
    """The plain text beside each PNG of a notebook, by the name MyST-NB gives the file."""
    found = {}
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                name = hashlib.sha256(base64.b64decode(data["image/png"])).hexdigest()
                found[name] = "".join(data.get("text/plain", "")).strip("'")
    return found


def describe(app: Sphinx, tree: nodes.document) -> None:
    path = Path(tree["source"])
    if path.suffix == ".ipynb":
        known = texts(path)
        for image in tree.findall(nodes.image):
            name = Path(image["uri"]).stem
            if text := known.get(name, image.get("alt", "")):
                image["alt"] = text
            else:
                LOGGER.warning("picture %s has no alternative text", name, location=image)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", describe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
