"""The papers' texts, and the names that their tables have for methods."""

import os
from pathlib import Path

import pandas as pd
import pytest

TEXTS = {
    "liong2017": "002_6398374b3d716d74.txt",
    "masci2014": "004_4ac9ca03a49f9c28.txt",
    "zeng2022": "000_c33c9e71bcb5ec11.txt",
    "zhang2018": "003_9f55e0a0c7ff4df4.txt",
}


def paper_text(paper: str) -> str:
    beside = Path(__file__).parents[3] / "shared" / "papers"
    path = Path(os.environ.get("MMHASH_PAPERS", beside)) / TEXTS[paper]
    if not path.is_file():
        pytest.skip(f"the text of {paper} is not here: set MMHASH_PAPERS to its folder")
    return path.read_text()


def printed_names(paper: str) -> dict[tuple[int, str], str]:
    """Names in print by table (0: any) and method, in the order of print."""
    names = pd.read_csv(Path(__file__).parents[1] / "papers" / "printed_names.csv")
    rows = names[names.paper == paper].fillna({"table": 0}).astype({"table": int})
    return {(row.table, row.method): row.printed for row in rows.itertuples()}
