"""Worker processes on this machine.

Each is a pool of one, so that one that dies takes no other's job with it, and one that has grown is replaced while the others
work on. A thread of this process hands each its jobs.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psutil
from joblib.externals.loky import ProcessPoolExecutor, process_executor
from joblib.externals.loky.process_executor import BrokenProcessPool

from ganas.errors import first_line
from ganas.execution.executor import WorkerLost

GROWTH_LIMIT = 512 * 2**20
"""Bytes that a worker may grow by after its first job; then it is replaced. A compiled program costs 20 to 100 MB."""
UNTIDY = 32 * 2**20
"""Bytes that a worker may grow by until it gives free memory back; a compilation leaves about 90 MB to the C library."""
_tidy_size = 0
"""The size of this process when it last did."""


class LokyExecutor:
    """Runs jobs in ``jobs`` worker processes, fresh interpreters that end when this process does."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._workers = [_Worker() for _ in range(jobs)]
        self._batches: set[_Batch] = set()

    def start(self, prepare: Callable[[], None]) -> None:
        """Starts the workers; each, and each that replaces one, calls ``prepare`` before its first job."""
        for worker in self._workers:
            worker.start(prepare)

    def run(
        self, function: Callable[[Any], Any], jobs: Sequence[Any], kinds: Sequence[Hashable] = ()
    ) -> Iterator[tuple[int, Any]]:
        """Yields results as they finish; the job that was with a worker that dies comes back :class:`WorkerLost`.

        Who leaves before the last result ends the workers with it: the next batch starts new ones.

        Raises:
            RuntimeError: the executor was closed before the last result.
        """
        batch = _Batch(jobs, kinds)
        self._batches.add(batch)
        threads: list[threading.Thread] = []
        unfinished = len(jobs)
        try:
            for worker in self._workers[: len(jobs)]:
                # a daemon: a process that ends without having closed this is not held up
                thread = threading.Thread(target=batch.serve, args=(worker, self._workers, function), daemon=True)
                thread.start()
                threads.append(thread)
            while unfinished:
                index, future = batch.finished.get()
                unfinished -= 1
                yield index, future.result()
        finally:
            batch.end()
            self._batches.discard(batch)
            if unfinished:
                self._kill()
            for thread in threads:
                thread.join()

    def close(self, *, kill: bool = False) -> None:
        """Ends the workers, at once if ``kill``."""
        for batch in list(self._batches):
            batch.end()
        if kill:
            self._kill()
        else:
            with ThreadPoolExecutor(self.jobs) as threads:
                list(threads.map(_Worker.close, self._workers))

    def _kill(self) -> None:
        # one by one: it takes milliseconds, and while the interpreter ends no thread can be started
        for worker in self._workers:
            worker.close(kill=True)


class _Batch:
    """Jobs that wait for a worker, and the results of those that are done.

    Attributes:
        finished: the place of each job that is done, with its result or exception.
        is_over: whether no further job may begin.
    """

    def __init__(self, jobs: Sequence[Any], kinds: Sequence[Hashable]) -> None:
        self.finished: queue.SimpleQueue[tuple[int, Future[Any]]] = queue.SimpleQueue()
        self.is_over = False
        self._left = dict(enumerate(jobs))
        self._kinds = list(kinds) or [None] * len(jobs)
        self._taking = threading.Lock()

    def serve(self, worker: _Worker, workers: Sequence[_Worker], function: Callable[[Any], Any]) -> None:
        """Has ``worker``, one of ``workers``, do jobs until none is left."""
        while (taken := self.take(worker, workers)) is not None:
            index, job = taken
            future: Future[Any] = Future()
            try:
                future.set_result(worker.do(function, job, self))
            except BaseException as error:  # for whoever waits for the result
                future.set_exception(error)
            self.finished.put((index, future))

    def take(self, worker: _Worker, workers: Sequence[_Worker]) -> tuple[int, Any] | None:
        """Takes the first job that is like one the worker has done; else like none that any has; else the first."""
        with self._taking:
            known = {kind for other in workers for kind in other.kinds}
            alike = (index for index in self._left if self._kinds[index] in worker.kinds)
            new = (index for index in self._left if self._kinds[index] not in known)
            index = next(itertools.chain(alike, new, self._left), None)
            if index is None:
                return None
            worker.kinds |= {self._kinds[index]} - {None}
            return index, self._left.pop(index)

    def end(self) -> None:
        """Lets no further job begin: who waits for those that are left hears that the executor was closed."""
        with self._taking:
            self.is_over = True
            for index in self._left:
                future: Future[Any] = Future()
                future.set_exception(_closed())
                self.finished.put((index, future))
            self._left.clear()


