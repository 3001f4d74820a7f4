"""Dask clusters that run already: what is lost with them, and what they must have in common."""

import json
import logging
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import dask
import psutil
import pytest
from batch_cases import (
    COUNT,
    begin,
    begun,
    descendants,
    ended,
    gone,
    lines,
    notebook,
    printed,
    reproduce,
    start,
    until,
    with_argument,
)
from distributed import Client, Nanny, Scheduler, SpecCluster

from mmhash_nb import cli
from mmhash_nb.runner import cluster, workers
from mmhash_nb.runner import jobs as batch

ONE = ("-p", "seeds", "0")


@pytest.fixture(autouse=True, scope="module")
def _patient():
    """On a busy machine it may take long until another process answers."""
    seconds = {"connect": "600s", "tcp": "600s"}
    with dask.config.set({"distributed.comm.timeouts": seconds}), pytest.MonkeyPatch.context() as p:
        for name, value in seconds.items():
            p.setenv(f"DASK_DISTRIBUTED__COMM__TIMEOUTS__{name.upper()}", value)
        p.setattr(cluster, "_CONNECT_SECONDS", 600)
        yield


def scheduler(folder):
    """A `dask scheduler` on the loopback with its address, and its `dask worker`."""
    file = folder / "scheduler.json"
    where = ("--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard")
    ports = ("--port", "0", "--dashboard-address", "127.0.0.1:0")
    its = begin(folder, "-m", "dask", "scheduler", *where, *ports)
    until(lambda: file.exists() and file.read_text().endswith("}"))
    worker = begin(folder, "-m", "dask", "worker", *where, "--nthreads", "1", "--no-nanny")
    return its, json.loads(file.read_text())["address"], worker


@pytest.fixture(scope="module")
def running():
    """A cluster of this process with a worker of one thread, on the loopback."""
    its = {"host": "127.0.0.1"}
    where = {**its, "dashboard_address": "127.0.0.1:0"}
    one = {0: {"cls": Nanny, "options": {**its, "nthreads": 1, "silence_logs": logging.ERROR}}}
    with (
        SpecCluster(one, {"cls": Scheduler, "options": where}, silence_logs=logging.ERROR) as made,
        Client(made) as connected,
    ):
        yield connected


def test_jobs_of_a_killed_scheduler_are_a_sentence_each_and_go_on_with_a_new_one(project, running):
    notebook(project / "notebooks" / "0_quick.ipynb", COUNT)
    its, address, worker = scheduler(project)
    command = start(project, *ONE, "--scheduler", address)
    begun(project, 2)
    kernels = with_argument(descendants(worker), "ipykernel_launcher")
    assert kernels
    os.kill(its.pid, signal.SIGKILL)
    status, log = ended(command)
    assert status == 1 and "Traceback" not in log
    assert "=== 0_quick/seeds=0 done" in log
    lost = "the connection to the Dask scheduler was lost: run the same command on a new one."
    assert f"=== 1_wait/seeds=0 failed: {lost}" in log
    ended(worker)
    gone(kernels)
    (project / "go").touch()
    status, log = reproduce(project, *ONE, "--scheduler", running.scheduler.address)
    assert status == 0 and "1 of 2 runs are done already" in log
    assert lines(project / "count.txt") == ["a [0]"] * 3


def kernels():
    return with_argument(psutil.Process().children(recursive=True), "ipykernel_launcher")


