"""Batches that are killed, stopped or starved go on where they were, and leave nothing behind."""

import os
import signal

import pytest
from batch_cases import (
    COUNT,
    begun,
    descendants,
    ended,
    gone,
    lines,
    notebook,
    reproduce,
    start,
    until,
    with_argument,
)

from mmhash_nb.runner import job_records
from mmhash_nb.runner import jobs as batch

ONE = ("-p", "seeds", "0")
TWO = ("--grid", "seeds", "0", "1")
#: as many as the machine has cores for, and one after the other
HOWS = [(), ("--workers", "1")]


def done(project, *seeds, of="1_wait"):
    """Which of the jobs of a notebook with these seeds are done."""
    jobs = batch.from_grid([of], {}, {"seeds": seeds}, project / "runs")
    return [job_records.done(job) is not None for job in jobs]


def ctrl_c(command):
    os.killpg(command.pid, signal.SIGINT)


def sends(number):
    """To the command alone, as `kill` does."""
    return lambda command: os.kill(command.pid, number)


#: how a batch runs, what it ignored when it was started, what ends it, and its exit status
STOPS = [
    (("--workers", "2"), None, ctrl_c, 130),
    ((), signal.SIGINT, sends(signal.SIGINT), 130),
    (("--workers", "2"), signal.SIGINT, sends(signal.SIGTERM), 143),
    ((), None, sends(signal.SIGHUP), 129),
]


@pytest.mark.parametrize(("how", "ignored", "stop", "expected"), STOPS)
def test_a_signal_ends_everything_and_keeps_what_is_done(project, how, ignored, stop, expected):
    """A shell has what runs behind it ignore INT."""
    notebook(project / "notebooks" / "0_quick.ipynb", COUNT)
    command = start(project, *ONE, *how, ignored=ignored)
    begun(project, 2)
    until(lambda: done(project, 0, of="0_quick") == [True])
    processes = descendants(command)
    stop(command)
    status, log = ended(command, 60)  # the cell itself would never end
    assert status == expected
    assert "interrupted; the same command goes on where it stopped" in log
    gone(processes)
    (project / "go").touch()
    assert reproduce(project, *ONE)[0] == 0
    assert lines(project / "count.txt") == ["a [0]"] * 3  # what was done ran once


@pytest.mark.parametrize("how", HOWS)
def test_a_killed_batch_leaves_no_process_and_the_same_command_finishes_it(project, how):
    command = start(project, *ONE, *how)
    begun(project)
    processes = descendants(command)
    assert with_argument(processes, "ipykernel_launcher")
    os.kill(command.pid, signal.SIGKILL)
    gone(processes)
    ended(command)
    assert done(project, 0) == [False]
    (project / "go").touch()
    status, log = reproduce(project, *ONE, *how)
    assert status == 0 and "1_wait/seeds=0 done" in log
    assert done(project, 0) == [True]


def test_a_killed_kernel_is_a_failure_and_the_same_command_runs_it_again(project):
    command = start(project, *TWO, "--workers", "1")
    begun(project)
    for kernel in with_argument(descendants(command), "ipykernel_launcher"):
        kernel.kill()
    (project / "go").touch()
    status, log = ended(command)
    assert status == 1
    assert "=== 1_wait/seeds=0 failed: DeadKernelError: Kernel died" in log
    assert "=== 1_wait/seeds=1 done" in log
    assert reproduce(project, *TWO)[0] == 0
    assert lines(project / "count.txt") == ["a [0]", "a [0]", "a [1]"]


def test_two_batches_at_once_run_every_job_once(project):
    commands = [start(project, *TWO), start(project, *TWO, "--workers", "1")]
    begun(project)  # whichever came first; the other waits for it
    (project / "go").touch()
    assert [ended(command)[0] for command in commands] == [0, 0]
    assert lines(project / "count.txt") == ["a [0]", "a [1]"]


def test_out_of_memory_is_reported_and_the_others_run(project):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))"
    notebook(project / "notebooks" / "0_large.ipynb", COUNT, limit, "x = bytearray(16 << 30)")
    (project / "go").touch()
    status, log = reproduce(project)
    assert status == 1 and "=== 0_large failed: MemoryError" in log
    assert "=== 1_wait done" in log