class _Worker:
    """A worker process, and the one that takes its place once it has died or grown.

    Attributes:
        kinds: of the jobs that the present process has done or is doing, as far as they have one.
    """

    def __init__(self) -> None:
        self.kinds: frozenset[Hashable] = frozenset()
        self._pool: ProcessPoolExecutor | None = None
        self._prepare: Callable[[], None] | None = None
        self._first_size: int | None = None
        self._opening = threading.RLock()

    def start(self, prepare: Callable[[], None]) -> None:
        """Starts the process, which calls ``prepare``."""
        self._prepare = prepare
        self._submit(os.getpid)

    def do(self, function: Callable[[Any], Any], job: Any, batch: _Batch) -> Any:
        """Returns ``function(job)``, or :class:`WorkerLost` if the process dies over it; replaces one that has grown."""
        with self._opening:
            if batch.is_over:  # since the job was taken: nobody would end a process that began now
                raise _closed()
            future = self._submit(_run_and_tidy, function, job)
        try:
            result, size = future.result()
        except process_executor.ShutdownExecutorError:
            if batch.is_over:
                raise _closed() from None
            return WorkerLost("the worker process was ended with another batch's", was_ended=True)
        except BrokenProcessPool as error:
            self.close(kill=True)
            return WorkerLost(f"a worker process died (out of memory?): {first_line(error)}")
        self._first_size = self._first_size or size
        if size - self._first_size > GROWTH_LIMIT:
            self.close(kill=True)
            with self._opening:
                if self._prepare is not None and not batch.is_over:
                    self._submit(os.getpid)  # the next one gets ready while the result is looked at
        return result

    def close(self, *, kill: bool = False) -> None:
        """Ends the process, at once if ``kill``."""
        with self._opening:
            pool, self._pool = self._pool, None
            self._first_size = None
            self.kinds = frozenset()
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

    def _submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hands a job to the process, or to a new one if it died when it had nothing to do."""
        with self._opening:
            for _ in range(2):
                self._pool = self._pool or ProcessPoolExecutor(
                    1,
                    timeout=None,
                    initializer=start_worker,
                    initargs=(os.getpid(), self._prepare),
                    env={"TF_CPP_MIN_LOG_LEVEL": "3"},
                )
                with contextlib.suppress(BrokenProcessPool):
                    future: Future[Any] = self._pool.submit(function, *arguments)
                    return future
                self.close(kill=True)
        raise BrokenProcessPool("worker processes end as soon as they are started")


def _closed() -> RuntimeError:
    return RuntimeError("the executor was closed while jobs were left")


def _run_and_tidy(function: Callable[[Any], Any], job: Any) -> tuple[Any, int]:
    """Returns ``function(job)`` and this process's own bytes; if it has grown, memory left free goes back to the system."""
    global _tidy_size
    result = function(job)
    size = _own_bytes()
    if size > _tidy_size + UNTIDY:
        if sys.platform == "linux":
            with contextlib.suppress(AttributeError):  # other C libraries than glibc have nothing of the kind
                ctypes.CDLL(None).malloc_trim(0)
        size = _tidy_size = _own_bytes()
    return result, size


def _own_bytes() -> int:
    """Returns the bytes of this process; without the pages of files, which workers share, where the system tells them apart."""
    memory = psutil.Process().memory_info()
    return int(memory.rss - getattr(memory, "shared", 0))


def start_worker(parent: int, prepare: Callable[[], None] | None = None) -> None:
    """Makes a worker process: Ctrl-C is the parent's business, and the worker ends within seconds of its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # loky's own leak check takes the memory of a first compilation for a leak; ours compares after the first job
    process_executor._USE_PSUTIL = False

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if prepare is not None:
        with contextlib.suppress(Exception):  # what is wrong will be said by the first job
            prepare()
