"""What people have and write, through the first cells of notebooks, as papermill runs them."""

import ast
from pathlib import Path
from types import SimpleNamespace

import nasty_labels
import nasty_pictures
import nbformat
import numpy as np
import pytest
from user_folder import HEADER, write_table

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
PAPERS = ("1_masci2014_mmnn", "2_liong2017_cmdvh", "3_zhang2018_aadah", "4_zeng2022_modal_aware")


def started(name, upto, **given):
    """The names of a notebook after its third code cell, up to the statement that begins so.

    Args:
        given: values of parameters, as papermill writes them into a cell after the parameters.
    """
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", 4)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"][:3]
    injected = "# Parameters\n" + "".join(f"{key} = {value!r}\n" for key, value in given.items())
    body = ast.parse(code[2]).body
    last = next(i for i, line in enumerate(body) if ast.unparse(line).startswith(upto))
    rest = ast.unparse(ast.Module(body[: last + 1], []))
    names: dict = {"In": ["", *code[:2], injected]}
    for source in (*code[:2], injected, rest):
        exec(source, names)
    return names


@pytest.mark.parametrize("name", [*PAPERS, "5_side_by_side"])
@pytest.mark.parametrize(
    "bits", [16, "16", 16.0, "[16]", "16,", " 16 ", (16,), "[16.0]", ["16"], "016"]
)
def test_a_code_length_however_it_is_written_is_one(name, bits):
    protocol = started(name, "protocol", bits=bits)["protocol"]
    assert {length for _, length, _, _ in protocol.runs()} == {16}


@pytest.mark.parametrize("name", [*PAPERS, "5_side_by_side"])
@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        *(
            ({"bits": value}, "parameter bits of the notebook takes integers, such as 16 or")
            for value in (16.5, "sixteen", True, None, {"a": 1}, "16;32", [[16]], "1e400")
        ),
        ({"bits": 0}, "bits must be a positive integer, but is 0"),
        ({"seeds": "[-1]"}, "seeds must be integers of at least 0"),
        ({"epochs": "many"}, "parameter epochs of the notebook takes an integer, not 'many'"),
        ({"device": 0}, "parameter device of the notebook takes a text, not 0: put it in quotes"),
        ({"root": None}, "parameter root of the notebook takes a text, not None: leave it out"),
        ({"dataset": "Wiki"}, "has no experiment on 'Wiki'"),
        ({"dataset": False}, "parameter dataset of the notebook takes a text, not False"),
        ({"bit": 16}, "the notebook has no parameter 'bit'; it has dataset, "),
    ],
)
def test_what_is_no_parameter_is_one_sentence_before_anything_is_read(name, given, sentence):
    with pytest.raises(ValueError) as caught:
        started(name, "protocol", **given)
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def folder_of(folder, cells, pictures=None):
    """A folder whose rows have these labels, each row with one of the pictures, or of twelve."""
    levels = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)
    pictures = pictures or {f"{i}.png": nasty_pictures.png(one) for i, one in enumerate(levels)}
    for name, data in pictures.items():
        (folder / name).write_bytes(data)
    rows = [
        [name, f"a dog and sea {i}", cell]
        for i, (name, cell) in enumerate(zip(pictures, cells, strict=False))
    ]
    write_table(folder, rows, HEADER[:3])
    return str(folder)


def from_folder(root):
    return started("5_side_by_side", "pairs", dataset="folder", root=root)["pairs"]


@pytest.mark.parametrize("name", nasty_labels.REFUSED)
def test_a_folder_with_no_labels_is_refused_in_the_notebook(tmp_path, name):
    cells, sentence = nasty_labels.REFUSED[name]
    with pytest.raises(ValueError) as caught:
        from_folder(folder_of(tmp_path, cells))
    assert sentence in str(caught.value)


@pytest.mark.parametrize("name", nasty_labels.SAME)
def test_a_folder_with_labels_however_they_are_written_has_them_in_the_notebook(tmp_path, name):
    pairs = from_folder(folder_of(tmp_path, nasty_labels.SAME[name]))
    assert tuple(pairs.label_names) == nasty_labels.NAMES
    found = [{pairs.label_names[c] for c in np.flatnonzero(row)} for row in pairs.labels]
    assert found == [{*row} for row in nasty_labels.MEANT]


def test_a_folder_of_every_sound_kind_of_picture_is_read_in_the_notebook(tmp_path):
    pictures = {name: data for name, (data, *_) in nasty_pictures.FILES.items()}
    cells = nasty_labels.joined(";") * (len(pictures) // 12 + 1)
    pairs = from_folder(folder_of(tmp_path, cells, pictures))
    assert len(pairs) == len(pictures) and pairs.images.dtype == np.uint8


@pytest.mark.parametrize("name", nasty_pictures.REFUSED)
def test_a_picture_that_cannot_be_shown_is_named_in_the_notebook(tmp_path, name):
    sound = {"a.png": nasty_pictures.png(nasty_pictures.colour())}
    root = folder_of(
        tmp_path, nasty_labels.joined(";"), {**sound, name: nasty_pictures.REFUSED[name]}
    )
    with pytest.raises(ValueError, match=name):
        from_folder(root)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (400, "takes an integer from 0 to 399, a place among the 400 queries, not 400."),
        (-1, "takes an integer from 0 to 399, a place among the 400 queries, not -1."),
        ("17.5", "parameter query of the notebook takes an integer, not '17.5'"),
    ],
)
def test_a_query_that_is_not_there_is_one_sentence(query, sentence, monkeypatch):
    made = SimpleNamespace(query=range(400))
    monkeypatch.setattr("mmhash_nb.datasets.load", lambda name: made)
    with pytest.raises(ValueError) as caught:
        started("0_start_here", "parameters.in_range", query=query)
    assert sentence in str(caught.value)
    assert started("0_start_here", "parameters.in_range", query="399")["query"] == 399
