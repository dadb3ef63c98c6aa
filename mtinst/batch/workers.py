"""Jobs on several processors: in processes of this machine, or on a Dask cluster.

Whichever process ends in the middle of a song, by a fault of a decoder, for want of memory, or by a person, takes only
that song with it, and the song is tried again.
"""

import logging
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection, wait
from typing import Any
from uuid import uuid4

from mtinst.batch.jobs import Job, Outcome, Settings, remove_partials
from mtinst.errors import MtinstError
from mtinst.files import display_name

ATTEMPTS = 2
"""A song that ended this many processes is given up."""
CONNECT_S = 20
THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run_here(
    jobs: Iterable[Job], settings: Settings, facts: dict[str, Any], *, n_processes: int
) -> Generator[tuple[Job, Outcome], None, None]:
    """Do jobs in processes of this machine; yields each as it is finished. Closing the iterator ends the processes.

    Parameters
    ----------
    jobs : iterable of Job
    settings : Settings
    facts : dict
        ``settings.facts()``.
    n_processes : int
        At most; as many as there are jobs. Each computes with its share of the processors.
    """
    if n_processes < 1:
        raise ValueError(f"n_processes must be at least 1, not {n_processes}")
    waiting = deque((job, 1) for job in jobs)
    n_processes = min(n_processes, max(1, len(waiting)))
    n_threads = max(1, _n_processors() // n_processes)
    workers: list[_Worker] = []
    try:
        with _threads(n_threads):
            try:
                for _ in range(n_processes if waiting else 0):
                    workers.append(_Worker(settings, facts))
            except OSError as error:
                raise MtinstError(f"only {len(workers)} processes could be started: {error.strerror}") from error
            for worker in workers:
                worker.begin(*waiting.popleft())
            while busy := {worker.pipe: worker for worker in workers if worker.job is not None}:
                for pipe in wait(list(busy)):
                    worker = busy[pipe]  # type: ignore[index]  # what wait() was given
                    job, attempt = worker.job, worker.attempt
                    assert job is not None
                    outcome = worker.outcome()
                    if outcome is None:
                        how = worker.end()
                        workers.remove(worker)
                        workers.append(worker := _Worker(settings, facts))
                        remove_partials(job, settings)
                        if attempt < ATTEMPTS:
                            worker.begin(job, attempt + 1)
                            continue
                        outcome = Outcome(
                            status="failed", sentence=f"{display_name(job.path)} ended its process twice, {how}"
                        )
                    if waiting:
                        worker.begin(*waiting.popleft())
                    yield job, outcome
    finally:
        for worker in workers:
            worker.pipe.close()  # those that wait for a job end by themselves, all at once
        for worker in workers:
            worker.end()
            if worker.job is not None:
                remove_partials(worker.job, settings)


def run_on_cluster(
    jobs: Iterable[Job], settings: Settings, facts: dict[str, Any], *, address: str
) -> Generator[tuple[Job, Outcome], None, None]:
    """Do jobs on a Dask cluster whose workers see the same files under the same paths; yields each as it is finished.

    Raises
    ------
    MtinstError
        If Dask is not installed, or no scheduler answers.
    """
    from mtinst.batch.work import work  # which goes to the cluster by its name

    try:
        distributed: Any = import_module("distributed")
    except ImportError as error:
        raise MtinstError("--dask needs Dask: install mtinst[dask] or requirements-dask.txt") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters comes as an outcome, in one sentence
    try:
        client = distributed.Client(address, timeout=CONNECT_S)
    except (OSError, TypeError, ValueError) as error:  # such as TLS without certificates
        raise MtinstError(f"no Dask scheduler answers at {address}") from error
    run = uuid4().hex[:8]
    with client:
        futures = {
            client.submit(work, job, settings, facts, key=f"mtinst-{run}-{number}", pure=False): job
            for number, job in enumerate(jobs)
        }
        for future in distributed.as_completed(futures):
            job = futures[future]
            try:
                outcome = future.result()
            except Exception as error:  # noqa: BLE001 - whatever befell the cluster, the other songs go on
                reason = f"the cluster could not do it, {type(error).__name__}"
                outcome = Outcome(status="failed", sentence=f"{display_name(job.path)} is not done: {reason}")
            future.release()
            yield job, outcome


class _Worker:
    """A process that does one job after the other."""

    def __init__(self, settings: Settings, facts: dict[str, Any]) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would take PyTorch's threads for its own
        self.pipe, theirs = context.Pipe()
        self.job: Job | None = None
        self.attempt = 0
        self._process = context.Process(target=_serve, args=(theirs, settings, facts), daemon=True)
        self._process.start()
        theirs.close()

    def begin(self, job: Job, attempt: int) -> None:
        """Start a job; its outcome comes through the pipe."""
        self.job, self.attempt = job, attempt
        with suppress(OSError):  # one that ended while it had nothing to do; the pipe says so
            self.pipe.send(job)

    def outcome(self) -> Outcome | None:
        """What became of the job; None when the process has ended."""
        try:
            outcome: Outcome = self.pipe.recv()
        except (EOFError, OSError):
            return None
        self.job = None
        return outcome

    def end(self) -> str:
        """End the process; says how it ended if it did so by itself."""
        self._process.join(timeout=0.2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.pipe.close()
        code = self._process.exitcode
        self._process.close()
        if code is not None and code < 0:
            return f"by {signal.Signals(-code).name}"
        return f"with the status {code}"


def _serve(pipe: Connection, settings: Settings, facts: dict[str, Any]) -> None:
    """Do jobs until nobody is there any more who wants them."""
    from mtinst.batch.work import work  # and with it PyTorch, which only who does a song needs

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the process that started this one, and it ends us
    with suppress(EOFError, OSError):
        while True:
            pipe.send(work(pipe.recv(), settings, facts))


def _n_processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _threads(n_threads: int) -> Iterator[None]:
    """Processes started meanwhile compute with so many threads: the libraries read these settings when they load."""
    before = {name: os.environ.get(name) for name in THREAD_SETTINGS}
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(n_threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
