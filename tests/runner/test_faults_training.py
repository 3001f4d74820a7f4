"""Trainings that are killed or starved of disk end in the codes of undisturbed ones."""

import os
import random
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import psutil
import pytest
from batch_cases import (
    descendants,
    ended,
    gone,
    lines,
    notebook,
    printed,
    reproduce,
    start,
    until,
)

from mmhash_nb import results
from mmhash_nb.codes import load_codes
from mmhash_nb.datasets import load
from mmhash_nb.experiments.runs import read_record
from mmhash_nb.runner import job_records
from mmhash_nb.runner import jobs as batch

pytestmark = pytest.mark.faults


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


#: notes each start, each epoch whose checkpoint is saved, and how many epochs are taken up again
TRAINS = """\
import time
from mmhash_nb import results
from mmhash_nb.datasets import load
from mmhash_nb.experiments import records
from mmhash_nb.io.project import project_root
from mmhash_nb.training import checkpoints, loop
job = f"{paper} {{seeds[0]}}"
def note(what, n):
    with open(f"{{what}}.txt", "a") as file: file.write(f"{{job}} {{n}}\\n")
note("starts", 0)
loop.CHECKPOINT_SECONDS = -1.0  # a checkpoint after every epoch
save, resume = checkpoints.save, checkpoints.resume
def saved(*state):
    save(*state), note("epochs", len(state[-1])), time.sleep(0.05)
def resumed(*state):
    history = resume(*state)
    note("resumed", len(history))
    return history
checkpoints.save, checkpoints.resume = saved, resumed
pairs = load("scenes", images={images!r}, n=200)
run = results.run({paper!r}, {method!r}, pairs, 16, seeds[0], {options!r}, device="cpu")
records.write(results.frame([run]), project_root() / "runs")"""
TRAININGS = {
    "shallow": {"method": "cvh", "images": "gist", "options": {}},
    "network": {
        **{"method": "mmnn_l1", "images": "gist"},
        "options": {"epochs": 60, "optimiser": "adam", "learning_rate": 0.01},
    },
    "deep": {
        **{"method": "concat", "images": "pixels"},
        "options": {"backbone": "small", "trainable": "none", "epochs": 30},
    },
}
SEEDS = ("--grid", "seeds", "0", "1")
KILLS = 4
#: epochs before a kill, at most: so many kills fall into the 180 epochs of all
MOST = 15


def trained(folder: Path) -> dict:
    """Codes and metrics of every run by its key."""
    found = {}
    for path in (folder / "runs").glob("*/record.json"):
        record = read_record(path.parent)
        found[path.parent.name] = (record["metrics"], load_codes(path.parent / "codes.npz"))
    return found


def merged(folder: Path) -> dict[str, list]:
    """What is merged for the report, without the seconds that it took."""
    files = sorted((folder / "runs").glob("*.csv"))
    tables = {path.name: pd.read_csv(path).drop(columns="seconds_fit") for path in files}
    return {name: sorted(table.itertuples(index=False)) for name, table in tables.items()}


def started(folder: Path) -> Counter:
    return Counter(line.rsplit(" ", 1)[0] for line in lines(folder / "starts.txt"))


def done(folder: Path) -> set[str]:
    """Jobs that are recorded as done."""
    notebooks = [str(path) for path in (folder / "notebooks").glob("*.ipynb")]
    jobs = batch.from_grid(notebooks, {}, {"seeds": [0, 1]}, folder / "runs")
    ended_well = [job for job in jobs if job_records.done(job, folder=folder)]
    return {f"{job.notebook.stem} {job.parameters['seeds'][0]}" for job in ended_well}


