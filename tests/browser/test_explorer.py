"""The explorer answers its controls in JupyterLab, with what a full sort says."""

import base64
import dataclasses
import io
import json
import time

import nbformat
import numpy as np
import pytest
from explorer_cases import in_plain_words
from PIL import Image

from browser.conftest import ARTEFACTS, ROOT, Lab
from browser.pages import MILLISECONDS, open_page, ours, run_all_cells
from mmhash_nb.codes import HashCodes
from mmhash_nb.explorer import draw
from mmhash_nb.pairs import Pairs

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Run by these tests and by the notebooks they write: both must see the same pairs and codes.
PAIRS = """
import numpy as np
from mmhash_nb import hashers
from mmhash_nb.codes import HashCodes
from mmhash_nb.pairs import Pairs
rng = np.random.default_rng(5)
labels = np.eye(4, dtype=bool)[rng.integers(0, 4, 60)]
words = "sky sea cat dog tree snow car night bird road".split()
pairs = Pairs(
    images=rng.integers(0, 256, (60, 3, 32, 32), dtype=np.uint8),
    texts=(rng.random((60, 10)) < 0.4).astype(np.float32), labels=labels, label_names=list("abcd"),
    query=np.arange(8), database=np.arange(8, 60), train=np.arange(8, 60),
    vocabulary=words, name="made-up",
)
"""
FIT = """
fitted = hashers.create("cvh", 8, device="cpu").fit(pairs)
codes = {side: fitted.encode(pairs, side) for side in ("image", "text")}
other = {side: HashCodes.from_signs(rng.standard_normal((60, 8))) for side in codes}
"""
SHOW = """
from mmhash_nb.explorer import explore
both = {("cvh", 8): codes, ("random", 8): other}
explore(pairs, both, {("cvh", 8): lambda: fitted})
"""


def test_controls_move_the_picture_to_what_a_full_sort_says(chromium, lab: Lab, tmp_path) -> None:
    namespace: dict = {}
    exec(PAIRS + FIT, namespace)
    pairs, codes, fitted = (namespace[name] for name in ("pairs", "codes", "fitted"))
    page, errors = open_page(chromium, lab, written(lab, "explorer.ipynb", [PAIRS, FIT, SHOW]))
    try:
        run_all_cells(page)
        page.locator("img.widget-image").wait_for(state="visible")
        expect_picture(page, expected_png(pairs, codes, 0))
        handle = slider(page, "query")
        for place in (1, 2):
            handle.press("ArrowRight")
            expect_picture(page, expected_png(pairs, codes, place))
            expect_words(page, found_in_words(pairs, codes, place))
        slider(page, "results").press("ArrowLeft")
        expect_words(page, found_in_words(pairs, codes, 2, k=9))
        slider(page, "radius").press("ArrowRight")
        expect_picture(page, expected_png(pairs, codes, 2, k=9, radius=3))
        page.get_by_label("only mistakes").check()
        expect_words(page, "Nearest mistakes")
        expect_picture(page, expected_png(pairs, codes, 2, k=9, radius=3, only_mistakes=True))
        page.get_by_label("only mistakes").uncheck()

        page.get_by_label("direction").select_option("text → image")
        box = page.get_by_label("your words")
        box.fill("snow on the road")
        box.press("Enter")
        row = np.array([[word in ("snow", "road") for word in pairs.vocabulary]], np.float32)
        expect_words(page, "Not known and left out: on, the.")
        expect_words(
            page, in_plain_words(pairs, codes["image"], encoded(fitted, pairs, texts=row), 9)
        )
        box.fill("zebra")
        box.press("Enter")
        expect_words(page, "None of these words is known to made-up: zebra.")
        page.locator("img.widget-image").wait_for(state="hidden")

        page.get_by_label("direction").select_option("image → text")
        file = io.BytesIO()
        Image.fromarray(pairs.images[5].transpose(1, 2, 0)).save(file, "PNG")
        with page.expect_file_chooser() as chooser:
            page.locator("button.widget-upload").click()
        chooser.value.set_files(
            {"name": "mine.png", "mimeType": "image/png", "buffer": file.getvalue()}
        )
        expect_words(page, "Query: your picture.")
        expect_words(page, in_plain_words(pairs, codes["text"], codes["image"][5], 9))
        handle.press("ArrowLeft")
        page.get_by_label("beside it").select_option("random codes")
        expect_words(page, "random codes, image → text: ")
        expect_words(page, found_in_words(pairs, codes, 1, k=9))
        expect_words(page, found_in_words(pairs, namespace["other"], 1, k=9))
        ARTEFACTS.mkdir(exist_ok=True)
        page.locator("img.widget-image").scroll_into_view_if_needed()
        page.screenshot(path=ARTEFACTS / "explorer.png")
        assert ours(errors) == []
    finally:
        page.close()


