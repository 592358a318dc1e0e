"""Where jobs run: worker processes on this machine (loky), in this process, or a dask or ray cluster.

An executor runs one function over jobs and yields ``(index, result)`` as they finish; the order says nothing, and what a
job answers never depends on the executor. ``loky`` uses fresh interpreters even for one worker, so that this process
never loads TensorFlow and a worker that has grown can be replaced. joblib lives in this file only.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import itertools
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import joblib
import psutil
from joblib.externals.loky import ProcessPoolExecutor, process_executor
from joblib.externals.loky.process_executor import BrokenProcessPool

from ganas.errors import ConfigError, MissingExtraError
from ganas.machine import available_cores

GROWTH_LIMIT = 512 * 2**20
"""Bytes that a worker may grow by after its first job; then it is replaced. A compiled program costs 20 to 100 MB."""
UNTIDY = 32 * 2**20
"""Bytes that a worker may grow by until it gives free memory back; a compilation leaves about 90 MB to the C library."""
_tidy_size = 0
"""The size of this process when it last did."""


@dataclass(frozen=True)
class WorkerLost:
    """Stands for the result of a job whose worker died (killed from outside, out of memory, a crash in native code)."""

    message: str


class Executor(Protocol):
    """Runs jobs somewhere."""

    jobs: int

    def start(self, prepare: Callable[[], None]) -> None:
        """Lets workers start, where they take long to, and ``prepare`` themselves while the caller does other things."""

    def run(
        self, function: Callable[[Any], Any], jobs: Sequence[Any], kinds: Sequence[Hashable] = ()
    ) -> Iterator[tuple[int, Any]]:
        """Yields ``(index, function(jobs[index]))`` in the order of finishing; a lost worker yields :class:`WorkerLost`.

        Args:
            function: what is to be done.
            jobs: with what; they are begun in about this order.
            kinds: one per job: a worker that has done a job does another of its kind faster. Empty: they are all alike.
        """

    def close(self, *, kill: bool = False) -> None:
        """Ends the workers, at once if ``kill``."""


def publish(value: Any, path: Path) -> None:
    """Writes ``value`` so that workers can :func:`fetch` it, its arrays mapped from disk and shared among them."""
    joblib.dump(value, path)


@functools.lru_cache(maxsize=8)
def fetch(path: str) -> Any:
    """Reads what :func:`publish` wrote; arrays come as memory maps (copy-on-write, so that they can be lent without a copy)."""
    return joblib.load(path, mmap_mode="c")


class InProcessExecutor:
    """Runs jobs one after another in this process: for debugging; it loads TensorFlow here."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def start(self, prepare: Callable[[], None]) -> None:
        """Has nothing to start."""

    def run(
        self, function: Callable[[Any], Any], jobs: Sequence[Any], kinds: Sequence[Hashable] = ()
    ) -> Iterator[tuple[int, Any]]:
        """Yields each job's result in order."""
        for index, job in enumerate(jobs):
            yield index, function(job)

    def close(self, *, kill: bool = False) -> None:
        """Has nothing to end."""


