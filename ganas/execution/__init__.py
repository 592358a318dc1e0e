"""Where jobs run: worker processes on this machine (loky), in this process, or a dask or ray cluster.

- ``executor``: the contract, ``Executor``; ``WorkerLost``; ``run_one``; ``InProcessExecutor``
- ``processes``: ``LokyExecutor``, the default: fresh interpreters even for one worker, so that this process never loads
  TensorFlow and a worker that has grown can be replaced
- ``clusters``: ``DaskExecutor``, ``RayExecutor``
- ``executors``: ``EXECUTORS`` by name
- ``sharing``: ``SharedFolder`` and ``fetch``: what many jobs read, mapped from disk

An executor runs one function over jobs and yields ``(index, result)`` as they finish; the order says nothing, and what a
job answers never depends on the executor. joblib lives in this package only.
"""

from ganas.execution.executor import Executor, InProcessExecutor, WorkerLost, run_one
from ganas.execution.executors import make_executor
from ganas.execution.processes import LokyExecutor
from ganas.execution.sharing import SharedFolder, fetch

__all__ = [
    "Executor",
    "InProcessExecutor",
    "LokyExecutor",
    "SharedFolder",
    "WorkerLost",
    "fetch",
    "make_executor",
    "run_one",
]
