"""What a worker process does: train the members of one job on one fold, and judge them there.

Only plain data goes in and out. This is the one place outside ``ganas.training`` that loads a trainer, and it does so
inside the function that runs in the worker.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ganas.errors import RunError, first_line, with_traceback
from ganas.evaluation import TrainingBudget
from ganas.execution import fetch
from ganas.recording import Recording, train_recorded
from ganas.search.plan import NetworkPlan
from ganas.training.contract import FloatArray, Member, Outcome, Trainer, load_trainer

if TYPE_CHECKING:
    from ganas.tasks.task import Fold


@dataclass(frozen=True)
class Job:
    """Members that one trainer trains together on the published fold at ``fold``.

    Attributes:
        pause: stop for now after so many epochs in all; None: train to the end.
        keep_weights: whether the restored weights are wanted back.
        keep_outputs: whether the outputs on the measured rows are wanted back.
        measures_latency: whether a prediction's milliseconds are measured too, as ``latency_ms``.
        recording: train in legs and measure after each; None: train in one go.
    """

    trainer: str
    fold: str
    members: tuple[Member, ...]
    budget: TrainingBudget
    pause: int | None = None
    keep_weights: bool = False
    keep_outputs: bool = False
    measures_latency: bool = False
    recording: Recording | None = None


@dataclass(frozen=True)
class Trained:
    """A judged outcome: what the trainer said and the task measured; ``programs``: those its worker process has compiled."""

    outcome: Outcome
    measures: dict[str, float] = field(default_factory=dict)
    programs: int = 0
    process: int = 0
    outputs: FloatArray | None = None


UNNEEDED = ("matplotlib", "pandas", "sklearn")
"""What Keras imports where it is installed, a third of its start, for plots and wrappers that no trainer uses."""


def prepare(threads: int) -> None:
    """Makes this process a worker: loads TensorFlow with ``threads`` threads and the cohort trainer before the first job."""
    from ganas.training.session import prepare_session

    with without(UNNEEDED):
        prepare_session(threads)
        load_trainer("cohort")


@contextlib.contextmanager
def without(packages: Sequence[str]) -> Iterator[None]:
    """Lets imports of ``packages`` fail as if they were not installed; afterwards they can be imported again."""
    hidden = [package for package in packages if package not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None is documented: the import fails
    try:
        yield
    finally:
        for package in hidden:
            del sys.modules[package]


def train_job(job: Job) -> list[Trained]:
    """Trains and judges the members of ``job``, in order; what goes wrong in training is an outcome, not an exception.

    Raises:
        RunError: the worker itself cannot begin, which says nothing about the members: nothing is to be recorded of them.
    """
    if job.budget.deadline is not None and time.time() >= job.budget.deadline:
        return [Trained(Outcome("timed_out", message="the run's time was up", is_cut=True)) for _ in job.members]
    fold, train = _begin(job)
    try:
        return _train(job, fold, train)
    except Exception as error:  # whatever training does wrong belongs to its candidates, not to the run
        return [Trained(Outcome("failed", message=with_traceback(error))) for _ in job.members]


def begin_job(job: Job) -> None:
    """Gets ready to train ``job``, and leaves it at that.

    Raises:
        RunError: as :func:`train_job`.
    """
    _begin(job)


def _begin(job: Job) -> tuple[Fold, Trainer]:
    """Returns the rows and the trainer of a job."""
    from ganas.training.session import prepare_session

    with _beginning("of this batch, nothing that was not trained is recorded"):
        prepare_session(job.budget.threads)
        return fetch(job.fold), load_trainer(job.trainer)


@contextlib.contextmanager
def _beginning(what_is_left: str) -> Iterator[None]:
    """Says in one line that a worker cannot begin, whatever the reason: no memory, no temporary folder, a broken installation."""
    try:
        yield
    except Exception as error:
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise RunError(
            f"a worker can load neither TensorFlow nor the rows ({reason}); make room in memory and in the temporary folder, "
            f"then resume the run: {what_is_left}"
        ) from error


def _train(job: Job, fold: Fold, train: Trainer) -> list[Trained]:
    import os

    if job.recording is None:
        outcomes = train(job.members, fold.data, job.budget, pause=job.pause)
    else:
        outcomes = train_recorded(train, job.members, fold, job.budget, job.recording)
    results = []
    for member, outcome in zip(job.members, outcomes, strict=True):
        judged = _judge(outcome, fold.measure)
        if job.measures_latency and judged.measures:
            from ganas.training.latency import latency_milliseconds

            judged.measures["latency_ms"] = latency_milliseconds(member.plan, fold.data.x_train.shape[1])
        results.append(
            dataclasses.replace(
                judged,
                outcome=_slim(judged.outcome, job),
                programs=compiled_programs(),
                process=os.getpid(),
                outputs=outcome.outputs if job.keep_outputs else None,
            )
        )
    return results


def _judge(outcome: Outcome, measure: Any) -> Trained:
    """Measures the outputs; an error that is not finite means the network diverged."""
    if outcome.status != "ok" or outcome.outputs is None:
        return Trained(outcome)
    measures = {name: float(value) for name, value in measure(outcome.outputs).items()}
    if not abs(measures["error"]) < float("inf"):
        return Trained(dataclasses.replace(outcome, status="diverged", message="the error is not finite"))
    return Trained(outcome, measures)


def _slim(outcome: Outcome, job: Job) -> Outcome:
    """Leaves behind what the parent did not ask for."""
    return dataclasses.replace(outcome, outputs=None, weights=outcome.weights if job.keep_weights else ())


def compiled_programs() -> int:
    """Returns how many programs this process's cohort trainer has compiled."""
    cohort = sys.modules.get("ganas.training.cohort")
    return 0 if cohort is None else int(cohort.compilations())


@dataclass(frozen=True)
class Assessment:
    """Trained weights of one plan to save (the first) and to judge (all) on the published fold at ``fold``."""

    plan: NetworkPlan
    weights: tuple[tuple[FloatArray, ...], ...]
    fold: str | None
    inputs: int
    threads: int
    pipeline: dict[str, Any]
    file: str


def assess(job: Assessment) -> list[dict[str, float]]:
    """Writes the first weights with their preprocessing to ``job.file``; returns the measures of all on the fold.

    Raises:
        RunError: the worker cannot begin.
    """
    from ganas.training.session import prepare_session

    with _beginning("its search is kept"):
        prepare_session(job.threads)
        from ganas.training.build import build, encoder
        from ganas.training.export import export

        fold = None if job.fold is None else fetch(job.fold)
    export(job.plan, job.weights[0], job.pipeline, job.file)
    if fold is None:
        return []
    model = build(job.plan, job.inputs)
    reader = encoder(model, job.plan) if fold.data.measured_layer == "bottleneck" else model
    rows = fold.data.x_validation if fold.data.x_measured is None else fold.data.x_measured
    results = []
    for weights in job.weights:
        model.set_weights(weights)
        results.append({k: float(v) for k, v in fold.measure(reader.predict(rows, verbose=0, batch_size=1024)).items()})
    return results
