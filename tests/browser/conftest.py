"""JupyterLab on a free loopback port, and headless Chromium to look at it."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARTEFACTS = ROOT / "artefacts"
#: by which names Chromium is looked for; `.ci/run` looks for the same
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_START_SECONDS = 90


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, its token, and the folder of its notebooks."""

    address: str
    token: str
    folder: Path

    def page(self, notebook: str) -> str:
        """The address that opens one notebook, in a workspace of its own."""
        workspace = secrets.token_hex(4)
        place = f"lab/workspaces/{workspace}/tree/notebooks/{notebook}"
        return f"{self.address}/{place}?token={self.token}&reset"


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """Headless Chromium, or a skip that says what is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no Chromium is installed: none of {', '.join(CHROMIUM)} is on the PATH")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, headless=True, args=["--no-sandbox", "--headless"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab over copies of the committed notebooks, with settings of its own."""
    home = tmp_path_factory.mktemp("lab")
    served = home / "served"
    folder = served / "notebooks"
    for name in ("notebooks", "figures"):  # texts show pictures of the other by their paths
        ignored = shutil.ignore_patterns(".ipynb_checkpoints", "*.pdf")
        shutil.copytree(ROOT / name, served / name, ignore=ignored)
    settings = home / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    # The question about news would lie over the page, and ask the network.
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    token = secrets.token_hex(16)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={served}", "--allow-root"]
    with open(home / "lab.log", "wb") as log:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        running = Lab(f"http://127.0.0.1:{port}", token, folder)
        _wait(running, server, home / "lab.log")
        yield running
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(running: Lab, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{running.address}/api?token={running.token}", timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")