class LokyExecutor:
    """Runs jobs in ``jobs`` worker processes, fresh interpreters that end when this process does."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._workers = [_Worker() for _ in range(jobs)]

    def start(self, prepare: Callable[[], None]) -> None:
        """Starts the workers; each, and each that replaces one, calls ``prepare`` before its first job."""
        for worker in self._workers:
            worker.start(prepare)

    def run(
        self, function: Callable[[Any], Any], jobs: Sequence[Any], kinds: Sequence[Hashable] = ()
    ) -> Iterator[tuple[int, Any]]:
        """Yields results as they finish; the job that was with a worker that dies comes back :class:`WorkerLost`.

        Who leaves before the last result ends the workers with it: the next batch starts new ones.
        """
        left = {index: (job, kinds[index] if kinds else None) for index, job in enumerate(jobs)}
        choosing = threading.Lock()
        finished: queue.SimpleQueue[tuple[int, Future[Any]]] = queue.SimpleQueue()

        def serve(worker: _Worker) -> None:
            while True:
                with choosing:
                    index = self._choose(worker, {index: kind for index, (_, kind) in left.items()})
                    if index is None:
                        return
                    job, kind = left.pop(index)
                    worker.kinds.add(kind)
                future: Future[Any] = Future()
                try:
                    future.set_result(worker.do(function, job))
                except BaseException as error:  # for whoever waits for the result
                    future.set_exception(error)
                finished.put((index, future))

        threads = [threading.Thread(target=serve, args=(worker,), daemon=True) for worker in self._workers]
        for thread in threads:
            thread.start()
        unfinished = len(jobs)
        try:
            while unfinished:
                index, future = finished.get()
                unfinished -= 1
                yield index, future.result()
        finally:
            with choosing:
                left.clear()
            while unfinished and any(thread.is_alive() for thread in threads):
                self.close(kill=True)  # again, where a thread had chosen a job but not begun it
                for thread in threads:
                    thread.join(timeout=0.1)
            for thread in threads:
                thread.join()

    def _choose(self, worker: _Worker, kinds: Mapping[int, Hashable]) -> int | None:
        """Returns the first job that is like one the worker has done; else like none that any has; else the first."""
        known = {kind for other in self._workers for kind in other.kinds}
        alike = (index for index, kind in kinds.items() if kind in worker.kinds)
        new = (index for index, kind in kinds.items() if kind not in known)
        return next(itertools.chain(alike, new, kinds), None)

    def close(self, *, kill: bool = False) -> None:
        """Ends the workers, at once if ``kill``."""
        if kill:  # takes no time, and must work while the interpreter ends, when no thread can be started
            for worker in self._workers:
                worker.close(kill=True)
        else:
            with ThreadPoolExecutor(self.jobs) as threads:
                list(threads.map(_Worker.close, self._workers))


class _Worker:
    """A worker process, and the one that takes its place once it has died or grown.

    Attributes:
        kinds: of the jobs that the present process has been given.
    """

    def __init__(self) -> None:
        self.kinds: set[Hashable] = set()
        self._pool: ProcessPoolExecutor | None = None
        self._prepare: Callable[[], None] | None = None
        self._first_size: int | None = None

    def start(self, prepare: Callable[[], None]) -> None:
        """Starts the process, which calls ``prepare``."""
        self._prepare = prepare
        self._open().submit(os.getpid)

    def do(self, function: Callable[[Any], Any], job: Any) -> Any:
        """Returns ``function(job)``, or :class:`WorkerLost` if the process dies over it; replaces one that has grown."""
        try:
            future = self._open().submit(_run_and_tidy, function, job)
        except BrokenProcessPool:  # it died when it had nothing to do
            self.close(kill=True)
            future = self._open().submit(_run_and_tidy, function, job)
        try:
            result, size = future.result()
        except BrokenProcessPool as error:
            self.close(kill=True)
            return WorkerLost(f"a worker process died (out of memory?): {str(error).splitlines()[0]}")
        self._first_size = self._first_size or size
        if size - self._first_size > GROWTH_LIMIT:
            self.close()
        return result

    def close(self, *, kill: bool = False) -> None:
        """Ends the process, at once if ``kill``."""
        pool, self._pool = self._pool, None
        self._first_size = None
        self.kinds.clear()
        if pool is None:
            return
        processes = list(pool._processes or ())
        if kill:
            # loky's manager would look in vain for the jobs that it forgets before it ends the workers
            with contextlib.suppress(queue.Empty):
                while True:
                    pool._work_ids.get_nowait()
        pool.shutdown(wait=True, kill_workers=kill)
        for pid in processes if kill else ():
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()

    def _open(self) -> ProcessPoolExecutor:
        self._pool = self._pool or ProcessPoolExecutor(
            1,
            timeout=None,
            initializer=start_worker,
            initargs=(os.getpid(), self._prepare),
            env={"TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        return self._pool


def _run_and_tidy(function: Callable[[Any], Any], job: Any) -> tuple[Any, int]:
    """Returns ``function(job)`` and this process's bytes; if it has grown, memory left free goes back to the system."""
    global _tidy_size
    result = function(job)
    size = psutil.Process().memory_info().rss
    if size > _tidy_size + UNTIDY:
        if sys.platform == "linux":
            with contextlib.suppress(AttributeError):  # other C libraries than glibc have nothing of the kind
                ctypes.CDLL(None).malloc_trim(0)
        size = _tidy_size = psutil.Process().memory_info().rss
    return result, size


