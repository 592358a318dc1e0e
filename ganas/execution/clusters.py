"""Jobs on a dask or ray cluster. Run folders and temporary folders must lie where every node can read them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from ganas.errors import MissingExtraError, first_line
from ganas.execution.executor import WorkerLost


class DaskExecutor:
    """Runs jobs on the cluster of ``DASK_SCHEDULER_ADDRESS``, or on ``jobs`` local worker processes."""

    def __init__(self, jobs: int) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise MissingExtraError('[run] executor = "dask" needs dask: install ganas with the extra dask') from None
        self.jobs = jobs
        address = os.environ.get("DASK_SCHEDULER_ADDRESS")
        local = {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
        self._client: Any = Client(address) if address else Client(**local)

    def start(self, prepare: Callable[[], None]) -> None:
        """Leaves workers that others started as they are."""

    def run(
        self, function: Callable[[Any], Any], jobs: Sequence[Any], kinds: Sequence[Hashable] = ()
    ) -> Iterator[tuple[int, Any]]:
        """Yields results as they finish; a job that has killed more workers than dask allows comes back :class:`WorkerLost`.

        Who leaves before the last result cancels the jobs that have not begun.
        """
        from distributed import KilledWorker, as_completed

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph")  # weights, once
            futures = {self._client.submit(function, job, pure=False): index for index, job in enumerate(jobs)}
        try:
            for future in as_completed(list(futures)):
                try:
                    result = future.result()
                except KilledWorker as error:
                    result = WorkerLost(f"worker processes died (out of memory?): {first_line(error)}")
                yield futures[future], result
        finally:
            self._client.cancel(list(futures))

    def close(self, *, kill: bool = False) -> None:  # a cluster's workers are not ours to kill
        """Leaves the cluster; ends it if this executor started it."""
        self._client.close()
        if self._client.cluster is not None:
            self._client.cluster.close()


class RayExecutor:
    """Runs jobs on the ray that there is: this process's own, that of ``RAY_ADDRESS``, or a local one of ``jobs`` workers."""

    def __init__(self, jobs: int) -> None:
        try:
            import ray
        except ImportError:
            raise MissingExtraError('[run] executor = "ray" needs ray: install ganas with the extra ray') from None
        self.jobs = jobs
        self._has_started = not ray.is_initialized()
        if self._has_started:
            local = {} if "RAY_ADDRESS" in os.environ else {"num_cpus": jobs, "include_dashboard": False}
            ray.init(log_to_driver=False, logging_level="error", **local)

    def start(self, prepare: Callable[[], None]) -> None:
        """Leaves workers that others started as they are."""

    def run(
        self, function: Callable[[Any], Any], jobs: Sequence[Any], kinds: Sequence[Hashable] = ()
    ) -> Iterator[tuple[int, Any]]:
        """Yields results as they finish; the job that was with a worker that dies comes back :class:`WorkerLost`.

        Who leaves before the last result cancels the jobs that are left.
        """
        import ray
        from ray.exceptions import NodeDiedError, OutOfMemoryError, RayTaskError, WorkerCrashedError

        task = ray.remote(max_retries=0)(function)
        waiting = {task.remote(job): index for index, job in enumerate(jobs)}
        try:
            while waiting:
                (done,), _ = ray.wait(list(waiting))
                index = waiting.pop(done)
                try:
                    result = ray.get(done)
                except (WorkerCrashedError, OutOfMemoryError, NodeDiedError) as error:
                    result = WorkerLost(f"a worker process died (out of memory?): {first_line(error)}")
                except RayTaskError as error:  # whose message is a traceback
                    raise error.cause from None
                yield index, result
        finally:
            for reference in waiting:
                ray.cancel(reference, force=True)

    def close(self, *, kill: bool = False) -> None:  # a cluster's workers are not ours to kill
        """Leaves the cluster; ends it if this executor started it."""
        if self._has_started:
            import ray

            ray.shutdown()
