"""Tables of the benchmarks in Markdown, and as CSV files for the README and `page.py`."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from mmhash_nb.io.files import whole


def markdown(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown: its header, the line under it, and the rows."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (columns, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(columns), *lines[1:]])


def report(rows: Sequence[dict[str, object]], path: Path) -> None:
    """Print `rows`, dictionaries with the same keys, and write them to the CSV file `path`."""
    columns = list(rows[0])
    print(markdown(columns, ([row[column] for column in columns] for row in rows)))
    write(rows, path)


def write(rows: Sequence[dict[str, object]], path: Path) -> None:
    """Write `rows`, dictionaries with the same keys, to the CSV file `path`."""
    columns = list(rows[0])
    with whole(path) as aside, open(aside, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
