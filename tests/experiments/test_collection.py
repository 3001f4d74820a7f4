"""Finished runs are found again without training: those of the protocol, the newest of several."""

import dataclasses
import json
import os

import pytest

from mmhash_nb import hashers
from mmhash_nb.experiments.collection import collect, saved_runs
from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.protocol_runs import run_protocol

OPTIONS = {"mmnn_l1": {"epochs": 2, "batch_size": 40}}
PROTOCOL = Protocol(
    dataset="clusters", grids=[(["mmnn_l1", "raw"], [8, 12])], seeds=[3, 4], options=OPTIONS
)


@pytest.fixture
def runs(two_views, tmp_path, monkeypatch):
    done = run_protocol("masci2014", PROTOCOL, two_views, root=tmp_path)
    fit = lambda *_: pytest.fail("something was trained")  # noqa: E731
    monkeypatch.setattr(hashers.Method, "fit", fit)
    return {run.key: run for run in done}


def test_codes_and_methods_of_the_first_seed_are_found(two_views, runs, tmp_path) -> None:
    found = saved_runs(PROTOCOL, two_views, tmp_path)
    assert found.pairs is two_views
    assert list(found.codes) == [("mmnn_l1", 8), ("mmnn_l1", 12), ("random", 8), ("random", 12)]
    for (method, bits), codes in found.codes.items():
        expected = runs[method, bits, 3].codes()
        assert codes.keys() == expected.keys()
        assert all(codes[side] == expected[side] for side in codes)
    assert list(found.methods) == list(found.codes)
    again = found.methods["mmnn_l1", 12]().encode(two_views, "text")
    assert again == found.codes["mmnn_l1", 12]["text"]


def test_runs_at_hand_are_collected_but_for_references_without_codes(two_views, runs, tmp_path):
    first = [run for run in runs.values() if run.key[2] == 3]
    assert {run.key[0] for run in first} == {"mmnn_l1", "raw", "random"}
    found, again = collect(two_views, first), saved_runs(PROTOCOL, two_views, tmp_path)
    assert found.pairs is two_views and set(found.codes) == set(found.methods) == set(again.codes)
    assert all(found.codes[key]["text"] == again.codes[key]["text"] for key in found.codes)


def test_other_options_data_and_unfinished_runs_do_not_count(two_views, runs, tmp_path) -> None:
    longer = dataclasses.replace(PROTOCOL, options={"mmnn_l1": {"epochs": 3, "batch_size": 40}})
    assert [key[0] for key in saved_runs(longer, two_views, tmp_path).codes] == ["random", "random"]
    (runs["random", 8, 3].folder / "codes.npz").unlink()
    (runs["mmnn_l1", 8, 3].folder / "record.json").write_text('{"metrics": ')
    assert list(saved_runs(PROTOCOL, two_views, tmp_path).codes) == [
        ("mmnn_l1", 12),
        ("random", 12),
    ]
    cut = runs["random", 12, 3].folder / "codes.npz"
    cut.write_bytes(cut.read_bytes()[:100])
    assert list(saved_runs(PROTOCOL, two_views, tmp_path).codes) == [("mmnn_l1", 12)]
    moved = dataclasses.replace(two_views, train=two_views.train[1:])
    with pytest.raises(ValueError, match="holds no finished run of the protocol on clusters"):
        saved_runs(PROTOCOL, moved, tmp_path)


def alter(folder, **changed):
    """Other values in the configuration that a kept record has."""
    record = json.loads((folder / "record.json").read_text())
    record["configuration"] |= changed
    (folder / "record.json").write_text(json.dumps(record))


def test_a_run_counts_where_the_code_has_changed_since_but_not_where_data_have(
    two_views, runs, tmp_path
) -> None:
    alter(runs["mmnn_l1", 8, 3].folder, code="of another day")
    alter(runs["mmnn_l1", 12, 3].folder, data="other pairs")
    with pytest.warns(UserWarning, match="1 of the 3 runs shown were made by earlier code than"):
        found = saved_runs(PROTOCOL, two_views, tmp_path).codes
    assert list(found) == [("mmnn_l1", 8), ("random", 8), ("random", 12)]
    assert found["mmnn_l1", 8]["text"] == runs["mmnn_l1", 8, 3].codes()["text"]


def test_the_newest_of_several_counts(two_views, runs, tmp_path) -> None:
    run = runs["mmnn_l1", 12, 3]
    # Three runs of one configuration, whose codes are of three kinds.
    others = {"older": runs["mmnn_l1", 12, 4], "newer": runs["random", 12, 3]}
    for age, (name, other) in zip((100, -100), others.items(), strict=True):
        copy = tmp_path / name
        copy.mkdir()
        (copy / "record.json").write_bytes((run.folder / "record.json").read_bytes())
        (copy / "codes.npz").write_bytes((other.folder / "codes.npz").read_bytes())
        time = (run.folder / "record.json").stat().st_mtime - age
        os.utime(copy / "record.json", (time, time))
    images = {name: r.codes()["image"] for name, r in {**others, "itself": run}.items()}
    assert images["older"] != images["itself"] != images["newer"] != images["older"]
    found = lambda: saved_runs(PROTOCOL, two_views, tmp_path).codes["mmnn_l1", 12]["image"]  # noqa: E731
    assert found() == images["newer"]
    (tmp_path / "newer" / "record.json").unlink()
    assert found() == images["itself"]
