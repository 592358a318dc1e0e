"""Trainings out to the workers, and what was trained back: the folds they read, the jobs, and what becomes of lost ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganas.errors import RunError
from ganas.evaluation import TrainingBudget
from ganas.execution import Executor, SharedFolder, WorkerLost, run_one
from ganas.jobs import Training, make_jobs
from ganas.tasks.task import Fold
from ganas.training.contract import Outcome
from ganas.worker import Job, Trained, begin_job, train_job


class Dispatcher:
    """Runs trainings on an executor. Threads may share it.

    Attributes:
        programs: compiled programs by worker process.

    Raises:
        RunError: there is no place for a temporary folder.
    """

    def __init__(self, executor: Executor) -> None:
        self.programs: dict[int, int] = {}
        self._executor = executor
        self._folder = SharedFolder()
        self._shapes: dict[str, tuple[int, int]] = {}
        """Training rows and columns by the path of a fold: preprocessing is fitted per fold, so folds may differ in width."""

    def close(self) -> None:
        """Removes what was published; the executor is left to its owner."""
        self._folder.close()

    def publish(self, name: str, fold: Fold) -> str:
        """Writes a fold where workers find it, and returns its path."""
        path = self._folder.publish(name, fold)
        self._shapes[path] = fold.data.x_train.shape
        return path

    def run(
        self, groups: Mapping[tuple[str, str], Sequence[Training]], budget: TrainingBudget, **options: Any
    ) -> Iterator[tuple[Training, Trained]]:
        """Yields each training with what was trained, as they finish.

        The members of a job whose worker died are tried again one by one: none can take others down. Who loses its worker
        then too has failed.

        Args:
            groups: trainings by (trainer, path of the published fold).
            budget: of every training.
            options: further fields of :class:`~ganas.worker.Job`.

        Raises:
            RunError: workers cannot begin, or die before they train.
        """
        packages = make_jobs(groups, self._shapes, budget, self._executor.jobs, **options)
        jobs, kinds = [package.job for package in packages], [package.program for package in packages]
        lost: list[tuple[Job, Training]] = []
        for place, result in self._executor.run(train_job, jobs, kinds):
            job, trainings = packages[place].job, packages[place].trainings
            if isinstance(result, WorkerLost):
                lost += [(dataclasses.replace(job, members=(training.member,)), training) for training in trainings]
                continue
            for training, trained in zip(trainings, result, strict=True):
                self.programs[trained.process] = max(self.programs.get(trained.process, 0), trained.programs)
                yield training, trained
        for job, training in lost:
            result = run_one(self._executor, train_job, job)
            if isinstance(result, WorkerLost):
                self._require_workers(job)
                yield training, Trained(Outcome("failed", message=result.message))
            else:
                yield training, result[0]

    def _require_workers(self, job: Job) -> None:
        """Lets a worker begin ``job`` and train nothing: where one dies of that, its members are not to blame."""
        result = run_one(self._executor, begin_job, job)
        if isinstance(result, WorkerLost):
            raise RunError(
                f"worker processes die before they train anything ({result.message}); make room in memory, then go on (a run "
                "can be resumed): of this batch, nothing that was not trained is recorded"
            )
