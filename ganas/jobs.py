"""From the plans of a batch to the jobs of workers, and from what they trained back to one evaluation per plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ganas import cohorts
from ganas.cohorts import Bucket
from ganas.evaluation import Evaluation, TrainingBudget
from ganas.search.plan import NetworkPlan
from ganas.training.contract import Member
from ganas.worker import Job, Trained

KERAS_WORK = 1e7
"""What ``Model.fit`` costs per training row beside its products, in floating-point operations of the same time."""


@dataclass(frozen=True)
class Training:
    """One training to do: plan ``index`` of a batch, on a fold, with one of the repeats' seeds."""

    index: int
    fold: int
    member: Member


@dataclass(frozen=True)
class Package:
    """Trainings that a worker does together, as one job.

    Attributes:
        program: a worker that has done another of the same one has it compiled already; None: Keras compiles every time.
        cost: estimated, in floating-point operations per training row.
    """

    job: Job
    trainings: list[Training]
    program: Bucket | None
    cost: float


def make_jobs(
    groups: Mapping[tuple[str, str], Sequence[Training]],
    shapes: Mapping[str, tuple[int, int]],
    budget: TrainingBudget,
    workers: int,
    **options: Any,
) -> list[Package]:
    """Cuts trainings into jobs, one bucket of the cohort trainer each, or one model each for Keras; long ones first.

    Args:
        groups: trainings by (trainer, path of the published fold).
        shapes: training rows and columns of each published fold.
        budget: of every training.
        workers: how many work at once.
        options: further fields of :class:`~ganas.worker.Job`.
    """
    made: list[Package] = []
    for (trainer, path), trainings in groups.items():
        shape = shapes[path]
        plans = [training.member.plan for training in trainings]
        packed = [[place] for place in range(len(plans))]
        if trainer == "cohort":
            packed = cohorts.pack(plans, shape, budget, workers)
        for places in packed:
            chunk = [trainings[place] for place in places]
            job = Job(trainer, path, tuple(training.member for training in chunk), budget, **options)
            first = plans[places[0]]
            if trainer == "cohort":
                bucket = cohorts.bucket_of(first, shape, budget)
                made.append(Package(job, chunk, bucket, cohorts.work(bucket, len(chunk))))
            else:
                made.append(Package(job, chunk, None, KERAS_WORK + 3.0 * first.flops(shape[1])))
    return sorted(made, key=lambda package: -package.cost)


def combine(plan: NetworkPlan, seed: int, parts: Sequence[Trained], inputs: int, status: str = "ok") -> Evaluation:
    """Returns the evaluation of a plan from its trainings on all folds and repeats."""
    outcomes = [part.outcome for part in parts]
    bad = next((outcome for outcome in outcomes if outcome.status != "ok"), None)
    measures: dict[str, float] = {}
    if bad is None:
        # a fold whose rows are all of one kind has no ranking measure: the mean over the other folds would be another number
        names = [name for name in parts[0].measures if all(name in part.measures for part in parts)]
        measures = {name: fmean([part.measures[name] for part in parts]) for name in names}
    return Evaluation(
        plan,
        seed,
        status if bad is None else bad.status,
        error=measures.pop("error", None),
        measures=measures,
        loss=fmean([outcome.loss or 0.0 for outcome in outcomes]) if bad is None else None,
        parameters=plan.parameters(inputs),
        epochs=sum(outcome.epochs for outcome in outcomes),
        best_epoch=outcomes[0].best_epoch,
        seconds=sum(outcome.seconds for outcome in outcomes),
        curves=tuple(outcome.curves for outcome in outcomes),
        message="" if bad is None else bad.message,
        is_cut=any(part.outcome.is_cut for part in parts),
    )
