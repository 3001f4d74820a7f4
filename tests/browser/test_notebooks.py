"""The committed notebooks open in JupyterLab with what they hold."""

from pathlib import Path

import nbformat
import pytest

from browser.conftest import ARTEFACTS, ROOT, Lab
from browser.pages import open_page, ours

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))


def expected_outputs(path: Path) -> tuple[int, list[str]]:
    """How many PNG pictures a notebook holds, and its first lines of printed text."""
    notebook = nbformat.read(path, as_version=4)
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    printed = [o["text"].strip() for o in outputs if o.output_type == "stream"]
    return len(pictures), [text.splitlines()[0].strip() for text in printed if text]


def read_cell(page, number: int) -> tuple[str, list[str]]:
    """The text of a cell's outputs and the sources of its decoded pictures.

    JupyterLab takes cells in and out of the page while it scrolls, so a cell can vanish between
    finding and reading it; then it is looked for again.
    """
    from playwright.sync_api import Error as PlaywrightError

    for _ in range(50):
        cell = page.locator(f'.jp-Cell[data-windowed-list-index="{number}"]').first
        try:
            if cell.count() == 0:
                page.locator(".jp-WindowedPanel-outer").first.evaluate("(e) => e.scrollBy(0, 400)")
                page.wait_for_timeout(100)
                continue
            cell.scroll_into_view_if_needed(timeout=2000)
            # Outputs alone: what a cell prints is often a literal of its source.
            areas = cell.locator(".jp-OutputArea").all()
            text, sources = " ".join(area.inner_text(timeout=2000) for area in areas), []
            for image in cell.locator(".jp-OutputArea img").all():
                image.wait_for(state="visible", timeout=5000)
                if not image.evaluate("(i) => i.decode().then(() => i.naturalWidth)", timeout=5000):
                    raise AssertionError(f"a picture of cell {number} is empty")
                sources.append(image.get_attribute("src", timeout=2000))
            return text, sources
        except PlaywrightError:
            page.wait_for_timeout(200)
    raise AssertionError(f"cell {number} never came into view whole")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_committed_outputs_render(chromium, lab: Lab, name: str) -> None:
    pictures, printed = expected_outputs(ROOT / "notebooks" / name)
    page, errors = open_page(chromium, lab, name)
    try:
        # JupyterLab draws only the cells in view: walk down, and note what was there.
        cells = len(nbformat.read(ROOT / "notebooks" / name, as_version=4).cells)
        seen: set[str] = set()
        text = ""
        for number in range(cells):
            shown, pictures_there = read_cell(page, number)
            text += f" {shown}"
            seen |= {f"{number}:{source}" for source in pictures_there}
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / f"{Path(name).stem}.png")
        assert len(seen) >= pictures
        # Monospace text may wrap at non-breaking spaces; words in order are what counts.
        for line in printed:
            assert " ".join(line.split()) in " ".join(text.split())
        assert ours(errors) == []
    finally:
        page.close()


def test_all_notebooks_are_opened() -> None:
    papers = ("1_masci2014_mmnn", "2_liong2017_cmdvh", "3_zhang2018_aadah")
    papers += ("4_zeng2022_modal_aware",)
    assert [Path(name).stem for name in NOTEBOOKS] == ["0_start_here", *papers, "5_side_by_side"]
