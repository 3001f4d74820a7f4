"""The lines of a dataset's text files, and what to say of one that is wrong."""

from pathlib import Path


def numbered(path: Path, encoding: str, errors: str = "strict") -> list[tuple[int, str]]:
    """The lines that are not blank, with their numbers from 1."""
    lines = path.read_bytes().decode(encoding, errors).splitlines()
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def wrong(path: Path, number: int, line: str, must: str) -> ValueError:
    """The error to raise where a line does not hold what it must."""
    return ValueError(f"line {number} of {path} must hold {must}, but is {line!r}: get it again.")