def start_worker(parent: int, prepare: Callable[[], None] | None = None) -> None:
    """Makes a worker process: Ctrl-C is the parent's business, and the worker ends within seconds of its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # loky's own leak check takes the memory of a first compilation for a leak; ours compares after the first jobs
    process_executor._USE_PSUTIL = False

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if prepare is not None:
        with contextlib.suppress(Exception):  # what is wrong will be said by the first job
            prepare()


class ClusterExecutor:
    """Runs jobs on a dask or ray cluster through joblib's backends; run folders must lie where every node can read them."""

    def __init__(self, jobs: int, *, backend: str) -> None:
        self.backend = backend
        self.jobs = jobs
        self._client: Any = None
        if backend == "dask":
            self._client = _dask_client(jobs)
        else:
            self.jobs = max(2, jobs)  # joblib runs a pool of one in the calling process
            _start_ray(self.jobs)

    def start(self, prepare: Callable[[], None]) -> None:
        """Leaves workers that others started as they are."""

    def run(
        self, function: Callable[[Any], Any], jobs: Sequence[Any], kinds: Sequence[Hashable] = ()
    ) -> Iterator[tuple[int, Any]]:
        """Yields all results once all are there, in order."""
        with joblib.parallel_config(backend=self.backend, n_jobs=self.jobs):
            results = joblib.Parallel(batch_size=1)(joblib.delayed(function)(job) for job in jobs)
        yield from enumerate(results)

    def close(self, *, kill: bool = False) -> None:  # a cluster's workers are not ours to kill
        """Leaves the cluster; ends it if this executor started it."""
        if self._client is not None:
            self._client.close()
            if self._client.cluster is not None:
                self._client.cluster.close()
        else:
            with contextlib.suppress(ImportError):
                import ray

                ray.shutdown()


def _dask_client(jobs: int) -> Any:
    """Connects to ``DASK_SCHEDULER_ADDRESS``, or starts ``jobs`` local worker processes."""
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtraError('[run] executor = "dask" needs dask: install ganas with the extra dask') from None
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    return Client(address) if address else Client(n_workers=jobs, threads_per_worker=1, dashboard_address=None)


def _start_ray(jobs: int) -> None:
    """Joins the cluster of ``RAY_ADDRESS``, or starts a local one."""
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError:
        raise MissingExtraError('[run] executor = "ray" needs ray: install ganas with the extra ray') from None
    if not ray.is_initialized():
        options = {} if "RAY_ADDRESS" in os.environ else {"num_cpus": jobs, "include_dashboard": False}
        ray.init(log_to_driver=False, logging_level="error", **options)
    register_ray()


EXECUTORS: dict[str, Callable[[int], Executor]] = {
    "loky": LokyExecutor,
    "in_process": InProcessExecutor,
    "dask": functools.partial(ClusterExecutor, backend="dask"),
    "ray": functools.partial(ClusterExecutor, backend="ray"),
}


def make_executor(name: str, jobs: int | str = "auto") -> Executor:
    """Returns the executor ``name`` with ``jobs`` workers (``"auto"``: one per core that this process may use).

    Raises:
        ConfigError: unknown name, or not a positive number of workers.
        MissingExtraError: the executor needs a package that is not installed.
    """
    if name not in EXECUTORS:
        raise ConfigError(f"[run] executor: unknown {name!r}; known are {', '.join(EXECUTORS)}")
    count = available_cores() if jobs == "auto" else int(jobs)
    if count < 1:
        raise ConfigError(f"[run] jobs: must be at least 1 or 'auto', got {jobs}")
    return EXECUTORS[name](count)