@pytest.mark.parametrize(("stop", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_client_that_is_stopped_leaves_no_kernel_on_the_cluster(project, running, stop, status):
    command = start(project, *ONE, "--scheduler", running.scheduler.address)
    begun(project)
    there = kernels()
    assert there
    os.killpg(command.pid, stop)
    assert ended(command)[0] == status
    gone(there)
    (project / "go").touch()
    jobs = batch.from_grid([], {"seeds": "0"}, {}, project / "runs")
    (outcome,) = workers.run_jobs(jobs, scheduler=running.scheduler.address)
    assert outcome.error == ""


def test_dask_runs_a_job_on_the_loopback_alone_and_logs_beside_it(project, running, capsys):
    jobs = batch.from_grid([], {}, {"seeds": ["5"]}, project / "out")
    with ThreadPoolExecutor(1) as pool:
        address = running.scheduler.address
        done = pool.submit(workers.run_jobs, jobs, scheduler=address)
        begun(project)
        try:
            here = psutil.Process()
            processes = [here, *here.children(recursive=True)]
            sockets = [
                s for p in processes for s in p.net_connections("inet") if s.status == "LISTEN"
            ]
        finally:
            (project / "go").touch()
        (outcome,) = done.result()
        assert "http://127.0.0.1:" in running.dashboard_link
    assert len(sockets) >= 4  # scheduler, dashboard, worker, kernel
    assert {s.laddr.ip for s in sockets} == {"127.0.0.1"}
    assert (outcome.notebook, outcome.error) == ("1_wait/seeds=5", "")
    output = project / "out" / "notebooks" / "1_wait" / "seeds=5.ipynb"
    assert (
        "through [5]" in printed(output) and "through [5]" in output.with_suffix(".log").read_text()
    )
    log = capsys.readouterr().out
    assert "=== 1_wait/seeds=5 seeds=[5]" in log and "=== 1_wait/seeds=5 done" in log
    assert "through" not in log


@pytest.fixture
def threads(monkeypatch):
    """A cluster of two threads of this process, whose jobs end at once; `ran` lists them."""
    from distributed import LocalCluster

    ran = []

    def run_job(job, *_, **__):
        ran.append(job.output)
        return workers.Outcome(job.name, 1.0)

    monkeypatch.setattr(workers, "run_job", run_job)
    options = {"n_workers": 1, "threads_per_worker": 2, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(processes=False, protocol="tcp", host="127.0.0.1", **options) as made:
        made.ran = ran
        yield made


def test_batches_on_one_scheduler_hear_of_their_own_jobs_alone(project, threads, capsys):
    names = {"seeds": [str(seed) for seed in range(5)]}
    batches = [batch.from_grid([], {}, names, project / out) for out in ("one", "two")]
    address = threads.scheduler_address
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda jobs: workers.run_jobs(jobs, scheduler=address), batches))
    assert [len(outcomes) for outcomes in ended] == [5, 5] and len(threads.ran) == 10
    begun_lines = re.findall(r"^=== (\S+) seeds=", capsys.readouterr().out, re.M)
    assert len(begun_lines) == 10 and len(set(begun_lines)) == 5


def test_a_worker_with_other_software_that_comes_later_runs_no_job(project, threads, monkeypatch):
    """As seen from a task: the check of those that are there has passed."""
    monkeypatch.setattr(cluster, "_check_versions", lambda _: None)
    monkeypatch.setattr(workers, "software", iter([("a", {}), ("b", {})]).__next__)
    jobs = batch.from_grid([], {"seeds": "0"}, {}, project / "out")
    (outcome,) = workers.run_jobs(jobs, scheduler=threads.scheduler_address)
    assert re.fullmatch(
        r"the worker at tcp://127\.0\.0\.1:\d+ has another mmhash_nb, Python or library than the "
        r"batch was begun with: install the same there\.",
        outcome.error,
    )
    assert not threads.ran


def test_a_dry_run_counts_the_threads_of_a_cluster_or_its_gpus(
    project, threads, monkeypatch, capsys
):
    monkeypatch.setattr("mmhash_nb.cli.reproduce.plan", lambda *given: [f"{given[-1]} at once"])
    for how, n in ((("--scheduler", threads.scheduler_address), 2), (("--workers", "3"), 3)):
        assert cli.main(["reproduce", "--dry-run", *how]) == 0
        assert capsys.readouterr().out == f"{n} at once\n"

    def with_gpus(*gpus):
        there = {i: {"nthreads": 4, "resources": r} for i, r in enumerate(gpus)}
        return SimpleNamespace(scheduler_info=lambda n_workers: {"workers": there})

    assert cluster.slots(with_gpus({"GPU": 2}, {"GPU": 1.0}, {})) == (12, 3)
    assert cluster.slots(with_gpus({}, {})) == (8, 0)


def test_a_scheduler_without_workers_or_dashboard_is_said(project, threads, monkeypatch, capsys):
    """Workers are waited for; a scheduler may have been started without a dashboard."""
    monkeypatch.setattr(cluster, "_WORKER_SECONDS", 0.5)
    services = threads.scheduler.services
    monkeypatch.setattr(threads.scheduler, "services", {})
    jobs = ["reproduce", *ONE, "--scheduler", threads.scheduler_address]
    jobs_of = batch.from_grid([], {"seeds": "0"}, {}, project / "runs")
    (outcome,) = workers.run_jobs(jobs_of, scheduler=threads.scheduler_address)
    assert outcome.error == "" and "dashboard" not in capsys.readouterr().out
    monkeypatch.setattr(threads.scheduler, "services", services)
    threads.scale(0)
    until(lambda: not threads.scheduler.workers)
    assert cli.main(jobs) == 2
    log = capsys.readouterr().err
    assert "has no worker: start one on each machine that shares this folder, by dask wor" in log
