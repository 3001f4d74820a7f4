"""What the tests of killed, stopped and starved batches share."""

import pytest
from batch_cases import kill_started, waiting


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one notebook that waits, and the current folder."""
    monkeypatch.chdir(tmp_path)
    return waiting(tmp_path)


@pytest.fixture(autouse=True)
def _nothing_left():
    yield
    kill_started()
