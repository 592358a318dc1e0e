"""The cohort trainer as the contract wants it: any mix of members in, one outcome each out, in order."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence

from ganas.cohorts import Bucket, bucket_of, unsupported
from ganas.errors import SpaceError, with_traceback
from ganas.evaluation import TrainingBudget
from ganas.training.cohort.lanes import run
from ganas.training.cohort.program import program_for
from ganas.training.cohort.progress import Progress
from ganas.training.cohort.rows import Rows, to_device
from ganas.training.contract import Member, Outcome, TrainingData
from ganas.training.session import precision, silenced


def train(
    members: Sequence[Member], data: TrainingData, budget: TrainingBudget, *, pause: int | None = None
) -> list[Outcome]:
    """Trains the members of each bucket together and keeps the contract of ``ganas.training.contract``."""
    outcomes: dict[int, Outcome] = {}
    buckets: dict[Bucket, list[Progress]] = defaultdict(list)
    last = budget.epochs if pause is None else min(pause, budget.epochs)
    for index, member in enumerate(members):
        try:
            bucket = _bucket(member, data, budget)
        except SpaceError as error:
            outcomes[index] = Outcome("failed", message=with_traceback(error))
        else:
            progress = Progress(
                index=index,
                member=member,
                bucket=bucket,
                budget=budget,
                last=last,
                measured_layer=data.measured_layer,
            )
            buckets[bucket].append(progress)
    with silenced(), precision(budget.precision):
        rows = to_device(data, budget.precision)
        for bucket, progresses in buckets.items():
            outcomes |= _train_safely(bucket, rows, progresses)
    return [outcomes[index] for index in range(len(members))]


def _bucket(member: Member, data: TrainingData, budget: TrainingBudget) -> Bucket:
    reason = unsupported(member.plan)
    if reason is None and data.measured_layer == "bottleneck" and member.plan.bottleneck is None:
        reason = "the bottleneck is to be measured, and it has none"
    if reason is not None:
        raise SpaceError(f"the cohort trainer cannot train this plan: {reason}")
    return bucket_of(member.plan, data.x_train.shape, budget, epoch_rows=data.epoch_rows)


def _train_safely(bucket: Bucket, rows: Rows, members: list[Progress]) -> dict[int, Outcome]:
    """Trains one bucket's members; should the program fail, each that has no outcome yet failed with its traceback."""
    outcomes: dict[int, Outcome] = {}
    started = time.perf_counter()
    try:
        for member, lane, outputs in run(program_for(bucket, rows), rows, members):
            outcomes[member.index] = member.outcome(lane, outputs)
    except Exception as error:  # whatever one bucket does must end its own members only
        message, seconds = with_traceback(error), time.perf_counter() - started
        for member in members:
            outcomes.setdefault(member.index, Outcome("failed", message=message, seconds=seconds / len(members)))
    return outcomes
