"""Values from command lines, files and papermill become those of their kind, or one sentence."""

import json
from typing import Any

import numpy as np
import pytest
from batch_cases import notebook, printed
from table_cases import table_rows

from mmhash_nb import papers
from mmhash_nb.experiments.parameters import all_typed, check, declared, typed
from mmhash_nb.experiments.protocol import Protocol

KINDS = {
    **{"int": int, "float": float, "bool": bool, "str": str, "Any": Any, "list": list},
    **{f"list[{kind.__name__}]": list[kind] for kind in (int, float, bool, str)},
}
DECLARED = """\
dataset: str = "scenes"  # which
bits: list[int] = []  # lengths
epochs: int = 3  # passes
rate: float = 1  # step
quick: bool = False  # demo"""


def refusal(value, kind, name="x"):
    with pytest.raises(ValueError) as refused:
        all_typed({name: value}, {name: kind}, "parameter", "nb")
    return str(refused.value)


@pytest.mark.parametrize(("value", "kind", "expected"), table_rows("typed_parameters"))
def test_a_value_becomes_one_of_its_kind(value, kind, expected):
    found = typed(value, KINDS[kind])
    assert found == expected and type(found) is type(expected)
    if isinstance(found, list):
        assert [type(item) for item in found] == [type(item) for item in expected]


@pytest.mark.parametrize(
    ("value", "expected"),
    [((16, 32), [16, 32]), (range(2), [0, 1]), (np.array([8, 16]), [8, 16]), (np.int64(8), [8])],
)
def test_whatever_python_lists_is_a_list(value, expected):
    found = typed(value, list[int])
    assert found == expected and all(type(item) is int for item in found)


@pytest.mark.parametrize(("value", "kind", "takes"), table_rows("untyped_parameters"))
def test_what_is_none_of_its_kind_is_one_sentence(value, kind, takes):
    value = None if value == "None" else value
    assert refusal(value, KINDS[kind]).startswith(f"parameter x of nb takes {takes}, not {value!r}")


def test_the_sentence_says_how_to_write_what_was_read_otherwise():
    assert refusal(False, str).endswith(
        "not False: put it in quotes in YAML, and give it to papermill by -r."
    )
    assert refusal(None, int).endswith("not None: leave it out for its default.")
    assert refusal({}, list[int]).endswith("such as 16 or [16, 32], not {}.")


def test_the_kind_is_the_annotation_or_that_of_the_default():
    source = 'a = [16]\nb: list[str] = []\nc = None\nd: "odd" = 2.0\nprint(a)\ne = True'
    assert list(declared(source)) == [
        *(("a", list[int], [16]), ("b", list[str], []), ("c", Any, None)),
        *(("d", float, 2.0), ("e", bool, True)),
    ]


def running(injected="", **values):
    """`globals()` of a notebook whose parameters cell has run, and what papermill puts after it."""
    cells = ["", "import os", DECLARED, *([f"# Parameters\n{injected}"] if injected else [])]
    found: dict = {"In": [*cells, "1 +", "x = 2"], "other": 1}
    for cell in cells:
        exec(cell, found)
    return found | values


def test_a_notebook_types_what_papermill_gave_it():
    given = running('bits = 16\nepochs = "4"\nrate = "1e-4"\nquick = "on"')
    check(given)
    names = ("dataset", "bits", "epochs", "rate", "quick", "other")
    assert [given[name] for name in names] == ["scenes", [16], 4, 1e-4, True, 1]
    assert type(given["rate"]) is float
    plain = running()
    check(plain)
    assert type(plain["rate"]) is float  # declared as 1


def test_a_notebook_refuses_what_is_none_of_its_parameters():
    with pytest.raises(
        ValueError, match=r"^the notebook has no parameter 'bit'; it has dataset, b"
    ):
        check(running("bit = 16"))
    with pytest.raises(
        ValueError, match=r"^parameter epochs of the notebook takes an integer, not T"
    ):
        check(running("epochs = True"))
    check({})  # a script has no cells


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (["-p", "bits", "16"], "[16] 1"),
        (["-p", "bits", "[16, 32]", "-r", "epochs", "2"], "[16, 32] 2"),
        (
            ["-y", "{bits: 8, epochs: yes}"],
            "parameter epochs of the notebook takes an integer, not True",
        ),
        (["-p", "seed", "0"], "the notebook has no parameter 'seed'; it has bits, epochs."),
    ],
)
def test_papermill_itself_works_or_says_in_one_sentence_what_does_not(tmp_path, given, shown):
    from click.testing import CliRunner
    from papermill.cli import papermill

    cell = "from mmhash_nb.experiments import parameters\nparameters.check(globals())"
    declared_there = "bits: list[int] = []  # lengths\nepochs: int = 1  # passes"
    path = notebook(tmp_path / "n.ipynb", cell, "print(bits, epochs)", parameters=declared_there)
    out = tmp_path / "out.ipynb"
    kernel = ["-k", "python3", "-l", "python"]
    CliRunner().invoke(papermill, [str(path), str(out), *kernel, *given])
    errors = [o for c in json.loads(out.read_text())["cells"] for o in c.get("outputs", [])]
    said = printed(out) + "".join(o.get("evalue", "") for o in errors)
    assert shown in said


@pytest.mark.parametrize(
    ("bits", "seeds", "runs"),
    [("[16, 32]", "01", 6), (16, 0, 2), ("16,32", [0, "1"], 6), ((16, "32"), range(2), 6)],
)
def test_a_protocol_has_the_bits_and_seeds_that_a_text_lists(bits, seeds, runs):
    protocol = papers.protocol("zhang2018", "scenes", bits=bits, seeds=seeds, epochs="3")
    lengths = {b for _, b, _, _ in protocol.runs()}
    assert lengths == ({16} if bits == 16 else {16, 32})
    made = Protocol("scenes", [("cvh", bits)], seeds)
    assert len([run for run in made.runs() if run[0] == "cvh"]) * 2 >= runs / 2
    assert {type(run[1]) for run in made.runs()} == {int}


@pytest.mark.parametrize(("given", "sentence"), table_rows("wrong_protocol_arguments"))
def test_a_protocol_refuses_before_anything_runs(given, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}"):
        papers.protocol("masci2014", "scenes", **given)
    grid = {name: given.get(name, [0]) for name in ("bits", "seeds")}
    if grid != {"bits": [0], "seeds": [0]}:
        with pytest.raises(ValueError, match=f"^{sentence}|^n_bits"):
            Protocol("scenes", [(["cvh"], given.get("bits", [8]))], grid["seeds"])