# NUS-WIDE's size, from the benchmark of what the kernel takes.
LARGE = """
import sys
sys.path.insert(0, {folder!r})
from explorer import made_up, made_up_codes
from mmhash_nb.explorer import explore
pairs = made_up(193_734)
explore(pairs, {{("mmnn_l2", 64): made_up_codes(pairs, 64, 0)}})
"""
# From the key to a decoded picture that is another one and whose frame has been painted.
TIMED = """async (handle) => {
    const image = document.querySelector("img.widget-image");
    const before = image.src, start = performance.now();
    handle.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true}));
    while (image.src === before) {
        if (performance.now() - start > 10000) throw new Error("the picture does not change");
        await new Promise((done) => setTimeout(done, 1));
    }
    await image.decode();
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
    return performance.now() - start;
}"""


def test_a_slider_move_at_the_size_of_nuswide_is_soon_on_screen(chromium, lab: Lab) -> None:
    cells = [LARGE.format(folder=str(ROOT / "benchmarks"))]
    page, _ = open_page(chromium, lab, written(lab, "large.ipynb", cells))
    try:
        run_all_cells(page)
        page.locator("img.widget-image").wait_for(state="visible")
        handle = slider(page, "query").element_handle()
        times = []
        for _ in range(25):
            times.append(page.evaluate(TIMED, handle))
            page.wait_for_timeout(200)
    finally:
        page.close()
    measured = {"median ms": round(float(np.median(times))), "slowest ms": round(max(times))}
    ARTEFACTS.mkdir(exist_ok=True)
    (ARTEFACTS / "explorer_on_screen.json").write_text(json.dumps(measured) + "\n")
    # 150 ms is the aim where nothing else runs; tests share their cores.
    assert measured["median ms"] < 600, measured


def written(lab: Lab, name: str, sources: list[str]) -> str:
    """A notebook of code cells in the folder that JupyterLab serves."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), lab.folder / name)
    return name


def slider(page, name: str):
    """The handle of a slider, which arrow keys move."""
    return page.locator(".widget-slider", has_text=name).locator(".noUi-handle")


def expected_png(pairs: Pairs, codes, place: int, k: int = 10, radius: int = 2, **more) -> bytes:
    query = int(pairs.query[place])
    return draw(pairs, {"cvh": codes}, "image-text", query, k, radius, **more).png()


def found_in_words(pairs: Pairs, codes: dict[str, HashCodes], place: int, k: int = 10) -> str:
    """The first hits of texts for a picture in the words of the explorer's message."""
    query = int(pairs.query[place])
    return in_plain_words(pairs, codes["text"], codes["image"][query], k, pairs.labels[query])


def encoded(fitted, pairs: Pairs, texts: np.ndarray) -> HashCodes:
    """The code of one text."""
    whole = pairs.texts.copy()
    whole[0] = texts
    return fitted.encode(dataclasses.replace(pairs, texts=whole), "text")[0]


def expect_picture(page, png: bytes) -> None:
    """Wait until the widget's picture is these very bytes."""
    read = """async () => {
        const image = document.querySelector("img.widget-image");
        const bytes = new Uint8Array(await (await fetch(image.src)).arrayBuffer());
        let text = "";
        for (const byte of bytes) text += String.fromCharCode(byte);
        return btoa(text);
    }"""
    deadline = time.monotonic() + MILLISECONDS / 1000
    # Polled from here: wait_for_function takes the promise itself for a true answer.
    while base64.b64decode(page.evaluate(read)) != png:
        assert time.monotonic() < deadline, "the picture is not what a full sort says"
        page.wait_for_timeout(100)


def expect_words(page, words: str) -> None:
    """Wait until the explorer's message, which arrives just after its picture, holds `words`."""
    page.locator(".widget-html", has_text=words).last.wait_for(state="visible")
