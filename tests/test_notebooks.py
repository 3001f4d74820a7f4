"""Rules that the committed notebooks keep, read from their files without running them."""

import ast
import json
import re
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from table_cases import table_rows

from mmhash_nb.runner.notebook_parameters import defaults

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("[0-9]*.ipynb"))
MOST_LINES, MOST_BYTES = 15, 1_500_000
#: calls that train, whose numbers differ between processors
TRAINING = re.compile(r"\b(run_protocol|results\.run|fit)\(")
#: a path of somebody's machine, and not the middle of an address
MACHINE_PATH = re.compile(r"(?<![\w.])/(root|home|work|Users)/[^\s\"'\\]*")
#: a committed folder, beside a call that writes
COMMITTED = re.compile(r"""["'/](results|figures)["'/]""")
WRITING = re.compile(r"\.(to_csv|savefig|write_text|write_bytes|write|save)\(")
#: a decimal number, and where the text tells what came out of the runs
DECIMAL = re.compile(r"(?<![\d.])\d+\.\d+(?!\.?\d)")
FINDINGS = "## What came out"


def broken_rules(path: Path) -> list[str]:
    """What is wrong with a notebook, a sentence each that names the cell."""
    notebook = nbformat.read(path, as_version=4)
    code = [(i, cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    return [
        *_file(path, notebook),
        *_parameters(code),
        *_cells(notebook.cells, code),
        *_execution(code),
        *_training(code),
        *_paths(notebook.cells),
        *_findings(notebook.cells),
    ]


def tags(cell):
    return cell.metadata.get("tags", [])


def _file(path, notebook):
    if (size := path.stat().st_size) >= MOST_BYTES:
        yield f"the file has {size} bytes"
    if extra := set(notebook.metadata) - {"kernelspec", "language_info"}:
        yield f"the notebook's metadata hold {sorted(extra)}"
    for i, cell in enumerate(notebook.cells):
        if extra := {"papermill", "execution"} & set(cell.metadata):
            yield f"the metadata of cell {i} hold {sorted(extra)}"


def _parameters(code):
    if [order for order, (_, cell) in enumerate(code) if "parameters" in tags(cell)] != [1]:
        yield "the second code cell, and no other, is tagged parameters"
        return
    first = ast.parse(code[0][1].source).body
    if not all(isinstance(statement, ast.Import | ast.ImportFrom) for statement in first):
        yield f"cell {code[0][0]} before the parameters holds more than imports"
    for line in code[1][1].source.splitlines():
        try:
            (statement,) = ast.parse(line).body
            ast.literal_eval(statement.value)
            good = isinstance(statement, ast.AnnAssign) and re.search(r"  # \S", line)
        except (AttributeError, SyntaxError, ValueError):
            good = False
        if not good or line.count("=") != 1:
            yield f"parameter line {line!r} is no typed literal with a comment and a single ="


def _cells(cells, code):
    for i, cell in code:
        if (lines := len(cell.source.splitlines())) > MOST_LINES:
            yield f"cell {i} has {lines} lines"
        if i == 0 or cells[i - 1].cell_type != "markdown" or not cells[i - 1].source.strip():
            yield f"cell {i} has no text before it"
        if COMMITTED.search(cell.source) and WRITING.search(cell.source):
            yield f"cell {i} writes beside runs/: use records.write_study or figures.folder"


def _execution(code):
    counts = [cell.execution_count for _, cell in code]
    if counts != list(range(1, len(code) + 1)):
        yield f"the cells were not executed in order, from a fresh kernel: {counts}"
    for i, cell in code:
        statements = ast.parse(cell.source).body
        if statements and isinstance(statements[-1], ast.Expr) and not cell.outputs:
            yield f"cell {i} ends in an expression and has no output"
        if any(output.output_type == "error" for output in cell.outputs):
            yield f"cell {i} ended in an error"


def _training(code):
    sources = [TRAINING.search(cell.source) for _, cell in code]
    if not any(sources):
        return
    first = next(order for order, trains in enumerate(sources) if trains)
    if "nbval-ignore-output" not in tags(code[first][1]):
        yield f"cell {code[first][0]} trains and is not tagged nbval-ignore-output"
    following = code[first + 1][1].source if first + 1 < len(code) else ""
    if not any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(following))):
        yield f"cell {code[first][0]} trains and no assert follows in the next code cell"


