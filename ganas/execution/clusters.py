"""Jobs on a dask or ray cluster, through joblib's backends."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import joblib

from ganas.errors import MissingExtraError


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
