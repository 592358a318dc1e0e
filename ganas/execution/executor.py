"""What every executor does: run one function over jobs, and yield results as they finish."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class WorkerLost:
    """Stands for the result of a job whose worker died (killed from outside, out of memory, a crash in native code).

    Attributes:
        message: what is known of it.
        was_ended: whether it was ended on purpose, for another batch's sake: the job had no part in it.
    """

    message: str
    was_ended: bool = False


class Executor(Protocol):
    """Runs jobs somewhere."""

    jobs: int

    def start(self, prepare: Callable[[], None]) -> None:
        """Lets workers start, where they take long to, and ``prepare`` themselves while the caller does other things."""

    def run(
        self, function: Callable[[Any], Any], jobs: Sequence[Any], kinds: Sequence[Hashable] = ()
    ) -> Iterator[tuple[int, Any]]:
        """Yields ``(index, function(jobs[index]))`` in the order of finishing; a lost worker yields :class:`WorkerLost`.

        What a job raises is raised here. A caller may leave early: what has not begun is forgotten then, and the next call
        goes on. In one process only one job may be done at a time, because threads share what its trainers have compiled.

        Args:
            function: what is to be done.
            jobs: with what; they are begun in about this order.
            kinds: one per job: a worker that has done a job does another of its kind faster; None: of no kind. Empty: all
                are of none. An executor may ignore them.
        """

    def close(self, *, kill: bool = False) -> None:
        """Ends the workers, at once if ``kill``."""


_turn = threading.RLock()
"""Held while this process does a job: what its trainers have compiled is shared by its threads."""


def run_one(executor: Executor, function: Callable[[Any], Any], job: Any) -> Any:
    """Returns ``function(job)``, done alone, or :class:`WorkerLost` if a worker died of it."""
    while True:
        ((_, result),) = executor.run(function, [job])
        if not (isinstance(result, WorkerLost) and result.was_ended):
            return result


class InProcessExecutor:
    """Runs jobs one after another in this process: for debugging; it loads TensorFlow here."""

    def __init__(self, jobs: int) -> None:
        self.jobs = 1  # whatever is asked for

    def start(self, prepare: Callable[[], None]) -> None:
        """Has nothing to start."""

    def run(
        self, function: Callable[[Any], Any], jobs: Sequence[Any], kinds: Sequence[Hashable] = ()
    ) -> Iterator[tuple[int, Any]]:
        """Yields each job's result in order; of all threads of this process, one at a time does a job."""
        for index, job in enumerate(jobs):
            with _turn:
                result = function(job)
            yield index, result

    def close(self, *, kill: bool = False) -> None:
        """Has nothing to end."""
