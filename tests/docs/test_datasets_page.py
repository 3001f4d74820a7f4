"""The page of datasets lists what can be loaded."""

import re

from page_cases import page

from mmhash_nb import datasets
from mmhash_nb.datasets.about import about


def test_every_dataset_has_its_row_and_its_page():
    rows = [line.split("|") for line in page("docs/datasets.md").splitlines()]
    table = {row[1].strip(" `"): row[2] for row in rows if len(row) > 2 and row[1][1] == "`"}
    assert sorted(table) == sorted(datasets.names())
    for name, what in table.items():
        (source,) = re.findall(r"\]\((\S+)\)", what) or [None]
        if source and source.startswith("http"):
            assert source == about(name)["page"]
