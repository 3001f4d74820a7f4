"""What importing the package costs, what it sets, and the command that it installs."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from mmhash_nb.cli import main
from mmhash_nb.runner import headless

ROOT = Path(__file__).parents[1]
POLICY = "OMP_WAIT_POLICY"
#: prints the policy, unless PyTorch was imported before it was set
SHOW = f"import os, sys; assert 'torch' not in sys.modules; print(os.environ['{POLICY}'])"


def environment(**changed: str) -> dict[str, str]:
    """The variables of a process that nobody has told how threads wait."""
    bare = {name: value for name, value in os.environ.items() if name != POLICY}
    return {**bare, "PYTHONPATH": str(ROOT), **changed}


def printed(*command: str, **changed: str) -> str:
    done = subprocess.run(
        command, env=environment(**changed), cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize("name", ["codes", "metrics", "pairs", "ranking"])
def test_the_contracts_import_nothing_heavy(name):
    show = f"import sys, mmhash_nb.{name}; print(*sys.modules)"
    loaded = printed(sys.executable, "-c", show).split()
    assert f"mmhash_nb.{name}" in loaded
    assert not {"torch", "numba", "faiss", "scipy", "pandas", "matplotlib"} & set(loaded)


@pytest.mark.parametrize("value", [None, "active"])
def test_waiting_threads_sleep_unless_the_user_says_otherwise(value):
    given = {} if value is None else {POLICY: value}
    expected = value or "passive"
    assert printed(sys.executable, "-c", f"import mmhash_nb; {SHOW}", **given) == expected
    nested = f"import mmhash_nb.cli, subprocess as s, sys; s.run([sys.executable, '-c', {SHOW!r}])"
    assert printed(sys.executable, "-c", nested, **given) == expected


@pytest.mark.parametrize("value", [None, "active"])
def test_make_and_all_that_it_starts_have_the_policy(tmp_path, value):
    given = {} if value is None else {POLICY: value}
    (tmp_path / "show.mk").write_text(f"show:\n\t@echo $${POLICY}/$$PYTHONDONTWRITEBYTECODE\n")
    command = ("make", "-s", "-f", "Makefile", "-f", str(tmp_path / "show.mk"), "show")
    assert printed(*command, **given, PYTHONDONTWRITEBYTECODE="1") == f"{value or 'passive'}/"


def test_the_tests_import_the_package_before_pytorch():
    """Held by tests/conftest.py, also in the processes of pytest-xdist."""
    import torch  # noqa: F401

    order = list(sys.modules)
    assert POLICY in os.environ and order.index("mmhash_nb") < order.index("torch")


def test_a_kernel_has_the_policy(tmp_path, monkeypatch):
    import nbformat

    monkeypatch.setattr(os, "environ", environment())
    cell = nbformat.v4.new_code_cell(SHOW)
    parameters = nbformat.v4.new_code_cell("n = 1", metadata={"tags": ["parameters"]})
    book = nbformat.v4.new_notebook(cells=[parameters, cell])
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(book, tmp_path / "show.ipynb")
    outcome = headless.execute(tmp_path / "show.ipynb", tmp_path / "out.ipynb", {})
    assert not outcome.error
    executed = nbformat.read(tmp_path / "out.ipynb", 4)
    assert executed.cells[-1].outputs[0].text.strip() == "passive"


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_notebooks_import_the_package_before_pytorch(path):
    """So that the policy holds in a JupyterLab that was started by hand, too."""
    imports = re.findall(r'"(?:import|from) (torch|mmhash_nb)\b', path.read_text(encoding="utf-8"))
    assert imports[0] == "mmhash_nb"


def test_the_command_mmhash_is_the_function_of_the_module():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"mmhash": "mmhash_nb.cli:main"} and main.__module__ == "mmhash_nb.cli"
    start = "import sys; sys.argv[0] = '/usr/bin/mmhash'; from mmhash_nb.cli import main; main()"
    shown = printed(sys.executable, "-c", start, "--help")
    assert shown.startswith("usage: mmhash ")
    assert printed(sys.executable, "-m", "mmhash_nb", "-h").startswith(
        "usage: python -m mmhash_nb "
    )
