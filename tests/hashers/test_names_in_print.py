"""Each method has a name in print: the one in the papers' tables."""

from pathlib import Path

import pandas as pd

from mmhash_nb import hashers
from mmhash_nb.hashers.names_in_print import NAMES, in_print

TABLES = pd.read_csv(Path(__file__).parents[1] / "papers" / "printed_names.csv")


def test_every_method_has_a_name_and_none_is_another_methods():
    assert set(NAMES) == set(hashers.names())
    assert len(set(NAMES.values())) == len(NAMES)
    assert in_print("a_method_from_outside") == "a_method_from_outside"


def test_names_are_those_of_the_papers_tables():
    """Not of tables of one paper's variants, where a row is "Ours" or "w/o AN"."""
    first = TABLES[(TABLES.table.fillna(1) == 1) & (TABLES.printed != "Ours")]
    assert len(first) == 30
    for row in first.itertuples():
        assert in_print(row.method).lower() in (
            row.printed.replace(" ", "").lower(),
            f"{row.printed}-km".lower(),
        )
