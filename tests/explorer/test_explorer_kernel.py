"""A kernel alone shows the explorer from saved runs, all that Voilà has; nothing trains."""

import base64

import nbformat
import pytest
from explorer_cases import NO_TRAINING, in_plain_words
from nbclient import NotebookClient

from mmhash_nb.codes import load_codes
from mmhash_nb.experiments.protocol_runs import run_protocol
from mmhash_nb.explorer import draw

SET_UP = """
from pathlib import Path
from mmhash_nb import hashers
from mmhash_nb.datasets import load
from mmhash_nb.experiments.protocol import Protocol
protocol = Protocol(
    dataset="scenes", grids=[(["cvh"], [8])], seeds=[0],
    views={"n": 60, "images": "gist", "texts": "hog"},
)
pairs = load(protocol.dataset, **protocol.views)
"""
SHOW = f"""{NO_TRAINING}
explorer = explore({{"scenes": saved_runs(protocol, pairs, Path("runs"))}})
explorer
"""
MOVE = """
import io
from datetime import UTC, datetime
from PIL import Image
explorer.query.value, explorer.direction.value = 3, "text-image"
buffer = io.BytesIO()
Image.fromarray(pairs.thumbnails[9].transpose(1, 2, 0)).save(buffer, "PNG")
file = {"name": "a.png", "type": "image/png", "size": 1, "last_modified": datetime.now(tz=UTC)}
explorer.upload.value = ({**file, "content": memoryview(buffer.getvalue())},)
print(explorer.message.value)
"""


@pytest.mark.slow
def test_a_kernel_with_saved_runs_shows_the_explorer_and_trains_nothing(tmp_path) -> None:
    namespace: dict = {}
    exec(SET_UP, namespace)
    pairs, protocol = namespace["pairs"], namespace["protocol"]
    done = run_protocol("masci2014", protocol, pairs, root=tmp_path / "runs")
    (run,) = [run for run in done if run.key[0] == "cvh"]
    codes = load_codes(run.folder / "codes.npz")

    sources = [SET_UP, SHOW, MOVE]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    cwd = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(notebook, kernel_name="python3", resources=cwd, timeout=300)
    with client.setup_kernel():
        for number in range(2):
            client.execute_cell(notebook.cells[number], number)
        client.set_widgets_metadata()
        # What a page without a kernel, and Voilà before the first move, show.
        canvas = draw(pairs, {"cvh": codes}, "image-text", int(pairs.query[0]), 10, 2)
        assert pictures(notebook) == [canvas.png()]
        client.execute_cell(notebook.cells[2], 2)
    view = notebook.cells[1].outputs[-1]["data"]
    assert "application/vnd.jupyter.widget-view+json" in view
    # The query is HOG of the picture of sample 9, so its code is that of sample 9.
    found = in_plain_words(pairs, codes["image"], codes["text"][9], 10)
    message = f"Query: your picture.<br>Nearest samples (distance): {found}\n"
    assert notebook.cells[2].outputs[0]["text"] == message


def pictures(notebook) -> list[bytes]:
    """The values of the image widgets in a notebook's metadata."""
    models = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    images = [model for model in models.values() if model["model_name"] == "ImageModel"]
    return [
        base64.b64decode(part["data"])
        for model in images
        for part in model["buffers"]
        if part["path"] == ["value"]
    ]