def _paths(cells):
    for i, cell in enumerate(cells):
        shown = [cell.source]
        for output in cell.get("outputs", []):
            data = {k: v for k, v in output.get("data", {}).items() if not k.startswith("image/")}
            shown.append(json.dumps({**output, "data": data}))
        for found in MACHINE_PATH.finditer("\n".join(shown)):
            yield f"cell {i} shows the path {found[0]}"


def _findings(cells):
    shown = set()
    for cell in cells:
        for output in cell.get("outputs", []):
            texts = [v for k, v in output.get("data", {}).items() if k.startswith("text/")]
            shown.update(DECIMAL.findall("\n".join([output.get("text", ""), *texts])))
    for i, cell in enumerate(cells):
        if cell.source.startswith(FINDINGS):
            for number in dict.fromkeys(DECIMAL.findall(cell.source)):
                if number not in shown:
                    yield f"cell {i} says {number}, which no output shows"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_the_rules(path):
    assert broken_rules(path) == []
    assert defaults(path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_are_checked_before_they_are_used(path):
    """Papermill puts its values between the second code cell and the third."""
    code = [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
    assert code[2].startswith("parameters.check(globals())\n")
    given = {"In": ["", code[1], "# Parameters\nbits = '16'"]}
    exec(code[1], given)
    given["bits"] = "16"
    expected = 16 if "bits: int" in code[1] else [16]
    exec(f"from mmhash_nb.experiments import parameters\n{code[2].splitlines()[0]}", given)
    assert given["bits"] == expected


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_imports_and_names_of_modules_is_there(path):
    cells = [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
    tree = ast.parse("\n".join(cells))
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("mmhash_nb"):
            names: dict = {}
            exec(ast.unparse(node), names)
            modules |= {k: v for k, v in names.items() if isinstance(v, ModuleType)}
    assert modules
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            assert module is None or hasattr(module, node.attr), ast.unparse(node)


def test_there_are_notebooks():
    assert NOTEBOOKS


def cell(source, count=None, tags=(), output=None):
    made = nbformat.v4.new_code_cell(source, execution_count=count)
    made.metadata = {"tags": list(tags)} if tags else {}
    if output is not None:
        made.outputs = [nbformat.v4.new_output("stream", text=output)]
    return made


PARAMETERS = 'dataset: str = "scenes"  # which\nbits: list[int] = []  # lengths'


@pytest.fixture
def write(tmp_path):
    def written(change=lambda notebook: None):
        code = [
            cell("import numpy as np", 1),
            cell(PARAMETERS, 2, ["parameters"]),
            cell("runs = results.run_protocol(dataset)\nruns", 3, ["nbval-ignore-output"], "0.3"),
            cell("assert runs", 4),
        ]
        text = nbformat.v4.new_markdown_cell
        notebook = nbformat.v4.new_notebook(cells=[c for one in code for c in (text("See"), one)])
        notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        change(notebook)
        nbformat.write(notebook, tmp_path / "1_made.ipynb")
        return tmp_path / "1_made.ipynb"

    return written


def test_a_notebook_that_keeps_the_rules_passes(write):
    assert broken_rules(write()) == []


def sets(number, **values):
    """A change that puts other values into the cell of that number."""
    return lambda notebook: notebook.cells[number].update(values)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        *(
            (sets(number, **values), sentence)
            for number, values, sentence in table_rows("broken_notebook_rules")
        ),
        (lambda n: n.metadata.update(widgets={}), "the notebook's metadata hold ['widgets']"),
        (sets(0, source="y" * 1_500_000), "the file has 150"),
        (sets(7, source="\n".join(["assert [1]"] * 16)), "cell 7 has 16 lines"),
        (lambda n: n.cells.pop(6), "cell 6 has no text before it"),
        (sets(7, execution_count=None), "not executed in order, from a fresh kernel: [1, 2, 3, N"),
        (
            sets(5, outputs=[nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])]),
            "cell 5 ended in an error",
        ),
        (
            sets(5, outputs=[nbformat.v4.new_output("stream", text="kept in /Users/me/runs")]),
            "cell 5 shows the path /Users/me/runs",
        ),
    ],
)
def test_each_broken_rule_is_named(write, change, sentence):
    (broken,) = broken_rules(write(change))
    assert sentence in broken
