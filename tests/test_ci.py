"""CI is green only where the browser tests ran and the two commands left the checkout clean."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from browser.conftest import CHROMIUM

RUN = Path(__file__).parents[1] / ".ci" / "run"


def ci(folder: Path, **programs: str) -> subprocess.CompletedProcess:
    """`.ci/run` where there are no programs but these scripts, as root."""
    for name in ("bash", "dirname"):
        (folder / name).symlink_to(shutil.which(name))
    for name, script in {"id": "echo 0", "make": "echo make $*", "git": "", **programs}.items():
        (folder / name).write_text(f"#!{shutil.which('bash')}\n{script}\n")
        (folder / name).chmod(0o755)
    environment = {**os.environ, "PATH": str(folder)}
    return subprocess.run([RUN], env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("apt", [None, "exit 100", "echo $*"])
def test_without_chromium_ci_fails_in_one_sentence(tmp_path, apt) -> None:
    done = ci(tmp_path, **({} if apt is None else {"apt-get": apt}))
    assert done.returncode == 1
    assert "make" not in done.stdout
    assert done.stderr == (
        "No Chromium is here and none could be installed, so no browser test would run: "
        "install chromium.\n"
    )


@pytest.mark.parametrize("name", CHROMIUM)
def test_with_chromium_by_any_of_its_names_the_tests_run(tmp_path, name) -> None:
    done = ci(tmp_path, **{name: "", "apt-get": "exit 100"})
    assert (done.returncode, done.stdout, done.stderr) == (0, "make reproduce\nmake test\n", "")


def test_a_chromium_that_apt_installs_is_used(tmp_path) -> None:
    place = tmp_path / "chromium"
    installs = f'[[ $* != *chromium ]] || {shutil.which("cp")} "$0" {place}'
    done = ci(tmp_path, **{"apt-get": installs})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("make reproduce\nmake test\n")


def test_a_changed_checkout_fails_with_the_list_of_its_files(tmp_path):
    changed = {"git": "[ $1 = status ] && echo ' M results/a.csv'"}
    done = ci(tmp_path, chromium="", **changed)
    assert (done.returncode, done.stdout) == (1, "make reproduce\nmake test\n")
    assert done.stderr == (
        "make reproduce and make test changed what is committed:\n M results/a.csv\n"
    )


@pytest.mark.parametrize("fails", ["reproduce", "test"])
def test_a_command_that_fails_ends_ci(tmp_path, fails):
    done = ci(tmp_path, chromium="", make=f"echo make $*; [ $1 != {fails} ]")
    assert done.returncode != 0 and done.stdout.endswith(f"make {fails}\n")
