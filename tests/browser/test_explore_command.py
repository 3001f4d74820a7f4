"""`mmhash explore` in Chromium: the token, own words, the keyboard, nothing from outside."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from user_folder import write_folder

from browser.conftest import ARTEFACTS
from browser.pages import MILLISECONDS, ours, watched
from browser.test_explorer import slider
from mmhash_nb import cli as commands

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def address(tmp_path: Path):
    """The address that the command prints for a small model and its folder."""
    write_folder(tmp_path / "items")
    given = ["fit", tmp_path / "items", "--out", tmp_path / "model", "--size", "16", "--bits", "16"]
    assert commands.main([*map(str, given)]) == 0
    command = [sys.executable, "-m", "mmhash_nb", "explore", "--no-browser"]
    command += ["--model", str(tmp_path / "model"), str(tmp_path / "items")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as server:
        assert server.stdout is not None
        (found,) = re.findall(r"http://127\.0\.0\.1:\d+/\?token=\w+", server.stdout.readline())
        yield found
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0


def test_the_page_of_a_model_opens_with_results_for_those_with_the_token(chromium, address):
    page, errors = watched(chromium)
    outside: list[str] = []
    page.on("request", lambda one: outside.append(one.url))
    try:
        assert "/login" in page.goto(address.partition("?")[0]).url, "no token, no page"
        page.goto(address, wait_until="commit")
        picture = page.locator("img.widget-image")
        picture.wait_for(state="visible", timeout=4 * MILLISECONDS)
        slider(page, "query").press("ArrowRight")
        link = page.locator("a[href*='method=scm'][href*='query=1&'][href*='token=']")
        link.wait_for(timeout=MILLISECONDS)
        page.wait_for_url("**query=1&**")  # the address is that of the view
        names = [one.get_attribute("title") for one in page.locator(".mmhash-figure button").all()]
        assert len(names) == 10 and "SCM, result 1: sample " in names[0]
        second = page.get_by_role("button", name="SCM, result 2: sample ")
        sample = second.get_attribute("value")
        second.click()
        page.get_by_text(f"Query: sample {sample}.").wait_for()
        assert page.get_by_label("item").evaluate("(e) => e === document.activeElement")
        for _ in range(30):  # by the keyboard alone, from the item's box to the first result
            page.keyboard.press("Tab")
            if (now := page.evaluate("document.activeElement.title")).startswith("SCM, result 1:"):
                break
        page.keyboard.press("Enter")
        page.get_by_text(f"Query: {now.partition(': ')[2].partition(',')[0]}.").wait_for()
        page.wait_for_url(lambda url: f"item={now.split()[4].rstrip(',')}&" in url)
        tree = page.locator("body").aria_snapshot()
        for name in (
            'slider "query"',
            'slider "results"',
            'slider "radius"',
            'combobox "method"',
            'combobox "direction"',
            'spinbutton "item"',
            'textbox "your words"',
        ):
            assert name in tree, f"{name} is not in {tree}"
        box = page.get_by_label("your words")
        box.fill("σκύλος")
        box.press("Enter")
        page.get_by_text("Query: your words.").wait_for()
        here = address.partition("?")[0]
        assert [url for url in outside if not url.startswith((here, "data:", "blob:"))] == []
        assert ours(errors) == []
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / "explore.png", full_page=True)
    finally:
        page.close()
