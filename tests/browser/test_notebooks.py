"""The notebooks open in JupyterLab, and the explorer answers its sliders there."""

import base64
import json
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
from playwright.sync_api import Error as PlaywrightError

from browser.conftest import ARTEFACTS, ROOT, Lab
from mmhash_nb.codes import HammingIndex, HashCodes
from mmhash_nb.explorer import draw
from mmhash_nb.figures.style import quick_png
from mmhash_nb.pairs import Pairs

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
_SECONDS = 45_000  # milliseconds, for a machine that is busy with other tests
# What JupyterLab or the browser says about itself; anything else on the console is ours.
_NOT_OURS = (
    "favicon",
    "ERR_INTERNET_DISCONNECTED",
    "ERR_NAME_NOT_RESOLVED",
    "/api/",
    "WebSocket",
    "debugger state",
)

# Run by this test and by the notebook it writes: both must see the same pairs and codes.
SET_UP = """
import numpy as np
from mmhash_nb.codes import HashCodes
from mmhash_nb.pairs import Pairs
rng = np.random.default_rng(5)
labels = np.eye(4, dtype=bool)[rng.integers(0, 4, 60)]
pairs = Pairs(
    images=rng.integers(0, 256, (60, 3, 16, 16), dtype=np.uint8),
    texts=rng.random((60, 3), dtype=np.float32), labels=labels, label_names=list("abcd"),
    query=np.arange(8), database=np.arange(8, 60), train=np.arange(8, 30),
    vocabulary=["sky", "sea", "cat"], name="made-up",
)
codes = {
    side: HashCodes.from_signs(rng.standard_normal((60, 16))) for side in ("image", "text")
}
"""


def open_page(chromium, lab: Lab, notebook: str):
    """A page with one notebook open, and the list that collects its console errors."""
    page = chromium.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(_SECONDS)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda said: (
            errors.append(f"{said.text} ({said.location.get('url', '')})")
            if said.type == "error"
            else None
        ),
    )
    page.goto(lab.page(notebook))
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    return page, errors


def ours(errors: list[str]) -> list[str]:
    return [error for error in errors if not any(known in error for known in _NOT_OURS)]


def expected_outputs(path: Path) -> tuple[int, list[str]]:
    """How many PNG pictures a notebook holds, and its first lines of printed text."""
    notebook = nbformat.read(path, as_version=4)
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    pictures = [o for o in outputs if "image/png" in o.get("data", {})]
    printed = [o["text"].strip() for o in outputs if o.output_type == "stream"]
    return len(pictures), [text.splitlines()[0].strip() for text in printed if text]


def read_cell(page, number: int) -> tuple[str, list[str]]:
    """The text of a cell and the sources of its decoded pictures.

    JupyterLab takes cells in and out of the page while it scrolls, so a cell can vanish between
    finding and reading it; then it is looked for again.
    """
    for _ in range(50):
        cell = page.locator(f'.jp-Cell[data-windowed-list-index="{number}"]').first
        try:
            if cell.count() == 0:
                page.locator(".jp-WindowedPanel-outer").first.evaluate("(e) => e.scrollBy(0, 400)")
                page.wait_for_timeout(100)
                continue
            cell.scroll_into_view_if_needed(timeout=2000)
            text, sources = cell.inner_text(timeout=2000), []
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
            text += shown
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


def test_a_slider_moves_the_picture_to_what_the_index_says(chromium, lab: Lab) -> None:
    namespace: dict = {}
    exec(SET_UP, namespace)
    pairs, codes = namespace["pairs"], namespace["codes"]
    show = 'from mmhash_nb.explorer import explore\nexplore(pairs, {("mmnn_l2", 16): codes})'
    cells = [nbformat.v4.new_code_cell(SET_UP), nbformat.v4.new_code_cell(show)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, lab.folder / "explorer.ipynb")

    page, errors = open_page(chromium, lab, "explorer.ipynb")
    try:
        page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").first.wait_for(
            state="attached"
        )
        run_all_cells(page)
        picture = page.locator("img.widget-image")
        picture.wait_for(state="visible")
        expect_picture(page, expected_png(pairs, codes, 0))
        slider = page.locator(".widget-slider", has_text="query").locator(".noUi-handle")
        for place in (1, 2):
            slider.press("ArrowRight")
            expect_picture(page, expected_png(pairs, codes, place))
            expect_words(page, found_by_index(pairs, codes, place))
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / "explorer.png")
        assert ours(errors) == []
    finally:
        page.close()


def run_all_cells(page) -> None:
    """Choose Run > Run All Cells until the cells have run.

    A freshly opened page shows an idle kernel before it is connected to it. JupyterLab then drops
    what it is asked to run, or asks which kernel to use, so the reader's next step is taken here
    too: answer, and choose the command again.
    """
    ask = page.locator(".jp-Dialog .jp-mod-accept")
    prompts = """() => [...document.querySelectorAll(".jp-Notebook .jp-CodeCell .jp-InputPrompt")]
        .map((prompt) => prompt.textContent.trim())"""
    for _ in range(5):
        page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
        page.locator("li[data-command='runmenu:run-all']").click()
        page.wait_for_timeout(2000)
        while "[*]:" in (states := page.evaluate(prompts)) and not ask.is_visible():
            page.wait_for_timeout(250)
        if ask.is_visible():
            ask.click()
            page.wait_for_timeout(2000)
        elif all(any(letter.isdigit() for letter in state) for state in states):
            return
    raise AssertionError(f"JupyterLab did not run the cells; their prompts are {states}.")


def expected_png(pairs: Pairs, codes: dict[str, HashCodes], place: int) -> bytes:
    return quick_png(draw(pairs, codes, "image-text", int(pairs.query[place]), 10, 2))


def found_by_index(pairs: Pairs, codes: dict[str, HashCodes], place: int) -> str:
    """The first hits in the words of the explorer's message, straight from the index."""
    query = int(pairs.query[place])
    index = HammingIndex(codes["text"][pairs.database])
    distances, places = index.search(codes["image"][query], 10)
    hits = []
    for distance, sample in zip(distances[0], pairs.database[places[0]], strict=True):
        right = np.array_equal(pairs.labels[sample], pairs.labels[query])
        hits.append(f"{sample} ({distance}{', relevant' if right else ''})")
    return ", ".join(hits)


def expect_picture(page, png: bytes) -> None:
    """Wait until the widget's picture is these very bytes."""
    read = """async () => {
        const image = document.querySelector("img.widget-image");
        const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
        let text = "";
        for (const byte of bytes) text += String.fromCharCode(byte);
        return btoa(text);
    }"""
    deadline = time.monotonic() + _SECONDS / 1000
    # Polled from here: wait_for_function takes the promise itself for a true answer.
    while base64.b64decode(page.evaluate(read)) != png:
        assert time.monotonic() < deadline, "the picture is not what the index says"
        page.wait_for_timeout(100)


def expect_words(page, words: str) -> None:
    """Wait until the explorer's message, which arrives just after its picture, holds `words`."""
    page.locator(".widget-html", has_text=words).wait_for(state="visible")


def test_there_is_something_to_open() -> None:
    for name in NOTEBOOKS:
        assert json.loads((ROOT / "notebooks" / name).read_text())["nbformat"] == 4
