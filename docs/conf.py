"""The site: `make docs` builds it of the README, these pages, the notebooks and the docstrings.

The source folder is the repository, so that a link is the same on the site and in the repository.
Notebooks are shown as they are committed; nothing is executed.
"""

import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

project = "mmhash-nb"
author = copyright = "The mmhash-nb authors"
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "notebooks/[0-9]_*.ipynb", "figures/SOURCES.md"]
# folders that are not even looked through
exclude_patterns = [".*", "artefacts", "benchmarks", "mmhash_nb", "results", "runs", "tests"]
exclude_patterns += ["docs/_build", "data"]

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
extensions += ["alternative_text", "generated_tables"]
nb_execution_mode = "off"
myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]

autodoc_member_order = "bysource"
napoleon_use_ivar = True
default_role = "code"
highlight_language = "none"

html_theme = "sphinx_book_theme"
html_title = "mmhash-nb"
html_static_path = ["_static"]
html_css_files = ["site.css"]
templates_path = ["_templates"]
html_additional_pages = {"index": "to_readme.html"}
html_theme_options = {"show_toc_level": 2, "home_page_in_toc": False}
html_copy_source = False

# The search of the sidebar is enough.
html_theme_options |= {"navbar_start": [], "navbar_center": [], "navbar_end": []}
html_theme_options |= {"navbar_persistent": []}

#: the sidebar, by the captions of its parts; the README shows it, and stays plain Markdown
PARTS = {
    "Results": ["docs/results", "docs/methods", "docs/papers"],
    "Notebooks": [
        "0 Start here <notebooks/0_start_here>",
        "1 MM-NN: two feature views <notebooks/1_masci2014_mmnn>",
        "2 CMDVH: codes learned first <notebooks/2_liong2017_cmdvh>",
        "3 AADAH: attention masks <notebooks/3_zhang2018_aadah>",
        "4 MAH: one joint code <notebooks/4_zeng2022_modal_aware>",
        "5 Side by side <notebooks/5_side_by_side>",
    ],
    "Use it": ["docs/your_photos", "docs/your_method", "docs/explorer", "docs/datasets"],
    "Run it": ["docs/running", "docs/speed", "docs/scaling", "docs/troubleshooting"],
    "Reference": ["docs/api", "CONTRIBUTING", "figures/SOURCES"],
}


def add_sidebar(app: Sphinx, name: str, source: list[str]) -> None:
    """Append the tables of contents to the first page."""
    if name == root_doc:
        for caption, pages in PARTS.items():
            listed = "\n".join(pages)
            source[0] += f"\n```{{toctree}}\n:caption: {caption}\n:hidden:\n\n{listed}\n```\n"


def setup(app: Sphinx) -> None:
    app.connect("source-read", add_sidebar)