def test_a_batch_whose_processes_are_killed_at_random_ends_as_an_undisturbed_one(tmp_path):
    seed = int(os.environ.get("MMHASH_FAULT_SEED", time.time_ns() % 10**6))
    print(f"MMHASH_FAULT_SEED={seed}")  # shown where the test fails: repeats its choices
    rng = random.Random(seed)
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    for paper, of in TRAININGS.items():
        notebook(
            straight / "notebooks" / f"{paper}.ipynb", "import os", TRAINS.format(paper=paper, **of)
        )
    names = [f"notebooks/{paper}.ipynb" for paper in TRAININGS]
    (straight / "pyproject.toml").touch()
    shutil.copytree(straight, killed)
    command = ("--notebook", *names, *SEEDS, "--workers", "2")

    def epochs():
        return len(lines(killed / "epochs.txt"))

    def some_epochs_later(process):
        wanted = epochs() + rng.randint(1, MOST)
        until(lambda: epochs() >= wanted or process.poll() is not None)
        time.sleep(rng.uniform(0, 0.05))  # anywhere in the next epoch

    once: dict[str, int] = {}  # how often a job that is done was begun
    for _ in range(KILLS):
        process = start(killed, *command, whole=True)
        some_epochs_later(process)
        assert process.poll() is None, ended(process)[1]
        family = [psutil.Process(process.pid), *descendants(process)]
        victim = rng.choice(sorted(family, key=lambda one: one.pid))
        print("killed", victim.pid, victim.name(), "of", len(family), "after", epochs(), "epochs")
        victim.kill()
        if victim.pid != process.pid:
            some_epochs_later(process)
            process.kill()
        gone(family)
        ended(process)
        once |= {job: started(killed)[job] for job in done(killed) if job not in once}
    status, log = reproduce(killed, *command, whole=True)
    assert status == 0, log
    assert len(done(killed)) == 2 * len(TRAININGS)
    assert once.items() <= started(killed).items()  # what was done was not begun again
    assert sum(started(killed).values()) > 2 * len(TRAININGS)
    # A training was cut, and taken up again where it was.
    again = [line for line in lines(killed / "resumed.txt") if not line.endswith(" 0")]
    assert again, lines(killed / "resumed.txt")
    assert reproduce(straight, *command, whole=True)[0] == 0
    assert not lines(straight / "resumed.txt")
    assert len(trained(straight)) == 2 * len(TRAININGS) == len(lines(straight / "starts.txt"))
    assert trained(killed) == trained(straight)
    assert len(merged(straight)) == len(TRAININGS) and merged(killed) == merged(straight)


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a separate disk of a few megabytes, where this process may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(mount, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    (disk / "pyproject.toml").touch()
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


FULL = "the disk is full: free some space and run the same command again."


def test_a_full_disk_is_said_and_the_same_command_finishes_once_there_is_space(
    tmp_path, small_disk
):
    notebook(tmp_path / "notebooks" / "1_print.ipynb", "print('x' * 2_000_000)")
    (tmp_path / "pyproject.toml").touch()
    out = ("--out", str(small_disk))
    (small_disk / "filler").write_bytes(bytes(7_000_000))
    status, log = reproduce(tmp_path, *out)
    assert status == 1 and f"=== 1_print failed: {FULL}" in log
    assert "Traceback" not in log.partition("=== 1_print failed")[2]
    (small_disk / "filler").unlink()
    assert "would run  1_print" in reproduce(tmp_path, *out, "--dry-run")[1]
    assert reproduce(tmp_path, *out)[0] == 0
    assert "x" * 2_000_000 in printed(small_disk / "notebooks" / "1_print.ipynb")


#: fills the disk just before something is written, as long as there is a file that names it
FILLS = """\
import os
from mmhash_nb import results
from mmhash_nb.datasets import load
from mmhash_nb.experiments import runs
from mmhash_nb.training import checkpoints, loop
loop.CHECKPOINT_SECONDS = -1.0
wanted = open("fill.txt").read() if os.path.exists("fill.txt") else ""
def fill():
    left = os.statvfs(".").f_bavail * os.statvfs(".").f_frsize
    with open("filler", "wb") as file: os.posix_fallocate(file.fileno(), 0, left)
def filling(write, now):
    def filled(*given):
        if now(*given): fill()
        return write(*given)
    return filled
fifth = lambda *s: wanted == "checkpoint" and len(s[-1]) == 5
checkpoints.save = filling(checkpoints.save, fifth)
runs.save_codes = filling(runs.save_codes, lambda *_: wanted == "codes")
runs.whole = filling(runs.whole, lambda path: wanted == path.name)
pairs = load("scenes", images="gist", n=200)
run = results.run("masci2014", "mmnn_l1", pairs, 16, 0, OPTIONS, device="cpu")"""
OPTIONS = {"epochs": 8, "optimiser": "adam"}


@pytest.mark.parametrize("what", ["checkpoint", "codes", "record.json"])
def test_a_disk_that_fills_in_a_training_costs_no_result(tmp_path, small_disk, what):
    notebook(small_disk / "notebooks" / "1_train.ipynb", FILLS.replace("OPTIONS", repr(OPTIONS)))
    (small_disk / "fill.txt").write_text(what)
    status, log = reproduce(small_disk)
    assert status == 1 and f"=== 1_train failed: {FULL}" in log
    assert (small_disk / "filler").exists() and not trained(small_disk)
    (small_disk / "filler").unlink()
    (small_disk / "fill.txt").unlink()
    status, log = reproduce(small_disk)
    assert status == 0, log
    pairs = load("scenes", images="gist", n=200)
    root = tmp_path / "straight" / "runs"
    results.run("masci2014", "mmnn_l1", pairs, 16, 0, OPTIONS, device="cpu", root=root)
    assert trained(small_disk) == trained(root.parent) != {}
