"""What the site makes of notebooks and records; `make docs` builds it whole."""

import base64
import hashlib
import sys

import nbformat
import pandas as pd
import pytest
from page_cases import ROOT

pytest.importorskip("sphinx", reason="make setup installs what the site needs")
sys.path.append(str(ROOT / "docs"))

import alternative_text
import generated_tables


def test_a_picture_has_the_text_of_its_output(tmp_path):
    png = base64.b64encode(b"a picture").decode()
    data = {"image/png": png, "text/plain": "Precision falls with recall."}
    shown = nbformat.v4.new_output("display_data", data=data)
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[shown])])
    nbformat.write(book, tmp_path / "one.ipynb")
    name = hashlib.sha256(b"a picture").hexdigest()
    assert alternative_text.texts(tmp_path / "one.ipynb") == {name: "Precision falls with recall."}


def test_counts_of_claims_are_those_that_the_page_quotes():
    claims = generated_tables.Claims.__new__(generated_tables.Claims)
    claims.arguments = ["zeng2022"]
    header, *rows = claims.rows()
    quoted = pd.read_csv(ROOT / "tests" / "quoted_claims.csv").query("paper == 'zeng2022'")
    for one in quoted.itertuples():
        (row,) = (row for row in rows if one.words in row[0])
        above, undecided, below = (part.split()[0] for part in one.counts.split(", "))
        counts = " / ".join([above, undecided, below]).replace(" ", "\N{NO-BREAK SPACE}")
        verdict = one.counts.partition(": ")[2]
        assert row[header.index(one.dataset.replace("_", " "))] == f"{verdict} ({counts})"


def test_numbers_stand_beside_the_printed_ones():
    numbers = generated_tables.Numbers.__new__(generated_tables.Numbers)
    numbers.arguments = ["zhang2018", "mirflickr25k"]
    header, *rows = numbers.rows()
    records = pd.read_csv(ROOT / "results" / "zhang2018_mirflickr25k.csv")
    part = records.query("method == 'scm' and task == 'image-text' and bits == 64")
    mean = part[part.metric == "mAP"].value.mean()
    (row,) = (row for row in rows if row[0] == "SCM")
    assert row[header.index("image → text, 64 bits")] == f"{100 * mean:.1f} (70.0)"
