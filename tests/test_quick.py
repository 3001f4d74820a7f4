"""Which tests `make quick` runs for a change."""

import subprocess

import pytest
import quick

ROOT = quick.ROOT
#: some of the tests, that not all are read for each case
SOME = [
    ROOT / "tests" / name
    for name in (
        *("test_ties.py", "test_metrics.py", "test_quick.py", "io/test_files.py"),
        *("io/test_matfiles.py", "datasets/test_matlab_images.py", "papers/test_protocols.py"),
    )
]


@pytest.mark.parametrize(
    ("name", "first", "without"),
    [
        ("mmhash_nb/ties.py", "tests/test_ties.py", "tests/io/test_files.py"),
        ("mmhash_nb/io/mat5.py", "tests/io/test_matfiles.py", "tests/test_ties.py"),
        ("tests/cases/mat_cases.py", "tests/datasets/test_matlab_images.py", "tests/test_ties.py"),
        ("tests/test_ties.py", "tests/test_ties.py", "tests/test_metrics.py"),
        ("docs/speed.md", "tests/docs", "tests/test_ties.py"),
        ("README.md", "tests/test_readme.py", "tests/test_ties.py"),
    ],
)
def test_a_change_has_the_tests_that_execute_it_and_no_others(name, first, without):
    found = quick.touched([ROOT / name], SOME)
    assert first in found[:3] and without not in found


def test_settings_touch_the_tests_of_the_modules_beside_them():
    found = quick.touched([ROOT / "mmhash_nb/papers/zhang2018/settings.toml"], SOME)
    assert "tests/papers/test_protocols.py" in found and "tests/test_ties.py" not in found


def test_a_change_is_what_differs_from_the_last_commit_or_that_commit(tmp_path, monkeypatch):
    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True)

    monkeypatch.setattr(quick, "ROOT", tmp_path)
    git("init", "-q")
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text("")
        git("add", name)
        git("commit", "-qm", name)
    assert quick.changed() == [tmp_path / "b.py"]
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "new.py").write_text("")
    assert sorted(quick.changed()) == [tmp_path / "a.py", tmp_path / "new.py"]
