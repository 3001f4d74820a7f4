"""The explorer as a Voilà page, from saved codes: no notebook to be seen."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from explorer_cases import NO_TRAINING

from browser.conftest import ARTEFACTS, ROOT, Lab
from browser.pages import MILLISECONDS, ours, watched
from browser.test_explorer import (
    PAIRS,
    expect_picture,
    expect_words,
    expected_png,
    found_in_words,
    slider,
    written,
)
from mmhash_nb.experiments.collection import saved_runs

pytestmark = [pytest.mark.browser, pytest.mark.slow]

# Run by this test, by the process that trains, and by the page.
SET_UP = f"""{PAIRS}
from pathlib import Path
from mmhash_nb.experiments.protocol import Protocol
protocol = Protocol(dataset="made-up", grids=[(["cvh"], [8])], seeds=[0])
"""
TRAIN = """
from mmhash_nb.experiments.protocol_runs import run_protocol
run_protocol("liong2017", protocol, pairs, device="cpu", root=Path({runs!r}))
"""
SHOW = (
    NO_TRAINING
    + """
explore(*saved_runs(protocol, pairs, Path({runs!r})))
"""
)
PATHS = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs that another process has finished."""
    folder = tmp_path_factory.mktemp("runs")
    command = [sys.executable, "-c", SET_UP + TRAIN.format(runs=str(folder))]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": PATHS}, check=True, timeout=300)
    return folder


def trained(lab: Lab, runs: Path) -> dict[Path, int]:
    """Every file of runs, given or where runs go by default, and when it was written."""
    folders = (runs, lab.folder / "runs", ROOT / "runs")
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path: path.stat().st_mtime_ns for path in files}


@pytest.fixture
def page_address(lab: Lab, runs: Path):
    """A Voilà server of one notebook with the explorer, on a free loopback port."""
    notebook = lab.folder / written(lab, "page.ipynb", [SET_UP, SHOW.format(runs=str(runs))])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "voila", str(notebook), "--no-browser", f"--port={port}"]
    with open(lab.folder.parent / "voila.log", "wb") as log:
        server = subprocess.Popen(
            command, env=os.environ | {"PYTHONPATH": PATHS}, stdout=log, stderr=subprocess.STDOUT
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


def test_the_explorer_works_as_a_voila_page(
    chromium, lab: Lab, runs: Path, page_address: str
) -> None:
    namespace: dict = {}
    exec(SET_UP, namespace)
    pairs, every, _ = saved_runs(namespace["protocol"], namespace["pairs"], runs)
    codes, before = every["cvh", 8], trained(lab, runs)
    page, errors = watched(chromium)
    try:
        # The page's head comes at once; the rest follows as the kernel runs the cells.
        page.goto(page_address, wait_until="commit")
        page.locator("img.widget-image").wait_for(state="visible", timeout=4 * MILLISECONDS)
        assert page.locator(".jp-InputArea").count() == 0  # a page, not a notebook
        expect_picture(page, expected_png(pairs, codes, 0))
        slider(page, "query").press("ArrowRight")
        expect_picture(page, expected_png(pairs, codes, 1))
        expect_words(page, found_in_words(pairs, codes, 1))
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
        assert trained(lab, runs) == before, "a page leaves no run"
    finally:
        page.close()
