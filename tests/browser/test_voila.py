"""The explorer as a Voilà page, from codes that were kept: no notebook to be seen."""

import contextlib
import os
import socket
import subprocess
import sys
import time

import pytest

from browser.conftest import ARTEFACTS, ROOT, Lab
from browser.pages import MILLISECONDS, ours, watched
from browser.test_explorer import (
    SET_UP,
    SHOW,
    expect_picture,
    expect_words,
    expected_png,
    found_by_index,
    slider,
    written,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def page_address(lab: Lab):
    """A Voilà server of one notebook with the explorer, on a free loopback port."""
    notebook = lab.folder / written(lab, "page.ipynb", [SET_UP, SHOW])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "voila", str(notebook), "--no-browser", f"--port={port}"]
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    with open(lab.folder.parent / "voila.log", "wb") as log:
        server = subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": paths}, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 90
        while server.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.3)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def test_the_explorer_works_as_a_voila_page(chromium, lab: Lab, page_address: str) -> None:
    namespace: dict = {}
    exec(SET_UP, namespace)
    pairs, codes = namespace["pairs"], namespace["codes"]
    page, errors = watched(chromium)
    try:
        # The page's head comes at once; the rest follows as the kernel runs the cells.
        page.goto(page_address, wait_until="commit")
        page.locator("img.widget-image").wait_for(state="visible", timeout=4 * MILLISECONDS)
        assert page.locator(".jp-InputArea").count() == 0  # a page, not a notebook
        expect_picture(page, expected_png(pairs, codes, 0))
        slider(page, "query").press("ArrowRight")
        expect_picture(page, expected_png(pairs, codes, 1))
        expect_words(page, found_by_index(pairs, codes, 1))
        box = page.get_by_label("your words")
        page.get_by_label("direction").select_option("text → image")
        box.fill("zebra")
        box.press("Enter")
        expect_words(page, "None of these words is known to made-up: zebra.")
        ARTEFACTS.mkdir(exist_ok=True)
        slider(page, "query").press("ArrowRight")
        page.locator("img.widget-image").wait_for(state="visible")
        page.screenshot(path=ARTEFACTS / "voila.png")
        assert ours(errors) == []
    finally:
        page.close()
