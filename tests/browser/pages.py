"""Pages of JupyterLab: opened with their console watched, and their cells run."""

from browser.conftest import Lab

MILLISECONDS = 45_000  # to wait at most, on a machine that is busy with other tests
# What JupyterLab or the browser says about itself; anything else on the console is ours.
_NOT_OURS = (
    "favicon",
    "ERR_INTERNET_DISCONNECTED",
    "ERR_NAME_NOT_RESOLVED",
    "/api/",
    "WebSocket",
    "debugger state",
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
    return [error for error in errors if not any(known in error for known in _NOT_OURS)]


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
