"""Files written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = "the disk is full: free some space and run the same command again."


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path beside `path` to write to; rename it to `path` only if the block succeeds.

    A full disk, an exception or a kill leaves the previous `path` as it was. The yielded name
    ends as `path` does, since NumPy and Matplotlib choose a format by its suffix.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(
        prefix=f".{path.stem}-", suffix=f".part{path.suffix}", dir=path.parent
    )
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        with open(aside, "rb") as written:
            os.fsync(written.fileno())
        # mkstemp makes files private; a result is as readable as any other new file.
        umask = os.umask(0)
        os.umask(umask)
        aside.chmod(0o666 & ~umask)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
