"""Print the rows of a benchmark as a Markdown table, and write them as CSV for the README."""

import csv
from collections.abc import Sequence
from pathlib import Path

from mmhash_nb.files import whole


def report(rows: Sequence[dict[str, object]], path: Path) -> None:
    """Print `rows`, dictionaries with the same keys, and write them to the CSV file `path`."""
    columns = list(rows[0])
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(str(row[column]) for column in columns) + " |")
    with whole(path) as aside, open(aside, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
