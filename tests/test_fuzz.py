"""A thousand damaged files of every kind: each gives a clear error or data, and never ends Python.

They are read in a process of its own (`tests/fuzz/worker.py`), so that one that ends is a failure
with the name of its case. `MMHASH_FUZZ_SEED` chooses other damage.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from table_cases import table_rows

WORKER = Path(__file__).parent / "fuzz" / "worker.py"


@pytest.mark.slow
def test_a_thousand_damaged_files_give_a_clear_error_or_data():
    seed = os.environ.get("MMHASH_FUZZ_SEED", "0")
    done = subprocess.run(
        [sys.executable, str(WORKER), seed],
        capture_output=True,
        text=True,
        timeout=1800,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    cases = [line for line in done.stdout.splitlines() if not line.startswith("!")]
    wrong = [line for line in done.stdout.splitlines() if line.startswith("!")]
    again = f"to see one again: python tests/fuzz/{WORKER.name} {seed} FAMILY CASE"
    assert not wrong, "\n".join([again, *wrong])
    assert done.returncode == 0, f"ended at {cases[-1:]}; {again}\n{done.stderr[-3000:]}"
    assert len(cases) >= 1000


@pytest.mark.parametrize(
    ("found", "cut", "exact", "wrong"),
    [
        ({"a": 1, "b": 2}, True, True, False),
        ({"a": 1}, False, True, False),  # lost from a listing
        ({"a": 1}, True, False, True),
        ({"a": 1, "b": 3}, False, True, True),
        ({"a": 1, "b": 3}, True, False, True),
        ({"a": 1, "b": 3}, False, False, False),
        (None, True, True, False),
        ([1, 2], True, False, True),
    ],
)
def test_data_of_a_damaged_file_are_the_good_ones(found, cut, exact, wrong, monkeypatch):
    monkeypatch.syspath_prepend(str(WORKER.parent))
    import worker

    assert bool(worker.other(found, worker.tokens({"a": 1, "b": 2}), cut, exact)) == wrong


@pytest.mark.slow
@pytest.mark.parametrize(("body", "sign"), table_rows("lying_readers"))
def test_the_worker_sees_what_it_looks_for(tmp_path, body, sign):
    """Made-up readers: another error, one from elsewhere, one that hangs, crashes or lies."""
    (tmp_path / "families.py").write_text(
        "def made(folder):\n    path = folder / 'a.txt'\n    path.write_text('good')\n"
        f"    def read():\n        if path.read_text() != 'good':\n            {body}\n"
        "        return {'a': 1, 'b': 2}\n"
        "    return read\nFAMILIES, EXACT = {'made': (made, 3)}, {'made'}\n"
    )
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(WORKER.parent)!r}]\n"
    code += "import worker; worker.SECONDS = 1; worker.main('0')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert sign in done.stdout + done.stderr and "made 0" in done.stdout
