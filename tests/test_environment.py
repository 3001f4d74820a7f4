"""pyproject.toml, requirements.lock and environment.yml say the same."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"}


def target(python: str) -> dict[str, str]:
    """Marker values of 64-bit Linux with a version of Python."""
    version = {"python_version": python, "python_full_version": f"{python}.9"}
    return {**default_environment(), **LINUX, **version}


def direct() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + extras["docs"] + extras["test"] + extras["sentences"]
    return [Requirement(line) for line in lines]


@pytest.fixture(scope="module")
def lock() -> str:
    return (ROOT / "requirements.lock").read_text()


def entries(lock: str) -> list[Requirement]:
    lines = re.findall(r"^([A-Za-z0-9][^\s\\]*(?: ;[^\\\n]*)?)", lock, flags=re.MULTILINE)
    return [Requirement(line.strip()) for line in lines]


def pinned(lock: str, python: str) -> dict[str, str]:
    """Name to version on 64-bit Linux; a name pinned twice there is an error."""
    there = [e for e in entries(lock) if e.marker is None or e.marker.evaluate(target(python))]
    names = [e.name for e in there]
    assert len(names) == len(set(names))
    return {e.name: next(iter(e.specifier)).version for e in there}


def test_every_entry_is_pinned_with_hashes(lock):
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    blocks = [block for block in blocks if re.match(r"[A-Za-z0-9]", block)]
    assert len(blocks) == len(entries(lock)) > 50
    for block in blocks:
        assert re.match(r"[A-Za-z0-9._-]+==[^\s;]+", block), block
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block


def test_no_index_address(lock):
    for text in (lock, (ROOT / "environment.yml").read_text(), (ROOT / "Makefile").read_text()):
        assert "://" not in text
        assert not re.search(r"(?<!no-emit)[-_](index-url|extra-index-url|find-links)", text)


@pytest.mark.parametrize("python", ["3.11", "3.12"])
def test_every_direct_dependency_is_locked_within_its_range(lock, python):
    versions = pinned(lock, python)
    for requirement in direct():
        assert requirement.name in versions
        assert requirement.specifier.contains(versions[requirement.name]), requirement


def test_environment_yml_pins_what_the_lock_pins(lock):
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert environment["channels"] == ["conda-forge"]
    assert conda == ["python=3.11", "pip"]
    *pins, editable = pip["pip"]
    assert editable == "-e ."
    versions = pinned(lock, "3.11")
    expected = {f"{requirement.name}=={versions[requirement.name]}" for requirement in direct()}
    assert set(pins) == expected and len(pins) == len(expected)


@pytest.mark.parametrize("python", ["3.11", "3.12"])
def test_torch_and_torchvision_are_a_pair(lock, python):
    versions = pinned(lock, python)
    if metadata.version("torchvision").split("+")[0] != versions["torchvision"]:
        pytest.skip("another torchvision is installed than the locked one")
    wanted = [Requirement(line) for line in metadata.requires("torchvision") or []]
    torch = next(requirement for requirement in wanted if requirement.name == "torch")
    assert torch.specifier.contains(versions["torch"])


def test_the_installed_pair_has_its_compiled_operators():
    """A CPU-only torch beside the ordinary torchvision fails here, at import or at the call."""
    import torch
    from torchvision.ops import nms

    boxes = torch.tensor([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0], [2.0, 2.0, 3.0, 3.0]])
    assert nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist() == [0, 2]
