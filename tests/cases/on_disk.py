"""Tests of files that lie in MMHASH_DATA, or do not."""

import os
from pathlib import Path

import pytest


def needs(*modules):
    """Skips a test where MMHASH_DATA does not hold the files of these datasets."""
    root = os.environ.get("MMHASH_DATA")
    there = root is not None and all(module.find(Path(root)) for module in modules)
    names = ", ".join(module.__name__.rpartition(".")[2] for module in modules)
    return pytest.mark.skipif(not there, reason=f"MMHASH_DATA holds no {names}")
