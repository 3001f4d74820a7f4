"""The test files that a change touches, for `make quick`: `python tests/quick.py [FILE ...]`.

A change is what differs from the last commit, or that commit itself where nothing does. A test is
touched where it, or a source file that it can execute, is changed. Files that are no Python count
as all modules of their folder; texts, records and notebooks have the tests of their own.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from mmhash_nb.io.imports import closure

ROOT = Path(__file__).parents[1]
#: tests of files that no test imports, by the folder they lie in
READERS = {
    "docs": ["tests/docs", "tests/test_readme.py"],
    "results": ["tests/docs", "tests/papers", "tests/test_readme.py"],
    "figures": ["tests/figures/test_photo_sources.py"],
    "notebooks": ["tests/test_notebooks.py"],
    ".": ["tests/test_readme.py", "tests/test_environment.py", "tests/test_ci.py"],
}


def changed() -> list[Path]:
    """The files that differ from the last commit, or else those of the last commit."""
    listed = _git("status", "--porcelain", "--no-renames", "--untracked-files=all")
    names = [line[3:] for line in listed.splitlines()]
    if not names:
        names = _git("show", "--format=", "--name-only", "--no-renames", "HEAD").splitlines()
    return [ROOT / name for name in names]


def touched(files: Iterable[Path], tests: Iterable[Path] = ()) -> list[str]:
    """The tests to run for changed files, those that execute least first, paths from the root."""
    found, sources = {}, set()
    for path in files:
        place = path.relative_to(ROOT).parts
        if path.suffix == ".py" and path.exists():
            sources.add(path)
        elif place[0] in ("mmhash_nb", "tests"):
            sources |= {*path.parent.glob("*.py")}
        else:
            found |= dict.fromkeys(READERS.get(place[0] if len(place) > 1 else ".", ()), 0)
    sys.path[:0] = [str(folder) for folder in (ROOT / "tests").rglob("*") if folder.is_dir()]
    for test in list(tests) or sorted((ROOT / "tests").rglob("test_*.py")):
        executed = closure([test])
        if sources & executed:
            found[test.relative_to(ROOT).as_posix()] = len(executed)
    return sorted(found, key=lambda name: (found[name], name))


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    print(*touched([Path(name).resolve() for name in sys.argv[1:]] or changed()), sep="\n")
