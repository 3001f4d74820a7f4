"""Pages of JupyterLab: opened with their console watched, and their cells run."""

import re

from browser.conftest import Lab

MILLISECONDS = 45_000  # to wait at most, on a machine that is busy with other tests
# What JupyterLab or the browser says about itself, whole; anything else on the console is ours.
_NOT_OURS = re.compile(
    "|".join(
        [
            # Something outside is asked for, where there is no network.
            r"Failed to load resource: net::ERR_(INTERNET_DISCONNECTED|NAME_NOT_RESOLVED) "
            r"\(https://\S+\)",
            # A page is left while its kernel is asked whether it can be debugged.
            r"Could not restore the debugger state: Canceled future for debug_request message "
            r"before replies were done \(http://127\.0\.0\.1:\d+/static/lab/\S+\)",
        ]
    )
)


def watched(chromium):
    """An empty page, and the list that collects its console errors."""
    page = chromium.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(MILLISECONDS)
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
    return page, errors


def open_page(chromium, lab: Lab, notebook: str):
    """A page with one notebook open, and the list that collects its console errors."""
    page, errors = watched(chromium)
    page.goto(lab.page(notebook))
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    return page, errors


def ours(errors: list[str]) -> list[str]:
    """The console errors that are not JupyterLab's own."""
    return [error for error in errors if not _NOT_OURS.fullmatch(error)]


def run_all_cells(page) -> None:
    """Choose Run > Run All Cells until the cells have run.

    A freshly opened page shows an idle kernel before it is connected to it. JupyterLab then drops
    what it is asked to run, or asks which kernel to use, so the reader's next step is taken here
    too: answer, and choose the command again.
    """
    page.locator(".jp-Notebook-ExecutionIndicator[data-status='idle']").first.wait_for(
        state="attached"
    )
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
