"""`mmhash explore`: what its page shows of a model and of runs, and what it refuses."""

import json
import os
import re
import socket
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from pair_cases import pictures
from user_folder import write_folder

from mmhash_nb import cli as commands
from mmhash_nb import papers
from mmhash_nb.cli import explorer_page
from mmhash_nb.cli.explore import SHOWN, TOKEN
from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.explorer.controls import state_of
from mmhash_nb.explorer.widget import Explorer
from mmhash_nb.results import run_protocol


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A folder of sixty items and a model of it."""
    path = tmp_path_factory.mktemp("explored")
    write_folder(path / "items")
    given = ["fit", path / "items", "--out", path / "model", "--size", "16", "--bits", "16"]
    assert commands.main([*map(str, given)]) == 0
    return path


@pytest.fixture
def model(home, monkeypatch):
    """The page shows the model on its folder."""
    shown = {"folder": str(home / "items"), "model": str(home / "model"), "on_error": "raise"}
    monkeypatch.setenv(SHOWN, json.dumps({**shown, "plugins": []}))
    monkeypatch.setenv(TOKEN, "secret")


def opened() -> tuple[Explorer, str]:
    """The explorer of the page, and the link to its view."""
    *_, explorer, link = explorer_page.page().children
    assert isinstance(explorer, Explorer)
    return explorer, link.value.partition('href="?')[2].partition('"')[0].replace("&amp;", "&")


def test_a_model_is_shown_on_its_folder_with_results_in_the_radius(model):
    explorer, _ = opened()
    assert (explorer.method.value, explorer.bits.value) == ("scm", 16)
    assert explorer.direction.value == "text-image" and explorer.widen.layout.display == "none"
    assert len(explorer.pairs) == 60 and len(explorer.pairs.query) == 12
    explorer.words.value = "σκύλος"
    assert "your words" in explorer.message.value and "(" in explorer.message.value


def test_a_picture_of_the_users_is_seen_as_the_methods_vectors(home, model, monkeypatch):
    network = home / "network"
    given = ["fit", home / "items", "--out", network, "--method", "mmnn_l1", "-p", "epochs", "2"]
    assert commands.main([*map(str, given), "--bits", "8", "--size", "16"]) == 0
    shown = json.loads(os.environ[SHOWN]) | {"model": str(network)}
    monkeypatch.setenv(SHOWN, json.dumps(shown))
    explorer, _ = opened()
    explorer.direction.value = "image-image"
    row = int(explorer.pairs.database[0])
    content = (home / "items" / "photos" / f"εικόνα {row}.png").read_bytes()
    file = {"name": "mine.png", "type": "image/png", "size": len(content), "content": content}
    explorer.upload.value = ({**file, "last_modified": datetime.now(tz=UTC)},)
    assert "Query: your picture." in explorer.message.value
    assert re.search(r"\(distance\): \d+ \(0\)", explorer.message.value), "itself, or as near"


def test_the_link_to_a_view_opens_that_view(model, monkeypatch):
    explorer, link = opened()
    assert link == explorer_page.address_of(explorer)
    explorer.direction.value, explorer.query.value, explorer.radius.value = "image-text", 0, 0
    explorer.mistakes.value = True
    link = explorer_page.address_of(explorer)
    monkeypatch.setenv("QUERY_STRING", link)
    again, _ = opened()
    assert state_of(again) == state_of(explorer) and parse_qs(link)["token"] == ["secret"]


def test_the_link_follows_the_radius_which_moves_the_picture_alone(model):
    *_, explorer, link = explorer_page.page().children
    explorer.radius.value = 5
    assert "radius=5&amp;" in link.value


def test_runs_are_shown_on_the_best_method_and_none_are_a_sentence(monkeypatch, tmp_path):
    pairs = pictures()
    protocol = Protocol(dataset="scenes", grids=[(["scm"], [8])], seeds=[0])
    monkeypatch.setenv("MMHASH_RUNS", str(tmp_path))
    monkeypatch.setattr(explorer_page, "load", lambda *_, **__: pairs)
    monkeypatch.setattr(papers, "protocol", lambda *_: protocol)
    monkeypatch.setenv(SHOWN, json.dumps({"dataset": "scenes", "plugins": []}))
    assert "no runs on scenes are there: mmhash compare scenes" in explorer_page.page().value
    run_protocol("side_by_side", protocol, pairs)
    explorer, _ = opened()
    assert explorer.method.value == "scm", "random codes are the other method"


@pytest.mark.parametrize(
    ("given", "reason"),
    [((), "there is nothing to show: give --model MODEL and a folder, or --dataset."),
     (("--dataset", "scenes", "--model", "m"), "leave out --model and the folder"),
     (("--dataset", "nothing"), "there is no dataset 'nothing'"),
     (("--model", "m", "{home}/model"), "there is no pairs.csv in"),
     (("--model", "{home}", "{home}/items"), "has no method.json: the command fit makes")],
)  # fmt: skip
def test_what_is_not_there_is_refused_before_a_page_starts(home, capsys, given, reason):
    assert commands.main(["explore", *(part.format(home=home) for part in given)]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("port", [None, 99_999])
def test_a_port_that_cannot_be_used_is_refused_before_a_page_starts(home, capsys, port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        wanted = str(port or other.getsockname()[1])
        given = ["--model", f"{home}/model", f"{home}/items", "--no-browser", "--port", wanted]
        assert commands.main(["explore", *given]) == 2
    printed = capsys.readouterr()
    assert f"port {wanted} cannot be used" in printed.err and printed.out == ""


def test_without_the_command_the_notebook_says_what_it_is_for(monkeypatch):
    monkeypatch.delenv(SHOWN, raising=False)
    assert "mmhash explore" in explorer_page.page().value
