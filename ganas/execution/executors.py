"""The executors by name. A new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable

from ganas.errors import ConfigError
from ganas.execution.clusters import DaskExecutor, RayExecutor
from ganas.execution.executor import Executor, InProcessExecutor
from ganas.execution.processes import LokyExecutor
from ganas.machine import available_cores

EXECUTORS: dict[str, Callable[[int], Executor]] = {
    "loky": LokyExecutor,
    "in_process": InProcessExecutor,
    "dask": DaskExecutor,
    "ray": RayExecutor,
}


def make_executor(name: str, jobs: int | str = "auto") -> Executor:
    """Returns the executor ``name`` with ``jobs`` workers (``"auto"``: one per core that this process may use).

    Raises:
        ConfigError: unknown name, or not a positive number of workers.
        MissingExtraError: the executor needs a package that is not installed.
    """
    if name not in EXECUTORS:
        raise ConfigError(f"[run] executor: unknown {name!r}; known are {', '.join(EXECUTORS)}")
    count = available_cores() if jobs == "auto" else jobs
    if not isinstance(count, int) or count < 1:
        raise ConfigError(f"[run] jobs: must be at least 1 or 'auto', got {jobs}")
    return EXECUTORS[name](count)
