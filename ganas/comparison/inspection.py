"""What a worker process says about the networks of a comparison once they are trained, and before: whether they build.

Weights come from files, because a comparison that is resumed has them nowhere else. TensorFlow is loaded inside the
functions that run in the worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ganas.errors import DataError, first_line
from ganas.execution import fetch
from ganas.search.plan import NetworkPlan
from ganas.training.contract import Member
from ganas.weights import load_weights

STEPS_TIMED = 30


@dataclass(frozen=True)
class Inspection:
    """Trained networks of one plan to look at on a published fold.

    Attributes:
        files: of the weights, see ``ganas.weights``.
        fold: where the fold is published; its measured rows are answered.
        counts_dead: whether the dead units of each hidden layer are counted, on the training rows.
    """

    plan: NetworkPlan
    files: tuple[str, ...]
    fold: str
    inputs: int
    threads: int
    counts_dead: bool = False


@dataclass(frozen=True)
class Inspected:
    """What one network answered: the task's measures on the fold's rows (none if it has none there), dead units per layer."""

    measures: dict[str, float]
    dead: tuple[float, ...] = ()


def inspect(job: Inspection) -> list[Inspected]:
    """Returns what each network of ``job`` answers, in order; runs in a worker."""
    from ganas.training.session import prepare_session, silenced

    prepare_session(job.threads)
    from ganas.training.build import build
    from ganas.training.fit import measured_outputs
    from ganas.training.inspection import dead_shares

    fold = fetch(job.fold)
    with silenced():
        model = build(job.plan, job.inputs)
        results = []
        for file in job.files:
            model.set_weights(load_weights(file))
            outputs = measured_outputs(model, Member(job.plan, 0), fold.data)
            try:
                measures = {name: float(value) for name, value in fold.measure(outputs).items()}
            except DataError:  # such as a ranking of training rows that are all of one kind
                measures = {}
            dead = dead_shares(model, job.plan, fold.data.x_train) if job.counts_dead else []
            results.append(Inspected(measures, tuple(dead)))
    return results


@dataclass(frozen=True)
class Timing:
    """A plan whose step is to be timed on a published fold."""

    plan: NetworkPlan
    fold: str
    threads: int


def time_step(job: Timing) -> float | None:
    """Returns the seconds of one optimizer step of ``Model.fit``, None if it cannot be taken; runs in a worker, alone."""
    from ganas.training.session import prepare_session, silenced

    prepare_session(job.threads)
    from ganas.training.inspection import seconds_per_step

    try:
        with silenced():
            return seconds_per_step(job.plan, fetch(job.fold).data, STEPS_TIMED)
    except Exception:  # what cannot be trained cannot be timed either, and has said why when it was trained
        return None


@dataclass(frozen=True)
class Blueprint:
    """A plan that is to be built, to see whether Keras can."""

    plan: NetworkPlan
    inputs: int
    threads: int


def try_to_build(job: Blueprint) -> str | None:
    """Returns why a plan cannot be built, in one line, or None if it can; runs in a worker."""
    from ganas.training.session import prepare_session, silenced

    prepare_session(job.threads)
    from ganas.training.build import build

    try:
        with silenced():
            model: Any = build(job.plan, job.inputs)
            model.optimizer.build(model.trainable_variables)
    except Exception as error:  # whatever Keras cannot build is the config's business
        return first_line(error)
    return None
