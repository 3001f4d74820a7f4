"""The jobs of a batch, side by side on this machine or on the workers of a Dask cluster."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from threading import Event

from distributed import Client, Status, get_worker
from distributed import as_completed as dask_completed
from filelock import Timeout

from mmhash_nb.io.files import locked
from mmhash_nb.io.project import runs_folder
from mmhash_nb.runner import job_records, machine
from mmhash_nb.runner.cluster import client, other_software, slots, software
from mmhash_nb.runner.headless import DEFAULT, Conditions, Outcome, clear, execute, in_words
from mmhash_nb.runner.jobs import Job

#: what `cluster.software` says
Software = tuple[str, dict[str, str]]
_LOST = "the connection to the Dask scheduler was lost: run the same command on a new one."


def run_job(job: Job, since: float = 0.0, conditions: Conditions = DEFAULT) -> Outcome:
    """Run one job, or find it done, and leave its record beside the executed notebook.

    Of two processes that come to the same job at once one runs it; the other waits, and finds it
    done.

    Args:
        since: as `job_records.done` takes it.
    """
    folder, stopped = conditions.folder, conditions.stopped
    try:
        job.output.parent.mkdir(parents=True, exist_ok=True)
        lock = job.output.with_name(f".{job.output.stem}.lock")
        while not stopped():
            with suppress(Timeout), locked(lock, timeout=1):
                if done := job_records.done(job, since, folder):
                    return Outcome(job.name, done["seconds"])
                return _run(job, job_records.inputs_hash(job, folder), conditions)
    except (OSError, ValueError) as error:
        return Outcome(job.name, 0.0, in_words(error))
    return Outcome(job.name, 0.0, "stopped")


def _run(job: Job, inputs: str, conditions: Conditions) -> Outcome:
    clear(job.output)
    job_records.begin(job, conditions.folder)
    outcome = execute(job.notebook, job.output, job.parameters, conditions=conditions)
    outcome = replace(outcome, notebook=job.name)
    if not conditions.stopped():
        job_records.end(job, inputs, outcome)
    return outcome


def run_jobs(
    jobs: Sequence[Job],
    since: float = 0.0,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
) -> list[Outcome]:
    """Run what is not done of `jobs`, all of it even where some fail, with a line for each.

    Args:
        since: as `job_records.done` takes it.
        workers: how many jobs run at once on this machine, as `machine.slots` takes it.
        scheduler: address of a running Dask scheduler whose workers run them instead.

    Returns:
        How each job ended, in the order of `jobs`; what was done before is among them.

    Raises:
        ValueError: before anything runs, where there cannot be such workers.
    """
    ended = {
        job.name: Outcome(job.name, record["seconds"])
        for job in jobs
        if (record := job_records.done(job, since)) is not None
    }
    waiting = [job for job in jobs if job.name not in ended]
    if ended:
        print(f"{len(ended)} of {len(jobs)} runs are done already", flush=True)
    if waiting and scheduler:
        with client(scheduler) as connected:
            if "dashboard" in connected.scheduler_info()["services"]:
                print(f"dashboard: {connected.dashboard_link}", flush=True)
            ended |= _printed(_on_dask(connected, waiting, since, software()), len(waiting))
    elif waiting:
        # A single one sees what this process sees: to count GPUs imports PyTorch, for seconds.
        gpus = machine.slots(workers)[: len(waiting)] if len(waiting) > 1 else [None]
        ended |= _printed(_here(waiting, since, gpus), len(waiting))
    return [ended[job.name] for job in jobs]


def _printed(outcomes: Iterable[tuple[Job, Outcome]], n: int) -> dict[str, Outcome]:
    ended: dict[str, Outcome] = {}
    for job, outcome in outcomes:
        ended[job.name] = outcome
        how = f"failed: {' '.join(outcome.error.split())}" if outcome.error else "done"
        took = f"({outcome.seconds:.0f} s, {len(ended)} of {n})"
        print(f"=== {job.name} {how} {took}\n", end="", flush=True)
    return ended


def _announce(job: Job) -> None:
    given = "".join(f" {name}={value!r}" for name, value in job.parameters.items())
    # In one piece with its end: several jobs may begin and end at once.
    print(f"=== {job.name}{given}\n", end="", flush=True)


def _here(
    jobs: Sequence[Job], since: float, gpus: Sequence[str | None]
) -> Iterator[tuple[Job, Outcome]]:
    """Run jobs in processes of this machine, one for each of `gpus` at once.

    What a single one prints appears here.
    """
    n = len(gpus)
    free: SimpleQueue[str | None] = SimpleQueue()
    for gpu in gpus:
        free.put(gpu)
    ending = Event()
    shared = Conditions(shown=n == 1, threads=machine.threads_each(n), stopped=ending.is_set)

    def one(job: Job) -> Outcome:
        gpu = free.get()
        try:
            if not ending.is_set():
                _announce(job)
            return run_job(job, since, replace(shared, gpu=gpu))
        except BaseException:
            ending.set()  # before this thread takes the next job
            raise
        finally:
            free.put(gpu)

    with ThreadPoolExecutor(n) as pool:
        futures = {pool.submit(one, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            ending.set()  # by Ctrl-C or a signal: those that run end their kernels
            pool.shutdown(wait=False, cancel_futures=True)


def _on_dask(
    connected: Client,
    jobs: Sequence[Job],
    since: float,
    needed: Software,
) -> Iterator[tuple[Job, Outcome]]:
    by_name = {job.name: job for job in jobs}
    topic = f"mmhash_nb-{uuid.uuid4().hex}"  # a scheduler may have several batches
    connected.subscribe_topic(topic, lambda event: _announce(by_name[event[1]]))
    _, gpus = slots(connected)
    futures = {
        connected.submit(
            _on_worker,
            job,
            since,
            Conditions(Path.cwd(), shown=False, runs=runs_folder()),
            topic,
            needed,
            pure=False,
            resources={"GPU": 1} if gpus else None,
        ): job
        for job in jobs
    }
    try:
        for future in dask_completed(futures):
            job = futures[future]
            if future.status == "finished":
                yield job, future.result()
            elif future.status == "error":
                yield job, Outcome(job.name, 0.0, in_words(future.exception()))
            else:
                yield job, Outcome(job.name, 0.0, _LOST)
    finally:
        connected.cancel(list(futures))


def _on_worker(
    job: Job,
    since: float,
    conditions: Conditions,
    topic: str,
    needed: Software,
) -> Outcome:
    """`run_job` as a Dask task, which ends early where it is cancelled or its batch is gone."""
    worker = get_worker()
    if software() != needed:  # it may have come after the batch began
        return Outcome(job.name, 0.0, other_software(worker.address))
    key = worker.get_current_task()
    worker.log_event(topic, job.name)

    def stopped() -> bool:
        task = worker.state.tasks.get(key)
        at_work = worker.status in (Status.running, Status.paused)
        return not at_work or task is None or task.state == "cancelled"

    return run_job(job, since, replace(conditions, stopped=stopped))
